"""What Hydra and the system complain of, said in one line that helps."""

import difflib
import errno
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml
from hydra.errors import MissingConfigException, OverrideParseException, SearchPathException

from gdexp import menu
from gdexp.errors import GdexpError

PUBLISHED = {  # launchers of Hydra's users, and where they are
    "joblib": "hydra-joblib-launcher",
    "ray": "hydra-ray-launcher",
    "ray_aws": "hydra-ray-launcher",
    "submitit_local": "hydra-submitit-launcher",
    "submitit_slurm": "hydra-submitit-launcher",
}
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # where another folder need not help
SEE = "python -m gdexp --help lists all of them."


def complaint(error: Exception, words: Sequence[str], folder: Path | None = None) -> str:
    """Say in one line what is wrong.

    Parameters
    ----------
    error : Exception
        Raised while the command line was composed or the output folder written.
    words : sequence of str
        The command line.
    folder : Path, optional
        What was being written to, where the error does not say.
    """
    if isinstance(error, GdexpError):
        return str(error)
    if isinstance(error, MissingConfigException):
        return _missing(error, words)
    if isinstance(error, OSError):
        return _system(error, folder)
    if isinstance(error, OverrideParseException):
        return (
            f"{error.override}: cannot be read ({_first_line(error)}). Write name=value; a value "
            f"with special characters wants quotes of its own, 'name=\"value\"'. {SEE}"
        )
    if isinstance(error, SearchPathException):
        return f"--config-dir: {_first_line(error)}. Name a folder that holds groups of options."
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{mark.name}, line {mark.line + 1}: {error.problem}. Mend this file."
    return _composition(error, words)


def _composition(error: Exception, words: Sequence[str]) -> str:
    text = _first_line(error)
    if found := re.search(r"Ambiguous value for argument '(.+)'", text):
        return f"{found[1]}: several values make a sweep. Write python -m gdexp -m {found[1]}"
    if found := re.search(r"Could not override '([^']+)'", text):
        name = found[1].replace("hydra.sweeper.", "sweep.").replace("hydra.launcher.", "launcher.")
        name = name.replace("sweep.search", "search")
        if name.startswith("search") and "hydra/sweeper=optuna" not in words:
            return f"{name}: means something only with sweeper=optuna. Write it, too."
        taken = next((word for word in words if word.startswith("hydra/launcher=")), "")
        if name.startswith("launcher.") and taken:
            return f"{name}: {taken.removeprefix('hydra/')} has no such setting. Leave it out."
        if name.startswith("launcher.") and (owner := menu.launcher_with(name)):
            told = f"{name}: means something only with launcher={owner}."
            return f"{told} Write launcher={owner} {name}=..., or leave {name} out."
        return unknown_setting(name, words)
    if found := re.search(r"Could not append to config. An item is already at '([^']+)'", text):
        return f"{found[1]}: is there already. Write {found[1]}=..., without the +."
    if text.startswith("Config group override must be"):
        none = next((word for word in words if word.endswith("=null")), "a group")
        return f"{none}: must name an option. {SEE}"
    key = getattr(error, "full_key", None)
    return f"{key}: {text}" if key else text


def _system(error: OSError, folder: Path | None) -> str:
    """Say that the output folder cannot be written, or what else the system refused."""
    name = error.filename or folder
    if isinstance(error, FileExistsError) and folder is not None:
        return f"outputs: {folder} holds a run already. Name another folder."
    if error.errno in FULL:
        return f"outputs: cannot write {name or 'any more'} ({error.strerror}). {_room(folder)}"
    if name is None:
        return f"cannot write ({error.strerror})"
    return (
        f"outputs: cannot write to {name} ({error.strerror}). "
        "Name another folder with outputs=FOLDER or GDEXP_OUTPUTS."
    )


def _room(folder: Path | None) -> str:
    """Say what to do where the disk is full: a run that has begun is not lost."""
    if folder is None or not (folder / "journal.jsonl").is_file():
        return "Make room for it."
    return f"Make room; the run then goes on with python -m gdexp resume {folder}"


def unknown_setting(name: str, words: Iterable[str]) -> str:
    """Say that there is no such setting: where there would be, or what was meant."""
    folders = menu.folders(words)
    bringing = menu.options_bringing(name.partition(".")[0], folders)
    for owners in (bringing, menu.options_with(name, folders)):
        if owners and not _chosen(owners, words):
            return (
                f"{name}: means something only with {' or '.join(owners)}. "
                f"Write {owners[0]} {name}=..., or leave {name} out."
            )
    near = difflib.get_close_matches(name, menu.settings(folders), n=1, cutoff=0.6)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"{name}: no such setting.{meant} {SEE}"


def _chosen(owners: Iterable[str], words: Iterable[str]) -> bool:
    """Whether a setting's option is taken, so that something else is wrong with it."""
    return any(word in owners for word in words)


def _missing(error: MissingConfigException, words: Sequence[str]) -> str:
    group, _, option = (error.missing_cfg_file or "").rpartition("/")
    group = group.removeprefix("hydra/")
    if group == "launcher" and option in PUBLISHED:
        return f"launcher={option}: is not installed. Write pip install {PUBLISHED[option]}"
    # Of an option in a list Hydra does not say what else there is.
    options = error.options or [*menu.groups(menu.folders(words)).get(group, ())]
    if not group or not options:
        return _first_line(error)
    told = f"{group} must be one of {', '.join(options)}. Got {option!r}."
    return f"{told} Write for example {group}={options[0]}."


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip() if lines else type(error).__name__


def clear_away(folder: Path, outputs: Path) -> None:
    """Remove the empty folders below `outputs` that were made for a run that never began."""
    for each in (folder, *folder.parents):
        if outputs not in each.parents:
            return
        try:
            each.rmdir()
        except OSError:
            return
