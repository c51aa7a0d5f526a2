"""From what a sweep is asked for to the overrides of its jobs: grids, one after another."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from gdexp.errors import GdexpError

Words = tuple[str, ...]  # the overrides of one job
Grid = Mapping[str, Any]  # from a name to its value, or to a list of values: an axis


def expand(
    parser: OverridesParser, words: Sequence[str], grids: Sequence[Grid] = ()
) -> list[Words]:
    """Give the overrides of each job.

    Parameters
    ----------
    parser : OverridesParser
        Hydra's own: it knows the options that ``glob(*)`` stands for.
    words : sequence of str
        Overrides in Hydra's grammar: ``batch=1,10``, ``seed=range(3)``, ``rule=glob(*)``.
    grids : sequence of Grid
        Those of a study, gone through one after another. What stands in `words` takes the place of
        an axis of that name, and is added to every grid where none has it.

    Returns
    -------
    list of tuple of str
        In a grid the last name varies fastest.

    Raises
    ------
    GdexpError
        Where an axis is empty, or no list of values.
    HydraException
        Where a word cannot be read.
    """
    given = _axes(parser.parse_overrides(list(words)))
    if not grids:
        return _product(given)
    inside = {name for grid in grids for name in grid}
    everywhere = {name: axis for name, axis in given.items() if _bare(name) not in inside}
    jobs: list[Words] = []
    for grid in grids:
        own = _axes(parser.parse_overrides([_word(name, value) for name, value in grid.items()]))
        placed: dict[str, list[str]] = {}
        for name, axis in own.items():
            placed |= {key: each for key, each in given.items() if _bare(key) == name} or {
                name: axis
            }
        jobs += _product({**placed, **everywhere})
    return jobs


def _axes(overrides: Iterable[Override]) -> dict[str, list[str]]:
    """Give for each name the words that set it, one for each of its values."""
    axes: dict[str, list[str]] = {}
    for override in overrides:
        name = override.get_key_element()
        if not override.is_sweep_override():
            axes[name] = [f"{name}={override.get_value_element_as_str()}"]
        elif override.is_discrete_sweep():
            axes[name] = [f"{name}={value}" for value in override.sweep_string_iterator()]
        else:
            raise GdexpError(
                f"{override.input_line}: an interval has no end of values. "
                f"Write some of them, {name}=1,3,10, or search it: sweeper=optuna."
            )
        if not axes[name]:
            raise GdexpError(f"{override.input_line}: there is no value. Write {name}=VALUE,VALUE.")
    return axes


def _product(axes: Mapping[str, Sequence[str]]) -> list[Words]:
    return list(itertools.product(*axes.values()))


def _bare(name: str) -> str:
    """Give the name that a word sets, whether it overrides, adds or takes away."""
    return name.lstrip("+~").partition("@")[0]


def _word(name: str, value: Any) -> str:
    """Write an axis of a grid in Hydra's grammar."""
    values = value if isinstance(value, list) else [value]
    if not values:
        raise GdexpError(f"study: {name} has no value. Write {name}: [VALUE, VALUE].")
    return f"{name}=" + ",".join(map(_written, values))


def _written(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, dict):
        pairs = (f"{key}:{_written(each)}" for key, each in value.items())
        return f"{{{','.join(pairs)}}}"
    return str(value)
