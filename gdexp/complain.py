"""What Hydra and the system complain of, said in one line that helps."""

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from hydra.errors import MissingConfigException, OverrideParseException, SearchPathException

from gdexp import menu
from gdexp.errors import GdexpError

SEE = "python -m gdexp --help lists all of them."


def complaint(error: Exception, words: Sequence[str]) -> str:
    """Say in one line what is wrong.

    Parameters
    ----------
    error : Exception
        Raised while the command line was composed or the output folder made.
    words : sequence of str
        The command line.
    """
    if isinstance(error, GdexpError):
        return str(error)
    if isinstance(error, MissingConfigException):
        return _missing(error)
    if isinstance(error, OverrideParseException):
        return f"{error.override}: cannot be read ({_first_line(error)}). Write name=value; {SEE}"
    if isinstance(error, OSError):
        return cannot_write(error)
    if isinstance(error, SearchPathException):
        return f"--config-dir: {_first_line(error)}. Name a folder that holds groups of options."
    if found := re.search(r"Ambiguous value for argument '(.+)'", str(error)):
        return f"{found[1]}: several values make a sweep. Write python -m gdexp -m {found[1]}"
    if found := re.search(r"Could not override '([^']+)'", str(error)):
        return unknown_setting(found[1], words)
    return _first_line(error)


def cannot_write(error: OSError) -> str:
    """Say that the output folder cannot be written."""
    return (
        f"outputs: cannot write to {error.filename} ({error.strerror}). "
        "Name another folder with outputs=FOLDER or GDEXP_OUTPUTS."
    )


def unknown_setting(name: str, words: Iterable[str]) -> str:
    """Say that there is no such setting: where there would be, or what was meant."""
    folders = menu.folders(words)
    if owners := menu.options_with(name, folders):
        return (
            f"{name}: means something only with {' or '.join(owners)}. "
            f"Write {owners[0]} {name}=..., or leave {name} out."
        )
    near = difflib.get_close_matches(name, menu.settings(folders), n=1, cutoff=0.6)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"{name}: no such setting.{meant} {SEE}"


def _missing(error: MissingConfigException) -> str:
    group, _, option = (error.missing_cfg_file or "").rpartition("/")
    if not group or error.options is None:
        return _first_line(error)
    options = ", ".join(error.options)
    example = f"{group}={error.options[0]}"
    return f"{group} must be one of {options}. Got {option!r}. Write for example {example}."


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__


def clear_away(folder: Path, outputs: Path) -> None:
    """Remove the empty folders that were made for a run that never began."""
    for each in (folder, *folder.parents):
        if outputs not in (each, *each.parents):
            return
        try:
            each.rmdir()
        except OSError:
            return
