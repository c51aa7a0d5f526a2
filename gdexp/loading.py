"""What Hydra does for each composition again, though it comes to the same: done once.

Composing takes a quarter of a second, most of it for reading files of the menu: a command waits for
that, and a program that runs many experiments, or a sweep over options, waits as many times. What
comes out is what Hydra composes by itself: a test holds that.
"""

import importlib
import pickle
from pathlib import Path
from typing import Any, ClassVar

import yaml
from hydra import version
from hydra._internal import config_loader_impl, defaults_list
from hydra._internal.config_repository import ConfigRepository
from hydra.core.default_element import InputDefault
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import _utils as omegaconf

HYDRA = "hydra.conf"  # the package of Hydra's own options


class Remembering(ConfigRepository):
    """Hands Hydra the options of a search path: each is parsed once, as long as it stays the same.

    A file is read whenever it is wanted, and known by its text: it may be edited at any time.
    """

    known: ClassVar[dict[tuple[Any, ...], tuple[bytes, bytes]]] = {}  # its text; packed

    def load_config(self, config_path: str) -> ConfigResult | None:
        """Give an option, as Hydra does; what it gives is the caller's own."""
        source = self._find_object_source(config_path, ObjectType.CONFIG)
        text = None if source is None else _text(source, config_path)
        if source is None or text is None:
            return super().load_config(config_path)
        key = (source.scheme(), source.path, source.provider, config_path, version.getbase())
        before, packed = self.known.get(key, (None, b""))
        if before == text and packed:
            kept: ConfigResult = pickle.loads(packed)
            return kept
        found = super().load_config(config_path)
        # Most commands want it once: packing it is for what comes back.
        self.known[key] = text, pickle.dumps(found) if before == text else b""
        return found


def _text(source: ConfigSource, config_path: str) -> bytes | None:
    """Give what an option is made of; None where that is no text."""
    if source.scheme() == "file":
        return Path(source.path, source._normalize_file_name(config_path)).read_bytes()
    return b"" if source.path == HYDRA else None  # which stays as it is


def quicken() -> None:
    """Have Hydra do so in this process."""
    hydra: Any = config_loader_impl
    if hydra.ConfigRepository is Remembering:
        return
    hydra.ConfigRepository = Remembering
    whole = defaults_list._create_interpolation_map

    def where_wanted(overrides: Any, defaults: list[InputDefault], added: bool) -> Any:
        """Make a table of all choices so far only where a default is named by one of them."""
        if any(each.is_interpolation() for each in defaults):
            return whole(overrides, defaults, added)
        return None

    defaults_list._create_interpolation_map = where_wanted  # type: ignore[assignment]
    if yaml.__with_libyaml__:
        loader = _in_c(omegaconf.get_yaml_loader())
        omegaconf.get_yaml_loader = lambda: loader


def _in_c(slow: Any) -> Any:
    """Give a loader whose parser is libyaml's; what it makes of what was parsed stays the same."""
    parser: Any = importlib.import_module("yaml.cyaml").CParser  # there is none without libyaml

    class Loader(parser, slow):  # type: ignore[misc]
        def __init__(self, stream: Any) -> None:
            parser.__init__(self, stream)
            yaml.constructor.SafeConstructor.__init__(self)
            yaml.resolver.Resolver.__init__(self)

    return Loader
