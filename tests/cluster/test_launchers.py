"""A cluster on this machine; and launchers of Hydra's users, which keep working beside ours."""

import re
import shlex
from pathlib import Path

import pytest

from tests.cluster.machines import WHOLE
from tests.conftest import ROOT, Command
from tests.sweeps.test_sweeps import OFF, sweep_of


@pytest.mark.parametrize("launcher", ["joblib", pytest.param("submitit_local", marks=WHOLE)])
def test_a_published_launcher_carries_a_sweep_out(
    launcher: str, gdexp: Command, outputs: Path
) -> None:
    pytest.importorskip(f"hydra_plugins.hydra_{launcher.partition('_')[0]}_launcher")
    ran = gdexp("-m", "seed=0,1", "epochs=1", OFF, f"launcher={launcher}")
    assert ran.returncode == 0, ran.stderr
    assert "2 of 2 jobs finished" in ran.stdout
    assert len([*sweep_of(outputs).glob("[0-9]/model.npz")]) == 2


def test_the_command_of_the_doc_runs(gdexp: Command, outputs: Path) -> None:
    pytest.importorskip("distributed")
    doc = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"```sh\n(python -m gdexp .*)\n```", doc)
    ran = gdexp(*shlex.split(line)[3:], OFF)
    assert ran.returncode == 0, ran.stderr
    assert "4 of 4 jobs done; best: job " in ran.stderr
    assert len([*sweep_of(outputs).glob("[0-9]/model.npz")]) == 4
