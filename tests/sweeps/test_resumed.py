"""A sweep that was interrupted goes on as if it had not been: each job once, bit for bit."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gdexp import experiment, places
from gdexp.errors import GdexpError
from gdexp.fitting import fitting
from gdexp.sweeps import claims, resuming
from gdexp.sweeps import kept as kept_plan
from gdexp.tracking import Reader, environment, jobs
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import NAME, seal, unseal
from tests.conftest import CONF, Command, command
from tests.kills import told
from tests.nursery import Started, feeder_of
from tests.servers import until
from tests.sweeps.test_parent import rows, tags
from tests.sweeps.test_sweeps import CHECKED, FAILS, OFF, sweep_of
from tests.tracking.test_killed import start

KILLS = int(os.environ.get("GDEXP_SWEEP_KILLS", "2"))  # 30 of them take minutes
SEED = int(os.environ.get("GDEXP_SWEEP_SEED", "6"))
JOBS = 5
SLOW = ["-m", f"seed=range({JOBS})", "optimizer=online", "eta=0.3", "epochs=3"]
OFTEN = ["engine=reference", "checkpoint.seconds=0", "launcher.workers=2"]
Alone = list[dict[str, Any]]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """What each job of a sweep tells that nobody disturbs."""
    folder = tmp_path_factory.mktemp("alone")
    ran = command(*SLOW, *OFTEN, OFF, outputs=folder, cwd=folder)
    assert ran.returncode == 0, ran.stderr
    found = [told(sweep_of(folder) / f"{number}") for number in range(JOBS)]
    plain: Alone = json.loads(json.dumps(found).replace(f" {OFF}", ""))  # of their commands
    return plain


def written(outputs: Path) -> int:
    """Count what the journals of all jobs have."""
    return sum(path.read_bytes().count(b"\n") for path in outputs.glob(f"sweeps/*/*/*/{NAME}"))


def children(pid: int) -> list[int]:
    with suppress(OSError):
        return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return []


def strike(process: Started, whom: str) -> bool:
    """Kill a command, one of its workers, or all of it; False where that was gone already."""
    feeder = feeder_of(process.pid)
    victims = {
        "parent": [process.pid],
        "worker": children(process.pid)[:1],
        "all": [process.pid, *([feeder] if feeder else [])],
    }[whom]
    gone = process.poll() is not None
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return bool(victims) and not gone


def disturbed(outputs: Path, whoms: Iterator[str], kills: int, rng: random.Random) -> int:
    """Carry a sweep out with so many kills at most, each resumed; give how many there were."""
    before, count = {*outputs.glob("sweeps/*/*")}, 0
    while True:
        folder = next(iter({*outputs.glob("sweeps/*/*/plan.jsonl.gz")} - known(before)), None)
        process = start(outputs, *going_on(folder and folder.parent, rng))
        if count < kills:
            moment(process, outputs, rng)
            count += strike(process, next(whoms))
        _, stderr = process.communicate(timeout=120)
        assert "Traceback" not in stderr, stderr
        if process.returncode == 0:
            return count
        assert process.returncode in (1, -signal.SIGKILL), stderr


def known(folders: set[Path]) -> set[Path]:
    return {folder / "plan.jsonl.gz" for folder in folders}


def going_on(folder: Path | None, rng: random.Random) -> list[str]:
    """Give the command that begins a sweep, or one of those that go on with it."""
    if folder is None:
        return [*SLOW, *OFTEN]
    return rng.choice([[*SLOW, *OFTEN, "sweep.resume=true"], ["resume", str(folder)]])


def moment(process: Started, outputs: Path, rng: random.Random) -> None:
    """Wait for a random moment: some time after the start, or some records later."""
    if rng.random() < 0.3:
        signal.sigtimedwait([], rng.uniform(0, 3))
        return
    enough = written(outputs) + rng.randint(1, 12)
    until(lambda: process.poll() is not None or written(outputs) >= enough)
    signal.sigtimedwait([], rng.uniform(0, 0.05))


def test_no_kill_loses_doubles_or_changes_a_job(outputs: Path, alone: Alone) -> None:
    rng, count, sweeps = random.Random(SEED), 0, 0
    whoms = iter(lambda: rng.choice(["parent", "worker", "all"]), "")
    while count < KILLS:
        count += disturbed(outputs, whoms, KILLS - count, rng)
        sweeps += 1
    found = [*outputs.glob(f"sweeps/*/*/{NAME}")]
    assert len(found) == sweeps
    for file in found:
        check(outputs, file.parent, alone)


def check(outputs: Path, folder: Path, alone: Alone) -> None:
    """Hold a sweep against one that nobody disturbed, in its folder and in MLflow."""
    assert [told(folder / f"{number}") for number in range(JOBS)] == alone
    sweep = "_".join(folder.parts[-2:])
    mine = f"SELECT run_uuid FROM tags WHERE key = 'gdexp.sweep_id' AND value = '{sweep}'"
    (parent,) = rows(
        outputs,
        f"SELECT run_uuid, status, name FROM runs WHERE run_uuid IN ({mine}) AND run_uuid IN"
        " (SELECT run_uuid FROM tags WHERE key = 'gdexp.kind' AND value = 'sweep')",
    )
    assert parent[1:] == ("FINISHED", f"sweep of seed ({JOBS} jobs)")
    runs = rows(
        outputs,
        "SELECT r.run_uuid, r.status, r.lifecycle_stage, j.value, p.value FROM runs r"
        " JOIN tags j ON j.run_uuid = r.run_uuid AND j.key = 'gdexp.job'"
        " JOIN tags p ON p.run_uuid = r.run_uuid AND p.key = 'mlflow.parentRunId'"
        f" WHERE r.run_uuid IN ({mine})",
    )
    told_of = sorted((int(job), *state, of) for _, *state, job, of in runs)
    assert told_of == [(job, "FINISHED", "active", parent[0]) for job in range(JOBS)]
    points = f"SELECT run_uuid, key, step FROM metrics WHERE run_uuid IN ({mine})"
    counts = Counter(point for point in rows(outputs, points) if point[0] != parent[0])
    assert set(counts.values()) == {1}
    for run_id, *_, job, _ in runs:
        check_points(outputs, run_id, folder / job)
    figures = rows(outputs, f"SELECT key, value FROM latest_metrics WHERE run_uuid = '{parent[0]}'")
    expected = {"jobs/total": JOBS, "jobs/finished": JOBS, "jobs/killed": 0, "jobs/failed": 0}
    assert expected.items() <= dict(figures).items()
    (table,) = outputs.glob(f"artifacts/*/{parent[0]}/artifacts/jobs.json")
    assert [row[2] for row in json.loads(table.read_text())["data"]] == ["finished"] * JOBS


def check_points(outputs: Path, run_id: str, folder: Path) -> None:
    query = f"SELECT step, key, value FROM metrics WHERE run_uuid = '{run_id}' AND key LIKE 'val/%'"
    points = {(step, key): value for step, key, value in rows(outputs, query)}
    assert points == {
        (record["epoch"], key): value
        for record in Reader(folder).new()
        if record["kind"] == "epoch"
        for key, value in record["metrics"].items()
        if key.startswith("val/")
    }


QUICK = ["-m", "epochs=2", "engine=reference", "launcher.workers=2"]
THREE = [*QUICK, "seed=range(3)", OFF]
LONG = [*THREE, "epochs=1000000", "checkpoint.seconds=0.1"]
Damage = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def rewrite(folder: Path, change: Damage) -> None:
    file = folder / NAME
    records = change([unseal(line) for line in file.read_text().splitlines()])
    plain = [{k: v for k, v in record.items() if k != "crc"} for record in records]
    file.write_text("".join(f"{seal(record)}\n" for record in plain))


def stamp(folder: Path) -> int:
    return (folder / NAME).stat().st_mtime_ns


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this module's own: the records of a sweep name places in full."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture
def outputs(place: Path) -> Path:
    """An outputs folder that is the same one for all tests, and empty for each."""
    shutil.rmtree(place / "outputs", ignore_errors=True)
    return place / "outputs"


@pytest.fixture(scope="module")
def kept(place: Path) -> Path:
    """A sweep as a power cut leaves it: one job finished, one on its way, one not begun."""
    shutil.rmtree(place / "outputs", ignore_errors=True)
    ran = command(*THREE, outputs=place / "outputs", cwd=place)
    assert ran.returncode == 0, ran.stderr
    folder = sweep_of(place / "outputs")
    rewrite(folder, lambda records: records[:-1])
    rewrite(folder / "1", lambda records: records[:3])
    shutil.rmtree(folder / "2")
    head = kept_plan.head(folder)
    assert head is not None
    (folder / claims.mark_of(head.keys, head.tracking)).touch()
    return (place / "outputs").rename(place / "kept")


@pytest.fixture
def cut_off(kept: Path, outputs: Path) -> Path:
    """The folder of such a sweep."""
    shutil.copytree(kept, outputs)
    return sweep_of(outputs)


def test_what_is_finished_stays_and_what_is_new_is_added(
    cut_off: Path, inside: Command, outputs: Path
) -> None:
    first, then = stamp(cut_off / "0"), told(cut_off / "0")
    words = [*QUICK, OFF, "seed=3,2,1,0", "sweep.resume=true"]  # in whatever order, and one more
    ran = inside(*words, "sweep.dry_run=true")
    left = "4 jobs: 1 done before, 1 to go on with, 2 to run"
    assert ran.stderr.splitlines()[-1].endswith(f": {left}")
    ran = inside(*words)
    assert ran.returncode == 0, ran.stderr
    assert left in ran.stderr
    assert "4 of 4 jobs done; best: job " in ran.stderr
    assert "4 of 4 jobs finished" in ran.stdout
    assert "resumed  4 jobs: 1 done before, 1 gone on with, 2 run\n" in ran.stdout
    assert sweep_of(outputs) == cut_off
    assert (stamp(cut_off / "0"), told(cut_off / "0")) == (first, then)
    kinds = [record["kind"] for record in Reader(cut_off / "1").new()]
    assert kinds == ["start", "epoch", "epoch", "resume", "epoch", "end"]
    seeds = [job.start["config"]["seed"] for job in jobs.states(cut_off)]
    assert seeds == [0, 1, 2, 3]
    assert not (cut_off / RUN).exists()
    again = inside(*words)
    assert (again.returncode, again.stdout) == (0, "")
    assert again.stderr.endswith(": 4 jobs: 4 done before\nnothing is left to be done\n")


@pytest.mark.parametrize("launcher", ["launcher=local", "launcher=basic"])
def test_a_sweep_goes_on_from_its_folder_alone(
    launcher: str, cut_off: Path, inside: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    menu = tmp_path / "conf"
    shutil.copytree(CONF, menu)
    option = menu / "architecture" / "hidden_30.yaml"
    option.write_text(option.read_text().replace("[30]", "[1]"))
    monkeypatch.setattr(places, "conf", lambda: menu)
    name = "_".join(cut_off.parts[-2:])
    ran = inside("resume", name, launcher)
    assert ran.returncode == 0, ran.stderr
    assert "resumed  3 jobs: 1 done before, 1 gone on with, 1 run\n" in ran.stdout
    for job in jobs.states(cut_off):
        assert (job.status, job.start["config"]["architecture"]["hidden"]) == ("FINISHED", [30])
        assert job.start["tags"]["gdexp.sweep_id"] == name
    assert sorted(path.name for path in cut_off.glob("[0-9]*")) == ["0", "1", "2"]


def test_a_job_that_failed_runs_again_where_that_is_asked_for(
    inside: Command, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(experiment: Any, arrivals: None) -> Any:
        if experiment.seed == 1 and [*outputs.glob(f"sweeps/*/*/{NAME}")]:
            raise GdexpError("data: the files are gone.")
        return fitting(experiment, arrivals)

    with monkeypatch.context() as patch:
        patch.setattr("gdexp.training.fitting", gone)
        ran = inside(*THREE)
    folder = sweep_of(outputs)
    assert ran.returncode == 1
    assert re.search(r"\nagain    .*-m gdexp resume \S+ --retry-failed\n", ran.stdout)
    ran = inside(*THREE, "sweep.resume=true")
    assert ran.returncode == 1
    assert "1 job failed, and nothing else is left. Run those again with" in ran.stderr
    ran = inside("resume", str(folder), "--retry-failed")
    assert ran.returncode == 0, ran.stderr
    assert "resumed  3 jobs: 2 done before, 1 run again\n" in ran.stdout
    assert [job.status for job in jobs.states(folder)] == ["FINISHED"] * 3
    assert jobs.ends(folder / "earlier" / "1-1")[1]["tags"]["gdexp.reason"].startswith("data: ")


def test_mlflow_shows_a_job_that_ran_again_once_and_axes_as_they_are(
    inside: Command, outputs: Path
) -> None:
    words = [*QUICK, *CHECKED, "seed=0"]
    assert inside(*words, FAILS).returncode == 1
    assert sorted(runs_of(outputs).values()) == ["FAILED", "FINISHED"]
    more = ["diagnostics.gradcheck.threshold=1e-30,1,2", "sweep.resume=true"]
    ran = inside(*words, *more, "sweep.retry_failed=true")
    assert "resumed  3 jobs: 1 done before, 1 run again, 1 run\n" in ran.stdout
    assert sorted(runs_of(outputs).values()) == ["FAILED", "FINISHED", "FINISHED"]
    parent = tags(outputs)
    assert parent["gdexp.jobs"] == "2 of 3 jobs finished, 1 failed"
    assert parent["axis.diagnostics.gradcheck.threshold"] == "1e-30,1,2"
    (named,) = rows(outputs, "SELECT name, status FROM runs WHERE name LIKE 'sweep of %'")
    assert named == ("sweep of diagnostics.gradcheck.threshold (3 jobs)", "FAILED")


def runs_of(outputs: Path) -> dict[str, str]:
    """Give the status of each run of a job that is not deleted."""
    query = (
        "SELECT run_uuid, status FROM runs WHERE lifecycle_stage = 'active' AND run_uuid IN"
        " (SELECT run_uuid FROM tags WHERE key = 'gdexp.job')"
    )
    return dict(rows(outputs, query))


def test_of_two_that_start_the_same_sweep_at_once_one_carries_it_out(outputs: Path) -> None:
    one_of([start(outputs, *LONG) for _ in range(2)], outputs)
    folder = sweep_of(outputs)
    commands = [["resume", str(folder)], [*LONG, "sweep.resume=true"]]
    one_of([start(outputs, *words) for words in commands], outputs)
    assert sweep_of(outputs) == folder
    for number in (0, 1):
        records = [*Reader(folder / f"{number}").new()]
        epochs = [record["epoch"] for record in records if record["kind"] == "epoch"]
        assert epochs == [*range(len(epochs))]
        kinds = Counter(record["kind"] for record in records if record["kind"] != "epoch")
        assert kinds == {"start": 1, "resume": 1, "end": 2}


def one_of(both: list[Started], outputs: Path) -> None:
    """Have one of two commands say that the other carries the sweep out, and end the latter."""
    until(lambda: any(process.poll() is not None for process in both))
    other, winner = sorted(both, key=lambda process: process.poll() is None)
    line = other.communicate()[1].splitlines()[-1]
    told = r"\S+: these jobs are being carried out by process (\d+) on \S+, since [\d:]+\. Let it"
    named = re.match(told, line)
    assert named is not None, line
    assert (other.returncode, int(named[1])) == (1, winner.pid)
    enough = written(outputs) + 20
    until(lambda: written(outputs) > enough)
    winner.terminate()
    _, stderr = winner.communicate(timeout=60)
    assert winner.returncode == 143
    assert re.search(r"\ngo on    \S+ -m gdexp resume \S+\n", stderr)


def test_who_begins_what_was_interrupted_is_told_how_to_go_on(
    cut_off: Path, inside: Command
) -> None:
    note = "an interrupted sweep has these jobs; go on with it: "
    assert note not in inside(*THREE[:-2], "seed=range(2)", OFF).stderr  # which are others
    begun = inside(*THREE)
    (line,) = (line for line in begun.stderr.splitlines() if note in line)
    assert line.startswith(note)
    assert line.endswith(f"-m gdexp resume {cut_off}")
    assert inside("resume", str(cut_off)).returncode == 0
    assert note not in inside(*THREE).stderr


def test_other_code_is_refused_but_with_force(
    cut_off: Path, inside: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = environment.code()
    monkeypatch.setattr(resuming, "code", lambda: {**now, "numpy": "9.9"})
    for words in ([*THREE, "sweep.resume=true"], ["resume", str(cut_off)]):
        ran = inside(*words)
        assert ran.returncode == 1
        assert f"(numpy {now['numpy']} is now 9.9)" in ran.stderr.splitlines()[-1]
    assert inside(*THREE, "sweep.resume=true", "sweep.force=true").returncode == 0


def test_other_data_are_refused_but_with_force(
    inside: Command, outputs: Path, tmp_path: Path
) -> None:
    lines = [f"{k % 7},{k % 3},{'ab'[k % 2]}" for k in range(400)]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["x,y,label", *lines]))
    assert inside(*THREE, "data=csv", f"data.path={table}", "data.target=label").returncode == 0
    folder = sweep_of(outputs)
    rewrite(folder / "1", lambda records: records[:2])
    table.write_text("\n".join(["x,y,label", *lines]).replace("3,0,b", "3,9,b", 1))
    experiment._loaded.cache_clear()  # as in another process
    ran = inside("resume", str(folder))
    assert ran.returncode == 1
    assert "the data are not those that the sweep began with (of job 0 their" in ran.stderr
    ran = inside("resume", str(folder), "--force")
    assert "3 jobs: 2 done before, 1 run again" in ran.stdout


def test_a_sweep_that_may_go_on_elsewhere_is_refused(
    cut_off: Path, inside: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = Hold(cut_off, RUN)
    hold.tell(json.dumps({"pid": os.getpid(), "host": "another", "since": "12:00:00"}))
    ran = inside("resume", str(cut_off))
    assert "carried out by process" in ran.stderr.splitlines()[-1]
    assert inside(*THREE).stderr.endswith(ran.stderr.splitlines()[-1] + "\n")
    hold.let_go()
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    ran = inside("resume", str(cut_off))
    assert "may be going on there. Where it is not, go on with --force." in ran.stderr


def test_only_who_has_ended_is_waited_for(cut_off: Path) -> None:
    """The workers of a command that was killed outlive it for a moment."""
    hold, ended = Hold(cut_off, RUN), subprocess.Popen(["true"])
    who = {"pid": os.getpid(), "host": socket.gethostname(), "since": "12:00:00"}
    hold.tell(json.dumps(who))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.sleep", lambda seconds: pytest.fail("it waits for who goes on"))
        with pytest.raises(GdexpError, match="carried out by process"):
            claims.take(cut_off)
    ended.wait()
    hold.tell(json.dumps({**who, "pid": ended.pid}))
    threading.Timer(0.1, hold.let_go).start()
    claims.take(cut_off).let_go(remove=True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([*THREE, "sweep.resume=true"], "sweep.resume=true: there is no sweep of these jobs in "),
        ([*THREE, "sweep.resume=yes"], "sweep.resume must be true or false. Got 'yes'."),
        ([*THREE, "sweep.force=true"], "sweep.force=true: means something only where a sweep is "),
        (["resume", "sweeps/none/at/all"], "sweeps/none/at/all: there is no such folder."),
        (["resume", "."], "this folder holds no run (no journal.jsonl)"),
        (["resume", "2026-01-01_00-00-00-000000"], "there is no store"),
    ],
)
def test_a_sweep_that_is_not_there_is_one_line(
    words: list[str], told: str, inside: Command, outputs: Path
) -> None:
    ran = inside(*words)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert told in ran.stderr.splitlines()[-1]
    assert not [*outputs.rglob("*")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["eta=3"], "eta=3: a sweep goes on with the settings that it began with."),
        (["launcher.workers=0"], "launcher.workers must be a whole number >= 1. Got 0."),
        (["launcher=nowhere"], "launcher must be one of basic, "),
    ],
)
def test_a_sweep_goes_on_with_other_settings_of_its_launcher_only(
    words: list[str], told: str, cut_off: Path, inside: Command
) -> None:
    before = sorted(cut_off.rglob("*"))
    ran = inside("resume", str(cut_off), *words)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert told in ran.stderr.splitlines()[-1]
    assert sorted(cut_off.rglob("*")) == before


def test_fewer_jobs_than_the_sweep_has_are_refused(cut_off: Path, inside: Command) -> None:
    ran = inside(*QUICK, OFF, "seed=0,1", "sweep.resume=true")
    assert ran.returncode == 1
    assert f"{cut_off} has 1 job that this command does not ask for" in ran.stderr
