"""Which engine engine=auto takes, and that a run's record names it."""

import json
from pathlib import Path

import pytest

from gdexp.data import Dataset, Digits
from gdexp.descent import Adam, Exponential, Momentum, Update
from gdexp.engines import Auto, Blas, Compiled, Reference, Work, auto
from gdexp.errors import GdexpError
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import Command, small_dataset
from tests.engines.conftest import thinned


def network(dataset: Dataset, *hidden: int, dtype: str = "float32") -> Network:
    return Network(Architecture(hidden), Quadratic(), dataset, dtype)


@pytest.fixture(autouse=True, params=[True, False], ids=["wide", "narrow"])
def _vectors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have vectors of 512 bits, or less."""
    monkeypatch.setattr(auto, "has_wide_vectors", lambda: request.param)


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
    choice = Auto("float32").choose(network(mnist, *hidden), Work(m, 1000))
    assert choice.engine == Compiled("float32")
    assert choice.why.startswith("auto: estimated, start included: compiled ")


@pytest.mark.parametrize("update", [Update(rule=Adam()), Update(clip=1.0)], ids=["adam", "clip"])
@pytest.mark.usefixtures("compiled_before")
def test_what_blas_does_not_do_is_compiled(update: Update, mnist: Dataset) -> None:
    by_update = Exponential("update", 0.999)
    choice = Auto("float32").choose(network(mnist, 30), Work(10, 3, update, by_update))
    assert choice.engine == Compiled("float32")
    assert "blas" not in choice.why


@pytest.mark.usefixtures("compiled_before")
def test_a_rule_that_nobody_has_compiled_is_the_references() -> None:
    class Halved(Momentum):
        """A user's own."""

    work = Work(10, 1000, Update(rule=Halved(0.5)))
    choice = Auto("float32").choose(network(small_dataset(), 30), work)
    assert choice.engine == Reference("float32")
    assert choice.why == "auto: compiled does not carry out the rule Halved"
    with pytest.raises(GdexpError, match="engine=compiled does not carry out the rule Halved"):
        Compiled("float32").choose(network(small_dataset(), 30), work)


@pytest.mark.usefixtures("compiled_before")
def test_large_dense_layers_in_large_batches_go_to_blas() -> None:
    wide = network(thinned(small_dataset(n=1000, n_in=784), 1.0), 300, 300)
    assert Auto("float64", 2).choose(wide, Work(500, 100_000)).engine == Blas("float64", 2)


@pytest.mark.usefixtures("never_compiled")
def test_a_compilation_has_to_pay_off(mnist: Dataset) -> None:
    few = Auto("float32").choose(network(mnist, 30), Work(10, 30))
    assert few.engine == Blas("float32")
    assert few.why.endswith(", compiled first")
    many = Auto("float32").choose(network(mnist, 30), Work(10, 1000))
    assert many.engine == Compiled("float32")


@pytest.mark.usefixtures("compiled_before")
def test_little_work_is_done_before_another_engine_has_started() -> None:
    digits = network(Digits().load(), 30)
    assert Auto("float32").choose(digits, Work(10, 1)).engine == Reference("float32")
    assert Auto("float32").choose(digits, Work(10, 300)).engine == Blas("float32")
    assert Auto("float32").choose(digits, Work(10, 30_000)).engine == Compiled("float32")


def test_without_numba_it_is_blas(monkeypatch: pytest.MonkeyPatch, mnist: Dataset) -> None:
    monkeypatch.setattr(auto, "installed", lambda: False)
    choice = Auto("float32").choose(network(mnist, 30), Work(10, 10_000))
    assert choice.engine == Blas("float32")
    assert choice.why.endswith("compiled needs Numba, which is not installed")


def test_a_record_names_the_engine_that_ran(gdexp: Command, outputs: Path) -> None:
    """So that it can be repeated, to the bit, where auto would take another."""
    first = gdexp("epochs=3", "tracking=off")
    (folder,) = outputs.glob("runs/*/*")
    assert first.returncode == 0, first.stderr
    assert "\nengine   reference, float32, chosen by engine=auto\n" in first.stdout
    resolved = (folder / "config/resolved.yaml").read_text()
    assert "_target_: gdexp.engines.Reference\n  precision: float32" in resolved
    command = (folder / "command.txt").read_text().split()
    assert command[3:] == [
        *("epochs=3", "tracking=off"),
        *("engine=reference", "engine.precision=float32", "engine.threads=1"),
    ]
    again = gdexp(*command[3:])
    starts, ends = [], []
    for journal in sorted(outputs.glob("runs/*/*/journal.jsonl")):
        records = [json.loads(line) for line in journal.read_text().splitlines()]
        starts.append(records[0]["tags"]["gdexp.config_hash"])
        ends.append(records[-1]["metrics"]["final/train_cost_sum"])
    assert again.returncode == 0
    assert len(starts) == 2
    assert len({*starts}) == len({*ends}) == 1
