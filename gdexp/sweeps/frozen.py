"""Configurations as they were composed: what is edited later changes nothing."""

import json
import os
import pickle
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf, open_dict

from gdexp.request import Request
from gdexp.tracking.jobs import JobState

HYDRA = "hydra"  # its own node in a configuration
REQUEST = "request"  # the member of a job's note that holds what it asks for


class Frozen:
    """Stands in for Hydra's loader of configurations, before any launcher of Hydra's.

    A launcher asks it for the configuration of a job's overrides, in this process or, since it
    travels with the job, in another; it composes nothing, and reads no file of the menu.

    Parameters
    ----------
    loader : ConfigLoader
        Hydra's, for all that is not a job of the sweep.
    folder : Path
        The sweep's own.
    """

    def __init__(self, loader: ConfigLoader, folder: Path) -> None:
        self._loader, self.folder = loader, folder
        self.standing: Sequence[JobState] = ()  # jobs that are not to be carried out
        self._hydra = self._packed = b""
        self._jobs: dict[tuple[str, ...], str] = {}
        self._requests: dict[tuple[str, ...], bytes] = {}

    def keep_request(self, words: Sequence[str], request: Request) -> None:
        """Keep what a job asks for: it need not be composed again."""
        self._packed = b""
        self._requests[tuple(words)] = zlib.compress(pickle.dumps(request), 1)

    def request(self, words: Sequence[str]) -> bytes:
        """Give what a job asks for, pickled."""
        return zlib.decompress(self._requests[tuple(words)])

    def keep_recorded(self, words: Sequence[str], request: Request, master: DictConfig) -> None:
        """Keep a job whose request comes from a record; Hydra's own node is the command's."""
        self._hydra = self._hydra or _template(master)
        task = {"task": request.config, "choices": request.choices, "dirname": "", "note": {}}
        self._jobs[tuple(words)] = json.dumps(task)
        self.keep_request(words, request)

    def keep(self, words: Sequence[str], config: DictConfig, note: dict[str, Any]) -> None:
        """Keep a job's configuration, with what the job is to know of its sweep."""
        hydra = config.hydra
        self._hydra = self._hydra or _template(config)
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
            if tuple(sweep_overrides) in self._requests:
                self._place(config, self.request(sweep_overrides))
        OmegaConf.copy_cache(from_config=master_config, to_config=config)  # ${now:}
        return config

    def _place(self, config: DictConfig, packed: bytes) -> None:
        """Have a job write to its own folder, whatever number its launcher gives it."""
        output = pickle.loads(packed).output
        config.hydra.sweep.dir = str(self.folder)
        config.hydra.sweep.subdir = os.path.relpath(output, self.folder)
        config.hydra.sweeper.job[REQUEST] = b64encode(packed).decode()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._loader, name)

    def __getstate__(self) -> dict[str, Any]:
        if not self._packed:  # once: launchers send it along with every job
            requests = {words: self.request(words) for words in self._requests}
            packed = pickle.dumps((self._jobs, requests))  # much of it is the same in all
            self._packed = zlib.compress(packed, 1)
        kept = {name: getattr(self, name) for name in ("_loader", "_hydra", "folder", "_packed")}
        return {**kept, "standing": ()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        jobs, requests = pickle.loads(zlib.decompress(state["_packed"]))
        packed = {words: zlib.compress(each, 1) for words, each in requests.items()}
        self.__dict__.update(state, _jobs=jobs, _requests=packed)


def requested(note: Mapping[str, Any] | None) -> Request | None:
    """Give what a job asks for, from what its configuration has of its sweep."""
    packed = (note or {}).get(REQUEST)
    if packed is None:
        return None
    request: Request = pickle.loads(b64decode(packed))
    return request


def _template(config: DictConfig) -> bytes:
    """Give Hydra's own node, which is the same for all jobs but for a few values."""
    template = OmegaConf.masked_copy(config, ["hydra"])
    OmegaConf.set_readonly(template.hydra, False)  # Hydra closes what it has seen
    return pickle.dumps(template)


def task_of(config: DictConfig) -> DictConfig:
    """Give a configuration without Hydra's own node; the other nodes are shared, not copied."""
    task = OmegaConf.create()
    nodes = {name: config._get_node(name) for name in config if name != HYDRA}
    task.__dict__["_content"].update(nodes)
    return task


def put(config: DictConfig, nodes: Mapping[Any, Any]) -> None:
    """Have a configuration consist of these nodes, which are not copied."""
    for node in nodes.values():
        node._set_parent(config)
    config.__dict__["_content"] = dict(nodes)
