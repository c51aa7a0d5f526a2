"""What the BLAS engine rests on: products in place, few bytes, the same bits every time."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdexp.data import Dataset
from gdexp.descent import MiniBatch, Online
from gdexp.engines import Blas
from gdexp.engines.blas import ahead, first_layer
from gdexp.engines.blas.first_layer import pieces
from gdexp.engines.blas.gemm import dot, gemm
from gdexp.engines.blas.rooms import LINE, aligned
from gdexp.problems import Architecture, Quadratic
from tests.conftest import Command, small_dataset
from tests.engines.conftest import assert_same, end, first


def drawn(rng: np.random.Generator, rows: int, columns: int, order: str, dtype: str) -> np.ndarray:
    """A matrix that lies in memory by rows (C) or by columns (F)."""
    of_rows = (rows, columns) if order == "C" else (columns, rows)
    a = rng.standard_normal(of_rows).astype(dtype)
    return a if order == "C" else a.T


@given(
    shape=st.tuples(*[st.integers(1, 40)] * 3),
    orders=st.text("CF", min_size=3, max_size=3),
    dtype=st.sampled_from(["float32", "float64"]),
    alpha=st.floats(-2, 2),
    beta=st.sampled_from([0.0, 1.0]),
)
def test_a_product_is_done_in_place(
    shape: tuple[int, int, int], orders: str, dtype: str, alpha: float, beta: float
) -> None:
    (p, q, r), rng = shape, np.random.default_rng(0)
    c, a, b = (
        drawn(rng, *size, order, dtype)
        for size, order in zip([(p, q), (p, r), (r, q)], orders, strict=True)
    )
    expected = alpha * (a.astype(float) @ b) + beta * c
    if not beta:
        c.fill(np.nan)  # what it held does not count
    before = c.copy()
    step = gemm(c, a, b, alpha, beta)
    np.testing.assert_array_equal(c, before)  # binding computes nothing
    step()
    np.testing.assert_allclose(c, expected, atol=1e-4 if dtype == "float32" else 1e-12)


def test_an_array_that_would_be_copied_is_refused() -> None:
    whole, single = np.zeros((6, 6)), np.zeros((3, 3), np.float32)
    with pytest.raises(AssertionError):
        gemm(np.zeros((3, 3)), whole[:3, :3], np.zeros((3, 3)))
    with pytest.raises(AssertionError):
        gemm(np.zeros((3, 3)), single, np.zeros((3, 3)))
    with pytest.raises(ValueError, match="not acceptable"):
        dot(single, np.zeros((3, 3)), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="not acceptable"):
        dot(whole[:3, :3], np.zeros((3, 3)), np.zeros((3, 3)))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_aligned_zeros_begin_with_a_line(dtype: str, order: Literal["C", "F"]) -> None:
    for columns in range(1, 20):
        a = aligned((32, columns), dtype, order)
        assert a.ctypes.data % LINE == 0
        assert a.dtype == dtype
        assert a.flags.c_contiguous if order == "C" else a.flags.f_contiguous
        np.testing.assert_array_equal(a, np.zeros((32, columns)))


@pytest.fixture(params=[True, False], ids=["in pieces", "whole"])
def _wide(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut the first layer, or look ahead, whatever the vectors of this processor."""
    for module in (ahead, first_layer):
        monkeypatch.setattr(module, "has_wide_vectors", lambda: request.param)


@pytest.mark.parametrize("m", [1, 31, 39, 40, 500])
@pytest.mark.parametrize("weights", [785 * 10, 785 * 32, 785 * 100, 2_000_000])
@pytest.mark.usefixtures("_wide")
def test_pieces_make_up_the_whole(m: int, weights: int) -> None:
    covered = [i for piece in pieces(m, weights) for i in range(m)[piece]]
    assert covered == list(range(m))


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pieces of 36 examples, at 51 columns and 32 units."""
    monkeypatch.setattr(first_layer, "PRODUCT", 60_000)


@pytest.mark.usefixtures("_wide", "_short")
@pytest.mark.parametrize("hidden", [[], [16], [30], [60]])  # not padded, even, padded: 32, 64
@pytest.mark.parametrize("m", [1, 3, 10, 16, 33, 63, 64, 200, 252, 253, 1300, 1303])
def test_every_way_through_an_epoch(hidden: list[int], m: int) -> None:
    """Looked ahead, added in place or apart, in pieces, in chunks; only n divides n = 1,303."""
    assert_same(
        Blas, small_dataset(n=1303, n_in=50), Architecture(hidden), Quadratic(), MiniBatch(m)
    )


LOOKING_AHEAD = int(os.environ.get("GDEXP_LOOKING_AHEAD", "10000"))  # all 50,000 take 15 s


def test_looking_ahead_in_float32_stays_near_float64(mnist: Dataset) -> None:
    """Stated: 1e-3 of the largest parameter, after an epoch of MNIST with m = 1, eta = 0.03.

    Roundings add up: what a fifth of the examples leaves is a fifth of that, at most.
    """
    rest = (first(mnist, LOOKING_AHEAD), Architecture([30]), Quadratic(), Online())
    single, _ = end(Blas("float32"), *rest, eta=0.03)
    double, _ = end(Blas("float64"), *rest, eta=0.03)
    assert single.v.dtype == np.float32
    share = min(LOOKING_AHEAD / 50_000, 1)
    assert np.abs(single.v - double.v).max() <= share * 1e-3 * np.abs(double.v).max()


PRINT = """
import sys
import numpy as np
from gdexp.data import Digits
from gdexp.descent import FullGradient, MiniBatch, Online, Scaling, State, descent
from gdexp.engines import Blas
from gdexp.problems import Architecture, Network, Quadratic

for precision in ("float32", "float64"):
    for optimizer in (Online(), MiniBatch(7), FullGradient()):
        network = Network(Architecture([30, 20], "tanh"), Quadratic(), Digits().load(), precision)
        state, engine = State.begin(network, 0), Blas(precision)
        with engine.limits():
            carrier = engine.prepare(network)
            list(descent(network, optimizer, Scaling(), state, eta=0.5, epochs=2, carrier=carrier))
        print(state.v.tobytes().hex()[:20000])
"""


def test_the_bits_are_the_same_every_time() -> None:
    ran = [
        subprocess.run(
            [sys.executable, "-c", PRINT], capture_output=True, text=True, check=True, timeout=120
        )
        for _ in range(2)
    ]
    assert ran[0].stdout
    assert len({each.stdout for each in ran}) == 1


def test_the_run_says_which_engine_ran(gdexp: Command, outputs: Path) -> None:
    ran = gdexp("engine=blas", "epochs=1", "tracking=off")
    assert ran.returncode == 0, ran.stderr
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    start = journal.read_text().splitlines()[0]
    assert '"engine.used":"blas"' in start
    assert '"gdexp.engine_why":"asked for; the BLAS of SciPy' in start
