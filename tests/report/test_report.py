"""Reports on real runs: the same bytes, nothing of a store taken for markup, and what is told."""

import filecmp
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from mlflow import MlflowClient

import gdexp.report
from gdexp.errors import GdexpError
from gdexp.report import markdown
from gdexp.stored import Reader, StoredRun, find
from tests.conftest import Command
from tests.report.conftest import QUESTION

HOSTILE = "</script><img src=x onerror=alert(1)>|`[a](javascript:b)`"


class Page(HTMLParser):
    """The tags of a page, with their attributes, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts[-1] += data


def data_of(text: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(Page(text).scripts[0])
    return found


def test_the_same_runs_give_the_same_bytes(
    reader: Reader, runs: list[StoredRun], uri: str, written: Path, tmp_path: Path
) -> None:
    gdexp.report.write(reader, runs[::-1], tmp_path, title="T", question=QUESTION, uri=uri)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert {"index.html", "report.md", "accuracy.png", "confusion.png", "mistakes-0.png"} <= {
        *names
    }
    assert sorted(path.name for path in written.iterdir() if path.name != "done") == names
    equal, *_ = filecmp.cmpfiles(written, tmp_path, names, shallow=False)
    assert sorted(equal) == names


def test_the_page_needs_nothing_else(written: Path) -> None:
    text = (written / "index.html").read_text(encoding="utf-8")
    assert len(text) < 3e6
    for tag, attributes in Page(text).tags:
        for name in ("src", "href"):
            assert re.match("data:|#", attributes.get(name) or "#"), (tag, attributes)
    told = (written / "report.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\(([^)]+\.png)\)", told)
    assert shown
    assert all((written / name).read_bytes().startswith(b"\x89PNG") for name in shown)
    assert f"**{QUESTION}**" in told


def test_what_comes_from_a_store_is_never_markup(
    reader: Reader, runs: list[StoredRun], uri: str, tmp_path: Path
) -> None:
    note = f"result\n\n    python -m gdexp {HOSTILE}\n"
    bad = [
        replace(
            run,
            name=HOSTILE,
            experiment=HOSTILE,
            params={**run.params, "rule": HOSTILE + run.params["eta"]},
            tags={
                **run.tags,
                "gdexp.group_key": run.group_key,
                "gdexp.outcome": HOSTILE,
                "mlflow.runColor": '#000;"><script>',
                "mlflow.note.content": note,
            },
        )
        for run in runs
        if run.params["batch"] == "10"
    ]
    page = gdexp.report.write(reader, bad, tmp_path, title=HOSTILE, question=HOSTILE, uri=uri)
    text = page.read_text(encoding="utf-8")
    parsed = Page(text)
    assert len(parsed.scripts) == 3
    assert not [tag for tag, attributes in parsed.tags if "onerror" in attributes]
    assert "<img src=x" not in text
    assert HOSTILE in str(data_of(text)["variants"])  # whole, in the data
    told = (tmp_path / "report.md").read_text(encoding="utf-8")
    outside = re.sub(r"^(`{3,})sh\n.*?^\1$", "", told, flags=re.S | re.M)
    assert "<img" not in outside
    assert not re.search(r"(?<!\\)\]\(javascript", outside)


def test_a_fence_cannot_be_closed_from_within() -> None:
    lines = markdown.fenced(["a ``` b", "````"], "sh")
    assert lines[0] == "`````sh"
    assert lines[-2] == "`````"


def test_the_data_are_those_of_the_runs(
    reader: Reader, runs: list[StoredRun], written: Path
) -> None:
    text = (written / "index.html").read_text(encoding="utf-8")
    data = json.loads(Page(text).scripts[0])
    assert len(data["variants"]) == 4
    first = data["best"][0]
    best = {run.metrics["best/val_accuracy"] for run in runs if run.name in first["runs"]}
    assert sorted({*first["values"]}) == pytest.approx(sorted(best), rel=1e-4)
    assert [line["eta"] for line in data["lines"]] == [[1.0, 3.0]] * 2
    curve = data["curves"][0]
    assert set(curve["x"]) == {"epochs", "updates", "examples", "seconds"}
    history = reader.histories(
        [run.id for run in runs if run.name in first["runs"]], ["val/accuracy"]
    )
    means = history.groupby("step")["value"].mean()
    assert curve["y"]["val/accuracy"]["mean"] == pytest.approx(list(means), rel=1e-4)
    counts = re.findall(r"<td style=\"--share: [^>]*>(\d*)</td>", text)
    assert sum(int(count or 0) for count in counts) == 3 * 3 * 247  # variants, seeds, examples


def test_paths_on_the_surface(reader: Reader, uri: str, tmp_path: Path) -> None:
    pytest.importorskip("sympy")
    runs = find(reader, [], "", "paths")
    page = gdexp.report.write(reader, runs, tmp_path, title="T", uri=uri)
    (surface,) = json.loads(Page(page.read_text(encoding="utf-8")).scripts[0])["surfaces"]
    assert surface["names"] == ["x", "y"]
    assert [path["points"][0] for path in surface["paths"]] == [[-1.2, 1.0]] * 2
    assert surface["paths"][0]["cost"][0] == pytest.approx(24.2)  # (1+1.2)² + 100 (1−1.44)²
    assert "No conclusion on which configuration is best" in page.read_text(encoding="utf-8")
    assert (tmp_path / "surface-0.png").exists()


def test_runs_that_did_not_finish_are_counted(
    reader: Reader, runs: list[StoredRun], uri: str, tmp_path: Path
) -> None:
    some = [
        replace(run, status=status)
        for run, status in zip(runs, ("RUNNING", "FAILED"), strict=False)
    ]
    page = gdexp.report.write(reader, [*some, runs[2]], tmp_path, title="T", uri=uri)
    assert "Left out: 1 FAILED, 1 RUNNING." in page.read_text(encoding="utf-8")
    with pytest.raises(GdexpError, match=r"none of the 2 runs is FINISHED \(1 FAILED, 1 RUNNING\)"):
        gdexp.report.write(reader, some, tmp_path, title="T", uri=uri)


def test_runs_without_a_common_figure_are_refused(
    reader: Reader, runs: list[StoredRun], tmp_path: Path
) -> None:
    bare = [replace(runs[0], metrics={}), *runs[1:]]
    with pytest.raises(GdexpError, match="the 12 finished runs share no figure to judge them by"):
        gdexp.report.write(reader, bare, tmp_path, title="T")


def test_a_missing_extra_is_named(
    reader: Reader, runs: list[StoredRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    with pytest.raises(GdexpError, match=r"needs plotly.*pip install 'gdexp\[report\]'"):
        gdexp.report.write(reader, runs, tmp_path, title="T")
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_where_the_page_is(inside: Command, kept: Path) -> None:
    few = "batch=10 and eta=1.0"
    ran = inside("report", "--where", few, "--no-log", f"outputs={kept}")
    assert ran.returncode == 0, ran.stderr
    folder = kept / "reports" / "gdexp-batch=10-and-eta=1.0"
    assert f"runs     3 found, 3 in it.\npage     {folder}/index.html\n" in ran.stdout
    assert f"open     {(folder / 'index.html').as_uri()}\n" in ran.stdout


@pytest.mark.filterwarnings("ignore")  # mlflow's own
def test_the_report_is_an_artifact_of_the_sweep(
    inside: Command, kept: Path, uri: str, runs: list[StoredRun], tmp_path: Path
) -> None:
    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name("gdexp")
    assert found is not None
    tags = {
        "gdexp.kind": "sweep",
        "gdexp.sweep_id": str(runs[0].tag("sweep_id")),
        "gdexp.study": "sizes",
        "gdexp.question": "Which size is best?",
    }
    sweep = client.create_run(found.experiment_id, tags=tags, run_name="the sweep")
    client.set_terminated(sweep.info.run_id)
    try:
        few = ("--where", "batch=100 and eta=1.0")
        ran = inside("report", "--study", "sizes", *few, "-o", "here", f"outputs={kept}")
        assert ran.returncode == 0, ran.stderr
        assert f"logged   as report/ of run {sweep.info.run_id}" in ran.stdout
        names = {file.path for file in client.list_artifacts(sweep.info.run_id, "report")}
        assert {"report/index.html", "report/report.md"} <= names
        assert "Which size is best?" in (tmp_path / "here" / "index.html").read_text("utf-8")
        wrong = inside("report", "--study", "rules", f"outputs={kept}")
        assert wrong.stderr.strip() == (
            "--study: experiment 'gdexp' has no study 'rules'. There are: sizes."
        )
    finally:
        client.delete_run(sweep.info.run_id)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["none-such"], "run 'none-such': there is none such in experiment 'gdexp'."),
        (["--where", "eta=7"], "--where: none of the 12 runs in experiment 'gdexp' meets 'eta=7'."),
        (["--where", "eta"], "--where: cannot read 'eta'."),
        (
            ["--experiment", "none"],
            "experiment 'none' is not in the store. There are: gdexp, paths.",
        ),
        (["--no-log", "-o", "/dev/null/x"], "-o: cannot write to /dev/null/x (Not a directory)."),
        (["-o", ""], "-o: must be a folder."),
        (["--quick"], "report: unrecognized arguments: --quick."),
        (["tracking.uri=sqlite:////dev/null/no.db"], "tracking.uri: "),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    inside: Command, kept: Path, words: list[str], told: str
) -> None:
    ran = inside("report", *words, f"outputs={kept}")
    assert ran.returncode == 1
    assert ran.stderr.startswith(told)
    assert len(ran.stderr.splitlines()) == 1
