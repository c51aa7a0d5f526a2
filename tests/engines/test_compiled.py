"""The compiled engine against the reference: the same trajectory, and the same bits each time."""

import os
import subprocess
import sys
import threading
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdexp.data import Dataset, Digits, Examples
from gdexp.descent import FullGradient, MiniBatch, Online, Optimizer, Scaling, State, descent
from gdexp.engines import Compiled, Reference
from gdexp.engines.compiled import engine
from gdexp.errors import GdexpError
from gdexp.problems import ACTIVATIONS, Architecture, Cost, CrossEntropy, Network, Quadratic
from tests.conftest import Command, small_dataset

pytest.importorskip("numba", reason="not run: no Numba; pip install 'gdexp[compiled]'")

OPTIMIZERS = [FullGradient(), MiniBatch(5), MiniBatch(7), Online()]
COSTS: dict[str, Cost] = {"quadratic": Quadratic(), "cross_entropy": CrossEntropy()}
DEFINED = [
    (cost, output)
    for cost, output in product(COSTS, ACTIVATIONS)
    if cost == "quadratic" or output in ("sigmoid", "softmax")
]


def thinned(dataset: Dataset, density: float, seed: int = 0) -> Dataset:
    """The same data set with a share of its inputs set to zero."""
    rng = np.random.default_rng(seed)
    train, validation, test = (
        Examples(np.where(rng.random(part.inputs.shape) < density, part.inputs, 0.0), part.labels)
        for part in dataset.parts.values()
    )
    return Dataset("thin", train, validation, test, classes=dataset.classes, source="drawn")


def end(
    engine: Compiled | Reference,
    dataset: Dataset,
    architecture: Architecture,
    cost: Cost,
    optimizer: Optimizer,
    scaling: Scaling = Scaling(),  # noqa: B008 - frozen
    eta: float = 0.05,
    epochs: int = 1,
) -> tuple[State, list[Any]]:
    network = Network(architecture, cost, dataset, engine.dtype)
    state = State.begin(network, seed=3)
    carrier = engine.prepare(network)
    run = descent(network, optimizer, scaling, state, eta=eta, epochs=epochs, carrier=carrier)
    return state, list(run)


def assert_same(dataset: Dataset, *rest: Any, **more: Any) -> None:
    """1e-12 in float64 after an epoch, relative to the largest parameter and to each cost."""
    ours, epochs = end(Compiled("float64"), dataset, *rest, **more)
    reference, expected = end(Reference("float64"), dataset, *rest, **more)
    assert np.abs(ours.v - reference.v).max() <= 1e-12 * np.abs(reference.v).max()
    assert (ours.updates, ours.examples) == (reference.updates, reference.examples)
    assert ours.rng.bit_generator.state == reference.rng.bit_generator.state
    for one, other in zip(epochs, expected, strict=True):
        for name, measure in one.parts.items():
            assert measure.cost == pytest.approx(other.parts[name].cost, rel=1e-11)
            assert (measure.n, measure.correct) == (other.parts[name].n, other.parts[name].correct)


@pytest.mark.parametrize(("cost", "output"), DEFINED)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [[], [30], [20, 20], [100]])
def test_every_network_of_the_menu(
    hidden: list[int], activation: str, cost: str, output: str
) -> None:
    architecture = Architecture(hidden, activation, output, "scaled_normal")
    assert_same(small_dataset(), architecture, COSTS[cost], MiniBatch(5))


@pytest.mark.parametrize("density", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("update", ["mean", "sum"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_every_optimizer_and_scaling_on_sparse_and_dense_inputs(
    optimizer: Optimizer, update: str, density: float
) -> None:
    dataset = thinned(small_dataset(n=23, n_in=40), density)
    scaling, architecture = Scaling("mean", update), Architecture([17])
    assert_same(dataset, architecture, Quadratic(), optimizer, scaling, eta=0.1)


@settings(max_examples=60, deadline=None)
@given(
    hidden=st.lists(st.integers(1, 70), max_size=3),
    m=st.integers(1, 200),
    n_in=st.integers(1, 70),
    classes=st.integers(1, 35),
    density=st.floats(0, 1),
)
def test_any_shape_batch_and_density(
    hidden: list[int], m: int, n_in: int, classes: int, density: float
) -> None:
    dataset = thinned(small_dataset(n=200, n_in=n_in, classes=classes), density)
    architecture = Architecture(hidden, initialization="scaled_normal")
    assert_same(dataset, architecture, Quadratic(), MiniBatch(m), eta=0.05)


def test_the_digits() -> None:
    dataset = Digits().load()
    ours, _ = end(Compiled("float64"), dataset, Architecture([30]), Quadratic(), MiniBatch(32))
    reference, _ = end(
        Reference("float64"), dataset, Architecture([30]), Quadratic(), MiniBatch(32)
    )
    np.testing.assert_allclose(ours.v, reference.v, rtol=0, atol=1e-13)


@pytest.mark.parametrize("optimizer", [MiniBatch(10), FullGradient(), Online()], ids=str)
def test_an_epoch_of_mnist(optimizer: Optimizer, mnist: Dataset) -> None:
    # Where the descent is chaotic, two roundings grow apart in any two engines: at the book's
    # eta = 3 by a factor of a million in the 5,000 updates of m = 10. These rates are not.
    eta = {1: 0.01, 10: 0.1}.get(optimizer.batch_size(mnist.train.inputs.shape[0]), 3.0)
    assert_same(mnist, Architecture([30]), Quadratic(), optimizer, eta=eta)


def test_float32_stays_near_float64(mnist: Dataset) -> None:
    """Stated: 1e-3 of the largest parameter, after an epoch of MNIST with m = 10, eta = 0.3."""
    rest = (mnist, Architecture([30]), Quadratic(), MiniBatch(10))
    single, _ = end(Compiled("float32"), *rest, eta=0.3)
    double, _ = end(Reference("float64"), *rest, eta=0.3)
    assert single.v.dtype == np.float32
    assert np.abs(single.v - double.v).max() <= 1e-3 * np.abs(double.v).max()


def test_a_cost_that_is_not_finite_is_told_as_that() -> None:
    architecture = Architecture([8], "relu", "identity")
    _, epochs = end(
        Compiled("float32"), small_dataset(), architecture, Quadratic(), Online(), eta=1e9, epochs=9
    )
    assert epochs[-1].diverged
    assert len(epochs) < 10


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_a_nan_comes_through_every_activation(precision: str) -> None:
    for name in ACTIVATIONS:
        network = Network(
            Architecture([8], name, name), Quadratic(), small_dataset(), np.dtype(precision)
        )
        v = network.start(np.random.default_rng(0))
        v[0] = np.nan
        measured = Compiled(precision).prepare(network).measure(network, v)
        assert np.isnan(measured["train"].cost), name


PRINT = """
import sys
import numpy as np
from gdexp.data import Digits
from gdexp.descent import MiniBatch, Scaling, State, descent
from gdexp.engines import Compiled
from gdexp.problems import Architecture, Network, Quadratic

for precision in ("float32", "float64"):
    network = Network(Architecture([30, 20], "tanh"), Quadratic(), Digits().load(), precision)
    state = State.begin(network, 0)
    carrier = Compiled(precision).prepare(network)
    run = [*descent(network, MiniBatch(7), Scaling(), state, eta=0.5, epochs=3, carrier=carrier)]
    print(state.v.tobytes().hex()[:20000], [epoch.cost.hex() for epoch in run])
"""


def bits(cache: Path, **env: str) -> str:
    """What a fresh process computes, compiled for the processor that `env` names."""
    ran = subprocess.run(
        [sys.executable, "-c", PRINT],
        env={**os.environ, "GDEXP_CACHE": str(cache), **env},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return ran.stdout


@pytest.mark.skipif(
    "x86" not in os.uname().machine, reason="not run: the processors named are x86's"
)
def test_the_bits_do_not_depend_on_the_width_of_the_vectors(tmp_path: Path) -> None:
    native = bits(tmp_path)
    assert native == bits(tmp_path)  # a second process, from the cache
    haswell = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma"}
    assert bits(tmp_path, **haswell) == native


def test_the_second_start_compiles_nothing(tmp_path: Path) -> None:
    bits(tmp_path)
    compiled_once = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.nbc")}
    assert compiled_once
    bits(tmp_path)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*.nbc")} == compiled_once


def test_threads_do_not_disturb_each_other() -> None:
    dataset = Digits().load()
    alone, _ = end(Compiled("float32"), dataset, Architecture([30]), Quadratic(), MiniBatch(10))
    ends: list[State] = []

    def work() -> None:
        engine = Compiled("float32")
        ends.append(end(engine, dataset, Architecture([30]), Quadratic(), MiniBatch(10))[0])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [state.v.tobytes() for state in ends] == [alone.v.tobytes()] * 4


def test_without_numba_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "installed", lambda: False)
    network = Network(Architecture([3]), Quadratic(), small_dataset(), np.float32)
    with pytest.raises(GdexpError, match=r"needs Numba\. pip install 'gdexp\[compiled\]'"):
        Compiled("float32").prepare(network)


def test_the_run_says_which_engine_ran_and_why(gdexp: Command, outputs: Path) -> None:
    ran = gdexp("engine=compiled", "epochs=1", "tracking=off")
    assert ran.returncode == 0, ran.stderr
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    start = journal.read_text().splitlines()[0]
    assert '"engine.used":"compiled"' in start
    assert '"gdexp.engine_why":"asked for; inputs sparse bytes, density 0.5' in start
