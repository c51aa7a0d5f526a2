"""What is special about a run, in a few words, for its name."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gdexp import menu, places
from gdexp.request import WHERE

# Not of what is computed, or said otherwise.
LEFT_OUT = ("tracking", "diagnostics", "journal", "checkpoint", "experiment")
SAID = ("optimizer",)  # in every name


def special(
    config: Mapping[str, Any], choices: Mapping[str, str], own: Iterable[Path]
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
    defaults = menu.defaults()
    words = []
    for group, options in menu.groups([places.conf(), *own]).items():
        option = choices.get(group)
        if option is None or group in LEFT_OUT:
            continue
        words += [option] if option != defaults.get(group) and group not in SAID else []
        usual = menu.values(options, option)
        words += [
            _label(key, value)
            for key, value in (config.get(group) or {}).items()
            if f"{group}.{key}" not in WHERE
            and value != usual.get(key)
            and usual.get(key) != f"${{{key}}}"  # a copy of a knob, which is named itself
        ]
    return words


def _label(key: str, value: Any) -> str:
    if isinstance(value, list):
        return "-".join(map(str, value)) or f"{key}=[]"
    return value if isinstance(value, str) else f"{key}={value}"
