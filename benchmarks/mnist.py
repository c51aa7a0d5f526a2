"""MNIST, as the sections train on it."""

import os
from dataclasses import replace
from pathlib import Path

import yaml

from gdexp.data import Dataset, Examples, Mnist
from gdexp.problems import Architecture, Network, Quadratic

MENU = Path(__file__).parents[1] / "conf" / "data" / "mnist.yaml"


def load() -> Dataset:
    """Load it from where ``data=mnist`` would: GDEXP_DATA, or the cache folder."""
    mirrors = yaml.safe_load(MENU.read_text(encoding="utf-8"))["mirrors"]
    return Mnist(os.environ.get("GDEXP_DATA"), mirrors).load()


def first(dataset: Dataset, n: int) -> Dataset:
    """Keep the first n training examples only."""
    train = dataset.train
    return replace(dataset, train=Examples(train.inputs[:n], train.labels[:n], train.scale))


def network(dataset: Dataset, hidden: list[int], precision: str = "float64") -> Network:
    """Give sigmoid units under the quadratic cost."""
    return Network(Architecture(hidden), Quadratic(), dataset, precision)
