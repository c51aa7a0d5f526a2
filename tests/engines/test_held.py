"""What is held of examples is made once, and goes when they go."""

import gc
import weakref

import numpy as np

from gdexp.engines.held import held
from tests.conftest import small_dataset


def test_it_is_made_once_for_each_key() -> None:
    examples = small_dataset().train
    first = held(examples, "float32", lambda: examples.x(slice(None), np.float32))
    assert held(examples, "float32", lambda: np.zeros(0)) is first
    assert held(examples, "float64", lambda: np.zeros(0)) is not first
    assert held(small_dataset().train, "float32", lambda: np.zeros(0)) is not first


def test_it_goes_when_the_examples_go() -> None:
    examples = small_dataset().train
    gone = weakref.ref(held(examples, "floats", lambda: np.zeros(3)))
    assert gone() is not None
    del examples
    gc.collect()
    assert gone() is None
