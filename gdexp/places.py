"""Where things are: the menu (conf/) and the folder that runs write to (outputs/)."""

import os
from pathlib import Path

PACKAGE = Path(__file__).parent
OUTPUTS = "GDEXP_OUTPUTS"  # environment variable that names the outputs folder


def checkout() -> Path | None:
    """Give the root of the checkout that this code runs from; None for an installed wheel."""
    root = PACKAGE.parent
    return root if (root / "conf" / "config.yaml").is_file() else None


def conf() -> Path:
    """Give the folder of the menu: inside the package in a wheel, beside it in a checkout."""
    inside = PACKAGE / "conf"
    return inside if inside.is_dir() else PACKAGE.parent / "conf"


def outputs() -> Path:
    """Give the outputs folder, the same from any working directory of a project.

    GDEXP_OUTPUTS names it; else it is the checkout's; else, for an installed wheel, the nearest
    one with a store in it, looking upwards from the working directory; else ./outputs.
    """
    if named := os.environ.get(OUTPUTS):
        return Path(named).expanduser().absolute()
    if root := checkout():
        return root / "outputs"
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "outputs" / "mlflow.db").is_file():
            return folder / "outputs"
    return here / "outputs"
