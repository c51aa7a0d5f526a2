"""Conditions on runs: ``optimizer = sgd and eta >= 1 and best/val_accuracy > 0.9``."""

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from gdexp.errors import GdexpError
from gdexp.stored.run import StoredRun

HOW = (
    'Write conditions such as "optimizer=sgd and eta>=1 and status=FINISHED", joined by "and"; '
    "with =, !=, <, <=, >, >=, like (with %), or in (a, b)."
)
_NAME = r"`[^`]+`|[A-Za-z_][\w./-]*(?:\.`[^`]+`)?"
_VALUE = r"'[^']*'|\"[^\"]*\"|[^\s,()'\"]+"
_CONDITION = re.compile(
    rf"\s*(?P<name>{_NAME})\s*"
    rf"(?:(?P<op>==|!=|<=|>=|=|<|>|\blike\b)\s*(?P<value>{_VALUE})"
    rf"|\b(?P<not>not\s+)?in\s*\((?P<values>\s*(?:{_VALUE})\s*(?:,\s*(?:{_VALUE})\s*)*)\))\s*",
    re.IGNORECASE,
)
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """One comparison: a name, an operator, and what the name's value is compared with."""

    name: str
    operator: str
    values: tuple[str, ...]

    def holds(self, run: StoredRun) -> bool:
        """Say whether a run meets it; one without a value of that name meets only ``!=``."""
        found = run.value(self.name)
        if found is None:
            return self.operator in ("!=", "not in")
        if self.operator in _ORDERS:
            one, other = _number(found), _number(self.values[0])
            order = _ORDERS[self.operator]
            return one is not None and other is not None and order(one, other)
        if self.operator == "like":
            return fnmatchcase(str(found), self.values[0].replace("%", "*"))
        same = any(_equal(found, value) for value in self.values)
        return same == (self.operator in ("=", "in"))


@dataclass(frozen=True)
class Where:
    """Conditions that a run must meet, all of them.

    Parameters
    ----------
    text : str
        The conditions as they are written; empty: none.

    Raises
    ------
    GdexpError
        Where it cannot be read.
    """

    text: str = ""

    def __post_init__(self) -> None:
        self.conditions  # noqa: B018 - refuses what cannot be read

    @property
    def conditions(self) -> Sequence[Condition]:
        """What is written, read."""
        conditions, at = [], 0
        while at < len(self.text.rstrip()):
            found = _CONDITION.match(self.text, at)
            if found is None:
                raise GdexpError(f"--where: cannot read {self.text[at:].strip()!r}. {HOW}")
            conditions.append(_condition(found))
            joint = re.compile(r"and(?:\s+|$)|$", re.IGNORECASE).match(self.text, found.end())
            if joint is None:
                raise GdexpError(f"--where: cannot read {self.text[found.end() :]!r}. {HOW}")
            at = joint.end()
            if joint[0] and at >= len(self.text.rstrip()):
                raise GdexpError(f'--where: nothing follows the last "and". {HOW}')
        return conditions

    def select(self, runs: Iterable[StoredRun]) -> list[StoredRun]:
        """Give those that meet all conditions.

        Raises
        ------
        GdexpError
            Where a name is one that none of the runs knows.
        """
        runs, conditions = list(runs), self.conditions
        for condition in conditions:
            if runs and all(run.value(condition.name) is None for run in runs):
                raise GdexpError(_unknown(condition.name, runs))
        return [run for run in runs if all(each.holds(run) for each in conditions)]


def _condition(found: re.Match[str]) -> Condition:
    name = found["name"].replace("`", "")
    if found["values"]:
        values = tuple(_bare(each) for each in re.findall(_VALUE, found["values"]))
        return Condition(name, "not in" if found["not"] else "in", values)
    sign = found["op"].lower()
    return Condition(name, "=" if sign == "==" else sign, (_bare(found["value"]),))


def _bare(value: str) -> str:
    return value[1:-1] if value[:1] in ("'", '"') else value


def _number(value: str | float) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _equal(found: str | float, value: str) -> bool:
    one, other = _number(found), _number(value)
    return str(found) == value or (one is not None and one == other)


def _unknown(name: str, runs: Iterable[StoredRun]) -> str:
    known = sorted({each for run in runs for each in run.names})
    close = difflib.get_close_matches(name, known, 3, 0.5)
    meant = f" Did you mean {', '.join(close)}?" if close else f" There are {', '.join(known[:12])}"
    return (
        f"--where: no run has a parameter, metric or tag {name!r}.{meant}{'' if close else ' ...'}"
    )
