"""A section of the suite as a command: its tables go to the screen and into the docs."""

import argparse
import sys
from collections.abc import Callable

from benchmarks import document
from benchmarks.machine import machine

DOC = "performance.md"
ROUNDS = 5


def arguments(about: str | None) -> argparse.ArgumentParser:
    """Give a parser of what every section takes."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rounds", type=_rounds, default=ROUNDS, help="of each thing (%(default)s)"
    )
    parser.add_argument("--dry", action="store_true", help="leave the docs as they are")
    return parser


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on, not {text!r}")
    return int(text)


def run(name: str, about: str | None, measure: Callable[[int], list[str]]) -> None:
    """Measure, print what was found, and write it into docs/performance.md.

    Parameters
    ----------
    name : str
        The section's, as its marks in the doc have it.
    about : str
        What ``--help`` says.
    measure : callable
        Takes the number of rounds; gives lines of Markdown.
    """
    given = arguments(about).parse_args()
    lines = measure(given.rounds)
    print("\n".join(lines))
    if not given.dry:
        document.put(DOC, f"make bench {name}", lines)
        document.put(DOC, "make bench machine", machine())


def step(text: str) -> None:
    """Say what is done now: the whole takes minutes."""
    print(f"{text} ...", file=sys.stderr, flush=True)
