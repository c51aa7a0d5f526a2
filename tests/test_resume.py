"""A run that was interrupted goes on as if it had not been, bit for bit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from gdexp.engines.compiled.engine import installed
from tests.conftest import ROOT

KILLS = 200
ENGINE = "compiled" if installed() else "blas"
RUNS = [
    "optimizer=gd eta=1 epochs=60 engine=reference",
    f"rule=adam schedule=cosine engine={ENGINE if installed() else 'reference'} epochs=40",
    "optimizer=online eta=0.3 engine=blas epochs=5 checkpoint.seconds=0.05",
    "rule=momentum penalty=l2 clip=1.0 stop=early stop.patience=3 engine=reference epochs=20",
    f"rule=adamw schedule=plateau schedule.patience=2 engine={ENGINE} epochs=30"
    if installed()
    else "rule=adamw schedule=plateau engine=reference epochs=10",
    "rule=rmsprop schedule=step schedule.by=update engine=reference epochs=8 batch=50",
    "rule=adagrad optimizer.sampling=with_replacement eval.every=3 engine=reference epochs=14"
    " checkpoint.seconds=0",
    "rule=nesterov schedule=exponential stop=budget stop.examples=14000 engine=reference batch=20",
    "rule=fixed_length penalty=l1 stop=target stop.accuracy=0.9 engine=reference epochs=15",
    f"batch=7 optimizer.last=drop schedule=inverse engine={ENGINE} epochs=25 scaling=sum eta=0.2"
    if installed()
    else "batch=7 optimizer.last=drop engine=blas epochs=10 scaling=sum eta=0.2",
    "stop=tolerance stop.tolerance=0.01 engine=blas engine.precision=float64 epochs=20",
    "cost=cross_entropy architecture.output_activation=softmax eta=0.5 engine=blas epochs=20"
    " checkpoint.seconds=null",
    "problem=function function=rosenbrock rule=adam eta=0.1 epochs=300 checkpoint.seconds=0.02",
    "problem=linear_regression data=houses epochs=200",
    "diagnostics=[norms,noise,weights,landscape,confusion] diagnostics.noise.repeats=2 epochs=6"
    " diagnostics.noise.ladder=[1,10] diagnostics.landscape.every=3 diagnostics.landscape.grid=4"
    " diagnostics.weights.every=2 engine=reference",
]


def test_no_kill_loses_or_changes_anything(tmp_path: Path) -> None:
    often = "tracking=off checkpoint.seconds=0"
    runs = [f"{often} {words}" for words in RUNS]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.kills", str(tmp_path / "runs"), str(KILLS), "5", *runs],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    assert found["kills"] >= KILLS
    assert found["other"] == []
