"""The compiled engine, and where its code is kept once it is compiled."""

import atexit
import hashlib
import importlib.util
import os
import pickle
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gdexp import signals
from gdexp.data.cache import cache_folder
from gdexp.descent import Problem
from gdexp.engines.compiled.inputs import form_of
from gdexp.engines.compiled.recipe import CODES
from gdexp.engines.engine import Engine, Prepared, Work, only_classes
from gdexp.errors import GdexpError
from gdexp.problems import Network

SOURCES = (
    *("layout.py", "inputs.py", "simd.py", "memory.py", "elementary.py", "arithmetic.py"),
    *("recipe.py", "kernels.py", "encode.py", "dense.py", "first_layer.py", "epochs.py"),
    *("steps.py", "estimate.py", "move.py"),
)
COMPILING = 9.0  # seconds that it takes
INSTALL = "pip install 'gdexp[compiled]'"


@dataclass(frozen=True)
class Compiled(Engine):
    """A whole epoch in one compiled function: explicit vectors, inputs that are zero skipped.

    Its results are the same bits on every x86 processor, whatever its vectors' width.
    """

    def refusal(self, problem: Problem, work: Work) -> str:
        """All rules that there are loops for, of a network with an output for each class."""
        if why := only_classes(problem, work):
            return why
        rule = type(work.update.rule)
        return "" if rule in CODES else f"does not carry out the rule {rule.__name__}"

    def prepare(self, problem: Network) -> Prepared:
        """Lay out the data, and compile what no run before has compiled."""
        if not installed():
            raise GdexpError(f"engine=compiled needs Numba. {INSTALL}, or write engine=blas.")
        from gdexp.engines.compiled.carrier import CompiledCarrier

        form = form_of(problem.dataset.train)
        with (
            _one_compiles(_mark(form, self.precision)) as cold,
            signals.kept(),  # Numba's and LLVM's callbacks would swallow what a signal raises
            nullcontext() if cold else _read_from_cache(),
        ):
            return CompiledCarrier(problem, load_kernels())


def installed() -> bool:
    """Whether Numba is there, and compiles."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return False
    return importlib.util.find_spec("numba") is not None


@contextmanager
def _one_compiles(mark: Path) -> Iterator[bool]:
    """Say whether this process compiles: of several that would at once, the others wait for one.

    Parameters
    ----------
    mark : Path
        The file that says that it is done.
    """
    if mark.is_file():
        yield False
        return
    if sys.stderr is not None:
        print(f"compiling the engine, once (about {COMPILING:.0f} s)", file=sys.stderr)
    with _held(mark.with_suffix(".lock")):
        cold = not mark.is_file()
        yield cold
        if cold:
            with suppress(OSError):
                mark.touch()


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a lock, where one can be made."""
    from filelock import FileLock  # brings asyncio along

    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _read_from_cache() -> Iterator[None]:
    """Turn a cache that cannot be read into a word about it, and no cache.

    Raises
    ------
    GdexpError
    """
    try:
        yield
    except (EOFError, ValueError, pickle.UnpicklingError) as error:
        shutil.rmtree(compiled_cache(), ignore_errors=True)
        raise GdexpError(
            f"engine=compiled: what was compiled before in {compiled_cache()} was damaged "
            f"({type(error).__name__}), and has been removed. Run the command again."
        ) from None


def compiled_cache() -> Path:
    """Give the folder of compiled code: one for each state of the sources, so never a stale one."""
    return cache_folder() / "compiled" / _sources()


@cache
def _sources() -> str:
    sources = b"".join(Path(__file__).with_name(name).read_bytes() for name in SOURCES)
    return hashlib.sha256(sources).hexdigest()[:16]


def is_compiled(form: str, precision: str) -> bool:
    """Whether a run before has compiled the kernels for such inputs, on such a machine."""
    return _mark(form, precision).is_file()


def _mark(form: str, precision: str) -> Path:
    """Name the file that says so: telling it from Numba's own would take importing Numba."""
    chosen = (os.environ.get(name, "") for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"))
    what = repr((_processor(), *chosen, _numba(), sys.version, form, precision))
    return compiled_cache() / f"compiled-{hashlib.sha256(what.encode()).hexdigest()[:16]}"


@cache
def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line for line in lines if line.startswith("model name")), platform.processor())


@cache
def _numba() -> str:
    return version("numba")


def load_kernels() -> Any:
    """Import the kernels, with Numba's cache in a folder that can be written."""
    import numba

    if "NUMBA_CACHE_DIR" not in os.environ:
        numba.config.CACHE_DIR = str(_writable())  # type: ignore[attr-defined]
    from gdexp.engines.compiled import epochs

    return epochs


def _writable() -> Path:
    """Give the cache's folder or, where it cannot be written, one that goes with the process."""
    folder = compiled_cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        passing = Path(tempfile.mkdtemp(prefix="gdexp-"))
        atexit.register(shutil.rmtree, passing, ignore_errors=True)
        return passing
