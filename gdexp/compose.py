"""From a composed configuration to the objects that it stands for."""

import dataclasses
import importlib
import inspect
import re
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gdexp import naming
from gdexp.complain import SEE, unknown_setting
from gdexp.errors import GdexpError, SettingError
from gdexp.experiment import Experiment
from gdexp.request import Request
from gdexp.tracking.settings import masked

TARGET = "_target_"
PARTS = ("data", "architecture", "cost", "function")  # what problems are made of: some, each
SEARCHED = "hydra.searchpath in command-line"  # as Hydra calls it
STREAM = "stream"  # which comes with an optimizer, or not at all
# What the object of a group must offer to be of use there.
OFFERS = {
    "problem": "build",
    "data": "load",
    "architecture": "sizes",
    "cost": "delta",
    "function": "variables",
    "optimizer": "batch_size",
    "rule": "step",
    "schedule": "rates",
    "stop": "reason",
    "scaling": "of_update",
    "penalty": "add",
    STREAM: "report",
    "eval": "due",
    "engine": "limits",
    "tracking": "check",
    "diagnostics": "look",
}


def request(config: DictConfig) -> Request:
    """Validate a composed configuration, and give the run that it asks for.

    Raises
    ------
    GdexpError
        In one line, at the first setting that is not allowed.
    """
    try:
        resolved: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    except OmegaConfBaseException as error:
        raise GdexpError(f"{error.full_key}: {str(error).splitlines()[0]}") from None
    experiment = _experiment(config, resolved)
    hydra = HydraConfig.get()
    sweep = hydra.mode == RunMode.MULTIRUN
    choices = {
        group: choice
        for group, choice in hydra.runtime.choices.items()
        if choice is not None and not group.startswith("hydra/")
    }
    if experiment.diagnostics:
        choices["diagnostics"] = ",".join(experiment.diagnostics)
    shown = _masked(resolved)
    note = hydra.sweeper.get("job") or {}  # of a job that was planned: what it is to know
    special = note.get("special")
    if special is None:
        special = naming.special(shown, choices, map(Path, _own_folders("command-line", SEARCHED)))
    return Request(
        experiment=experiment,
        config=shown,
        params={**choices, **_flat(shown, _copies(config))},
        choices=choices,
        overrides=[*map(masked, hydra.overrides.task), *_from_environment(shown, hydra)],
        flags=[
            *(word for path in _own_folders("command-line") for word in ("--config-dir", path)),
            *(word for word in hydra.overrides.hydra if word.startswith("hydra.searchpath=")),
        ],
        special=list(special),
        output=Path(hydra.runtime.output_dir),
        sweep="_".join(Path(hydra.sweep.dir).parts[-2:]) if sweep else None,
        job=int(hydra.job.num) if sweep else None,
        variant=note.get("variant"),
        varies=[*map(masked, note.get("varies", ()))],
    )


def _own_folders(*providers: str) -> list[str]:
    """Give the folders of the user's own options: of --config-dir, and of hydra.searchpath."""
    sources = HydraConfig.get().runtime.config_sources
    return [str(each.path) for each in sources if each.provider in providers]


def _from_environment(config: dict[str, Any], hydra: Any) -> list[str]:
    """Give what GDEXP_DATA set, as the override that would: a command is to say all it needs."""
    root = (config.get("data") or {}).get("root")
    given = any(word.startswith("data.root=") for word in hydra.overrides.task)
    return [] if root is None or given else [f"data.root={root}"]


def _experiment(config: DictConfig, resolved: dict[str, Any]) -> Experiment:
    fields = [field.name for field in dataclasses.fields(Experiment)]
    knobs = {"outputs", *_knobs(config)}
    for name in resolved:
        if name not in fields and name not in knobs:
            raise GdexpError(unknown_setting(name, HydraConfig.get().overrides.task))
    problem = _instantiate("problem", config)
    parts = set(PARTS) - set(problem.uses)
    absent = parts if resolved.get(STREAM) else {*parts, STREAM}
    for name in parts:
        if resolved.get(name) is not None:
            raise GdexpError(_needless(name, problem))
    for name in set(fields) - absent - {"diagnostics"}:
        if resolved.get(name, "???") == "???":
            raise GdexpError(f"{name} must be set. Got nothing. Do not take it away with ~{name}.")
    groups = [group for group in OFFERS if group not in {"problem", "diagnostics", *absent}]
    made = {"problem": problem, **{group: _instantiate(group, config) for group in groups}}
    made["diagnostics"] = _diagnostics(config)
    rest = {name: resolved[name] for name in fields if name not in made and name not in absent}
    return Experiment(**made, **rest)


def _diagnostics(config: DictConfig) -> dict[str, Any]:
    """Make those that are chosen: there may be several, each with a node of its own."""
    node = config.get("diagnostics")
    if not isinstance(node, DictConfig | None):
        raise SettingError("diagnostics", "the names of options", node, "[norms,confusion]", SEE)
    return {name: _instantiate(f"diagnostics.{name}", config) for name in map(str, node or ())}


def _needless(group: str, problem: Any) -> str:
    choices = HydraConfig.get().runtime.choices
    return (
        f"{group}: problem={choices.get('problem')} takes no {group}. "
        f"Got {group}={choices.get(group)}. Leave it out."
    )


def _instantiate(group: str, config: DictConfig) -> Any:
    """Make the object of a node; its errors get the name by which the user set the value."""
    node = OmegaConf.select(config, group)
    if not isinstance(node, DictConfig):
        raise SettingError(group, "the name of an option", node, advice=SEE)
    target = _locate(group, node)
    values: dict[str, Any] = OmegaConf.to_container(node, resolve=True)  # type: ignore[assignment]
    del values[TARGET]
    fields = [field.name for field in dataclasses.fields(target)]
    for name in values:
        if name not in fields:
            allowed = ", ".join(f"{group}.{field}" for field in fields) or "none"
            raise GdexpError(f"{group}.{name}: no such setting; there are: {allowed}.")
    for field in dataclasses.fields(target):
        if field.name not in values and field.default is dataclasses.MISSING:
            raise GdexpError(f"{group}.{field.name} must be set. Got nothing.")
    try:
        return target(**values)
    except SettingError as error:
        raise error.of(_source(node, group, error.setting)) from None


def _locate(group: str, node: DictConfig) -> Any:
    path = str(node.get(TARGET))
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        found = None
    usable = dataclasses.is_dataclass(found) and not inspect.isabstract(found)
    offers = OFFERS[group.partition(".")[0]]
    if not usable or not hasattr(found, offers):
        allowed = f"the path of a dataclass that offers {offers}"
        raise SettingError(f"{group}.{TARGET}", allowed, path)
    return found


def _source(node: DictConfig, group: str, setting: str) -> str:
    """Name a setting as the user does: by the knob, where its value is a copy of one."""
    if "." in setting or setting not in node:
        return setting
    return _copied(node, setting) or f"{group}.{setting}"


def _copied(node: DictConfig, key: str) -> str | None:
    """Say which setting a value is a mere copy of: for ``${batch}``, batch."""
    raw: dict[str, Any] = OmegaConf.to_container(node, resolve=False)  # type: ignore[assignment]
    found = re.fullmatch(r"\$\{([\w.]+)\}", str(raw[key]))
    return found[1] if found else None


def _copies(config: DictConfig) -> set[str]:
    return {
        f"{group}.{key}"
        for group, node in _nodes(config).items()
        for key in map(str, node)
        if _copied(node, key)
    }


def _knobs(config: DictConfig) -> set[str]:
    """Knobs that an option brings along: those that its node copies."""
    return {
        copied
        for node in _nodes(config).values()
        for key in map(str, node)
        if (copied := _copied(node, key))
    }


def _nodes(config: DictConfig) -> dict[str, DictConfig]:
    return {str(key): node for key, node in config.items() if isinstance(node, DictConfig)}


def _flat(node: Any, skip: set[str], path: str = "") -> dict[str, str]:
    if isinstance(node, dict) and node:
        flat: dict[str, str] = {}
        for key, value in node.items():
            if key != TARGET:
                flat |= _flat(value, skip, f"{path}.{key}" if path else str(key))
        return flat
    if not path or path in skip or isinstance(node, dict):
        return {}
    return {path: str(node).replace(" ", "") if isinstance(node, list) else str(node)}


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(each) for key, each in value.items()}
    return masked(value) if isinstance(value, str) else value
