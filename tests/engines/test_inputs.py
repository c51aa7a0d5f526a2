"""The forms in which the compiled engine holds examples: nothing is lost, however far apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdexp.data import Dataset, Examples
from gdexp.descent import FullGradient, MiniBatch, Online, Optimizer
from gdexp.engines import Compiled
from gdexp.engines.compiled.engine import installed, load_kernels
from gdexp.engines.compiled.inputs import CODES, ROWS, UNIT, VALUES, form_of, hold
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import small_dataset
from tests.engines.conftest import assert_same, end

pytestmark = pytest.mark.skipif(
    not installed(), reason="not run: no Numba; pip install 'gdexp[compiled]'"
)


def bytes_of(n: int, n_in: int, density: float, seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    raw = rng.integers(1, 256, (n, n_in)).astype(np.uint8)
    raw[rng.random(raw.shape) >= density] = 0
    return Examples(raw, rng.integers(0, 3, n), 255.0)


def decoded(examples: Examples) -> np.ndarray:
    """The inputs that the codes stand for, by the definition in the docstring of `hold`."""
    held = hold(examples, np.dtype(np.float64), CODES, load_kernels().encode)
    size, _, ptr, groups, table, labels = held
    codes = np.stack([groups >> np.uint64(16 * j) for j in range(UNIT)], axis=1).astype(np.uint16)
    assert (size, labels.tolist()) == (len(examples), examples.labels.tolist())
    x = np.zeros(examples.inputs.shape)
    for i in range(size):
        at = -1
        for code in codes[ptr[i] : ptr[i + 1]].ravel().tolist():
            at += code & 255
            x[i, max(at, 0)] += table[code >> 8]
    return x


@given(n=st.integers(1, 5), n_in=st.integers(1, 1500), density=st.floats(0, 1), seed=st.integers(0))
def test_codes_stand_for_the_inputs(n: int, n_in: int, density: float, seed: int) -> None:
    examples = bytes_of(n, n_in, density**4, seed % 1000)
    np.testing.assert_array_equal(decoded(examples), examples.x(slice(None)))


def test_lines_are_those_of_three_in_four_examples() -> None:
    counts = [900, 4, 4, 32, 36, 64, 64, 68, 900]
    raw = np.zeros((9, 900), np.uint8)
    for row, count in zip(raw, counts, strict=True):
        row[:count] = 1
    examples = Examples(raw, np.zeros(9, np.uint8), 255.0)
    _, lines, ptr, *_ = hold(examples, np.dtype(np.float32), CODES, load_kernels().encode)
    assert np.diff(ptr).tolist() == [225, 1, 1, 8, 9, 16, 16, 17, 225]
    assert lines == 3  # six of the others are below the one with 17 groups, of which 8 fill a line


def test_codes_go_as_far_as_they_must() -> None:
    for gap in (1, 254, 255, 256, 257, 509, 510, 511, 1499):
        raw = np.zeros((1, 1500), np.uint8)
        raw[0, gap] = 7
        examples = Examples(raw, np.zeros(1, np.uint8), 255.0)
        np.testing.assert_array_equal(decoded(examples), raw / 255)


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (np.array([[0, 0, 7]], np.uint8), CODES),
        (np.array([[0, 0, 0.5]]), VALUES),
        (np.array([[1, 0, 7]], np.uint8), ROWS),
        (np.array([[0.1, 0.2, 0.5]]), ROWS),
    ],
)
def test_the_form_is_chosen_by_density_and_type(raw: np.ndarray, form: str) -> None:
    assert form_of(Examples(raw, np.zeros(1, np.uint8))) == form


@pytest.mark.parametrize("density", [0.0, 0.01, 0.2, 0.59, 0.9])
@pytest.mark.parametrize("n_in", [5, 700])
@pytest.mark.parametrize(
    "optimizer", [Online(), MiniBatch(6), MiniBatch(130), FullGradient()], ids=str
)
def test_bytes_give_the_same_descent(optimizer: Optimizer, n_in: int, density: float) -> None:
    """Also by mini-batches that are larger than a chunk of the kernels, of 128."""
    train, validation, test = (bytes_of(n, n_in, density, n) for n in (301, 7, 8))
    dataset = Dataset("bytes", train, validation, test, classes=3, source="drawn")
    architecture = Architecture([33, 20], "tanh", "softmax", "scaled_normal")
    assert_same(Compiled, dataset, architecture, Quadratic(), optimizer, eta=0.05)


def test_the_processor_is_left_as_it_was_found() -> None:
    """The kernels let it take numbers too small to be normal for zero; nobody else wants that."""
    end(Compiled("float64"), small_dataset(), Architecture([8]), Quadratic(), MiniBatch(4))
    tiny = np.array([5e-324])
    assert (tiny + tiny)[0] > 0


def test_inputs_are_held_once_for_all_runs_of_a_process() -> None:
    train, validation, test = (bytes_of(n, 90, 0.2) for n in (30, 7, 8))
    dataset = Dataset("bytes", train, validation, test, classes=3, source="drawn")
    networks = [Network(Architecture([k]), Quadratic(), dataset, np.float32) for k in (5, 40)]
    first, second = (Compiled("float32").prepare(network) for network in networks)
    for name in dataset.parts:
        one, other = first._inputs[name], second._inputs[name]  # type: ignore[attr-defined]
        assert one.index is other.index
        assert one.values is other.values
