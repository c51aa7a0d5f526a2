"""What an option needs from its user before it can run: a file, and settings that suit it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from gdexp import menu
from tests.conftest import CONF

EXAMPLES = 40
LINES = "".join(f"{k % 2},{k % 5},{k % 10}\n" for k in range(EXAMPLES))
STREAM = "optimizer=stream"


def table() -> pd.DataFrame:
    """Two columns, and a class that they tell."""
    rng = np.random.default_rng(0)
    kind = np.arange(EXAMPLES) % 2
    return pd.DataFrame(
        {
            "length": kind + rng.random(EXAMPLES),
            "city": rng.choice(["Bern", "Oslo", "Rome"], EXAMPLES),
            "kind": np.array(["dark", "light"])[kind],
        }
    )


def images(folder: Path, n: int = EXAMPLES // 2, side: int = 6) -> Path:
    """Make a folder of two classes, n images of each: dark, and light."""
    rng = np.random.default_rng(0)
    for at in range(n):
        for name, least in (("dark", 0), ("light", 128)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(least, least + 128, (side, side), np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{at:03}.png")
    return folder


def _csv(folder: Path) -> list[str]:
    table().to_csv(folder / "table.csv", index=False)
    return [f"data.path={folder / 'table.csv'}", "data.target=kind"]


def _parquet(folder: Path) -> list[str]:
    table().to_parquet(folder / "table.parquet")
    return [f"data.path={folder / 'table.parquet'}", "data.target=kind"]


def _images(folder: Path) -> list[str]:
    return [f"data.path={images(folder / 'images')}", "data.size=6"]


def _file(folder: Path) -> list[str]:
    (folder / "lines.csv").write_text(LINES)
    return [f"data.path={folder / 'lines.csv'}"]


def _numbers(folder: Path) -> list[str]:
    return ["architecture=regression", "eta=1e-5"]


def _two_classes(folder: Path) -> list[str]:
    return ["data=breast_cancer", "eta=0.1"]


NEEDS: dict[str, Callable[[Path], list[str]]] = {
    "architecture=binary": _two_classes,
    "architecture=regression": lambda folder: ["data=houses", "eta=1e-5"],
    "data=csv": _csv,
    "data=diabetes": _numbers,
    "data=file": _file,
    "data=houses": _numbers,
    "data=images": _images,
    "data=parquet": _parquet,
    "stop=budget": lambda folder: ["stop.updates=9"],
    "stop=target": lambda folder: ["stop.accuracy=0.5"],
}


def words_for(option: str, folder: Path) -> list[str]:
    """Give an option with all that it needs, for which files are made in a folder.

    Of those that go only with a stream their own comment says so.
    """
    group, _, name = option.partition("=")
    streams = menu.about(CONF / group / f"{name}.yaml").endswith(f"with {STREAM}")
    return [
        *([STREAM] if streams else []),
        option,
        *(NEEDS[option](folder) if option in NEEDS else []),
    ]
