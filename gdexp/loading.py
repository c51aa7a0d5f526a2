"""What Hydra does for each composition again, though it comes to the same: done once.

Composing takes a quarter of a second, for reading files of the menu and merging them: a command
waits for that, and a program that runs many experiments, or a sweep over options, waits as many
times. What comes out is what Hydra composes by itself: a test holds that.
"""

import hashlib
import importlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from hydra import version
from hydra._internal import config_loader_impl, defaults_list
from hydra._internal import hydra as hydra_impl
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository, IConfigRepository
from hydra.core.default_element import InputDefault, ResultDefault
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import DictConfig, OmegaConf, flag_override
from omegaconf import _utils as omegaconf
from omegaconf.errors import OmegaConfBaseException

HYDRA, OWN = "hydra.conf", "hydra/config"  # the package of Hydra's own options; its own node
BEGUN = "begun"
MOST = 256  # of each kind, in memory


class Known:
    """What was made of something, packed: unpacking it is much quicker than to make it anew."""

    def __init__(self) -> None:
        self._packed: dict[Any, bytes] = {}

    def get(self, content: Any, make: Callable[[], Any]) -> Any:
        """Give what is made of some content; it is the caller's own."""
        if content in self._packed:
            return pickle.loads(self._packed[content])
        if len(self._packed) >= MOST:  # of files that were edited again and again, say
            self._packed.clear()
        self._packed[content] = pickle.dumps(made := make())
        return made


PARSED, MERGED = Known(), Known()


class Remembering(ConfigRepository):
    """Hands Hydra the options of a search path: each is parsed once, as long as it stays the same.

    A file is read whenever it is wanted, and known by its text: it may be edited at any time.
    """

    def load_config(self, config_path: str) -> ConfigResult | None:
        """Give an option, as Hydra does; what it gives is the caller's own."""
        source = self._find_object_source(config_path, ObjectType.CONFIG)
        text = None if source is None else _text(source, config_path)
        if source is None or text is None:
            return super().load_config(config_path)
        where = (source.scheme(), source.path, source.provider, config_path, version.getbase())
        load = super().load_config
        found: ConfigResult = PARSED.get((*where, text), lambda: load(config_path))
        return found


def _text(source: ConfigSource, config_path: str) -> bytes | None:
    """Give what an option is made of; None where that is no text."""
    if source.scheme() == "file":
        return Path(source.path, source._normalize_file_name(config_path)).read_bytes()
    return b"" if source.path == HYDRA else None  # which stays as it is


@dataclass
class Begun(ResultDefault):
    """Stands for the first options of a configuration, which are merged already."""

    merged: Any = None


class Merging(ConfigLoaderImpl):
    """Merges options into a configuration as Hydra does, those of Hydra's own node once.

    That node is most of a configuration, and comes first; the same options of all groups, which
    programs and sweeps ask for again and again, come to the same as a whole, too.
    """

    def _compose_config_from_defaults_list(
        self, defaults: list[ResultDefault], repo: IConfigRepository
    ) -> DictConfig:
        merge = super()._compose_config_from_defaults_list
        try:
            parts = [_part(each, repo) for each in defaults]
        except (pickle.PicklingError, AttributeError, TypeError):  # objects of somebody's own
            return merge(defaults, repo)
        first = [each.config_path for each in defaults].index(OWN) + 1

        def whole() -> DictConfig:
            try:
                known = (BEGUN, *parts[:first])
                begun = MERGED.get(known, lambda: self._merged(defaults[:first], repo))
            except OmegaConfBaseException:
                return merge(defaults, repo)  # says which of them is wrong
            return merge([Begun(merged=begun), *defaults[first:]], repo)

        composed: DictConfig = MERGED.get((*parts,), whole)
        return composed

    def _merged(self, defaults: list[ResultDefault], repo: IConfigRepository) -> DictConfig:
        config = OmegaConf.create()
        with flag_override(config, "no_deepcopy_set_nodes", True):
            for default in defaults:
                config.merge_with(self._load_single_config(default, repo).config)
        return config

    def _load_single_config(self, default: ResultDefault, repo: IConfigRepository) -> ConfigResult:
        if isinstance(default, Begun):
            return ConfigResult(provider="", path="", config=default.merged, header={})
        return super()._load_single_config(default, repo)


def _part(default: ResultDefault, repo: IConfigRepository) -> tuple[Any, ...]:
    """Say what an option adds to a configuration: its place, and what it consists of."""
    assert default.config_path is not None
    found = repo.load_config(default.config_path)
    assert found is not None
    if not found.is_schema_source and repo.get_schema_source().is_config(default.config_path):
        raise TypeError("a program's own class, which may be another next time, validates it")
    content = hashlib.sha256(pickle.dumps(found)).digest()
    return default.config_path, default.package, default.primary, content


def quicken() -> None:
    """Have Hydra do so in this process; `compose` knows which version of Hydra this is for."""
    loader, hydra = cast(Any, config_loader_impl), cast(Any, hydra_impl)
    if loader.ConfigRepository is Remembering:
        return
    loader.ConfigRepository, hydra.ConfigLoaderImpl = Remembering, Merging
    whole = defaults_list._create_interpolation_map

    def where_wanted(overrides: Any, defaults: list[InputDefault], added: bool) -> Any:
        """Make a table of all choices so far only where a default is named by one of them."""
        if any(each.is_interpolation() for each in defaults):
            return whole(overrides, defaults, added)
        return None

    defaults_list._create_interpolation_map = where_wanted  # type: ignore[assignment]
    if yaml.__with_libyaml__:
        reading = _in_c(omegaconf.get_yaml_loader())
        omegaconf.get_yaml_loader = lambda: reading


def _in_c(slow: Any) -> Any:
    """Give a loader whose parser is libyaml's; what it makes of what was parsed stays the same."""
    parser: Any = importlib.import_module("yaml.cyaml").CParser  # there is none without libyaml

    class Loader(parser, slow):  # type: ignore[misc]
        def __init__(self, stream: Any) -> None:
            parser.__init__(self, stream)
            yaml.constructor.SafeConstructor.__init__(self)
            yaml.resolver.Resolver.__init__(self)

    return Loader
