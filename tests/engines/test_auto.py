"""Which engine engine=auto takes, and that a run's record names it."""

import json
from pathlib import Path

import pytest

from gdexp.data import Dataset, Digits
from gdexp.engines import Auto, Blas, Compiled, auto
from gdexp.engines.compiled.engine import installed
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import Command, small_dataset
from tests.engines.conftest import thinned

needs_numba = pytest.mark.skipif(
    not installed(), reason="not run: no Numba; pip install 'gdexp[compiled]'"
)


def network(dataset: Dataset, *hidden: int, dtype: str = "float32") -> Network:
    return Network(Architecture(hidden), Quadratic(), dataset, dtype)


@pytest.fixture
def compiled_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "installed", lambda: True)
    monkeypatch.setattr(auto, "is_compiled", lambda form, precision: True)


@pytest.fixture
def never_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auto, "installed", lambda: True)
    monkeypatch.setattr(auto, "is_compiled", lambda form, precision: False)


@pytest.mark.parametrize("m", [1, 10, 100, 50_000])
@pytest.mark.parametrize("hidden", [[], [30], [100], [20, 20]])
@pytest.mark.usefixtures("compiled_before")
def test_sparse_images_and_small_networks_are_compiled(
    hidden: list[int], m: int, mnist: Dataset
) -> None:
    choice = Auto("float32").choose(network(mnist, *hidden), m, 1000)
    assert choice.engine == Compiled("float32")
    assert choice.why.startswith("auto: about ")


@pytest.mark.usefixtures("compiled_before")
def test_large_dense_layers_in_large_batches_go_to_blas() -> None:
    wide = network(thinned(small_dataset(n=1000, n_in=784), 1.0), 300, 300)
    assert Auto("float64", 2).choose(wide, 500, 100_000).engine == Blas("float64", 2)


@pytest.mark.usefixtures("never_compiled")
def test_a_compilation_has_to_pay_off(mnist: Dataset) -> None:
    few = Auto("float32").choose(network(mnist, 30), 10, 30)
    assert few.engine == Blas("float32")
    assert "would not pay off" in few.why
    many = Auto("float32").choose(network(mnist, 30), 10, 1000)
    assert many.engine == Compiled("float32")


@pytest.mark.usefixtures("compiled_before")
def test_within_a_moment_the_engine_whose_bits_are_the_same_everywhere_is_taken() -> None:
    digits = network(Digits().load(), 300, 300)
    assert auto.seconds_blas(digits, 1300) < auto.seconds_compiled(digits, 1300)
    assert Auto("float32").choose(digits, 1300, 1).engine == Compiled("float32")


def test_without_numba_it_is_blas(monkeypatch: pytest.MonkeyPatch, mnist: Dataset) -> None:
    monkeypatch.setattr(auto, "installed", lambda: False)
    choice = Auto("float32").choose(network(mnist, 30), 10, 10_000)
    assert (choice.engine, "not installed" in choice.why) == (Blas("float32"), True)


@needs_numba
def test_a_record_names_the_engine_that_ran(gdexp: Command, outputs: Path, tmp_path: Path) -> None:
    """So that it can be repeated, to the bit, where auto would take another."""
    cold = {"GDEXP_CACHE": str(tmp_path / "cache")}
    first = gdexp("epochs=3", "tracking=off", **cold)
    (folder,) = outputs.glob("runs/*/*")
    assert first.returncode == 0, first.stderr
    assert "\nengine   blas, float32 (auto: about " in first.stdout
    assert "_target_: gdexp.engines.Blas" in (folder / "config/resolved.yaml").read_text()
    command = (folder / "command.txt").read_text().split()
    assert command == ["python", "-m", "gdexp", "epochs=3", "tracking=off", "engine=blas"]
    again = gdexp(*command[3:])
    starts, ends = [], []
    for journal in sorted(outputs.glob("runs/*/*/journal.jsonl")):
        records = [json.loads(line) for line in journal.read_text().splitlines()]
        starts.append(records[0]["tags"]["gdexp.config_hash"])
        ends.append(records[-1]["metrics"]["final/train_cost_sum"])
    assert again.returncode == 0
    assert len(starts) == 2
    assert len({*starts}) == len({*ends}) == 1
