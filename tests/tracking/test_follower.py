"""What a follower brings into a store that fails anywhere, before or after it has done a thing."""

import csv
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdexp.tracking import outage
from gdexp.tracking.batch import Batch
from gdexp.tracking.follower import Follower
from gdexp.tracking.journal import NAME, Journal
from gdexp.tracking.outage import Link, passing
from gdexp.tracking.sweep_follower import SweepFollower
from gdexp.tracking.tracked import tracked


class Failing:
    """A store in memory that fails as it is told: as MLflow's, it takes a point twice."""

    shown, experiment, experiment_id = "memory", "gdexp", "1"

    def __init__(self, faults: Iterator[str]) -> None:
        self._faults = faults
        self.runs: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []

    def _carry_out(self, work: Callable[[], Any]) -> Any:
        fault = next(self._faults, "")
        if fault == "before":
            raise ConnectionError("refused")
        done = work()
        if fault == "after":
            raise TimeoutError("no answer")
        return done

    def create_run(self, record: dict[str, Any]) -> str:
        run = {"tags": dict(record["tags"]), "points": Counter(), "status": "RUNNING", "files": []}
        name = f"run{len(self.runs)}"
        return str(self._carry_out(lambda: self.runs.setdefault(name, run) and name))

    def find_run(self, tags: dict[str, str], noted: str = "", *, deleted: bool = False) -> Any:
        def same(name: str) -> bool:
            return bool(self.runs[name]["tags"]["gdexp.journal"] == tags["gdexp.journal"])

        found = [name for name in self.runs if same(name) and (name in self.deleted) == deleted]
        return self._carry_out(lambda: found[0] if found else None)

    def delete_doubles(self, run_id: str, tags: dict[str, str]) -> None:
        def double(name: str) -> bool:
            same = self.runs[name]["tags"]["gdexp.journal"] == tags["gdexp.journal"]
            return bool(same and name != run_id and name not in self.deleted)

        self._carry_out(lambda: self.deleted.extend(filter(double, self.runs)))

    def metrics(self, run_id: str) -> list[str]:
        return list(self._carry_out(lambda: sorted({n for n, *_ in self.runs[run_id]["points"]})))

    def status(self, run_id: str) -> str:
        return str(self._carry_out(lambda: self.runs[run_id]["status"]))

    def points(self, run_id: str, name: str) -> set[tuple[str, int]]:
        known = self.runs[run_id]["points"]
        return set(self._carry_out(lambda: {(n, step) for n, step, _ in known if n == name}))

    def log(self, run_id: str, batch: Batch) -> None:
        new = Counter(
            (name, step, float(value))
            for _, step, metrics in batch.points
            for name, value in metrics.items()
            if math.isfinite(float(value))
        )
        run = self.runs[run_id]
        self._carry_out(lambda: run["points"].update(new) or run["tags"].update(batch.tags))

    def log_end(self, run_id: str, record: dict[str, Any]) -> None:
        self._carry_out(lambda: self.runs[run_id]["tags"].update(record["tags"]))

    def set_tags(self, run_id: str, tags: dict[str, str]) -> None:
        self._carry_out(lambda: self.runs[run_id]["tags"].update(tags))

    def log_files(self, run_id: str, names: list[str], folder: Path) -> None:
        self._carry_out(lambda: self.runs[run_id]["files"].extend(names))

    log_found = log_files

    def describe_data(self, run_id: str, datasets: list[Any]) -> None:
        self._carry_out(lambda: None)

    def reopen_run(self, run_id: str, record: dict[str, Any]) -> None:
        self._carry_out(lambda: self.runs[run_id].update(status="RUNNING"))

    def close_run(self, run_id: str, record: dict[str, Any]) -> None:
        self._carry_out(lambda: self.runs[run_id].update(status=record["status"]))

    def close_abandoned(self, run_id: str, folder: Path | None = None) -> None:
        self._carry_out(lambda: self.runs[run_id].update(status="KILLED"))


def write(folder: Path, epochs: int, interrupted: int | None = None, uuid: str = "x") -> None:
    """Write the journal of a run, which may have been interrupted once."""
    folder.mkdir(parents=True, exist_ok=True)
    journal, tags = Journal(folder), {"gdexp.journal": uuid, "gdexp.kind": "train"}
    nothing: dict[str, Any] = {"params": {}, "datasets": [], "artifacts": ["a.txt"]}
    journal.write("start", name="run", epochs=epochs, every=1, tags=tags, **nothing)
    end: dict[str, Any] = {"tags": {"gdexp.outcome": "ok"}, "artifacts": [], "model": None}
    for epoch in range(epochs + 1):
        if epoch == interrupted:
            once = {"best/epoch": -1.0} if epoch % 2 else {}
            journal.write("end", status="KILLED", metrics={} if epoch else once, **end)
            journal.write("resume", epoch=epoch, tags={})
        metrics = {"train/cost_mean": 1 / (epoch + 1), "bad": math.inf, "progress/updates": epoch}
        journal.write("epoch", epoch=epoch, metrics=metrics)
    journal.write("end", status="FINISHED", metrics={"best/epoch": 1.0}, **end)
    journal.close()


def points(epochs: int) -> Counter[tuple[str, int, float]]:
    stride = max(1, -(-epochs // 318))
    shown = sorted({*range(0, epochs + 1, stride), epochs})
    named = [("train/cost_mean", epoch, 1 / (epoch + 1)) for epoch in shown]
    named += [("progress/updates", epoch, float(epoch)) for epoch in shown]
    return Counter([*named, ("best/epoch", 0, 1.0)])


def link_to(store: Failing, said: list[dict[str, Any]]) -> Link:
    return Link(store, lambda **what: said.append(what), lambda error: f"{error}")


@settings(max_examples=60)
@given(
    faults=st.lists(st.sampled_from(["", "", "before", "after"]), max_size=60),
    epochs=st.sampled_from([0, 1, 7, 16]),
    interrupted=st.none() | st.integers(0, 7),
    killed=st.lists(st.integers(1, 6), max_size=3),
)
def test_each_point_comes_once_whatever_fails_and_whenever_the_feeder_is_killed(
    faults: list[str], epochs: int, interrupted: int | None, killed: list[int]
) -> None:
    store, said = Failing(iter(faults)), []  # type: ignore[var-annotated]
    with TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.setattr(outage, "FIRST", 0.0)
        folder = Path(place)
        write(folder, epochs, interrupted)
        for times in killed:
            follower = Follower(folder, link_to(store, said), again=True)
            for _ in range(times):
                follower.advance(last=True, hurry=False)
            if follower._hold is not None:
                follower._hold.let_go()
        follower = Follower(folder, link_to(store, said), again=True)
        while not follower.done:
            follower.advance(last=True, hurry=False)
        noted = tracked(folder)
        assert noted is not None
        assert noted.whole(folder) or noted.complete is None
    (run,) = store.runs.values()
    got = {key: n for key, n in run["points"].items() if not key[0].startswith("by_update")}
    assert got == points(epochs)
    assert set(run["points"].values()) == {1}
    assert run["status"] == "FINISHED"
    assert NAME in run["files"]


def test_a_journal_is_read_as_far_as_the_store_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 3000)
    journal = Journal.reopened(tmp_path)
    for epoch in range(200):
        files = [f"{epoch}.png"]
        journal.write("look", epoch=epoch, last=False, metrics={}, artifacts=files, told={})
    journal.close()
    store, said = Failing(iter(["", "before"])), []  # type: ignore[var-annotated]
    monkeypatch.setattr(outage, "FIRST", 60.0)
    link = link_to(store, said)
    follower = Follower(tmp_path, link)
    follower.advance(last=False, hurry=False)
    assert link.down
    assert follower.reader.at < (tmp_path / NAME).stat().st_size
    assert said[-1] == {"away": "refused"}
    link.took()  # it is back
    while not follower.done:
        follower.advance(last=True, hurry=False)
    (run,) = store.runs.values()
    got = {key: n for key, n in run["points"].items() if not key[0].startswith("by_update")}
    assert got == points(3000)
    assert len([key for key in run["points"] if key[0] == "train/cost_mean"]) <= 320
    assert run["files"] == ["a.txt", *(f"{epoch}.png" for epoch in range(200)), NAME]


def begun(folder: Path) -> Journal:
    """Begin a sweep whose two jobs are done; give its journal."""
    jobs = [folder / str(number) for number in range(2)]
    for number, job in enumerate(jobs):
        write(job, 3, uuid=f"job{number}")
    journal, tags = Journal(folder), {"gdexp.journal": "sweep", "gdexp.kind": "sweep"}
    nothing: dict[str, Any] = {"params": {}, "datasets": [], "artifacts": [], "every": 1}
    journal.write("start", name="s", command="c", epochs=None, tags=tags, **nothing)
    listed = [
        {"job": n, "folder": str(job), "varies": [], "overrides": []} for n, job in enumerate(jobs)
    ]
    journal.write("jobs", jobs=listed)
    return journal


def test_jobs_of_a_sweep_wait_for_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "FIRST", 0.0)
    journal = begun(tmp_path)
    journal.write("end", status="FINISHED", tags={}, metrics={})
    journal.close()
    store = Failing(iter(["before"] * 5 + ["after"]))
    follower = SweepFollower(tmp_path, link_to(store, []), again=True)
    while not follower.done:
        follower.advance(last=True, hurry=False)
    parent, *children = store.runs.values()
    assert parent["tags"]["gdexp.kind"] == "sweep"
    assert [run["tags"]["mlflow.parentRunId"] for run in children] == ["run0", "run0"]
    assert {run["status"] for run in store.runs.values()} == {"FINISHED"}


@pytest.mark.parametrize("late", [False, True])
def test_a_sweep_that_goes_on_is_left_to_the_feeder_of_that_command(
    tmp_path: Path, late: bool
) -> None:
    journal, store = begun(tmp_path), Failing(iter([]))
    old = SweepFollower(tmp_path, link_to(store, []))
    if not late:
        old.advance(last=False, hurry=False)
        new = SweepFollower(tmp_path, link_to(store, []), again=True)
        new.advance(last=False, hurry=False)
        assert new.waiting
    resume: dict[str, Any] = {
        "name": "s",
        "command": "c",
        "tags": {},
        "bytes": {},
        "dropped": ["job1"],
    }
    journal.write("resume", **resume)
    old.advance(last=True, hurry=False)
    assert old.done
    assert {run["status"] for run in store.runs.values()} <= {"RUNNING", "FINISHED"}
    assert [run["status"] for run in store.runs.values()][:1] == ([] if late else ["RUNNING"])
    (tmp_path / "1").rename(tmp_path / "earlier")
    write(tmp_path / "1", 3, uuid="anew")
    journal.write("end", status="FINISHED", tags={}, metrics={})
    journal.close()
    new = SweepFollower(tmp_path, link_to(store, []), again=True)
    while not new.done:
        new.advance(last=True, hurry=False)
    there = [run for name, run in store.runs.items() if name not in store.deleted]
    assert [run["tags"]["gdexp.journal"] for run in there] == ["sweep", "job0", "anew"]
    assert {run["status"] for run in there} == {"FINISHED"}
    assert all(set(run["points"].values()) <= {1} for run in there)


def test_a_job_that_goes_on_is_told_as_it_stands_now(tmp_path: Path) -> None:
    begun(tmp_path).close()
    (tmp_path / "1" / NAME).unlink()
    told: dict[str, Any] = {"metrics": {}, "artifacts": [], "model": None}
    nothing: dict[str, Any] = {"params": {}, "datasets": [], "artifacts": []}
    job = Journal(tmp_path / "1")
    tags = {"gdexp.journal": "job1", "gdexp.kind": "train"}
    job.write("start", name="run", epochs=1, every=1, tags=tags, **nothing)
    job.write("end", status="KILLED", tags={"gdexp.outcome": "killed"}, **told)
    size = (tmp_path / "1" / NAME).stat().st_size
    sweep = Journal.reopened(tmp_path)
    resume: dict[str, Any] = {"name": "s", "command": "c", "tags": {}, "dropped": []}
    sweep.write("resume", bytes={"1": size}, **resume)
    store = Failing(iter([]))
    follower = SweepFollower(tmp_path, link_to(store, []), again=True)

    def counted() -> str:
        follower.advance(last=False, hurry=False)
        return str(store.runs["run0"]["tags"]["gdexp.jobs"])

    assert counted() == "1 of 2 jobs finished, 1 killed"
    job.write("resume", epoch=0, tags={})
    assert counted() == "1 of 2 jobs finished, 1 running"
    job.write("end", status="FINISHED", tags={"gdexp.outcome": "ok"}, **told)
    assert counted() == "2 of 2 jobs finished"
    sweep.write("end", status="FINISHED", tags={}, metrics={})
    assert counted() == "2 of 2 jobs finished"
    assert follower.done
    with (tmp_path / "jobs.csv").open() as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["finished", "finished"]
    job.close()
    sweep.close()


def test_a_damaged_journal_is_named_and_its_run_left_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, 9)
    lines = (tmp_path / NAME).read_text().splitlines()
    lines[4] = lines[4].replace("0", "1", 1)
    (tmp_path / NAME).write_text("\n".join(lines) + "\n")
    store, said = Failing(iter([])), []  # type: ignore[var-annotated]
    follower = Follower(tmp_path, link_to(store, said), again=True)
    follower.advance(last=True, hurry=False)
    assert follower.done
    assert f"{NAME}, line 5: " in said[-1]["error"]
    assert not store.runs


class ToldError(Exception):
    """As MLflow's: with a code."""

    def __init__(self, code: str) -> None:
        self.error_code = code


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        *((ToldError(code), True) for code in ("INTERNAL_ERROR", "PERMISSION_DENIED")),
        *(
            (ToldError(code), True)
            for code in ("TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED")
        ),
        *(
            (ToldError(code), False)
            for code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST")
        ),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (json.JSONDecodeError("cut short", "{", 1), True),
        (FileNotFoundError(), False),
        (PermissionError(), False),
        (KeyError("kind"), False),
    ],
)
def test_what_may_pass_and_what_does_not(error: Exception, passes: bool) -> None:
    assert passing(error) == passes


def test_a_store_is_asked_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("gdexp.tracking.outage.time.monotonic", lambda: now[0])
    link, pauses = link_to(Failing(iter([])), []), []
    for _ in range(12):
        link.failed("away")
        began = now[0]
        while link.down:
            now[0] += 0.05
        pauses.append(now[0] - began)
    assert pauses[:4] == pytest.approx([0.25, 0.5, 1, 2], abs=0.06)
    assert pauses[-1] == pytest.approx(30, abs=0.06)
    link.took()
    assert not link.failing
