"""The journal gives back what was written, and nothing else."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdexp.tracking.journal import NAME, Journal, JournalError, Reader, seal, unseal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
KEYS = st.text(max_size=9).filter(lambda key: key != "crc")


@given(st.dictionaries(KEYS, JSON, min_size=1, max_size=4))
def test_a_line_is_json_and_reads_as_it_was_written(record: dict[str, object]) -> None:
    line = seal(record)
    assert "\n" not in line
    plain = json.loads(line)
    assert len(plain.pop("crc")) == 8
    assert unseal(line) == plain
    if not has_infinity(record):
        assert unseal(line) == record


def has_infinity(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(has_infinity, value.values()))
    if isinstance(value, list):
        return any(map(has_infinity, value))
    return isinstance(value, float) and math.isinf(value)


@given(st.dictionaries(st.text(min_size=1), st.floats(), min_size=1), st.data())
def test_any_single_change_is_noticed(record: dict[str, object], data: st.DataObject) -> None:
    line = seal(record)
    at = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != line[at]))
    with pytest.raises(ValueError, match=r"checksum does not match"):
        unseal(line[:at] + other + line[at + 1 :])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.1, 1e-308, -0.0])
def test_every_float_comes_back_bit_for_bit(value: float) -> None:
    back = float(unseal(seal({"x": value}))["x"])
    assert math.copysign(1, back) == math.copysign(1, value) or math.isnan(value)
    assert back == value or (math.isnan(value) and math.isnan(back))


def test_a_reader_follows_a_journal_as_it_grows(tmp_path: Path) -> None:
    journal, reader = Journal(tmp_path), Reader(tmp_path)
    assert [*reader.new()] == []
    journal.write("start", seed=3)
    assert [(r["kind"], r["seed"]) for r in reader.new()] == [("start", 3)]
    journal.write("epoch", epoch=0)
    journal.write("end")
    journal.close()
    assert [record["kind"] for record in reader.new()] == ["epoch", "end"]
    assert [*reader.new()] == []
    assert journal.closed


def test_a_line_that_is_still_being_written_waits(tmp_path: Path) -> None:
    line, reader = seal({"kind": "epoch"}) + "\n", Reader(tmp_path)
    path = tmp_path / NAME
    for end in range(len(line)):
        path.write_text(line[:end])
        assert [*reader.new()] == []
    path.write_text(line)
    assert [*reader.new()] == [{"kind": "epoch"}]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(3):
        journal.write("epoch", epoch=number)
    journal.close()
    path = tmp_path / NAME
    path.write_text(path.read_text().replace('"epoch":1', '"epoch":7'))
    reader = Reader(tmp_path).new()
    assert next(reader)["epoch"] == 0
    with pytest.raises(JournalError, match=rf"{NAME}, line 2: checksum"):
        next(reader)


def test_a_journal_is_never_written_over(tmp_path: Path) -> None:
    Journal(tmp_path).close()
    with pytest.raises(FileExistsError):
        Journal(tmp_path)
