"""What is looked at, and what a look finds."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gdexp.doctor.kept import Kept, kept
from gdexp.tracking.settings import Tracking


@dataclass(frozen=True)
class Check:
    """What a look at one thing found.

    Parameters
    ----------
    name : str
        What was looked at, in a word.
    told : str
        What was found.
    problems : sequence of str
        What is wrong, one by one, where there is more to be said than is told.
    advice : str
        What to do; empty: all is well.
    """

    name: str
    told: str
    problems: Sequence[str] = ()
    advice: str = ""

    @property
    def ok(self) -> bool:
        """Whether there is nothing to be done."""
        return not self.advice


@dataclass(frozen=True)
class Place:
    """What is looked at.

    Parameters
    ----------
    outputs : Path
    tracking : Tracking
        The store.
    hosts : sequence of str
        Machines of which the user says that nothing runs there any more.
    """

    outputs: Path
    tracking: Tracking
    hosts: Sequence[str] = ()

    @cached_property
    def folders(self) -> list[Kept]:
        """The folders of runs and sweeps among the outputs, as they were when first asked for."""
        return kept(self.outputs)

    def vouched(self, host: str | None) -> bool:
        """Whether what a machine's processes do can be known here, or is known to be nothing."""
        return host == socket.gethostname() or host in self.hosts
