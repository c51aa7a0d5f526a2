"""An installed wheel, in a folder that is no checkout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as its wheel is installed, without its dependencies."""
    target = tmp_path_factory.mktemp("wheel") / "site"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-deps", "--no-index", "--no-build-isolation", "--no-compile"]
    words = ["install", str(ROOT), *alone, "--target", str(target)]
    subprocess.run([*pip, *words], check=True, timeout=200)
    return target


def gdexp(
    installed: Path, *words: str, cwd: Path, module: str = "gdexp"
) -> "subprocess.CompletedProcess[str]":
    env = {name: value for name, value in os.environ.items() if not name.startswith("GDEXP_")}
    return subprocess.run(
        [sys.executable, "-P", "-m", module, *words],
        cwd=cwd,
        env={**env, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_the_menu_travels_in_the_wheel(installed: Path) -> None:
    ours = {file.relative_to(ROOT) for file in (ROOT / "conf").rglob("*.yaml")}
    theirs = {file.relative_to(installed / "gdexp") for file in installed.rglob("*.yaml")}
    assert theirs == ours
    assert (installed / "gdexp" / "py.typed").exists()


def test_it_runs_and_finds_its_store_again_from_a_folder_below(
    installed: Path, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    below = project / "notes" / "today"
    below.mkdir(parents=True)
    ran = gdexp(installed, "epochs=1", cwd=project)
    assert ran.returncode == 0, ran.stderr
    assert (project / "outputs" / "mlflow.db").exists()
    assert f"folder   {project}/outputs/runs/" in ran.stdout
    assert str(installed) not in ran.stdout
    (link,) = project.glob("outputs/runs/*/*/mlflow.json")
    ran = gdexp(installed, "runs", "--csv", cwd=below)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(link.read_text())["run_id"] in ran.stdout
    assert not (below / "outputs").exists()
