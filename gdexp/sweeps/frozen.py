"""Configurations as they were composed: what is edited later changes nothing."""

import json
import pickle
import zlib
from collections.abc import Sequence
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf, open_dict

from gdexp.request import Request


class Frozen:
    """Stands in for Hydra's loader of configurations, before any launcher of Hydra's.

    A launcher asks it for the configuration of a job's overrides, in this process or, since it
    travels with the job, in another; it composes nothing, and reads no file of the menu.

    Parameters
    ----------
    loader : ConfigLoader
        Hydra's, for all that is not a job of the sweep.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._hydra = b""
        self._jobs: dict[tuple[str, ...], str] = {}
        self._requests: dict[tuple[str, ...], bytes] = {}

    def keep_request(self, words: Sequence[str], request: Request) -> None:
        """Keep what a job asks for, for a launcher of our own: it need not be composed again."""
        self._requests[tuple(words)] = zlib.compress(pickle.dumps(request), 1)

    def request(self, words: Sequence[str]) -> bytes:
        """Give what a job asks for, pickled."""
        return zlib.decompress(self._requests[tuple(words)])

    def keep(self, words: Sequence[str], config: DictConfig, note: dict[str, Any]) -> None:
        """Keep a job's configuration, with what the job is to know of its sweep."""
        hydra = config.hydra
        if not self._hydra:
            template = OmegaConf.masked_copy(config, ["hydra"])
            OmegaConf.set_readonly(template.hydra, False)  # Hydra closes what it has seen
            self._hydra = pickle.dumps(template)
        kept = {
            "task": OmegaConf.to_container(task_of(config), resolve=False),
            "choices": OmegaConf.to_container(hydra.runtime.choices),
            "dirname": hydra.job.override_dirname,
            "note": note,
        }
        self._jobs[tuple(words)] = json.dumps(kept)

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: list[str]
    ) -> DictConfig:
        """Give the configuration of a job, as Hydra would have composed it at the start."""
        kept = json.loads(self._jobs[tuple(sweep_overrides)])
        config: DictConfig = pickle.loads(self._hydra)
        with open_dict(config):
            for name, value in kept["task"].items():
                config[name] = value
            config.hydra.overrides.task = list(sweep_overrides)
            config.hydra.runtime.choices = kept["choices"]
            config.hydra.job.override_dirname = kept["dirname"]
            config.hydra.sweeper.job = kept["note"]
        OmegaConf.copy_cache(from_config=master_config, to_config=config)  # ${now:}
        return config

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._loader, name)

    def __getstate__(self) -> dict[str, Any]:
        jobs = [[list(words), kept] for words, kept in self._jobs.items()]
        packed = zlib.compress(json.dumps(jobs).encode(), 1)  # much of it is the same in all
        return {"_loader": self._loader, "_hydra": self._hydra, "_packed": packed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        jobs = json.loads(zlib.decompress(state.pop("_packed")))
        known = {tuple(words): kept for words, kept in jobs}
        self.__dict__.update(state, _jobs=known, _requests={})


def task_of(config: DictConfig) -> DictConfig:
    """Give a configuration without Hydra's own node; the other nodes are shared, not copied."""
    task = OmegaConf.create()
    nodes = {name: config._get_node(name) for name in config if name != "hydra"}
    task.__dict__["_content"].update(nodes)
    return task
