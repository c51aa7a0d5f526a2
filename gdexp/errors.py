"""What a user can get wrong, said in one line."""

from typing import Any


class GdexpError(Exception):
    """A mistake or a mishap that is told in one line, without a traceback.

    The message says what was got, what is allowed and what to do.
    """


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
    advice : str, optional
        What to do, a whole sentence.
    """

    def __init__(self, setting: str, allowed: str, got: Any, advice: str = "") -> None:
        super().__init__(setting, allowed, got, advice)
        self.setting, self.allowed, self.got, self.advice = setting, allowed, got, advice

    def __str__(self) -> str:
        told = f"{self.setting} must be {self.allowed}. Got {self.got!r}."
        return f"{told} {self.advice}".rstrip()

    def of(self, setting: str) -> "SettingError":
        """Give the same error under the name by which the user knows the setting."""
        return SettingError(setting, self.allowed, self.got, self.advice)


def whole(setting: str, value: Any, least: int, advice: str = "") -> int:
    """Return `value` where it is a whole number of at least `least`.

    Raises
    ------
    SettingError
        Otherwise; ``True``, ``2.0`` and ``"2"`` are not whole numbers.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise SettingError(setting, f"a whole number >= {least}", value, advice)
    return value


def one_of(setting: str, value: Any, options: Any) -> str:
    """Return `value` where it is one of the names in `options`.

    Raises
    ------
    SettingError
        Otherwise, listing the names.
    """
    if not isinstance(value, str) or value not in options:
        raise SettingError(setting, "one of " + ", ".join(options), value)
    return value
