"""Runs from one store to another by a file, without loss; and files that are no archives."""

import hashlib
import json
import re
import shlex
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdexp.archive import Archive, ArchiveError, form
from gdexp.archive.form import MANIFEST, safe, spoken
from gdexp.archive.listing import POINTERS, named
from gdexp.stored import Reader
from tests.conftest import ROOT, Command
from tests.stores import changed, reader, runs, store, uri_of

__all__ = ["changed", "reader", "runs", "store"]

pytestmark = pytest.mark.filterwarnings("ignore")  # what MLflow does inside is its own business

SOME = ("--where", "seed=0 and eta<3")  # of both sweeps
OURS = ("gdexp.imported_from", *POINTERS)


@pytest.fixture(scope="module")
def archive(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from gdexp.commands.export import main

    path = tmp_path_factory.mktemp("archive") / "runs.zip"
    assert main([*SOME, "-o", str(path), f"outputs={store}"]) == 0
    return path


@pytest.fixture(scope="module")
def other(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outputs folder whose store has taken the archive in."""
    from gdexp.commands.import_ import main

    outputs = tmp_path_factory.mktemp("other") / "outputs"
    assert main([str(archive), f"outputs={outputs}"]) == 0
    return outputs


def all_of(outputs: Path, wanted: Container[str] | None = None) -> dict[str, Any]:
    """Give all that MLflow's client tells of a store's runs, by the ids that they had first."""
    client = mlflow.MlflowClient(tracking_uri=uri_of(outputs))
    experiments = {each.experiment_id: each.name for each in client.search_experiments()}
    found = client.search_runs(list(experiments), max_results=1000)
    origin = {run.info.run_id: run.data.tags.get(OURS[0], run.info.run_id) for run in found}
    return {
        origin[run.info.run_id]: {
            "experiment": experiments[run.info.experiment_id],
            "info": [getattr(run.info, name) for name in (
                "run_name", "status", "start_time", "end_time", "user_id", "lifecycle_stage")],
            "params": run.data.params,
            "tags": {k: v for k, v in run.data.tags.items() if k not in OURS},
            "pointers": {k: origin.get(v, v) for k, v in run.data.tags.items() if k in POINTERS},
            "latest": run.data.metrics,
            "points": {
                name: sorted((p.step, p.timestamp, p.value)
                             for p in client.get_metric_history(run.info.run_id, name))
                for name in run.data.metrics
            },
            "inputs": sorted(
                (each.dataset.to_dictionary().items(), sorted((t.key, t.value) for t in each.tags))
                and json.dumps([each.dataset.to_dictionary(),
                                sorted((t.key, t.value) for t in each.tags)])
                for each in (run.inputs.dataset_inputs if run.inputs else ())
            ),
            "files": dict(files(client, run.info.run_id, Path(mlflow.artifacts.download_artifacts(
                run.info.artifact_uri)))),
        }
        for run in found
        if wanted is None or run.info.run_id in wanted
    }  # fmt: skip


def files(client: mlflow.MlflowClient, run: str, folder: Path, path: str = "") -> Iterator[Any]:
    for each in client.list_artifacts(run, path):
        if each.is_dir:
            yield from files(client, run, folder, each.path)
        else:
            yield each.path, hashlib.sha256((folder / each.path).read_bytes()).hexdigest()


def test_nothing_is_lost_and_nothing_comes_twice(
    store: Path, archive: Path, other: Path, inside: Command
) -> None:
    after = all_of(other)
    before = all_of(store, after.keys())
    assert {run["params"].get("problem") for run in after.values()} > {"network", "function"}
    assert sum(run["tags"]["gdexp.kind"] == "sweep" for run in after.values()) == 2
    assert len(after) == 8
    for run, told in after.items():
        assert told == before[run], run
    some = next(run for run in after.values() if run["params"].get("problem") == "network")
    assert {"model/MLmodel", "journal.jsonl", "config/resolved.yaml"} <= some["files"].keys()
    assert some["points"]["train/cost_mean"]
    assert len(some["inputs"]) == 3

    def bring_in(path: Path) -> str:
        ran = inside("import", str(path), GDEXP_OUTPUTS=str(other))
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    assert "imported 0 runs into" in (told := bring_in(archive))
    assert "left     8 that are there already" in told
    client = mlflow.MlflowClient(tracking_uri=uri_of(other))
    half = client.search_runs(["1"], "tags.`gdexp.kind` = 'train'")[0]
    client.set_tag(half.info.run_id, "gdexp.import", "unfinished")  # as if it had been killed
    assert "imported 1 run into" in bring_in(archive)
    assert all_of(other) == after
    back = archive.with_name("back.zip")
    whole = inside("export", "-o", str(back), GDEXP_OUTPUTS=str(other))
    assert "exported 6 runs and 2 sweeps" in whole.stdout
    ran = inside("import", str(back), GDEXP_OUTPUTS=str(store))  # which they come from
    assert "left     8 that are there already" in ran.stdout
    with Archive(back) as read:
        assert {run.origin for run in read.runs} == after.keys()
    moved = other.rename(other.with_name("moved"))
    assert inside("runs", GDEXP_OUTPUTS=str(moved)).returncode == 0
    assert all_of(moved) == after  # MLflow finds their files there
    moved.rename(other)


def test_a_sweep_stands_for_its_jobs(
    store: Path, reader: Reader, tmp_path: Path, inside: Command
) -> None:
    (sweep,) = {run.id for run in reader.runs() if (run.tag("jobs") or "").startswith("3 of 3")}
    for name in ("a.zip", "b.zip"):
        ran = inside("export", sweep, "-o", str(tmp_path / name), GDEXP_OUTPUTS=str(store))
        assert "exported 3 runs and 1 sweep with" in ran.stdout, ran.stderr
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_mistakes_are_one_line(
    store: Path, archive: Path, changed: Callable[..., Path], tmp_path: Path, inside: Command
) -> None:
    def told(*words: str, outputs: Path = store) -> str:
        ran = inside(*words, GDEXP_OUTPUTS=str(outputs))
        assert ran.returncode == 1
        assert len(ran.stderr.splitlines()) == 1
        return ran.stderr

    assert "required: -o" in told("export", "latest")
    assert "is there already. Name another" in told("export", "latest", "-o", str(archive))
    assert "is no folder" in told("export", "latest", "-o", str(tmp_path / "none" / "a.zip"))
    assert "there is no such file" in told("import", str(tmp_path / "none.zip"))
    assert "--experiment must be a name. Got '..'" in told(
        "import", str(archive), "--experiment", ".."
    )
    running = changed("UPDATE runs SET status = 'RUNNING'")
    assert "is RUNNING. Wait until it has ended" in told(
        "export", "latest", "-o", str(tmp_path / "c.zip"), outputs=running
    )
    gone = tmp_path / "gone"
    gone.mkdir()
    (running / "mlflow.db").rename(gone / "mlflow.db")
    with sqlite3.connect(gone / "mlflow.db") as database:
        database.execute(
            "UPDATE runs SET status = 'FINISHED', artifact_uri = 'file:///nowhere/at/all'"
        )
    database.close()
    assert "its files are not at /nowhere/at/all" in told(
        "export", "latest", "-o", str(tmp_path / "c.zip"), outputs=gone
    )
    assert not [*tmp_path.glob("*c.zip*")]


@pytest.fixture
def parts(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as source:
        return {name: source.read(name) for name in source.namelist()}


def written(path: Path, parts: dict[str, bytes], more: dict[str, bytes] | None = None) -> Path:
    """Write an archive of parts, with a manifest that fits them."""
    parts = {**parts, **(more or {})}
    told = json.loads(parts.pop(MANIFEST))
    told["files"] = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in parts.items()
    }
    return raw(path, {**parts, MANIFEST: json.dumps(told).encode()})


def raw(path: Path, parts: dict[str, bytes], more: dict[str, bytes] | None = None) -> Path:
    """Write parts as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in {**parts, **(more or {})}.items():
            target.writestr(name, content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ArchiveError, match="cannot be read as an archive of runs") as caught:
        Archive(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "../evil", "runs/x", "/etc/passwd", "evil.txt",
        "runs/{}/artifacts/../../../evil", "runs/{}/artifacts//evil", "runs/{}/artifacts/a\\..\\b",
        "runs/{}/artifacts/c:evil", "runs/{}/artifacts/a\nb", "runs/{}/artifacts/" + "a" * 256,
        "runs/{}/artifacts/" + "a/" * 500, "runs/{}/run.json/x", "runs/{}/artifacts/.",
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_refused(
    name: str, parts: dict[str, bytes], tmp_path: Path
) -> None:
    run = next(iter(parts)).split("/")[1]
    path = written(tmp_path / "evil.zip", parts, {name.format(run): b"evil"})
    assert re.search("is not of an archive|no path that|is no file", refusal(path))


def test_what_else_an_archive_must_not_hold_is_refused(
    parts: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, run = tmp_path / "evil.zip", next(iter(parts)).split("/")[1]
    inside, described = f"runs/{run}/artifacts", json.loads(parts[f"runs/{run}/run.json"])

    def with_run(**more: Any) -> str:
        told = json.dumps({**described, **more}).encode()
        return refusal(written(path, parts, {f"runs/{run}/run.json": told}))

    assert "is a file and a folder" in refusal(
        written(path, parts, {f"{inside}/a": b"", f"{inside}/a/b": b""})
    )
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as target:
        target.writestr(f"{inside}/a", b"twice")
    assert "a name is there twice" in refusal(path)
    raw(path, parts)
    with zipfile.ZipFile(path, "a") as target:
        link = zipfile.ZipInfo(f"{inside}/link")
        link.external_attr = 0o120777 << 16
        target.writestr(link, "/etc/passwd")
    assert "is no file" in refusal(path)
    assert "what is there is not what its manifest lists" in refusal(
        raw(path, parts, {f"{inside}/more": b""})
    )
    assert "is not what was written" in refusal(raw(path, parts, {f"runs/{run}/points.jsonl": b""}))
    assert "it has no manifest.json" in refusal(
        raw(path, {k: v for k, v in parts.items() if k != MANIFEST})
    )
    for told in (b"[]", b"{}", b"[" * 100_000, b'{"format": "gdexp-archive", "version": 2}'):
        refusal(raw(path, parts, {MANIFEST: told}))
    assert "has not ended" in with_run(status="RUNNING")
    assert "is described as another" in with_run(id="0" * 32)
    assert "is no name of an experiment" in with_run(experiment="..")
    assert "is too long" in with_run(tags={"a": "x" * 8001})
    odd: list[dict[str, Any]] = [
        {"tags": {"a": 1}},
        {"start": "now"},
        {"inputs": [{}]},
        {"more": 1},
        {"params": 1},
    ]
    for more in odd:
        assert "is none" in with_run(**more)
    for line, why in ((b'["a", {}, 1, 1]\n', "is no point"), (b"1" * 2**17, "longer than")):
        written(path, parts, {f"runs/{run}/points.jsonl": line})
        with Archive(path) as read, pytest.raises(ArchiveError, match=why):
            list(read.points(run))
    monkeypatch.setattr(form, "MOST_BYTES", 1000)
    assert "GiB" in refusal(written(path, parts))
    monkeypatch.setattr(form, "MOST_FILES", 3)
    assert "more than 3 files" in refusal(path)


def test_a_bomb_is_refused_before_it_goes_off(parts: dict[str, bytes], tmp_path: Path) -> None:
    path, run = tmp_path / "bomb.zip", next(iter(parts)).split("/")[1]
    raw(path, parts, {MANIFEST: b" " * (form.MOST_TEXT + 1)})
    assert path.stat().st_size < 1e6
    assert "is longer than 64 MiB" in refusal(path)
    written(path, parts, {f"runs/{run}/artifacts/zeros": bytes(10**6)})
    content = bytearray(path.read_bytes())
    for sign, at in ((b"PK\1\2", 24), (b"PK\3\4", 22)):  # says that it is small
        start = next(
            found.start()
            for found in re.finditer(re.escape(sign), content)
            if b"artifacts/zeros" in content[found.start() : found.start() + 110]
        )
        struct.pack_into("<L", content, start + at, 10)
    path.write_bytes(content)
    refusal(path)
    end = content.rindex(b"PK\5\6")
    struct.pack_into("<L", content, end + 12, 2**31)
    path.write_bytes(content)
    assert "it lists more than an archive may hold" in refusal(path)
    path.write_bytes(content[:-1])
    assert "its end is missing" in refusal(path)


@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_archive_is_refused_or_is_as_it_was(
    data: st.DataObject, archive: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(content))))
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    path.write_bytes(content[:cut])
    try:
        with Archive(path) as read, Archive(archive) as whole:
            assert read.sizes == whole.sizes
            assert read.runs == whole.runs
    except ArchiveError:
        pass


@settings(max_examples=60)
@given(st.text(max_size=40))
def test_a_safe_path_stays_below(name: str) -> None:
    if safe(name):
        assert Path("/a", name).resolve().is_relative_to("/a")
        assert Path("/a", name) != Path("/a")
    assert not named(f"..{' ' * len(name)}")


@given(st.floats())
def test_a_value_is_read_as_it_was(value: float) -> None:
    read = float(json.loads(json.dumps(spoken(value), allow_nan=False)))
    assert struct.pack("<d", read) == struct.pack("<d", value) or value != value


def test_the_commands_of_the_docs_work(store: Path, tmp_path: Path, inside: Command) -> None:
    page = (ROOT / "docs" / "keeping.md").read_text()
    lines = re.findall(r"^    python -m gdexp (.*)$", page, re.M)
    here = [line.replace("/home/me", str(tmp_path)) for line in lines if "http" not in line]
    assert [line.split()[0] for line in here] == ["doctor", "doctor", "export", "import"]
    for line in here:
        ran = inside(*shlex.split(line), GDEXP_OUTPUTS=str(store))
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "imported 16 runs and 1 sweep" in ran.stdout
