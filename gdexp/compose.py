"""From a composed configuration to the objects that it stands for."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gdexp import build, naming
from gdexp.build import TARGET, Origin
from gdexp.errors import GdexpError
from gdexp.request import Request
from gdexp.tracking.settings import masked


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
    hydra = HydraConfig.get()
    sweep = hydra.mode == RunMode.MULTIRUN
    choices = {
        group: choice
        for group, choice in hydra.runtime.choices.items()
        if choice is not None and not group.startswith("hydra/")
    }
    experiment = build.experiment(resolved, _origin(config, choices, hydra.overrides.task))
    if experiment.diagnostics:
        choices["diagnostics"] = ",".join(experiment.diagnostics)
    shown = _masked(resolved)
    return Request(
        experiment=experiment,
        config=shown,
        params={**choices, **_flat(shown, _copies(config))},
        choices=choices,
        overrides=[*map(masked, hydra.overrides.task), *_from_environment(shown, hydra)],
        flags=[word for path in _own_folders() for word in ("--config-dir", path)],
        special=naming.special(shown, choices, map(Path, _own_folders())),
        output=Path(hydra.runtime.output_dir),
        sweep="_".join(Path(hydra.sweep.dir).parts[-2:]) if sweep else None,
        job=int(hydra.job.num) if sweep else None,
    )


def _own_folders() -> list[str]:
    """Give the folder of the user's own options."""
    sources = HydraConfig.get().runtime.config_sources
    return [str(each.path) for each in sources if each.provider == "command-line"]


def _from_environment(config: dict[str, Any], hydra: Any) -> list[str]:
    """Give what GDEXP_DATA set, as the override that would: a command is to say all it needs."""
    root = (config.get("data") or {}).get("root")
    given = any(word.startswith("data.root=") for word in hydra.overrides.task)
    return [] if root is None or given else [f"data.root={root}"]


def _origin(config: DictConfig, choices: Mapping[str, str], words: Sequence[str]) -> Origin:
    nodes = _nodes(config)
    nodes |= {f"diagnostics.{k}": each for k, each in _nodes(nodes.get("diagnostics")).items()}
    copies = {
        f"{group}.{key}": copied
        for group, node in nodes.items()
        for key in map(str, node)
        if (copied := _copied(node, key))
    }
    return Origin(choices, words, _knobs(config), copies)


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


def _nodes(config: DictConfig | None) -> dict[str, DictConfig]:
    if config is None:
        return {}
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
