"""Begins a sweep, or takes one up where it was left: one command at a time, from one plan."""

import os
import pickle
import socket
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gdexp.complain import clear_away
from gdexp.errors import GdexpError
from gdexp.fitting import check
from gdexp.request import Request
from gdexp.sweeps import claims, kept
from gdexp.sweeps.earlier import Earlier, look, written
from gdexp.sweeps.job import Job
from gdexp.sweeps.plan import Plan
from gdexp.sweeps.settings import Settings
from gdexp.terminal import near, program
from gdexp.tracking import Reader
from gdexp.tracking.environment import code, git
from gdexp.tracking.jobs import JobState
from gdexp.tracking.journal import NAME as JOURNAL
from gdexp.tracking.journal import understood


def begun(plan: Plan) -> Plan:
    """Begin a sweep: it is held, and its plan is on the disk.

    Raises
    ------
    GdexpError
        Where another command is carrying out these very jobs.
    OSError
        Where its folder cannot be written, or holds a sweep already.
    """
    with claims.one_start(_outputs(plan)):
        left = claims.unfinished(plan)
        if (plan.folder / JOURNAL).exists():
            raise FileExistsError
        plan.folder.mkdir(parents=True, exist_ok=True)
        held = replace(plan, hold=claims.take(plan.folder))
        try:
            kept.write(held)
            claims.mark(held)
        except BaseException:
            withdraw(held)
            raise
    if left is not None:
        command = f"{program()} resume {near(left)}"
        print(f"an interrupted sweep has these jobs; go on with it: {command}", file=sys.stderr)
    return held


def withdraw(plan: Plan) -> None:
    """Let a sweep go that this command holds; of one that has no journal yet, nothing stays."""
    assert plan.hold is not None
    if not (plan.folder / JOURNAL).exists():
        (plan.folder / kept.NAME).unlink(missing_ok=True)
        claims.unmark(plan.folder)
    plan.hold.let_go(remove=True)
    clear_away(plan.folder, _outputs(plan))


def taken_up(plan: Plan, settings: Settings, folder: Path | None) -> Plan:
    """Take up a sweep that is there: it is held, and what is left of it is planned.

    Parameters
    ----------
    plan : Plan
        What is asked for.
    settings : Settings
    folder : Path, optional
        The sweep's own; None: the one that has jobs of the plan.

    Raises
    ------
    GdexpError
        Where there is no such sweep, another command has it, or something is not as it was.
    """
    with claims.one_start(_outputs(plan)):
        folder = folder or claims.left(plan)
        hold = claims.take(folder)
    try:
        there = replace(left(plan, settings, folder), hold=hold)
        kept.write(there, kept.head(folder))
        if there.due or there.earlier is None or not there.earlier.complete:
            claims.mark(there)
        if there.earlier is None:
            (folder / JOURNAL).unlink(missing_ok=True)
    except BaseException:
        hold.let_go(remove=True)
        raise
    return there


def left(plan: Plan, settings: Settings, folder: Path) -> Plan:
    """Give the plan of a sweep with what is left of it; see `taken_up`."""
    head = kept.head(folder)
    if head is None:
        raise GdexpError(f"{folder / kept.NAME}: cannot be read. Begin the sweep anew.")
    how = "--force" if folder == plan.folder else "sweep.force=true"
    numbers = _numbers(plan, head)
    known = {numbers[job.key]: job for job in plan.jobs if numbers[job.key] < len(head.keys)}
    changed = [number for number, job in known.items() if job.data != head.data[number]]
    if not settings.force:
        if written(folder):
            _check_host(folder, how)
        _check_code(folder, head, how)
        _check_data(folder, known, changed, head, how)
    rebased = _rebased(plan, folder, numbers)
    if not written(folder):  # killed before it had a record: nothing was begun
        return rebased
    earlier = look(
        folder,
        {job.number: job.folder for job in rebased.jobs},
        tracked=plan.jobs[0].tracking.uri is not None,
        retry_failed=settings.retry_failed,
        forced=settings.force,
        changed=changed,
    )
    return _marked(replace(rebased, earlier=earlier), earlier)


def _numbers(plan: Plan, head: kept.Head) -> Mapping[str, int]:
    """Give each job the number that it has, and new ones the next."""
    numbers = {key: number for number, key in enumerate(head.keys)}
    for job in plan.jobs:
        numbers.setdefault(job.key, len(numbers))
    return numbers


def _rebased(plan: Plan, folder: Path, numbers: Mapping[str, int]) -> Plan:
    """Give the plan as one of the jobs of a sweep that is there."""
    variants: dict[str, int] = {}
    jobs = []
    for job in sorted(plan.jobs, key=lambda job: numbers[job.key]):
        number, place = numbers[job.key], os.path.relpath(job.folder, plan.folder)
        output = folder / (str(number) if place == str(job.number) else place)
        jobs.append(replace(job, number=number, folder=output))
        request: Request = pickle.loads(plan.loader.request(job.words))
        request = replace(
            request,
            output=output,
            sweep="_".join(folder.parts[-2:]),
            job=number,
            variant=variants.setdefault(job.group_key, len(variants)),
        )
        plan.loader.keep_request(job.words, request)
    plan.loader.folder = folder
    return replace(plan, folder=folder, jobs=jobs)


def _marked(plan: Plan, earlier: Earlier) -> Plan:
    """Have each job know whether it goes on; those that are due are checked once more."""
    for job in plan.due:
        request: Request = pickle.loads(plan.loader.request(job.words))
        goes_on = job.number in earlier.on
        request = replace(request, goes_on=goes_on, forced=earlier.forced)
        plan.loader.keep_request(job.words, request)
        check(request.experiment, request.output)
    rest = [JobState(job.number, job.folder) for job in plan.jobs if job not in plan.due]
    plan.loader.standing = [state.now().lean() for state in rest]
    return plan


def _check_host(folder: Path, how: str) -> None:
    """Refuse a sweep that may be going on where this machine does not see it."""
    host = ""
    with understood(folder):
        for record in Reader(folder).new():
            if record["kind"] in ("start", "resume"):
                host = record["tags"]["gdexp.host"]
            elif record["kind"] == "end":
                host = ""
    if host and host != socket.gethostname():
        raise GdexpError(
            f"{folder}: this sweep was begun on the machine {host}, and may be going on there. "
            f"Where it is not, go on with {how}."
        )


def _check_code(folder: Path, head: kept.Head, how: str) -> None:
    now = code()
    other = {name: (head.code.get(name, "none"), now[name]) for name in now}
    other = {name: pair for name, pair in other.items() if pair[0] != pair[1]}
    if not other:
        return
    commit = git("_".join(folder.parts[-2:])).get("commit", "")
    if commit != head.commit:
        other["commit"] = (head.commit[:10] or "none", commit[:10] or "none")
    told = ", ".join(f"{name} {then} is now {this}" for name, (then, this) in other.items())
    raise GdexpError(
        f"{folder}: the code is not that which the sweep began with ({told}). "
        f"Bring that back, or go on with {how}; its runs may then not be those of one program."
    )


def _check_data(
    folder: Path, jobs: Mapping[int, Job], changed: list[int], head: kept.Head, how: str
) -> None:
    if changed:
        job = jobs[changed[0]]
        told = f"of job {changed[0]} their digest {head.data[changed[0]]} is now {job.data}"
        raise GdexpError(
            f"{folder}: the data are not those that the sweep began with ({told}). Bring those "
            f"back, or go on with {how}; jobs that were interrupted then begin anew."
        )


def _outputs(plan: Plan) -> Path:
    return Path(plan.jobs[0].outputs).absolute()
