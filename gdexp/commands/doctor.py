"""``python -m gdexp doctor``: whether all is well, and what to do where it is not."""

import shutil
import textwrap
from collections.abc import Sequence

from gdexp.commands.words import Parser, outputs_of, tracking_of
from gdexp.errors import GdexpError

ABOUT = """\
Looks whether all is well, a line a check: the store, its files, runs that are RUNNING with no
process behind them, journals, checkpoints, caches, versions, disk and memory. Where something is
not, it says what to do, and the exit status is 1.

With --fix it mends what needs no question. A run whose process is gone is closed as KILLED; one
that has ended, as its journal says; a journal's torn last line is dropped; a damaged file of a
cache is removed; a store that was moved names the place where its artifacts are now. A run of
another machine is named, and left alone, unless --host says that nothing runs there any more.

  python -m gdexp doctor
  python -m gdexp doctor --fix
  python -m gdexp doctor outputs=/mnt/old/outputs --fix --host node7
"""
NAME, STATE = 13, 9  # columns
WIDEST, NARROWEST = 110, 60


def main(words: Sequence[str]) -> int:
    """Look at everything, mend what is to be mended, and give the exit status.

    Parameters
    ----------
    words : sequence of str
        As ``--help`` lists them.

    Raises
    ------
    GdexpError
        Where a word cannot be read.
    """
    given = _parser().read(words)
    tracking = tracking_of(given.store)
    if tracking.uri is None:
        raise GdexpError("tracking.uri: must name a store.")

    from gdexp import doctor  # with NumPy and SQLAlchemy: not for --help

    outputs = outputs_of(given.store)
    if given.fix:
        for line in doctor.treat(doctor.Place(outputs, tracking, given.host)):
            _show("mended", "", line)
    wrong = 0
    for check in doctor.examine(doctor.Place(outputs, tracking, given.host)):
        wrong += not check.ok
        _show(check.name, "ok" if check.ok else "problem", check.told)
        for line in check.problems:
            _show("", "", line)
        if check.advice:
            _show("", "", f"-> {check.advice}")
    print(f"\n{'all is well' if not wrong else f'{wrong} to be looked at'}", flush=True)
    return int(bool(wrong))


def _parser() -> Parser:
    """Give what reads the words."""
    parser = Parser("doctor", ABOUT).with_store()
    parser.add_argument("--fix", action="store_true", help="mend what can be mended")
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="nothing runs on this machine any more: its runs are judged, too",
    )
    return parser


def _show(name: str, state: str, text: str) -> None:
    """Print a line in three columns, wrapped to the terminal; paths are not broken."""
    width = min(WIDEST, max(NARROWEST, shutil.get_terminal_size((WIDEST, 24)).columns - 1))
    first, hanging = f"{name:<{NAME}}{state:<{STATE}}", " " * (NAME + STATE)
    more = textwrap.wrap(
        text, width - len(hanging), break_long_words=False, break_on_hyphens=False
    ) or [""]
    print(first + more[0], *(hanging + line for line in more[1:]), sep="\n", flush=True)
