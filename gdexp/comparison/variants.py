"""Runs that differ in the seed alone are one variant; what tells variants apart names them."""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gdexp.stored import StoredRun

SEEDS = ("seed", "data.seed")
# Where things are, who looks on, and how fast: not what is computed.
ELSEWHERE = ("outputs", "tracking", "data.root", "data.mirrors", "diagnostics", "engine.threads")
# What others decide: it would tell the same twice.
DERIVED = (
    *("batch_label", "eta_other_convention", "updates_per_epoch", "optimizer.batch"),
    *("architecture.sizes", "architecture.parameters", "engine", "experiment"),
)
# How variants are told: what the knobs say comes first, as in a run's name.
FIRST = ("optimizer", "batch", "rule", "eta")


@dataclass(frozen=True)
class Variant:
    """Runs of one configuration, but for their seeds.

    Parameters
    ----------
    key : str
        The runs' `group_key`.
    label : str
        What tells it apart from the other variants, such as ``sgd m=10 eta=3``.
    settings : mapping of str to str
        The same by name: of the parameters that differ between variants, those that it has.
    runs : tuple of StoredRun
        In the order in which they were given.
    """

    key: str
    label: str
    settings: dict[str, str]
    runs: tuple[StoredRun, ...]

    @property
    def by_seed(self) -> dict[Hashable, StoredRun]:
        """One run a seed, in the order of the seeds.

        Of several with one seed, which are repetitions, the latest that finished, else the latest.
        """
        chosen: dict[Hashable, StoredRun] = {}
        for run in sorted(self.runs, key=lambda run: (run.status == "FINISHED", run.start, run.id)):
            chosen[seeds_of(run)] = run
        return dict(sorted(chosen.items(), key=lambda each: natural(str(each[0]))))


def seeds_of(run: StoredRun) -> Hashable:
    """Give what is equal for runs that pair: the seed, with that of the data where it has one."""
    extra = run.params.get("data.seed")
    return run.seed if extra in (None, "None") else f"{run.seed}, {extra}"


def variants(runs: Sequence[StoredRun]) -> list[Variant]:
    """Group runs by what they compute, but for the seed.

    Parameters
    ----------
    runs : sequence of StoredRun

    Returns
    -------
    list of Variant
        By their labels in natural order (m=2 before m=10), whatever order the runs are in.
    """
    groups: dict[str, list[StoredRun]] = {}
    for run in runs:
        groups.setdefault(run.group_key, []).append(run)
    names = [name for name in differing(runs) if name not in SEEDS]
    found = [_settings(group[0], names) for group in groups.values()]
    labels = _distinct([label(each, names) or _plain(names) for each in found], list(groups))
    made = [
        Variant(key, label, settings, tuple(group))
        for (key, group), label, settings in zip(groups.items(), labels, found, strict=True)
    ]
    order = {v.key: [natural(_told(v.settings, name) or "") for name in names] for v in made}
    return sorted(made, key=lambda variant: (order[variant.key], natural(variant.label)))


def differing(runs: Sequence[StoredRun]) -> list[str]:
    """Name the parameters that differ between runs, seeds among them.

    Left out are settings that say where things are, parameters that follow from others, and those
    of an option (``rule.mu``) that the choice of the option (``rule``) decides, and nobody wrote.

    Returns
    -------
    list of str
        optimizer, batch, rule and eta first.
    """
    names = sorted({name for run in runs for name in run.params})
    varied = [
        name for name in names if counts(name) and len({run.params.get(name) for run in runs}) > 1
    ]
    written = {_name(word) for run in runs for word in (run.tag("overrides") or "").split()}
    kept = [name for name in varied if name in written or not _decided(name, runs)]
    return sorted(kept, key=lambda name: (*_place(name), name))


def counts(name: str) -> bool:
    """Say whether a parameter is a choice of what is computed."""
    within = any(name == each or name.startswith(f"{each}.") for each in ELSEWHERE)
    return not within and name not in DERIVED


def label(settings: Mapping[str, str], names: Sequence[str]) -> str:
    """Write settings in a few words, such as ``sgd m=10 eta=3``.

    Parameters
    ----------
    settings : mapping of str to str
    names : sequence of str
        Those that are told, in this order; the others are not.
    """
    told = ((name, _told(settings, name)) for name in names)
    return " ".join(_word(name, value, names) for name, value in told if value is not None)


def natural(text: str) -> list[tuple[int, float, str]]:
    """Give a key by which texts sort with the numbers in them as numbers."""
    parts = re.split(r"(\d+(?:\.\d+)?(?:e[-+]?\d+)?)", text)
    return [(0, float(part), "") if at % 2 else (1, 0.0, part) for at, part in enumerate(parts)]


def _place(name: str) -> tuple[int, int]:
    if name in FIRST:
        return (0, FIRST.index(name))
    return (2, 0) if name in SEEDS else (1, 0)


def _decided(name: str, runs: Sequence[StoredRun]) -> bool:
    """Say whether a group's option, which differs as well, decides one of its settings."""
    group, _, setting = name.partition(".")
    if not setting or name == "engine.used":
        return False
    pairs = {(run.params.get(group), run.params.get(name)) for run in runs}
    options = {option for option, _ in pairs}
    return None not in options and len(options) == len(pairs) > 1


def _settings(run: StoredRun, names: Iterable[str]) -> dict[str, str]:
    return {name: run.params[name] for name in names if name in run.params}


def _told(settings: Mapping[str, str], name: str) -> str | None:
    """Give a setting's value; None where it has none."""
    value = settings.get(name)
    return None if value == "None" else value


def _plain(names: Sequence[str]) -> str:
    """Name the variant that has none of the settings that differ."""
    return f"without {', '.join(names)}" if names else "all alike"


def _name(word: str) -> str:
    return word.lstrip("+~").partition("=")[0]


def _word(name: str, value: str, names: Sequence[str]) -> str:
    if name == "batch":
        return f"m={value}"
    if name == "engine.used":
        return value
    last = name.rpartition(".")[2]
    if _is_choice(name, value):
        return value
    alone = [each.rpartition(".")[2] for each in names].count(last) == 1
    return f"{last if alone else name}={shorter(value)}"


def _is_choice(name: str, value: str) -> bool:
    return "." not in name and re.fullmatch(r"[A-Za-z]\w*", value) is not None


def shorter(value: str) -> str:
    """Write a number as people do: 3.0 as 3; other words as they are."""
    try:
        return f"{float(value):g}"
    except ValueError:
        return value


def _distinct(labels: list[str], keys: list[str]) -> list[str]:
    """Tell apart, by their keys, variants whose parameters do not."""
    return [
        label if labels.count(label) == 1 else f"{label} #{key[:6]}"
        for label, key in zip(labels, keys, strict=True)
    ]


def common(runs: Sequence[StoredRun]) -> dict[str, Any]:
    """Give the parameters that all runs share, of those that count."""
    first = runs[0].params
    return {
        name: value
        for name, value in first.items()
        if counts(name) and all(run.params.get(name) == value for run in runs)
    }
