"""A run on all of MNIST, everything included, stays small."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gdexp.engines.compiled.engine import installed

# A process inherits ru_maxrss from the one that starts it, which here is pytest with all it holds.
PEAK = """
from benchmarks.peak import maximum, resident
from gdexp import cli
import resource

try:
    status = cli.main()
except SystemExit as ended:
    status = ended.code
print(status or 0, round(resident("self") or maximum(resource.RUSAGE_SELF)))
"""


@pytest.mark.parametrize(
    "engine",
    [
        "reference",
        "blas",
        pytest.param(
            "compiled",
            marks=pytest.mark.skipif(not installed(), reason="not run: no Numba"),
        ),
    ],
)
def test_a_run_on_mnist_stays_below_700_megabytes(
    engine: str, mnist_root: Path, outputs: Path
) -> None:
    words = ["data=mnist", f"engine={engine}", "engine.precision=float64", "epochs=1"]
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, *words, "tracking=off"],
        env={**os.environ, "GDEXP_DATA": str(mnist_root), "GDEXP_OUTPUTS": str(outputs)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    status, megabytes = ran.stdout.split()[-2:]
    assert status == "0", ran.stderr
    assert int(megabytes) < 700
