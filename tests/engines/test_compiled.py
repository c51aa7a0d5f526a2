"""What only the compiled engine promises: the same bits on every x86, and a cache."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from gdexp.descent import Adam, MiniBatch, Momentum, Plain, Rule, State, Update
from gdexp.engines import Compiled
from gdexp.engines.compiled import engine
from gdexp.errors import GdexpError
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import Command, small_dataset

pytest.importorskip("numba", reason="not run: no Numba; pip install 'gdexp[compiled]'")

PRINT = """
import sys
import numpy as np
from gdexp.data import Digits
from gdexp.descent import Adam, FixedLength, MiniBatch, Penalty, Scaling, State, descent
from gdexp.engines import Compiled
from gdexp.problems import Architecture, Network, Quadratic

for precision in sys.argv[1:]:
    network = Network(Architecture([30, 20], "tanh"), Quadratic(), Digits().load(), precision)
    carrier = Compiled(precision).prepare(network)
    updates = {"penalty": Penalty(0.5, 2.0), "clip": 0.3}
    ruled = {"rule": Adam(), **updates}
    for eta, more in ((0.5, {}), (0.01, ruled), (0.1, {"rule": FixedLength()})):
        state, more = State.begin(network, 0), {"eta": eta, "epochs": 3, **more}
        run = [*descent(network, MiniBatch(7), Scaling(), state, carrier=carrier, **more)]
        kept = [each.tobytes().hex()[:9000] for each in state.memory.values()]
        print(state.v.tobytes().hex()[:20000], kept, [epoch.cost.hex() for epoch in run])
"""

# What is compiled already is read without loading the compiler, which is there for what is not.
READ = """
import sys
import numpy as np
from gdexp.engines.compiled.engine import load_kernels
kernels = load_kernels()
inputs, ptr, codes = np.eye(3, 20, dtype=np.uint8), np.zeros(4, np.uint32), np.zeros(99, np.uint16)
kernels.encode(inputs, ptr, codes)
hits = list(kernels.encode.stats.cache_hits.values())
print(ptr.tolist(), hits, "numba.np.linalg" in sys.modules)
kernels.encode(inputs.astype(np.uint16), ptr, codes)
print(ptr.tolist(), "numba.np.linalg" in sys.modules)
"""


# In both precisions it takes twice as long to compile: GDEXP_PRECISIONS=float32,float64.
PRECISIONS = os.environ.get("GDEXP_PRECISIONS", "float32").split(",")
X86 = "x86" in os.uname().machine
ELSEWHERE = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma"} if X86 else {}


def python(*words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run Python in a process that begins, since Numba reads its settings when it is imported."""
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, Path]:
    """How a command ended to which a signal came while it compiled, for another processor."""
    folder = tmp_path_factory.mktemp("ended")
    cache, outputs = folder / "cache", folder / "outputs"
    process = subprocess.Popen(
        [sys.executable, "-m", "gdexp", "engine=compiled", "epochs=3", "tracking=off"],
        env={**os.environ, **ELSEWHERE, "GDEXP_CACHE": str(cache), "GDEXP_OUTPUTS": str(outputs)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr:
        assert "compiling" in process.stderr.readline()
        process.terminate()
        told = process.stderr.read()
    return process.wait(60), told, folder


def test_a_signal_while_compiling_ends_the_command(ended: tuple[int, str, Path]) -> None:
    """And leaves no folder of a run that never began."""
    status, told, folder = ended
    assert status == 128 + signal.SIGTERM
    assert "Traceback" not in told
    assert not list((folder / "outputs").rglob("*"))


@pytest.mark.skipif(not X86, reason="not run: the processor named is x86's")
def test_the_bits_do_not_depend_on_the_vectors(ended: tuple[int, str, Path]) -> None:
    """Compiled for the other processor, to the end, before the signal was heard, or now."""
    there = python("-c", PRINT, *PRECISIONS, GDEXP_CACHE=str(ended[2] / "cache"), **ELSEWHERE)
    assert there.stdout == python("-c", PRINT, *PRECISIONS).stdout


def test_without_numba_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "installed", lambda: False)
    network = Network(Architecture([3]), Quadratic(), small_dataset(), np.float32)
    with pytest.raises(GdexpError, match=r"needs Numba\. pip install 'gdexp\[compiled\]'"):
        Compiled("float32").prepare(network)


def test_the_run_says_which_engine_ran_and_why(gdexp: Command, outputs: Path) -> None:
    ran = gdexp("engine=compiled", "epochs=1", "tracking=off")
    assert ran.returncode == 0, ran.stderr
    (journal,) = outputs.glob("runs/*/*/journal.jsonl")
    start = journal.read_text().splitlines()[0]
    assert '"engine.used":"compiled"' in start
    assert '"gdexp.engine_why":"asked for; inputs sparse bytes, density 0.5' in start


ENCODE = """
import numba
import numpy as np
from pathlib import Path
from gdexp.engines.compiled.engine import load_kernels

encode = load_kernels().encode  # the smallest of them
encode(np.ones((2, 3), np.uint8), np.zeros(3, np.int64), np.zeros(8, np.uint16))
print([file.name for file in Path(numba.config.CACHE_DIR).rglob("*.nbc")])
"""


def test_a_cache_that_cannot_be_written_is_done_without(outputs: Path, tmp_path: Path) -> None:
    """What is compiled goes with the process; a whole run has it from elsewhere here, in time."""
    (tmp_path / "file").write_text("")
    (tmp_path / "temporary").mkdir()
    env = {"GDEXP_CACHE": f"{tmp_path}/file/x", "TMPDIR": f"{tmp_path}/temporary"}
    assert "encode.encode" in python("-c", ENCODE, **env).stdout
    assert [*(tmp_path / "temporary").iterdir()] == []
    env |= {"GDEXP_OUTPUTS": str(outputs), "NUMBA_CACHE_DIR": str(engine.compiled_cache())}
    ran = python("-m", "gdexp", "engine=compiled", "epochs=1", "tracking=off", **env)
    assert "compiling the engine, once" in ran.stderr
    assert "engine   compiled, float32\n" in ran.stdout


def test_the_engine_is_compiled_once_and_a_damaged_cache_is_told_and_removed(
    gdexp: Command, tmp_path: Path
) -> None:
    python("-m", "gdexp.engines.compiled")
    used = tmp_path / "cache" / "compiled" / engine.compiled_cache().name
    shutil.copytree(engine.compiled_cache(), used, ignore=shutil.ignore_patterns("*.tmp.*"))
    compiled = {file: file.stat().st_mtime_ns for file in used.rglob("*.nbc")}
    assert compiled
    env = {"GDEXP_CACHE": str(tmp_path / "cache")}
    words = ("engine=compiled", "epochs=1", "tracking=off")
    ran = gdexp(*words, **env)
    assert "compiling" not in ran.stderr
    assert "engine   compiled, float32\n" in ran.stdout
    assert {file: file.stat().st_mtime_ns for file in used.rglob("*.nbc")} == compiled
    for file in used.rglob("*.nbi"):
        file.write_bytes(b"")
    damaged = gdexp(*words, **env)
    assert damaged.returncode == 1
    assert "was damaged (EOFError), and has been removed. Run the command again." in damaged.stderr
    assert len(damaged.stderr.splitlines()) == 1
    assert not [*used.rglob("*.nbi")], "the next start compiles as the first one did"


def test_what_is_compiled_is_read_without_the_compiler(tmp_path: Path) -> None:
    from gdexp.engines.compiled.reading import KNOWN

    if not version("numba").startswith(KNOWN):
        pytest.skip("not run: of another Numba, which does it its own way")
    python("-m", "gdexp.engines.compiled")
    used = tmp_path / "compiled" / engine.compiled_cache().name
    shutil.copytree(engine.compiled_cache(), used, ignore=shutil.ignore_patterns("*.tmp.*"))
    ran = python("-c", READ, GDEXP_CACHE=str(tmp_path))
    assert ran.stdout.splitlines() == ["[0, 1, 2, 3] [1] False", "[0, 1, 2, 3] True"]


def test_of_two_that_would_compile_at_once_one_does(tmp_path: Path) -> None:
    mark, said = tmp_path / "cache" / "compiled", queue.SimpleQueue[bool]()

    def other() -> None:
        with engine._one_compiles(mark) as cold:
            said.put(cold)

    with engine._one_compiles(mark) as cold:
        assert cold
        beside = threading.Thread(target=other)
        beside.start()
        with pytest.raises(queue.Empty):
            said.get(timeout=0.2)
    assert said.get(timeout=60) is False
    beside.join()


def test_a_label_that_is_no_class_is_refused() -> None:
    dataset = small_dataset(classes=3)
    dataset.validation.labels[0] = 3
    network = Network(Architecture([3]), Quadratic(), dataset, np.float32)
    with pytest.raises(GdexpError, match=r"labels must be whole numbers from 0 to 2\. Got 0 to 3"):
        Compiled("float32").prepare(network)


def test_a_descent_that_diverged_leaves_nothing_behind() -> None:
    network = Network(Architecture([30]), Quadratic(), small_dataset(), np.float64)
    carrier, state = Compiled("float64").prepare(network), State.begin(network, 0)
    first = carrier.measure(network, state.v)["train"].cost
    wild = State.begin(network, 0)
    for _ in range(3):
        carrier.train_epoch(network, MiniBatch(7), Update(), 1e200, wild)
    assert carrier.measure(network, state.v)["train"].cost == first


@pytest.mark.parametrize("rule", [Plain(), Adam()], ids=["plain", "adam"])
@pytest.mark.parametrize("m", [1, 7, 130, 200])
def test_an_epoch_in_moments_has_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, m: int, rule: Rule
) -> None:
    def trained() -> np.ndarray:
        network = Network(Architecture([40]), Quadratic(), small_dataset(n=200), np.float32)
        state, update = State.begin(network, 0), Update(rule=rule)
        state.memory = rule.start(state.v)
        carrier = Compiled("float32").prepare(network)
        for _ in range(2):
            carrier.train_epoch(network, MiniBatch(m), update, 0.5, state)
        assert state.examples == 400
        return np.stack([state.v, *state.memory.values()])

    whole = trained()
    monkeypatch.setattr("gdexp.engines.compiled.carrier.MOMENT", 1)
    assert trained().tobytes() == whole.tobytes()


def test_a_memory_that_another_run_left_does_not_count() -> None:
    """A state's memory is all that a rule knows: runs that share a carrier do not meet."""
    network = Network(Architecture([40]), Quadratic(), small_dataset(), np.float32)
    carrier = Compiled("float32").prepare(network)

    def trained(epochs: int) -> State:
        state, update = State.begin(network, 0), Update(rule=Momentum(0.9))
        state.memory = update.rule.start(state.v)
        for _ in range(epochs):
            carrier.train_epoch(network, MiniBatch(7), update, 0.1, state)
        return state

    first = trained(2)
    trained(3)
    again = trained(2)
    assert again.v.tobytes() == first.v.tobytes()
    assert again.memory["u"].tobytes() == first.memory["u"].tobytes()
