"""Data files that lie inside the installed scikit-learn."""

from importlib.util import find_spec
from pathlib import Path

from gdexp.errors import GdexpError


def bundled(file: str, option: str) -> Path:
    """Say where one of scikit-learn's data files is.

    Importing sklearn takes over a second; its file is all that is needed.

    Parameters
    ----------
    file : str
        The file's name, as ``digits.csv.gz``.
    option : str
        The option of `data` that needs it.

    Raises
    ------
    GdexpError
        Where scikit-learn is not installed.
    """
    spec = find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        raise GdexpError(f"data={option} needs scikit-learn. Got none: pip install scikit-learn.")
    return Path(spec.submodule_search_locations[0], "datasets", "data", file)
