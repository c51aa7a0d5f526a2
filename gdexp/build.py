"""From plain settings to the objects that they stand for, each validated by itself."""

import dataclasses
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from gdexp.complain import SEE, unknown_setting
from gdexp.errors import GdexpError, SettingError
from gdexp.experiment import Experiment

TARGET = "_target_"
PARTS = ("data", "architecture", "cost", "function")  # what problems are made of: some, each
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
    "journal": "fsync",
    "checkpoint": "seconds",
    "diagnostics": "look",
}

Settings = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where settings come from: what else may stand beside them, and how mistakes are told.

    Parameters
    ----------
    choices : mapping of str to str
        The option taken in each group of the menu.
    words : sequence of str
        The command line.
    knobs : set of str
        Settings at the top that are copied into nodes, and mean nothing by themselves.
    copies : mapping of str to str
        Names of settings that are copies, such as ``optimizer.batch``, and of what: ``batch``.
    """

    choices: Mapping[str, str]
    words: Sequence[str]
    knobs: Set[str]
    copies: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def source(self, setting: str) -> str:
        """Name a setting as the user does: by the knob, where its value is a copy of one."""
        return self.copies.get(setting, setting)


def experiment(settings: Settings, origin: Origin) -> Experiment:
    """Validate settings, and give the experiment that they stand for.

    Classes are looked up by the paths that the settings name: those of whoever asks for the run.
    Settings that come from elsewhere are to be checked first.

    Parameters
    ----------
    settings : mapping
        A composed configuration, resolved: nodes with the path of a class, and plain values.
    origin : Origin

    Raises
    ------
    GdexpError
        In one line, at the first setting that is not allowed.
    """
    fields = [field.name for field in dataclasses.fields(Experiment)]
    for name in settings:
        if name not in fields and name not in {"outputs", *origin.knobs}:
            raise GdexpError(unknown_setting(name, origin.words))
    problem = part("problem", settings.get("problem"), origin)
    parts = set(PARTS) - set(problem.uses)
    absent = parts if settings.get(STREAM) else {*parts, STREAM}
    for name in parts:
        if settings.get(name) is not None:
            raise GdexpError(_needless(name, origin))
    for name in set(fields) - absent - {"diagnostics"}:
        if settings.get(name, "???") == "???":
            raise GdexpError(
                f"{name} must be set. Got nothing. Write {name}=..., or leave it as it is, "
                f"without ~{name} and ???."
            )
    groups = [group for group in OFFERS if group not in {"problem", "diagnostics", *absent}]
    made = {group: part(group, settings.get(group), origin) for group in groups}
    made |= {"problem": problem, "diagnostics": _diagnostics(settings, origin)}
    rest = {name: settings[name] for name in fields if name not in made and name not in absent}
    return Experiment(**made, **rest)


def _diagnostics(settings: Settings, origin: Origin) -> dict[str, Any]:
    """Make those that are chosen: there may be several, each with a node of its own."""
    node = settings.get("diagnostics")
    if not isinstance(node, dict | None):
        raise SettingError("diagnostics", "the names of options", node, "[norms,confusion]", SEE)
    return {
        str(name): part(f"diagnostics.{name}", each, origin) for name, each in (node or {}).items()
    }


def _needless(group: str, origin: Origin) -> str:
    return (
        f"{group}: problem={origin.choices.get('problem')} takes no {group}. "
        f"Got {group}={origin.choices.get(group)}. Leave it out."
    )


def part(group: str, node: Any, origin: Origin) -> Any:
    """Make the object of a node; its errors get the name by which the user set the value.

    Raises
    ------
    GdexpError
        At the first setting that is not allowed.
    """
    if not isinstance(node, dict):
        raise SettingError(group, "the name of an option", node, advice=SEE)
    target = _locate(group, str(node.get(TARGET)))
    values = {name: value for name, value in node.items() if name != TARGET}
    _check_names(group, values, target)
    try:
        return target(**values)
    except (TypeError, AttributeError, LookupError, OverflowError) as error:
        told = " ".join(str(error).split())[:100]
        raise GdexpError(f"{group}: cannot be made of these settings ({told}).") from error
    except SettingError as error:
        if "." in error.setting or error.setting not in node:
            raise
        raise error.of(origin.source(f"{group}.{error.setting}")) from None


def _check_names(group: str, values: Settings, target: Any) -> None:
    fields = [field.name for field in dataclasses.fields(target)]
    for name in values:
        if name not in fields:
            allowed = ", ".join(f"{group}.{field}" for field in fields) or "none"
            raise GdexpError(f"{group}.{name}: no such setting; there are: {allowed}.")
    for field in dataclasses.fields(target):
        if field.name not in values and field.default is dataclasses.MISSING:
            raise GdexpError(f"{group}.{field.name} must be set. Got nothing.")


def _locate(group: str, path: str) -> Callable[..., Any]:
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
    made: Callable[..., Any] = found
    return made
