"""Sources whose examples are lines of text: standard input, and a file that grows."""

import sys
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from gdexp.data.examples import Dataset
from gdexp.data.streams.arrivals import Arrivals, Arriving, Example, nothing
from gdexp.data.streams.lines import followed, lines, piped
from gdexp.data.streams.parse import BadLineError, Parser
from gdexp.errors import GdexpError, SettingError, one_of, real, whole

TOLD = 5  # bad lines that are named, each; the others are only counted


@dataclass(frozen=True)
class _Text(Arriving):
    """Lines of CSV or JSON, an example each.

    Parameters
    ----------
    format : {"auto", "csv", "json"}
        ``auto``: as the first line has it.
    label : str
        The label's name in the first line, or "last": where it stands.
    inputs : int, optional
        How many an example has; None: as many as the first.
    classes : int
        Labels are whole numbers from 0 to classes - 1; 0: they are any numbers, as for regression.
        A first line ``{"inputs": 64, "classes": 10}`` tells both otherwise.
    scale : float
        What inputs are divided by.

    Raises
    ------
    SettingError
        Where one is not allowed.
    """

    format: str
    label: str
    inputs: int | None
    classes: int
    scale: float

    def __post_init__(self) -> None:
        one_of("format", self.format, ("auto", "csv", "json"))
        if not isinstance(self.label, str):
            raise SettingError("label", "a name, or last", self.label, "last")
        if self.inputs is not None:
            whole("inputs", self.inputs, 1, "64")
        whole("classes", self.classes, 0, "10")
        real("scale", self.scale, "255")

    hint = ""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the lines come from, for people."""

    @abstractmethod
    def pieces(self) -> Iterator[bytes | None]:
        """Give the bytes as they come."""

    def open(self, bad_lines: str) -> Arrivals:
        """Wait for the first example, and give it and those that follow."""
        reading = _Reading(self, bad_lines)
        examples = reading.examples()
        waited = (example for example in examples if example is not None)
        if (first := next(waited, None)) is None:
            bad = f" {reading.skipped:,} lines did not parse." if reading.skipped else ""
            raise GdexpError(f"data={self.option}: {self.place} holds no example.{bad}{self.hint}")
        assert reading.parser.inputs is not None
        none = nothing(reading.parser.inputs, reading.parser.classes, float(self.scale))
        dataset = Dataset(self.place, none, none, none, reading.parser.classes, self.place)
        return Arrivals(dataset, chain([first], examples), skipped=lambda: reading.skipped)


class _Reading:
    """Text that is being read."""

    def __init__(self, text: _Text, bad_lines: str) -> None:
        self.text, self.bad_lines, self.skipped = text, bad_lines, 0
        self.parser = Parser(text.format, text.label, text.inputs, text.classes)

    def examples(self) -> Iterator[Example | None]:
        number = 0
        for line in lines(self.text.pieces()):
            if line is None:
                yield None
                continue
            number += 1
            try:
                example = self.parser.read(line)
            except BadLineError as error:
                self._bad(f"{self.text.place}, line {number}: {error}")
                continue
            if example is not None:
                yield example

    def _bad(self, told: str) -> None:
        if self.bad_lines == "fail":
            raise GdexpError(f"{told}. Mend it, or write stream.bad_lines=skip.")
        self.skipped += 1
        if self.skipped <= TOLD:
            more = " Further ones are only counted." if self.skipped == TOLD else ""
            print(f"{told}; skipped.{more}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Stdin(_Text):
    """Lines that come through standard input, until it is closed."""

    option = "stdin"
    hint = " Pipe lines into the command; the second job of a sweep finds none left."

    @property
    def place(self) -> str:
        """Standard input."""
        return "standard input"

    def pieces(self) -> Iterator[bytes | None]:
        """Read what comes; nobody else in this process or beside it does."""
        if sys.stdin is None:
            raise GdexpError("data=stdin: standard input is closed. Pipe lines into the command.")
        return piped(sys.stdin.fileno())


@dataclass(frozen=True)
class File(_Text):
    """Lines of a file that grows, followed as ``tail -f`` does.

    Parameters
    ----------
    path : str
    idle : float, optional
        Seconds without anything new after which it has ended; 0: where it ends now; None: only
        when it is removed.
    """

    path: str
    idle: float | None
    option = "file"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.path, str) or not self.path:
            raise SettingError("path", "the path of a file", self.path, "examples.csv")
        if self.idle is not None:
            real("idle", self.idle, "5", "[0, inf)")

    @property
    def place(self) -> str:
        """The file."""
        return self.path

    def pieces(self) -> Iterator[bytes | None]:
        """Read what is there, and wait for more."""
        return followed(Path(self.path).expanduser(), self.idle)
