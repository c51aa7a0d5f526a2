"""Paths of descents on the functions that they minimised."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.comparison import Variant
from gdexp.errors import GdexpError
from gdexp.figures.path import drawn_range
from gdexp.problems import Function
from gdexp.problems.functions import Conditioned
from gdexp.report.curves import MOST_CURVES, thinned
from gdexp.stored import Reader, StoredRun

Numbers = NDArray[np.float64]
GRID = 81  # points of the surface along each variable
MOST_SURFACES = 4


@dataclass(frozen=True)
class Surface:
    """A function of one or two variables, and the paths of descents on it.

    Parameters
    ----------
    title : str
        Its formula.
    names : sequence of str
        Its variables.
    grid : sequence of ndarray, shape (GRID,)
        Where it was evaluated, along each variable.
    cost : ndarray, shape (GRID,) or (GRID, GRID)
        C there, the last variable first; NaN where there is none.
    paths : mapping of int to ndarray, shape (k, p)
        By configuration, where the descent of its first seed was.
    costs : mapping of int to ndarray, shape (k,)
        C on the way.
    """

    title: str
    names: Sequence[str]
    grid: Sequence[Numbers]
    cost: Numbers
    paths: Mapping[int, Numbers]
    costs: Mapping[int, Numbers]

    @property
    def shares(self) -> Numbers:
        """C by rank, from 0 (lowest) to 1: contours that hold equal areas between them."""
        known = np.sort(self.cost[np.isfinite(self.cost)])
        shares = np.searchsorted(known, self.cost) / max(len(known), 1)
        return np.where(np.isfinite(self.cost), shares ** (2 / 3), np.nan)


def surfaces(reader: Reader, variants: Sequence[Variant]) -> list[Surface]:
    """Give each function of one or two variables that was minimised, with its paths.

    A formula that cannot be read any more, or not for want of SymPy, has no surface.
    """
    by_function: dict[tuple[str, ...], dict[int, StoredRun]] = {}
    for at, variant in enumerate(variants[:MOST_CURVES]):
        if key := _key(variant.runs[0]):
            by_function.setdefault(key, {})[at] = variant.runs[0]
    found = []
    for key, runs in list(by_function.items())[:MOST_SURFACES]:
        with suppress(GdexpError, ValueError, TypeError):
            if surface := _surface(reader, _function(key), runs):
                found.append(surface)
    return found


def _key(run: StoredRun) -> tuple[str, ...] | None:
    """Give what the function is made of; None where the run was not on one."""
    if run.params.get("problem") != "function":
        return None
    names = ("formula", "low", "high", "condition")
    return tuple(run.params.get(f"function.{name}", "null") for name in names)


def _function(key: tuple[str, ...]) -> Function:
    formula, *rest = key
    low, high, condition = map(json.loads, rest)
    if condition is None:
        return Function(formula, None, low, high)
    return Conditioned(formula, None, low, high, condition)


def _surface(reader: Reader, function: Function, runs: Mapping[int, StoredRun]) -> Surface | None:
    names = function.variables
    if len(names) > 2:
        return None
    wanted = [f"v/{name}" for name in names]
    points = reader.histories([run.id for run in runs.values()], wanted)
    points = points.drop_duplicates(["run", "metric", "step"], keep="last")
    tables = points.pivot(index=["run", "step"], columns="metric", values="value")
    paths = {}
    for at, run in runs.items():
        if run.id in tables.index:
            path = tables.loc[run.id][wanted].dropna().to_numpy(float)
            paths[at] = path[thinned(len(path))]
    if not paths:
        return None
    low, high = drawn_range(function, np.concatenate(list(paths.values())))
    grid = [np.linspace(a, b, GRID) for a, b in zip(low, high, strict=True)]
    cost = np.asarray(function.parsed.cost(np.meshgrid(*grid)), float)
    costs = {at: _cost(function, path) for at, path in paths.items()}
    return Surface(function.title, names, grid, _finite(cost), paths, costs)


def _cost(function: Function, path: Numbers) -> Numbers:
    return _finite(np.asarray(function.parsed.cost(list(path.T)), float))


def _finite(values: Any) -> Numbers:
    return np.where(np.isfinite(values), values, np.nan)
