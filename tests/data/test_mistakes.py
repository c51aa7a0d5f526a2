"""Broken data, typed as a user would: one line that helps, a status, and nothing left behind."""

from pathlib import Path

import pytest

from tests.conftest import Command
from tests.data.test_csv import ROWS
from tests.data.test_images import folder_of

CSV = "data=csv data.path=table.csv data.target=y"
IMAGES = "data=images data.path=shades"
# What is typed, what the file holds, and what is told.
TABLES = {
    "path": ("data=csv", "", "data.path must be the path of a file. Got None."),
    "target": (
        "data=csv data.path=table.csv",
        "x,y\n",
        "data.target must be the name of a column. Got None. Write for example data.target=COLUMN",
    ),
    "missing": (
        "data=csv data.path=nowhere.csv data.target=y",
        "",
        "nowhere.csv: cannot be read: No such file or directory. Name another file with data.path",
    ),
    "empty": (CSV, "", "table.csv: cannot be read: No columns to parse from file"),
    "no target": (CSV, "x,z\n1,2\n", "data.target: there is no column 'y'. There are 'x' and 'z'."),
    "text": (
        CSV,
        "x,z,y\n" + ROWS + "old,1,a\n",
        "column 'x' must hold finite numbers. Got 'old':",
    ),
    "nan": (CSV, "x,z,y\n" + ROWS + "nan,1,a\n", "values are missing: 'x' in row 21"),
    "one class": (CSV, "x,z,y\n" + ROWS.replace("b", "a"), "holds one class only, 'a'"),
    "parquet": (CSV.replace("csv", "parquet", 1), "x,y\n1,2\n", "table.csv: cannot be read: "),
    "share": (CSV + " data.test=2", ROWS, "data.test must be a number in [0, 1). Got 2."),
    "needless": ("data.target=y", "", "data.target: means something only with data=csv or data="),
}


def assert_told(command: Command, words: str, told: str, outputs: Path) -> None:
    ran = command(*words.split(), "tracking=off")
    assert told in ran.stderr
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert not [*outputs.glob("runs/**/*")]


@pytest.mark.parametrize("case", TABLES)
def test_a_broken_table(case: str, inside: Command, outputs: Path, tmp_path: Path) -> None:
    words, text, told = TABLES[case]
    (tmp_path / "table.csv").write_text(text)
    assert_told(inside, words, told, outputs)


@pytest.mark.parametrize("case", ["path", "missing", "no image", "empty class"])
def test_a_broken_folder(case: str, inside: Command, outputs: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    told = {
        "path": "data.path must be the path of a folder. Got None.",
        "missing": "Name a folder with data.path=FOLDER.",
        "no image": "1 of 41 files in",
        "empty class": "blank holds no files. Put images there, or remove it.",
    }[case]
    words = {"path": "data=images", "missing": f"{IMAGES}/none"}.get(case, IMAGES)
    if case == "no image":
        (folder / "dark" / "notes.png").write_text("notes")
    if case == "empty class":
        (folder / "blank").mkdir()
    assert_told(inside, words, told, outputs)


def test_the_same_table_mended_is_learned(gdexp: Command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("x,z,y\n" + ROWS * 5)
    ran = gdexp(*CSV.split(), "data.columns=[x]", "epochs=1", "tracking=off")
    assert ran.returncode == 0, ran.stderr
    assert "1-30-2 on table" in ran.stdout
