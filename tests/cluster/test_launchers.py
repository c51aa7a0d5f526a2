"""Launchers of Hydra's users keep working: their jobs go through Hydra, ours only plan them."""

from pathlib import Path

import pytest

from tests.conftest import Command
from tests.sweeps.test_sweeps import OFF, sweep_of

LAUNCHERS = {"joblib": "joblib", "submitit_local": "submitit"}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_published_launcher_carries_a_sweep_out(
    launcher: str, gdexp: Command, outputs: Path
) -> None:
    pytest.importorskip(LAUNCHERS[launcher])
    ran = gdexp("-m", "seed=0,1", "epochs=1", OFF, f"launcher={launcher}")
    assert ran.returncode == 0, ran.stderr
    assert "2 of 2 jobs finished" in ran.stdout
    assert len([*sweep_of(outputs).glob("[0-9]/model.npz")]) == 2
