"""From a composed configuration to the objects that it stands for."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hydra
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.version import VersionBase
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from gdexp import build, naming, places
from gdexp.build import TARGET, Origin
from gdexp.errors import GdexpError
from gdexp.request import Request
from gdexp.tracking.settings import masked

Nodes = dict[str, Any]  # a configuration, or a part of one, as it was composed

SEARCHED = "hydra.searchpath in command-line"  # as Hydra calls it


def _quicken() -> None:
    """Have Hydra do once what comes to the same, in whatever composes in this process.

    That is done inside of Hydra: of another version, all is left as it is, and slower.
    """
    if hydra.__version__.startswith("1.3."):
        from gdexp import loading

        loading.quicken()


_quicken()


def request(config: DictConfig, special: naming.Special | None = None) -> Request:
    """Validate a composed configuration, and give the run that it asks for.

    Parameters
    ----------
    config : DictConfig
    special : Special, optional
        Finds the words for the run's name; for many runs one does it fastest.

    Raises
    ------
    GdexpError
        In one line, at the first setting that is not allowed.
    """
    resolved = _resolved(config)
    raw: Nodes = OmegaConf.to_container(config, resolve=False)  # type: ignore[assignment]
    told = HydraConfig.get()
    words, choices = [*told.overrides.task], _choices(told)
    sweep = told.mode == RunMode.MULTIRUN
    experiment = build.experiment(resolved, _origin(raw, choices, words))
    if experiment.diagnostics:
        choices["diagnostics"] = ",".join(experiment.diagnostics)
    shown = _masked(resolved)
    note = told.sweeper.get("job") or {}  # of a job that was planned: what it is to know
    named = note.get("special")
    if named is None:
        own = map(Path, _own_folders("command-line", SEARCHED))
        named = (special or naming.Special())(shown, choices, own)
    return Request(
        experiment=experiment,
        config=shown,
        params={**choices, **_flat(shown, {*_copies(_nodes(raw))})},
        choices=choices,
        overrides=[*map(masked, words), *_from_environment(shown, words)],
        flags=_flags(told),
        special=list(named),
        output=Path(told.runtime.output_dir),
        sweep="_".join(Path(told.sweep.dir).parts[-2:]) if sweep else None,
        job=int(told.job.num) if sweep else None,
        variant=note.get("variant"),
        varies=[*map(masked, note.get("varies", ()))],
    )


def _resolved(config: DictConfig) -> Nodes:
    try:
        return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]
    except OmegaConfBaseException as error:
        raise GdexpError(f"{error.full_key}: {str(error).splitlines()[0]}") from None


def composed(words: Sequence[str]) -> Request:
    """Compose a command line outside of a command, and give the run that it asks for.

    What Hydra holds for the whole process is left as it was found, so that this may be called any
    number of times, in a notebook, and within a program that is itself one of Hydra's.

    Raises
    ------
    GdexpError, HydraException, OmegaConfBaseException
        At the first word that is not allowed.
    """
    with _own_hydra(), initialize_config_dir(str(places.conf()), "gdexp", "1.3"):
        config = hydra.compose("config", list(words), return_hydra_config=True)
        HydraConfig.instance().set_config(config)  # hydra.run.dir is made of settings of both
        output = str(Path(config.hydra.run.dir).absolute())
        OmegaConf.set_readonly(config.hydra, False)
        with open_dict(config):
            config.hydra.runtime.output_dir = output
            HydraConfig.instance().set_config(config)
            del config["hydra"]
        return request(config)


@contextmanager
def _own_hydra() -> Iterator[None]:
    """Have Hydra to ourselves, and the outputs folder in the environment, where conf/ finds it."""
    whole, told = GlobalHydra.instance(), HydraConfig.instance()
    base, outputs = VersionBase.instance(), os.environ.get(places.OUTPUTS)
    before = whole.hydra, told.cfg, base.getbase()
    whole.clear()
    os.environ[places.OUTPUTS] = str(places.outputs())
    try:
        yield
    finally:
        GlobalHydra.instance().hydra = before[0]
        told.cfg, base.version_base = before[1:]
        if outputs is None:
            del os.environ[places.OUTPUTS]
        else:
            os.environ[places.OUTPUTS] = outputs


def _choices(told: Any) -> dict[str, str]:
    """Give the option that was chosen of each group; `told` is Hydra's own configuration."""
    return {
        group: choice
        for group, choice in told.runtime.choices.items()
        if choice is not None and not group.startswith("hydra/")
    }


def _flags(told: Any) -> list[str]:
    """Give the words that say where the user's own options are."""
    return [
        *(word for path in _own_folders("command-line") for word in ("--config-dir", path)),
        *(word for word in told.overrides.hydra if word.startswith("hydra.searchpath=")),
    ]


def _own_folders(*providers: str) -> list[str]:
    """Give the folders of the user's own options: of --config-dir, and of hydra.searchpath."""
    sources = HydraConfig.get().runtime.config_sources
    return [str(each.path) for each in sources if each.provider in providers]


def _from_environment(config: dict[str, Any], words: Sequence[str]) -> list[str]:
    """Give what GDEXP_DATA set, as the override that would: a command is to say all it needs."""
    root = (config.get("data") or {}).get("root")
    given = any(word.startswith("data.root=") for word in words)
    return [] if root is None or given else [f"data.root={root}"]


def _origin(raw: Nodes, choices: Mapping[str, str], words: Sequence[str]) -> Origin:
    nodes = _nodes(raw)
    knobs = {*_copies(nodes).values()}  # that an option brings along: those that its node copies
    nodes |= {f"diagnostics.{k}": each for k, each in _nodes(nodes.get("diagnostics")).items()}
    return Origin(choices, words, knobs, _copies(nodes))


def _copies(nodes: Mapping[str, Nodes]) -> dict[str, str]:
    """Say of values that are mere copies which setting they are one of: for ``${batch}``, batch."""
    return {
        f"{group}.{key}": found[1]
        for group, node in nodes.items()
        for key, value in node.items()
        if isinstance(value, str) and (found := re.fullmatch(r"\$\{([\w.]+)\}", value))
    }


def _nodes(raw: Nodes | None) -> dict[str, Nodes]:
    return {str(key): node for key, node in (raw or {}).items() if isinstance(node, dict)}


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
