"""From a line to an example: numbers between commas, or a line of JSON."""

import csv
import json
import math
from collections.abc import Iterator
from typing import Any

from gdexp.data.streams.arrivals import Example
from gdexp.errors import GdexpError, SettingError, whole

LAST = "last"
LARGEST = 3.4028234e38  # of float32
TELLS = {"inputs", "classes"}  # what a first line in JSON may tell of those that follow


class BadLineError(ValueError):
    """A line that is no example; says why."""


class Parser:
    """Reads lines in order; the first ones tell how the others are to be read.

    Parameters
    ----------
    kind : {"auto", "csv", "json"}
        ``auto``: JSON where the first line begins with { or [.
    label : str
        Name of the label, or "last".
    inputs : int, optional
        How many an example has; None: as many as the first.
    classes : int
        Labels are whole numbers from 0 to classes - 1; 0: they are any numbers.
    """

    def __init__(self, kind: str, label: str, inputs: int | None, classes: int) -> None:
        self.kind, self.label, self.inputs, self.classes = kind, label, inputs, classes
        self.names: list[str] | None = None
        self._begun = False

    def read(self, line: bytes) -> Example | None:
        """Give the example of a line; None where the line only tells of others, or is blank.

        Raises
        ------
        BadLineError
            Where it is none.
        GdexpError
            Where the lines cannot be what the settings say.
        """
        try:
            text = line.decode().strip()
        except UnicodeDecodeError:
            raise BadLineError("is not text in UTF-8") from None
        if not text:
            return None
        if self.kind == "auto":
            self.kind = "json" if text[0] in "{[" else "csv"
        first, self._begun = not self._begun, True
        values = self._json(text, first) if self.kind == "json" else self._csv(text, first)
        return None if values is None else self._example(values)

    def _example(self, values: list[float]) -> Example:
        """Take the label, which stands last, from the numbers."""
        if self.inputs is None and len(values) > 1:
            self.inputs = len(values) - 1
        if len(values) < 2:
            raise BadLineError("has not even an input and a label")
        *x, y = values
        if len(x) != self.inputs:
            raise BadLineError(f"has {len(x)} inputs and a label, not {self.inputs} and a label")
        if not all(abs(value) <= LARGEST for value in values):
            raise BadLineError("holds a number that is not finite, or too large for float32")
        if not self.classes:
            return x, y
        if y not in range(self.classes):
            raise BadLineError(f"has the label {y:g}, not a class from 0 to {self.classes - 1}")
        return x, int(y)

    def _csv(self, text: str, first: bool) -> list[float] | None:
        fields = next(csv.reader([text])) if '"' in text else text.split(",")
        if first and not any(map(_is_number, fields)):
            self.names = [field.strip() for field in fields]
            return None
        wrong = [field.strip() for field in fields if not _is_number(field)]
        if wrong:
            raise BadLineError(f"holds {wrong[0][:40]!r}, which is not a number")
        values = [float(field) for field in fields]
        if self.names is None:
            self._check_last()
        elif len(values) != len(self.names):
            raise BadLineError(f"has {len(values)} fields, not {len(self.names)}")
        else:
            values.append(values.pop(self._at(self.names)))
        return values

    def _json(self, text: str, first: bool) -> list[float] | None:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise BadLineError("is not JSON") from None
        if first and isinstance(found, dict) and found and set(found) <= TELLS:
            self._tell(found)
            return None
        if isinstance(found, list):
            self._check_last()
            return list(_numbers(found))
        if not isinstance(found, dict) or not found:
            raise BadLineError("is neither an object nor a list")
        return self._object(found)

    def _object(self, found: dict[str, Any]) -> list[float]:
        if self.names is None:
            self.names = list(found)
        if set(found) != set(self.names):
            got, wanted = ", ".join(found), ", ".join(self.names)
            raise BadLineError(f"has the names {got[:60]}, not {wanted[:60]}")
        label = self.names[self._at(self.names)]
        if self.label == LAST and isinstance(found[label], list):
            allowed = f"a name ({', '.join(self.names)}), since the last field, {label}, is a list"
            raise SettingError("data.label", allowed, LAST, self.names[0])
        values = [each for name in self.names if name != label for each in _numbers(found[name])]
        return [*values, *_numbers(found[label])]

    def _tell(self, found: dict[str, Any]) -> None:
        """Take the numbers of inputs and classes from the first line."""
        for name, value in found.items():
            try:
                setattr(self, name, whole(name, value, 1 if name == "inputs" else 0, "10"))
            except SettingError as error:
                raise GdexpError(f"data, line 1: {error}") from None

    def _at(self, names: list[str]) -> int:
        if self.label == LAST:
            return len(names) - 1
        if self.label not in names:
            raise SettingError("data.label", f"last, or one of {', '.join(names)}", self.label)
        return names.index(self.label)

    def _check_last(self) -> None:
        if self.label != LAST:
            advice = "Write data.label=last."
            raise SettingError(
                "data.label", "last, for lines without names", self.label, "", advice
            )


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _numbers(value: Any) -> Iterator[float]:
    """Give the numbers of a value, lists within lists included."""
    if isinstance(value, list):
        for each in value:
            yield from _numbers(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        try:
            yield float(value)
        except OverflowError:  # a whole number of 400 digits
            yield math.inf
    else:
        raise BadLineError(f"holds {json.dumps(value)[:40]}, which is not a number")
