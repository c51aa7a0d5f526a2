"""What reads the records of runs and sweeps: journals, configurations, plans, checkpoints."""

import gzip
import zlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from gdexp import places, recorded
from gdexp.descent import State
from gdexp.doctor.journals import damage
from gdexp.doctor.kept import Kept
from gdexp.errors import GdexpError
from gdexp.interrupted import Interrupted, interrupted
from gdexp.replay import trusted
from gdexp.replay.values import compared, of_journal
from gdexp.sweeps import kept
from gdexp.sweeps.earlier import look
from gdexp.tracking import Reader, Tracking, backlog, checkpoint, jobs, standings
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import NAME, mend, understood
from gdexp.trusted import check_targets
from tests.fuzz.corpus import CORPUS


def sealed(data: bytes) -> bytes:
    """Put the checksum on each line that is JSON and lacks it."""
    return b"\n".join(_sealed(line) for line in data.split(b"\n"))


def _sealed(line: bytes) -> bytes:
    if b',"crc":"' in line or not (line.startswith(b"{") and line.endswith(b"}")):
        return line
    return line[:-1] + f',"crc":"{zlib.crc32(line):08x}"}}'.encode()


def packed(data: bytes) -> bytes:
    """Pack a plan that is not."""
    return data if data.startswith(b"\x1f\x8b") else gzip.compress(data, 1, mtime=0)


def journal(data: bytes, folder: Path) -> None:
    """Read a run's journal as all do that read one: resume, replay, doctor, sync, jobs' tables."""
    (folder / NAME).write_bytes(data)
    damage(Kept(folder, "", {}, {}))
    _states([jobs.JobState(0, folder).now()])
    for entry in backlog.entries(folder):
        _ = entry.sweep, entry.tracking, entry.whole
    with suppress(GdexpError), understood(folder):  # as a replay tells it
        values = of_journal(Reader(folder).new())
        assert compared(values, values).equal
    with suppress(GdexpError):
        mend(folder)
    hold = Hold(folder, RUN)
    try:
        _gone_on_with(interrupted(folder, hold))
    finally:
        hold.let_go()


def _gone_on_with(left: Interrupted) -> None:
    recorded.request(left.folder, left.start)
    _ = left.process["gdexp.host"], left.command, left.elapsed, left.epochs(), left.looks()
    left.past()


def _states(states: list[jobs.JobState]) -> None:
    for state in states:
        _ = state.closed().lean().engine, state.named, state.rank
    standings.headline(states)
    standings.figures(states)
    for state in states:
        standings.row_of(state)


def sweep(data: bytes, folder: Path) -> None:
    """Read a sweep's journal."""
    (folder / NAME).write_bytes(data)
    _states(jobs.states(folder))
    look(folder, {0: folder / "0"}, tracked=True)


def resumed(data: bytes, folder: Path) -> None:
    """Go on from a checkpoint with a journal that is as it should be."""
    (folder / NAME).write_bytes(sealed(_journal()))
    (folder / checkpoint.FOLDER).mkdir(exist_ok=True)
    path = folder / checkpoint.FOLDER / f"{1:012}.checkpoint"
    path.write_bytes(data)
    hold = Hold(folder, RUN)
    try:
        left = interrupted(folder, hold)
        experiment = recorded.request(folder, left.start).experiment
        problem = experiment.build()
        state = State.begin(problem, 0)
        _gone_on_with(left)
        left.recall(state, experiment.inspection(problem, folder))
        assert state.v.shape == (problem.size,)
    finally:
        hold.let_go()


def config(data: bytes, folder: Path) -> None:
    """Read the configuration of a run as a replay does."""
    found = trusted.parsed(data)
    check_targets(found)
    replaced = trusted.replaced(found, folder, Tracking(None, "x"), {})
    recorded.experiment(replaced, {})


def plan(data: bytes, folder: Path) -> None:
    """Read the plan of a sweep, as what goes on with it."""
    (folder / kept.NAME).write_bytes(data)
    kept.head(folder)
    loader, master = _hydra()
    found = kept.read(folder, loader, master)
    for job in found.jobs:
        assert job.folder.resolve().is_relative_to(folder.resolve())


@cache
def _journal() -> bytes:
    return (CORPUS / "journal" / "run").read_bytes()


@cache
def _hydra() -> tuple[Any, DictConfig]:
    with hydra.initialize_config_dir(str(places.conf()), version_base="1.3"):
        master = hydra.compose("config", ["outputs=x"], return_hydra_config=True)
        return GlobalHydra.instance().config_loader(), master
