"""A sweep as it was planned: its jobs, and what it is called."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gdexp.sweeps.earlier import Earlier
from gdexp.sweeps.frozen import Frozen
from gdexp.sweeps.grids import Words
from gdexp.sweeps.job import Job, axes_of
from gdexp.sweeps.settings import Study
from gdexp.terminal import near
from gdexp.tracking import Tracking
from gdexp.tracking.hold import Hold
from gdexp.tracking.jobs import JobState


@dataclass(frozen=True)
class Plan:
    """The jobs of a sweep.

    Parameters
    ----------
    folder : Path
        The sweep's own.
    words : sequence of str
        What was written on the command line.
    jobs : sequence of Job
    loader : Frozen
        Gives their configurations.
    study : Study, optional
    name : str
        The study's.
    doubles : mapping of tuple of str to int
        Overrides that ask for what another job computes, and that job's number.
    launcher : sequence of str
        What was written of the launcher, in Hydra's grammar.
    earlier : Earlier, optional
        What commands before this one left of the sweep, where it is gone on with.
    hold : Hold, optional
        On its folder, where it is carried out.
    """

    folder: Path
    words: Sequence[str]
    jobs: Sequence[Job]
    loader: Frozen
    study: Study | None = None
    name: str = ""
    doubles: Sequence[tuple[Words, int]] = field(default_factory=list)
    launcher: Sequence[str] = ()
    earlier: Earlier | None = None
    hold: Hold | None = None

    retries = True  # whether jobs that failed can be run again

    @property
    def tags(self) -> dict[str, str]:
        """What it is tagged with beyond what all sweeps are."""
        return {}

    @property
    def id(self) -> str:
        """The tag that groups the sweep's runs: its date and time."""
        return "_".join(self.folder.parts[-2:])

    @property
    def title(self) -> str:
        """The name of the sweep's own run."""
        over = f"study {self.name}" if self.name else f"sweep of {', '.join(self.axes) or 'one'}"
        return f"{over} ({len(self.jobs)} jobs)"

    @property
    def tracking(self) -> Tracking:
        """Where its runs are told."""
        return self.jobs[0].tracking

    @property
    def outputs(self) -> str:
        """The folder of all runs."""
        return self.jobs[0].outputs

    @property
    def params(self) -> dict[str, str]:
        """What MLflow shows of it."""
        return {"study": self.name} if self.name else {}

    def carried_out(self, states: Sequence[JobState]) -> str:
        """Say what was done of it now, and what before."""
        return "" if self.earlier is None else self.earlier.carried_out(states)

    @property
    def resuming(self) -> list[str]:
        """What to write after ``python -m gdexp`` to go on with it."""
        return ["resume", near(self.folder)]

    @property
    def due(self) -> list[Job]:
        """The jobs that are to be carried out now."""
        if self.earlier is None:
            return [*self.jobs]
        return [job for job in self.jobs if job.number in self.earlier.due]

    @cached_property
    def axes(self) -> dict[str, list[str]]:
        """What varies from job to job: by name, the values in the order of their coming."""
        return axes_of([job.words for job in self.jobs])
