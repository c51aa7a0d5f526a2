"""Tables in files: what becomes of columns, and what a broken table is told."""

import gzip
from pathlib import Path
from typing import Any

import hydra.utils
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from sklearn.preprocessing import OneHotEncoder

from gdexp.data import Csv, Dataset, Parquet
from gdexp.errors import GdexpError, SettingError
from tests.data.conftest import CONF

PEOPLE = pd.DataFrame(
    {
        "age": [30, 41, 52, 23, 34, 45, 56, 27, 38, 49] * 4,
        "height": [1.7, 1.82, 1.65, 1.9, 1.75, 1.6, 1.8, 1.77, 1.68, 1.71] * 4,
        "city": ["Rome", "Oslo", "Rome", "Bern", "Oslo"] * 8,
        "member": [True, False] * 20,
        "bought": ["yes", "no", "no", "yes", "no", "yes", "no", "no"] * 5,
        "spent": np.linspace(0.5, 99.5, 40),
    }
)


@pytest.fixture
def people(tmp_path: Path) -> str:
    path = tmp_path / "people.csv"
    PEOPLE.to_csv(path, index=False)
    return str(path)


def written(folder: Path, text: str) -> str:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


def whole(data: Dataset, what: str) -> Any:
    """All examples in the order of the file's rows: the parts are dealt out by a seed."""
    n = sum(map(len, data.parts.values()))
    shuffled = np.concatenate([getattr(part, what) for part in data.parts.values()])
    back = np.empty_like(shuffled)
    back[np.random.default_rng(0).permutation(n)] = shuffled
    return back


def test_numbers_truths_and_categories(people: str) -> None:
    data = Csv(people, "bought", scaling="none").load()
    assert data.feature_names == (
        *("age", "height", "city=Bern", "city=Oslo", "city=Rome", "member", "spent"),
    )
    inputs = whole(data, "inputs")
    for name in ("age", "height", "member", "spent"):
        at = data.feature_names.index(name)
        np.testing.assert_array_equal(inputs[:, at], PEOPLE[name].to_numpy(float))
    oracle = OneHotEncoder(sparse_output=False).fit_transform(PEOPLE[["city"]].to_numpy(object))
    np.testing.assert_array_equal(inputs[:, 2:5], oracle)
    assert (data.name, data.classes, data.class_names) == ("people", 2, ("no", "yes"))
    np.testing.assert_array_equal(whole(data, "labels") == 1, PEOPLE["bought"] == "yes")
    assert data.train.labels.dtype == np.uint8


def test_numbers_are_scaled_by_the_training_part_and_flags_are_not(people: str) -> None:
    raw, data = Csv(people, "bought", scaling="none").load(), Csv(people, "bought").load()
    mean, std = raw.train.inputs.mean(axis=0), raw.train.inputs.std(axis=0)
    for at, name in enumerate(data.feature_names):
        flag = "=" in name or name == "member"
        assert data.shift[at] == pytest.approx(0 if flag else mean[at])
        assert data.spread[at] == pytest.approx(1 if flag else std[at])
    for part, values in data.parts.items():
        wanted = (raw.parts[part].inputs - data.shift) / data.spread
        np.testing.assert_array_equal(values.inputs, wanted)


def test_unit_scaling_brings_the_training_part_into_0_to_1(people: str) -> None:
    data = Csv(people, "bought", scaling="unit").load()
    np.testing.assert_array_equal(data.train.inputs.min(axis=0), 0)
    np.testing.assert_array_equal(data.train.inputs.max(axis=0), 1)


@pytest.mark.parametrize("scaling", ["standardize", "unit"])
@pytest.mark.parametrize("value", ["7", "0.1", "1e300"])
def test_a_column_that_is_constant_becomes_zero(value: str, scaling: str, tmp_path: Path) -> None:
    rows = "\n".join(f"{value},{each},{'ab'[each % 2]}" for each in range(20))
    data = Csv(written(tmp_path, f"same,x,y\n{rows}\n"), "y", scaling=scaling).load()
    np.testing.assert_array_equal(whole(data, "inputs")[:, 0], 0)


def test_parquet_gives_what_csv_gives(people: str, tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    PEOPLE.assign(city=PEOPLE["city"].astype("category")).to_parquet(path)
    for target in ("bought", "spent", "city"):
        one, other = Csv(people, target).load(), Parquet(str(path), target).load()
        assert one.feature_names == other.feature_names
        assert one.class_names == other.class_names
        for part in one.parts:
            assert one.parts[part].digest == other.parts[part].digest


def test_rows_are_dealt_out_by_shares_and_seed(people: str) -> None:
    data = Csv(people, "bought", validation=0.25, test=0.1).load()
    assert [len(part) for part in data.parts.values()] == [26, 10, 4]
    digests = [Csv(people, "bought", split_seed=seed).load().train.digest for seed in (5, 5, 6)]
    assert digests[0] == digests[1] != digests[2]


def test_columns_and_categories_are_chosen(people: str) -> None:
    data = Csv(people, "bought", columns=["spent", "age"], categories=["age"]).load()
    ages = sorted(set(PEOPLE["age"]))
    assert data.feature_names == ("spent", *(f"age={age}" for age in ages))


@pytest.mark.parametrize(
    ("cells", "task", "classes"),
    [
        (["no", "yes"] * 20, "auto", ("no", "yes")),
        ([True, False] * 20, "auto", ("False", "True")),
        ([3, 10] * 20, "auto", ("3", "10")),
        ([3.0, 10.0] * 20, "auto", ("3", "10")),
        (list(range(8)) * 5, "auto", tuple(map(str, range(8)))),
        ([*range(9), *range(9), *range(9), *range(9), 0, 1, 2, 3], "auto", ()),  # too few of each
        (list(range(40)), "auto", ()),
        ([0.5, 1.5] * 20, "auto", ()),
        ([0.5, 1.5] * 20, "classes", ("0.5", "1.5")),
        ([0, 1] * 20, "numbers", ()),
        ([True, False] * 20, "numbers", ()),
        (["1", "2", "10+", "x"] * 10, "classes", ("1", "10+", "2", "x")),
    ],
)
def test_the_task_is_told_by_the_target(
    cells: list[Any], task: str, classes: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame({"x": range(40), "y": cells}).to_csv(path, index=False)
    data = Csv(str(path), "y", task=task).load()
    assert data.class_names == classes
    labels = whole(data, "labels")
    if classes:
        told = [f"{cell:g}" if type(cell) in (int, float) else str(cell) for cell in cells]
        assert [classes[label] for label in labels] == told
    else:
        np.testing.assert_array_equal(labels, np.array(cells, float))


def test_twenty_whole_numbers_are_classes_and_twenty_one_are_not(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for many in (20, 21):
        pd.DataFrame({"x": range(420), "y": np.arange(420) % many}).to_csv(path, index=False)
        assert Csv(str(path), "y").load().classes == (20 if many == 20 else 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=20, max_size=30))
def test_numbers_are_read_to_the_last_bit(numbers: list[float], tmp_path: Path) -> None:
    rows = "\n".join(f"{number!r},{at}.5" for at, number in enumerate(numbers))
    path = written(tmp_path, f"x,y\n{rows}\n")
    data = Csv(path, "y", scaling="none").load()
    np.testing.assert_array_equal(whole(data, "inputs")[:, 0], numbers)


def test_missing_values_are_named_or_dropped(tmp_path: Path) -> None:
    frame = PEOPLE.astype({"age": float, "member": object})
    frame.loc[[2, 7], "age"] = np.nan
    frame.loc[4, "city"] = None
    frame.loc[5, "member"] = None
    path = tmp_path / "holes.csv"
    frame.to_csv(path, index=False)
    with pytest.raises(GdexpError) as error:
        Csv(str(path), "bought").load()
    told = "values are missing: 'age' in rows 3 and 8, 'city' in row 5 and 'member' in row 6"
    assert told in str(error.value)
    assert "data.missing=drop" in str(error.value)
    data = Csv(str(path), "bought", missing="drop").load()
    assert sum(map(len, data.parts.values())) == 36
    assert data.source == f"{path} (4 rows that lack values left out)"
    assert "member" in data.feature_names, "still truths, once the holes are gone"
    complete = Csv(str(path), "bought", columns=["height"]).load()
    assert sum(map(len, complete.parts.values())) == 40, "other columns may lack values"


def test_rows_keep_their_numbers_where_others_are_dropped(tmp_path: Path) -> None:
    path = written(tmp_path, "x,z,y\n,1,a\n" + ROWS + "old,1,a\n")
    with pytest.raises(GdexpError, match="Got 'old': row 22 "):
        Csv(path, "y", missing="drop").load()


def test_packed_or_with_another_separator_or_a_mark_of_its_encoding(
    people: str, tmp_path: Path
) -> None:
    wanted = Csv(people, "bought").load().train.digest
    text = Path(people).read_text()
    packed, other, marked = (tmp_path / name for name in ("p.csv.gz", "o.csv", "m.csv"))
    packed.write_bytes(gzip.compress(text.encode()))
    other.write_text(text.replace(",", ";"))
    marked.write_text(text.replace(",", ", "), encoding="utf-8-sig")
    assert Csv(str(packed), "bought").load().train.digest == wanted
    assert Csv(str(other), "bought", separator=";").load().train.digest == wanted
    assert Csv(str(marked), "bought").load().train.digest == wanted


@pytest.mark.parametrize("option", ["csv", "parquet"])
def test_option_has_the_defaults_of_its_class(option: str) -> None:
    node = OmegaConf.load(CONF / f"{option}.yaml")
    node.path, node.target = "x", "y"
    made = hydra.utils.instantiate(node, _convert_="all")
    assert made == {"csv": Csv, "parquet": Parquet}[option]("x", "y")


ROWS = "".join(f"{n},{n / 2 + 0.3},{'ab'[n % 2]}\n" for n in range(20))
BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "empty": ("", {}, "cannot be read: No columns to parse from file"),
    "header only": ("x,z,y\n", {}, "holds no rows"),
    "no target": ("x,z,what\n" + ROWS, {}, "data.target: there is no column 'y'. There are 'x', "),
    "no column": (
        "x,z,y\n" + ROWS,
        {"columns": ["x", "q"]},
        "data.columns: there is no column 'q'",
    ),
    "no category": ("x,z,y\n" + ROWS, {"categories": ["q"]}, "data.categories: there is no input"),
    "twice": ("x,x,y\n" + ROWS, {}, "2 columns are called 'x'"),
    "target twice": ("y,z,y\n" + ROWS, {}, "2 columns are called 'y'"),
    "nameless": (",z,y\n" + ROWS, {}, "column 1 has no name"),
    "target alone": ("y\n" + "a\nb\n" * 9, {}, "no column but the target"),
    "text": (
        "x,z,y\n" + ROWS + "old,1,a\n3,2,b\n?,3,a\n",
        {},
        "column 'x' must hold finite numbers. Got 'old': rows 21 and 23 (row 1",
    ),
    "infinite": ("x,z,y\n" + ROWS + "inf,1,a\n", {}, "Got 'inf': row 21"),
    "beyond float64": ("x,z,y\n" + ROWS + "1e999,1,a\n", {}, "'x' must hold finite numbers"),
    "nan": ("x,z,y\n" + ROWS + "nan,1,a\n1,,a\n", {}, "'x' in row 21 and 'z' in row 22"),
    "no target value": ("x,z,y\n" + ROWS + "1,1,\n", {}, "values are missing: 'y' in row 21"),
    "all missing": ("x,z,y\n" + ",,a\n" * 9, {"missing": "drop"}, "every row lacks a value"),
    "one class": ("x,z,y\n" + ROWS.replace("b", "a"), {}, "holds one class only, 'a', in all 20"),
    "ids": (
        "x,z,y\n" + "".join(f"{n},1,id{n}\n" for n in range(20)),
        {},
        "holds 20 different values, such as 'id0' and 'id1', in 20 rows: too many for classes",
    ),
    "dates": (
        "x,z,y\n" + "".join(f"{n},on day {n},{'ab'[n % 2]}\n" for n in range(200)),
        {},
        "column 'z' holds 200 different texts, such as 'on day 0' and 'on day 1': too many",
    ),
    "text target": (
        "x,z,y\n" + "".join(f"{n},1,{n + 0.5}\n" for n in range(20)) + "1,1,dear\n",
        {},
        "column 'y' must hold finite numbers. Got 'dear': row 21",
    ),
    "no numbers": ("x,z,y\n" + ROWS, {"task": "numbers"}, "column 'y' must hold finite numbers"),
    "rare class": ("x,z,y\n" + ROWS + "1,1,c\n", {"split_seed": "RARE"}, "is of class 'c'"),
    "ragged": ("x,z,y\n" + ROWS + "1,2,3,4\n", {}, "Expected 3 fields in line 22, saw 4"),
    "longer than the header": (
        "x,y\n" + ROWS,
        {},
        "its rows hold more cells than its header has names",
    ),
    "shorter than the header": ("x,z,y\n" + ROWS + "1\n", {}, "'z' in row 21 and 'y' in row 21"),
    "too few": ("x,z,y\n0,1,a\n1,1,b\n", {"task": "classes"}, "leave none for validation"),
    "too large": ("x,z,y\n" + ROWS + "1e308,1,a\n-1e308,1,b\n" * 9, {}, "column 'x' goes beyond"),
    "wrong separator": ("x;z;y\n" + ROWS.replace(",", ";"), {}, "There are 'x;z;y'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_table_is_told_in_one_line(case: str, tmp_path: Path) -> None:
    text, how, told = BROKEN[case]
    path = written(tmp_path, text)
    if how.get("split_seed") == "RARE":  # one that deals the only "c", the last row, to the others
        order = (np.random.default_rng(seed).permutation(21) for seed in range(99))
        how = {"split_seed": next(at for at, each in enumerate(order) if 20 in each[15:])}
    with pytest.raises(GdexpError) as error:
        Csv(path, "y", **how).load()
    assert str(error.value).startswith(f"{path}: ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin.csv"
    latin.write_bytes("x,y\nZürich,1\n".encode("latin-1"))
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(ROWS.encode())[:-9])
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and so on")
    for source, told in [
        (Csv(str(tmp_path / "none.csv"), "y"), "No such file or directory"),
        (Csv(str(tmp_path), "y"), "Is a directory"),
        (Csv(str(latin), "y"), "'utf-8' codec can't decode byte"),
        (Csv(str(cut), "y"), "Compressed file ended"),
        (Parquet(str(broken), "y"), ""),
        (Parquet(str(tmp_path / "none.parquet"), "y"), "No such file or directory"),
    ]:
        with pytest.raises(GdexpError) as error:
            source.load()
        assert f"{source.path}: cannot be read: {told}" in str(error.value)
        assert str(error.value).endswith("Name another file with data.path=FILE.")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"path": None}, "path must be the path of a file. Got None. Write for example path=FILE."),
        ({"path": " "}, "path must be the path of a file"),
        ({"target": None}, "target must be the name of a column. Got None."),
        ({"columns": "x"}, "columns must be a list of names of columns. Got 'x'."),
        ({"columns": ["x", "x"]}, "columns must be different columns"),
        ({"columns": ["x", "y"]}, "columns must be other columns than the target"),
        ({"categories": [True]}, "categories must be the name of a column. Got True."),
        ({"task": "guess"}, "task must be one of auto, classes, numbers. Got 'guess'."),
        ({"missing": "mean"}, "missing must be one of error, drop. Got 'mean'."),
        ({"scaling": "log"}, "scaling must be one of standardize, unit, none. Got 'log'."),
        ({"separator": ";;"}, "separator must be one character. Got ';;'."),
        ({"validation": 0.9, "test": 0.2}, "test must be a share that leaves some for training"),
    ],
)
def test_settings_that_are_not_allowed(how: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingError) as error:
        Csv(**{"path": "t.csv", "target": "y", **how})
    assert told in str(error.value)


def test_columns_named_by_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, "2023,2024,y\n" + ROWS)
    assert Csv(path, "y", columns=[2024]).load().feature_names == ("2024",)  # type: ignore[list-item]
