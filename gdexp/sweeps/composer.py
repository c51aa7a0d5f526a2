"""Composing the configurations of many jobs, most of which differ in a few values only."""

import pickle
from collections.abc import Sequence

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from gdexp.sweeps.frozen import HYDRA, put, task_of


class Composer:
    """Composes as Hydra does, each choice of options once.

    Reading and merging the files of the menu takes nearly all of the time that Hydra needs for a
    job. Values are set after that, so jobs that choose the same options share it: a test holds
    that what comes out is what Hydra composes from the same words. Hydra's own node, which is most
    of a configuration, is not even copied: jobs share it, too.

    Parameters
    ----------
    loader : ConfigLoader
        Hydra's.
    master : DictConfig
        The configuration of the command, before any job.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig) -> None:
        self._loader, self._master = loader, master
        self._parser = OverridesParser.create(config_loader=loader)
        self._composed: dict[tuple[str, ...], tuple[DictConfig, bytes]] = {}
        self._groups: dict[str, bool] = {}
        self._words: dict[str, Override] = {}

    def config(self, words: Sequence[str]) -> DictConfig:
        """Give a job's configuration; it is good until the next one is asked for.

        Raises
        ------
        HydraException, OmegaConfBaseException
            As Hydra does.
        """
        parsed = [self._parsed(word) for word in words]
        if any(each.is_hydra_override() or each.is_sweep_override() for each in parsed):
            return self._loader.load_sweep_config(self._master, list(words))
        chosen = tuple(str(each.input_line) for each in parsed if self._chooses(each))
        config = self._chosen(chosen)
        values = [each for each in parsed if not self._chooses(each)]
        ConfigLoaderImpl._apply_overrides_to_config(values, config)
        told = config.hydra.job.config.override_dirname
        config.hydra.overrides.task = list(words)
        config.hydra.job.override_dirname = get_overrides_dirname(
            overrides=parsed,
            kv_sep=told.kv_sep,
            item_sep=told.item_sep,
            exclude_keys=told.exclude_keys,
        )
        OmegaConf.copy_cache(from_config=self._master, to_config=config)
        return config

    def _parsed(self, word: str) -> Override:
        if word not in self._words:
            (self._words[word],) = self._parser.parse_overrides([word])
        return self._words[word]

    def _chosen(self, words: tuple[str, ...]) -> DictConfig:
        """Give the configuration of a choice of options, as it was before any value was set."""
        if words not in self._composed:
            config = self._loader.load_sweep_config(self._master, list(words))
            self._composed[words] = config, pickle.dumps(task_of(config))
        config, packed = self._composed[words]
        task: DictConfig = pickle.loads(packed)
        nodes = {name: task._get_node(name) for name in task}
        put(config, {**nodes, HYDRA: config._get_node(HYDRA)})
        return config

    def _chooses(self, override: Override) -> bool:
        """Say whether a word chooses an option; Hydra takes a dictionary for a value."""
        name = override.key_or_group
        if name not in self._groups:
            self._groups[name] = any(each.is_group(name) for each in self._loader.get_sources())
        return self._groups[name] and not isinstance(override.value(), dict)
