"""What is special about a run, in a few words, for its name."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gdexp import menu, places
from gdexp.request import WHERE

# Not of what is computed, or said otherwise.
LEFT_OUT = ("tracking", "diagnostics", "journal", "checkpoint", "experiment")
SAID = ("optimizer",)  # in every name


class Special:
    """Says what is special about runs; it reads the menu once."""

    def __init__(self) -> None:
        self._groups: dict[tuple[Path, ...], dict[str, dict[str, Path]]] = {}
        self._usual: dict[Path, dict[str, Any]] = {}
        self._defaults: dict[str, str] = {}

    def __call__(
        self, config: Mapping[str, Any], choices: Mapping[str, str], own: Iterable[Path]
    ) -> list[str]:
        """Name the options that are not the default, and the settings that are not the option's.

        Parameters
        ----------
        config : mapping
            The composed configuration, resolved.
        choices : mapping of str to str
            The option taken in each group.
        own : iterable of Path
            Folders of the user's own options.

        Returns
        -------
        list of str
            Such as ``["mnist", "50-20", "tanh"]``; equal for equal configurations, however written.
        """
        words = []
        for group, options in self._menu(tuple(own)).items():
            option = choices.get(group)
            if option is None or group in LEFT_OUT:
                continue
            default = option == self._defaults.get(group)
            words += [] if default or group in SAID else [option]
            node = config.get(group) or {}
            words += _unusual(group, node, self._values(options, option))
        return words

    def _menu(self, own: tuple[Path, ...]) -> dict[str, dict[str, Path]]:
        if own not in self._groups:
            self._defaults = menu.defaults()
            self._groups[own] = menu.groups([places.conf(), *own])
        return self._groups[own]

    def _values(self, options: Mapping[str, Path], option: str) -> dict[str, Any]:
        file = options[option]
        if file not in self._usual:
            self._usual[file] = menu.values(options, option)
        return self._usual[file]


def _unusual(group: str, node: Mapping[str, Any], usual: Mapping[str, Any]) -> list[str]:
    return [
        _label(key, value)
        for key, value in node.items()
        if f"{group}.{key}" not in WHERE
        and value != usual.get(key)
        and usual.get(key) != f"${{{key}}}"  # a copy of a knob, which is named itself
    ]


def _label(key: str, value: Any) -> str:
    if isinstance(value, list):
        return "-".join(map(str, value)) or f"{key}=[]"
    return value if isinstance(value, str) else f"{key}={value}"
