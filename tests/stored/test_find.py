"""References to runs, and stores that are not there or damaged."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gdexp.errors import GdexpError
from gdexp.stored import Reader, StoredRun, epochs, files, find, find_one, history, summary
from tests.stores import NETWORKS, named, opened, uri_of

BOOK = "reference sgd m=10 eta=3 s=0"


def folder_of(store: Path, run: StoredRun) -> Path:
    (found,) = [
        each.parent
        for each in store.glob("sweeps/*/*/*/mlflow.json")
        if run.id in each.read_text(encoding="utf-8")
    ]
    return found


def test_a_run_goes_by_several_names(store: Path, reader: Reader, runs: list[StoredRun]) -> None:
    book = named(runs, BOOK)
    for reference in (book.id, book.id[:8], book.id[:4], BOOK, str(folder_of(store, book))):
        assert find_one(reader, reference) == book
    assert find_one(reader, "latest") == runs[0]
    assert find_one(reader, "latest~3", "gdexp") == runs[3]


def test_several_keep_their_order_and_each_is_there_once(
    reader: Reader, runs: list[StoredRun]
) -> None:
    found = find(reader, ["latest~2", runs[0].id, "latest", BOOK], "", "gdexp")
    assert found == [runs[2], runs[0], named(runs, BOOK)]
    assert find(reader, [], "problem=network", "gdexp") == runs[-NETWORKS:]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("0" * 32, "there is none such in experiment 'gdexp'"),
        ("abc", "there is none such"),  # too short for the beginning of an id
        ("latest~19", "there are 19 runs"),
        ("no such name", "Write the id of a run or its beginning"),
    ],
)
def test_a_run_that_is_not_there(reader: Reader, reference: str, told: str) -> None:
    with pytest.raises(GdexpError, match=re.escape(told)):
        find_one(reader, reference, "gdexp")


def test_a_name_of_several_runs_is_refused(
    changed: Callable[..., Path], runs: list[StoredRun]
) -> None:
    reader = opened(changed("UPDATE runs SET name = 'twin'"))
    with pytest.raises(GdexpError, match=r"19 runs are meant .* Write an id"):
        find_one(reader, "twin")


def test_a_folder_whose_run_is_not_tracked(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").touch()
    with pytest.raises(GdexpError, match="the run of this folder is not tracked"):
        find_one(reader, str(tmp_path))


def test_what_is_not_there_is_told(reader: Reader) -> None:
    with pytest.raises(
        GdexpError, match=r"experiment 'none' is not in the store. There are: gdexp"
    ):
        find(reader, [], "", "none")
    with pytest.raises(GdexpError, match="none of the 19 runs in experiment 'gdexp' meets"):
        find(reader, [], "eta > 1000", "gdexp")
    with pytest.raises(GdexpError, match="experiment 'Default' has no runs"):
        find(reader, [], "", "Default")


def test_only_runs_that_trained_are_found(
    changed: Callable[..., Path], runs: list[StoredRun]
) -> None:
    sweep = (
        f"UPDATE tags SET value = 'sweep' WHERE key = 'gdexp.kind' AND run_uuid = '{runs[0].id}'"
    )
    assert find_one(opened(changed(sweep)), "latest") == runs[1]


@pytest.mark.parametrize("content", [b"not a database, but some text\n" * 20, b""])
def test_a_store_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mlflow.db").write_bytes(content)
    with pytest.raises(GdexpError) as raised:
        list(opened(tmp_path).runs())
    assert "mlflow.db" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(GdexpError, match=r"there is no store at .*mlflow\.db yet"):
        opened(tmp_path)


def test_a_store_with_a_table_too_few(changed: Callable[..., Path]) -> None:
    reader = opened(changed("DROP TABLE params"))
    with pytest.raises(GdexpError, match=r"cannot read sqlite.*no such table: params"):
        list(reader.runs())


def test_tables_are_tidy(reader: Reader, runs: list[StoredRun]) -> None:
    table = summary(runs)
    assert list(table.index) == [run.id for run in runs]
    assert table.loc[runs[-1].id, "eta"] == 3.0
    assert table["best/val_accuracy"].count() == NETWORKS
    curves = epochs(reader, runs, ["train/cost_mean", "val/accuracy"])
    assert list(curves.columns) == ["run", "epoch", "train/cost_mean", "val/accuracy"]
    assert list(curves["run"].unique()) == [run.id for run in runs]
    assert len(curves) == 3 * NETWORKS + 3 * 5
    assert summary([]).empty


def test_a_history_is_the_journal_or_else_what_the_store_has(
    store: Path, reader: Reader, runs: list[StoredRun], tmp_path: Path
) -> None:
    run = named(runs, BOOK)
    whole = history(reader, run, uri_of(store))
    assert whole.whole
    assert sorted(whole.epochs) == [0, 1, 2]
    assert whole.digests is not None
    assert [name.split()[1] for name in whole.digests] == ["train", "validation", "test"]
    without = history(reader, moved(run, tmp_path), uri_of(store))
    assert not without.whole
    assert without.digests is None
    assert {k: dict(v) for k, v in without.epochs.items()} == {
        epoch: {name: value for name, value in measured.items() if name in without.epochs[0]}
        for epoch, measured in whole.epochs.items()
    }


def test_a_damaged_journal_is_not_believed(
    store: Path, reader: Reader, runs: list[StoredRun], tmp_path: Path
) -> None:
    run = named(runs, BOOK)
    lines = files.read(run, "journal.jsonl", uri_of(store)).splitlines()
    lines[2] = lines[2].replace(b"1", b"2", 1)
    (tmp_path / "journal.jsonl").write_bytes(b"\n".join(lines))
    found = history(reader, moved(run, tmp_path), uri_of(store))
    assert not found.whole
    assert "damaged in line 3" in found.why


def moved(run: StoredRun, folder: Path) -> StoredRun:
    return replace(run, artifacts=str(folder))
