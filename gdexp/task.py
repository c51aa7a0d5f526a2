"""What is done for each job that Hydra hands over: a single run, or one of a sweep."""

import math
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from gdexp import compose, signals
from gdexp.closing import record_refusal
from gdexp.complain import clear_away, complaint
from gdexp.errors import GdexpError
from gdexp.interrupted import Interrupted
from gdexp.record import Record
from gdexp.request import Request
from gdexp.result import Result
from gdexp.session import SHORT, Session
from gdexp.sweeps import Job, Plan, SweepRecord
from gdexp.sweeps.frozen import requested
from gdexp.sweeps.record import STOP
from gdexp.sweeps.taking_up import continued
from gdexp.terminal import Progress, near, print_places, print_summary, program
from gdexp.training import Watch, ending, train

REFUSALS = (GdexpError, OSError, OmegaConfBaseException)


class Refused(SystemExit):
    """A single run that cannot be: as a SystemExit, which Hydra lets through without comment."""


@contextmanager
def alone(outputs: Path) -> Iterator[None]:
    """Refuse a single run that cannot be, and leave no empty folder of one that did not begin.

    Raises
    ------
    Refused
        Where its settings cannot be.
    """
    told = HydraConfig.get()
    output = Path(told.runtime.output_dir)
    try:
        yield
    except REFUSALS as error:
        clear_away(output, outputs)
        raise Refused(complaint(error, told.overrides.task, output)) from None
    except (KeyboardInterrupt, SystemExit):
        clear_away(output, outputs)
        raise


class Task:
    """What Hydra calls for each job of a command.

    Parameters
    ----------
    session : Session, optional
        What the jobs of the command share. A task that was sent to another process has none: its
        jobs are told by their journals.
    left : Path, optional
        The folder of a sweep that is to be gone on with.
    """

    def __init__(self, session: Session | None, left: Path | None = None) -> None:
        self.session, self.left = session, left

    def __getstate__(self) -> dict[str, Any]:
        return {"session": None, "left": None}

    def expect(self, job: Job) -> None:
        """Make ready for a sweep of which this is the first job."""
        assert self.session is not None
        self.session.expect(job)

    def begin(self, plan: Plan) -> SweepRecord:
        """Begin to record a sweep, before its first job."""
        assert self.session is not None
        return self.session.begin(plan)

    def __call__(self, config: DictConfig) -> float:
        """Carry out one job; gives its best validation accuracy, for sweepers to maximise.

        In a sweep a job that cannot be, or that fails, is told and recorded, and gives NaN: the
        others go on.

        Raises
        ------
        Refused
            Where the settings of a single run cannot be.
        """
        outputs = Path(str(config.outputs)).absolute()
        with alone(outputs):
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                return self._job(config, outputs)
            request = compose.request(config)
            with signals.raised():
                return self.run(request, outputs)

    def run(self, request: Request, outputs: Path, left: Interrupted | None = None) -> float:
        """Carry a single run out, or the rest of one, and tell of it; gives what is maximised.

        Parameters
        ----------
        request : Request
        outputs : Path
            The folder of all runs, with the feeder's log and the artifacts of a local store.
        left : Interrupted, optional
            What it left when it was interrupted, where it goes on.

        Raises
        ------
        BaseException
            As `train` does. One that ended the run in order has a note that says how to go on.
        """
        record, result = self._train(request, outputs, left)
        print_summary(record, result)
        return result.merit

    def _job(self, config: DictConfig, outputs: Path) -> float:
        """Carry out one job of a sweep, whatever comes of it."""
        told, request = HydraConfig.get(), None
        output, stop = Path(told.runtime.output_dir), Path(told.sweep.dir) / STOP
        if stop.exists():
            clear_away(output, outputs)
            return math.nan
        try:
            request = requested(told.sweeper.get("job")) or compose.request(config)
            with signals.raised(), continued(request) as (taken, left):
                return self._train(taken, outputs, left)[1].merit
        except REFUSALS as error:
            line = complaint(error, told.overrides.task, output)
        except Exception as error:
            traceback.print_exc()
            line = f"failed: {type(error).__name__}: {error}"
        overrides = " ".join(told.overrides.task)
        number = told.job.num if request is None else request.job
        print(f"job {number} ({overrides}): {line}", file=sys.stderr, flush=True)
        if request is not None:
            with suppress(OSError):  # where there is a record already, it tells the same
                record_refusal(request, line)
        if told.sweeper.get("fail_fast"):
            stop.touch()
        if self.session is not None:
            self.session.refused = True
        return math.nan

    def _train(
        self, request: Request, outputs: Path, left: Interrupted | None = None
    ) -> tuple[Record, Result]:
        if self.session is None:
            return _train_afar(request, left)
        feed = self.session.feeding(request, outputs)
        progress = _progress(request)
        records: list[Record] = []

        def announce(record: Record) -> Watch:
            records.append(record)
            feed(request.output)
            progress.start()
            return progress.show

        try:
            result = train(request, announce, left)
        except Exception as error:
            if records and not records[0].ended:
                self.session.unwritten[request.output] = ending(error)
            raise
        except (KeyboardInterrupt, SystemExit) as end:
            progress.stop()
            self.session.patience = SHORT
            if records:
                _tell_break(records[0], end)
            raise
        finally:
            progress.stop()
        return records[0], result


def _train_afar(request: Request, left: Interrupted | None) -> tuple[Record, Result]:
    """Carry out a job in a process that is not the command's: a line tells that it is done."""
    records: list[Record] = []

    def announce(record: Record) -> Watch:
        records.append(record)
        return lambda epoch: None

    result = train(request, announce, left)
    print(f"job {request.job}: {result.headline}", file=sys.stderr, flush=True)
    return records[0], result


def _progress(request: Request) -> Progress:
    label = "" if request.sweep is None else f"job {request.job}: "
    unit = "epoch" if request.experiment.stream is None else "report"
    return Progress(request.experiment.reports, label, unit)


def _tell_break(record: Record, end: BaseException) -> None:
    """Tell how far a run came that was stopped, and note how to go on with it."""
    request, experiment = record.request, record.request.experiment
    number = record.epochs[-1].number if record.epochs else 0
    of = "" if experiment.reports is None else f" of {experiment.reports}"
    unit = "epoch" if experiment.stream is None else "report"
    print(f"\nstopped after {unit} {number}{of}", file=sys.stderr)
    if request.sweep is None:
        print_places(record)
        if experiment.stream is None:
            end.add_note(f"go on    {program()} resume {near(request.output)}")
