"""A checkpoint is whole or not there, and reads as it was written or not at all."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn

from gdexp.tracking import checkpoint
from gdexp.tracking.checkpoint import Checkpoint, CheckpointError

ARRAYS = st.dictionaries(
    st.text("abc.", min_size=1, max_size=5),
    hn.arrays(st.sampled_from(["f4", "f8"]), hn.array_shapes(min_dims=0, max_dims=2, min_side=0)),
    max_size=3,
)
ONE = Checkpoint({"counts": [3, 9, 90], "rng": {"state": 2**127}}, {"v": np.arange(5.0)})


@given(ARRAYS, st.dictionaries(st.text(), st.integers() | st.floats(allow_nan=False)))
def test_it_reads_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, arrays: dict[str, Any], facts: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    checkpoint.write(folder, 7, Checkpoint(facts, arrays))
    (path,) = checkpoint.listed(folder)
    found = checkpoint.read(path)
    assert found.facts == facts
    assert list(found.arrays) == list(arrays)
    for name, array in arrays.items():
        assert found.arrays[name].dtype == array.dtype
        assert found.arrays[name].shape == array.shape
        assert found.arrays[name].tobytes() == array.tobytes()


def test_any_change_of_a_byte_is_noticed_and_any_end_too_early(tmp_path: Path) -> None:
    checkpoint.write(tmp_path, 1, ONE)
    (path,) = checkpoint.listed(tmp_path)
    whole = path.read_bytes()
    for at in range(len(whole)):
        for changed in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]):
            path.write_bytes(changed)
            with pytest.raises(CheckpointError, match=path.name):
                checkpoint.read(path)


@pytest.mark.parametrize(
    "line",
    [
        '{"facts": {}, "arrays": {"v": ["<f8", [1099511627776]]}}',
        '{"facts": {}, "arrays": {"v": ["|O", [1]]}}',
        '{"facts": {}, "arrays": {"v": ["<f8", [-1]]}}',
        '{"facts": {}, "arrays": {"v": ["<f8", [0, 1e400]]}}',
        '{"facts": {}, "arrays": {"v": "<f8"}}',
        '{"facts": 3, "arrays": {}}',
        "[" * 100_000,
    ],
)
def test_what_it_promises_is_not_believed(line: str, tmp_path: Path) -> None:
    path = tmp_path / "000000000001.checkpoint"
    path.write_bytes(checkpoint.MAGIC + b"00000000\n" + line.encode() + b"\n" + b"\0" * 8)
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.read(path)


def test_the_last_two_are_kept(tmp_path: Path) -> None:
    for number in (1, 2, 10, 9999):
        checkpoint.write(tmp_path, number, ONE)
    assert [int(path.stem) for path in checkpoint.listed(tmp_path)] == [9999, 10]
    checkpoint.remove(tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_one_that_cannot_be_written_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint.write(tmp_path, 1, ONE)

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.write(tmp_path, 2, ONE)
    (path,) = (tmp_path / checkpoint.FOLDER).iterdir()
    assert checkpoint.read(path).facts == ONE.facts
