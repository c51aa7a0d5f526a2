"""The record of a run that could not write its own: it never began, or its process is gone."""

import shlex
import uuid

from gdexp.labels import run_name, tags_of
from gdexp.request import Request
from gdexp.tracking import Journal
from gdexp.tracking.environment import git


def record_refusal(request: Request, why: str) -> None:
    """Record a run that could not begin: a job of a sweep is not to be missing from it.

    Raises
    ------
    OSError
        Where its folder cannot be written, or holds a run already.
    """
    _write_end(_begun(request), request, "FAILED", "failed", why)


def record_loss(request: Request, why: str, status: str = "KILLED") -> None:
    """Record the end of a run whose process is gone, or could not go on: KILLED, or FAILED.

    Raises
    ------
    OSError
        Where its folder cannot be written.
    """
    try:
        journal = Journal.reopened(request.output)
    except FileNotFoundError:
        request.output.mkdir(parents=True, exist_ok=True)
        journal = _begun(request)
    _write_end(journal, request, status, status.lower(), why)


def _begun(request: Request) -> Journal:
    journal = Journal(request.output)
    journal.write(
        "start",
        name=run_name(request, 0),
        epochs=None,
        every=1,
        params=request.params,
        tags={**tags_of(request, git(request.sweep)), "gdexp.journal": uuid.uuid4().hex},
        datasets=[],
        artifacts=[],
        config=request.config,
    )
    return journal


def _write_end(journal: Journal, request: Request, status: str, outcome: str, why: str) -> None:
    command = shlex.join(["python", "-m", "gdexp", *request.words])
    tags = {"gdexp.outcome": outcome, "gdexp.reason": why}
    note = {"mlflow.note.content": f"{outcome}: {why}\n\n    {command}\n"}
    journal.write("end", status=status, tags={**tags, **note}, metrics={}, artifacts=[], model=None)
    journal.close()
