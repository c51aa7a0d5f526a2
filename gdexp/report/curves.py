"""Curves of configurations: seeds aggregated, and thinned to what an eye can see."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gdexp.comparison import AXES, Variant

if TYPE_CHECKING:
    import pandas

Numbers = NDArray[np.float64]
MOST_POINTS = 100  # of a curve
MOST_CURVES = 40  # configurations whose curves are drawn, the best
MEASURES = tuple(f"{part}/{kind}" for kind in ("accuracy", "cost_mean") for part in
                 ("val", "train", "test"))  # fmt: skip
WANTED = (*MEASURES, *AXES.values())


@dataclass(frozen=True)
class Band:
    """A curve's mean over seeds, and the lowest and the highest of them, (k,) each."""

    mean: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True)
class Curve:
    """The curves of one configuration.

    Parameters
    ----------
    variant : int
        Which configuration it is.
    seeds : int
        How many runs are in it.
    x : mapping of str to ndarray, shape (k,)
        By the names of the axes: epochs, updates, examples, seconds.
    y : mapping of str to Band
        By the names of the metrics.
    """

    variant: int
    seeds: int
    x: Mapping[str, Numbers]
    y: Mapping[str, Band]


def curves(epochs: "pandas.DataFrame", variants: Sequence[Variant]) -> list[Curve]:
    """Aggregate the curves of the first `MOST_CURVES` configurations over their seeds.

    A mean is taken over the runs that did not diverge, as far as all of them go.

    Parameters
    ----------
    epochs : DataFrame
        One row an epoch, as `gdexp.stored.epochs` gives it.
    variants : sequence of Variant
    """
    groups = dict(iter(epochs.groupby("run", sort=False)))
    found = []
    for at, variant in enumerate(variants[:MOST_CURVES]):
        sound = [run for run in variant.runs if run.tag("outcome") != "diverged"]
        tables = [groups[run.id].set_index("epoch") for run in sound if run.id in groups]
        if tables:
            found.append(_curve(at, tables))
    return found


def _curve(variant: int, tables: Sequence["pandas.DataFrame"]) -> Curve:
    shared = sorted(set.intersection(*(set(table.index) for table in tables)))
    kept = [shared[at] for at in thinned(len(shared))]
    rows = [table.loc[kept] for table in tables]
    axes = {name: _stack(rows, metric) for name, metric in AXES.items()}
    x = {"epochs": np.array(kept, float)}
    x |= {name: values.mean(axis=0) for name, values in axes.items() if values is not None}
    stacked = {name: _stack(rows, name) for name in MEASURES}
    y = {name: _band(values) for name, values in stacked.items() if values is not None}
    return Curve(variant, len(tables), x, y)


def _stack(rows: Sequence["pandas.DataFrame"], name: str) -> Numbers | None:
    """Give a metric of all seeds, (seeds, k); None where one of them lacks it altogether."""
    if not all(name in table and table[name].notna().any() for table in rows):
        return None
    return np.stack([table[name].to_numpy(float) for table in rows])


def _band(values: Numbers) -> Band:
    return Band(values.mean(axis=0), values.min(axis=0), values.max(axis=0))


def thinned(count: int, most: int = MOST_POINTS) -> list[int]:
    """Choose points of a curve, the first and the last among them.

    Half of them are spaced evenly, half by logarithm, since a descent is fast at first.
    """
    if count <= most:
        return list(range(count))
    even = np.linspace(0, count - 1, most // 2)
    logarithmic = np.geomspace(1, count, most - len(even)) - 1
    return sorted({int(at) for at in np.rint(np.concatenate([even, logarithmic]))})


def brief(values: Numbers) -> list[float | None]:
    """Write numbers with five digits, which is more than a screen shows; None for what is none."""
    return [float(f"{each:.5g}") if math.isfinite(each) else None for each in values]


def drawable(found: Sequence[Curve], kind: str) -> list[str]:
    """Name the metrics of a kind, accuracy or cost, of which there is a curve."""
    return [name for name in MEASURES if kind in name and any(name in each.y for each in found)]


def as_json(found: Sequence[Curve]) -> list[dict[str, Any]]:
    """Lay curves out for the page; a band only where there are several seeds."""
    return [
        {
            "variant": each.variant,
            "seeds": each.seeds,
            "x": {name: brief(values) for name, values in each.x.items()},
            "y": {name: _as_json(band, each.seeds) for name, band in each.y.items()},
        }
        for each in found
    ]


def _as_json(band: Band, seeds: int) -> dict[str, Any]:
    told = {"mean": brief(band.mean)}
    return told | {"low": brief(band.low), "high": brief(band.high)} if seeds > 1 else told
