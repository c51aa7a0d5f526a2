"""The compiled engine, and where its code is kept once it is compiled."""

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gdexp.data.cache import cache_folder
from gdexp.engines.engine import Engine, Prepared
from gdexp.errors import GdexpError
from gdexp.problems import Network

SOURCES = (
    *("layout.py", "inputs.py", "simd.py", "elementary.py"),
    *("kernels.py", "dense.py", "first_layer.py", "epochs.py"),
)
INSTALL = "pip install 'gdexp[compiled]'"


@dataclass(frozen=True)
class Compiled(Engine):
    """A whole epoch in one compiled function: explicit vectors, inputs that are zero skipped.

    Its results are the same bits on every x86 processor, whatever its vectors' width.
    """

    def prepare(self, problem: Network) -> Prepared:
        """Lay out the data, and compile what no run before has compiled."""
        if not installed():
            raise GdexpError(f"engine=compiled needs Numba. {INSTALL}, or write engine=reference.")
        from gdexp.engines.compiled.carrier import CompiledCarrier

        return CompiledCarrier(problem, load_kernels())


def installed() -> bool:
    """Whether Numba is there."""
    return importlib.util.find_spec("numba") is not None


def compiled_cache() -> Path:
    """Give the folder of compiled code: one for each state of the sources, so never a stale one."""
    sources = b"".join(Path(__file__).with_name(name).read_bytes() for name in SOURCES)
    return cache_folder() / "compiled" / hashlib.sha256(sources).hexdigest()[:16]


def load_kernels() -> Any:
    """Import the kernels, with Numba's cache in a folder that can be written."""
    import numba

    if "NUMBA_CACHE_DIR" not in os.environ:
        numba.config.CACHE_DIR = str(compiled_cache())  # type: ignore[attr-defined]
    from gdexp.engines.compiled import epochs

    return epochs
