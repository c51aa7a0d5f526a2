"""The task that Hydra carries out for each job, and the session around all jobs of a command."""

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig
from rich.console import Console

from gdexp import compose, places
from gdexp.complain import cannot_write, clear_away, complaint
from gdexp.errors import GdexpError, SettingError
from gdexp.experiment import Request
from gdexp.record import Record
from gdexp.result import Result
from gdexp.run import Watch, run
from gdexp.terminal import Progress, print_summary, print_sweep
from gdexp.tracking import Feeder, Tracking


class Refused(SystemExit):
    """A single run that cannot be: as a SystemExit, which Hydra lets through without comment."""


class Session:
    """What the jobs of one command share: the feeders, and the results so far."""

    def __init__(self) -> None:
        self.feeders: dict[Tracking, Feeder] = {}
        self.jobs: list[tuple[Request | None, Result | str]] = []
        self.sweep: Path | None = None
        self.variants: dict[str, int] = {}

    def job(self, config: DictConfig) -> float:
        """Carry out one job; gives its best validation accuracy, for sweepers to maximise.

        Raises
        ------
        Refused, GdexpError
            Where the user's settings cannot be; in a sweep the other jobs go on.
        """
        told = HydraConfig.get()
        output, outputs = Path(told.runtime.output_dir), Path(str(config.outputs)).absolute()
        if told.mode == RunMode.MULTIRUN:
            self.sweep = output.parent
        try:
            if not isinstance(config.outputs, str) or not config.outputs:
                raise SettingError("outputs", "the path of a folder", config.outputs, "outputs")
            return self._run(config, outputs)
        except (GdexpError, OSError) as error:
            clear_away(output, outputs)
            line = cannot_write(error) if isinstance(error, OSError) else str(error)
            if self.sweep is None:
                raise Refused(line) from None
            self.jobs.append((None, line))
            overrides = " ".join(told.overrides.task)
            print(f"job {told.job.num} ({overrides}): {line}", file=sys.stderr, flush=True)
            raise GdexpError(line) from None

    def _run(self, config: DictConfig, outputs: Path) -> float:
        request = compose.request(config)
        if self.sweep is not None:
            number = self.variants.setdefault(request.group_key, len(self.variants))
            request = replace(request, variant=number)
        experiment = request.experiment
        feeder = self._feeder(experiment.tracking, outputs)
        label = "" if request.job is None else f"job {request.job}: "
        progress = Progress(experiment.epochs, label)
        records = []

        def announce(record: Record) -> Watch:
            records.append(record)
            feeder.feed(request.output)
            progress.start()
            return progress.show

        try:
            result = run(request, announce)
        finally:
            progress.stop()
        self.jobs.append((request, result))
        if self.sweep is None:
            print_summary(records[0], result)
        return result.figures["best/val_accuracy"]

    def _feeder(self, tracking: Tracking, outputs: Path) -> Feeder:
        if tracking not in self.feeders:
            tracking.check()
            self.feeders[tracking] = Feeder(tracking, outputs)
        return self.feeders[tracking]

    def close(self) -> bool:
        """Wait until MLflow has all runs, and say so; False where it has not, or a job failed."""
        if self.sweep is not None and self.jobs:
            print_sweep(self.jobs, self.sweep)
        complete = [_close(feeder) for feeder in self.feeders.values()]
        return all(complete) and not any(isinstance(result, str) for _, result in self.jobs)


def _close(feeder: Feeder) -> bool:
    """Finish a feeder; without runs there is nothing to wait for."""
    console = Console(stderr=True)
    waiting = console.status("bringing the results into MLflow (Ctrl-C leaves that to the feeder)")
    try:
        with waiting if console.is_terminal and feeder.runs else nullcontext():
            complete = feeder.finish(timeout=None if feeder.runs else 0) or not feeder.runs
    except KeyboardInterrupt:
        print("MLflow is not waited for; the feeder goes on by itself.", file=sys.stderr)
        return False
    if not complete:
        reasons = {fed.error for fed in feeder.runs.values() if fed.error}
        for reason in reasons or [feeder.error]:
            print(f"not tracked: {reason}; the journals are complete", file=sys.stderr)
    elif len(feeder.runs) == 1:
        (fed,) = feeder.runs.values()
        print(f"tracked  as run {fed.run_id} in {feeder.tracking.shown}", flush=True)
    elif feeder.runs:
        print(f"tracked  as {len(feeder.runs)} runs in {feeder.tracking.shown}", flush=True)
    return complete


def launch(words: Sequence[str]) -> int:
    """Hand the command line to Hydra, and give the exit status.

    Parameters
    ----------
    words : sequence of str
        The command line, without the program's name.
    """
    os.environ.setdefault("GDEXP_OUTPUTS", str(places.outputs()))
    wants_traceback = bool(os.environ.get("HYDRA_FULL_ERROR"))
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us whole, and are told below
    sys.argv = [sys.argv[0], *words]
    session = Session()
    main = hydra.main(config_path=str(places.conf()), config_name="config", version_base="1.3")
    status = 0
    try:
        main(session.job)()
    except Refused as refused:
        status = _tell(str(refused.code))
    except (GdexpError, hydra.errors.HydraException, OSError, ValueError) as error:
        if wants_traceback:
            raise
        status = 1 if session.jobs else _tell(complaint(error, words))
    finally:
        complete = session.close()
    return status or int(not complete)


def _tell(line: str) -> int:
    print(line, file=sys.stderr)
    return 1
