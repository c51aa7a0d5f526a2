"""What a user can get wrong, said in one line."""

import math
from collections.abc import Iterable
from typing import Any


class GdexpError(Exception):
    """A mistake or a mishap that is told in one line, without a traceback.

    The message says what was got, what is allowed and what to do.
    """


class Terminated(SystemExit):
    """SIGTERM or SIGHUP as an exception: an orderly end, with exit status 128 + its number."""


class SettingError(GdexpError, ValueError):
    """A setting whose value is not allowed.

    Parameters
    ----------
    setting : str
        The setting's name within its object; whoever composed the object puts the path before it.
    allowed : str
        What is allowed, to stand after "must be".
    got : object
        What was got.
    example : str, optional
        A value that would do.
    advice : str, optional
        What else to do, a whole sentence.
    """

    def __init__(
        self, setting: str, allowed: str, got: Any, example: str = "", advice: str = ""
    ) -> None:
        super().__init__(setting, allowed, got, example, advice)
        self.setting, self.allowed, self.got = setting, allowed, got
        self.example, self.advice = example, advice

    def __str__(self) -> str:
        told = [f"{self.setting} must be {self.allowed}.", f"Got {self.got!r}."]
        if self.example:
            told.append(f"Write for example {self.setting}={self.example}.")
        return " ".join([*told, *([self.advice] if self.advice else [])])

    def of(self, setting: str) -> "SettingError":
        """Give the same error under the name by which the user knows the setting."""
        return SettingError(setting, self.allowed, self.got, self.example, self.advice)


def whole(setting: str, value: Any, least: int, example: str) -> int:
    """Return `value` where it is a whole number of at least `least`.

    Raises
    ------
    SettingError
        Otherwise, with the example; ``True``, ``2.0`` and ``"2"`` are not whole numbers.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SettingError(setting, f"a whole number >= {least}", value, example)
    return value


def one_of(setting: str, value: Any, options: Iterable[str]) -> str:
    """Return `value` where it is one of the names in `options`.

    Raises
    ------
    SettingError
        Otherwise, listing the names.
    """
    names = list(options)
    if not isinstance(value, str) or value not in names:
        raise SettingError(setting, "one of " + ", ".join(names), value, names[0])
    return value


def real(setting: str, value: Any, example: str, within: str = "(0, inf)") -> float:
    """Return `value` where it is a number within an interval, such as ``[0, 1)``.

    Raises
    ------
    SettingError
        Otherwise, with the example; ``True`` and ``"2"`` are not numbers.
    """
    low, high = (float(end) for end in within[1:-1].split(","))
    number = _as_float(value)
    above = number > low or (number == low and within[0] == "[")
    if not above or not (number < high or (number == high and within[-1] == "]")):
        sign = ">=" if within[0] == "[" else ">"
        wide = f"a finite number {sign} {low:g}" if low > -math.inf else "a finite number"
        raise SettingError(
            setting, wide if high == math.inf else f"a number in {within}", value, example
        )
    return number


def _as_float(value: Any) -> float:
    """Give the number that a value is: NaN where it is none, infinity for 400 digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def flag(setting: str, value: Any) -> bool:
    """Return `value` where it is true or false.

    Raises
    ------
    SettingError
        Otherwise.
    """
    if not isinstance(value, bool):
        raise SettingError(setting, "true or false", value, "true")
    return value
