"""What a run ran in: versions, machine, threads, and the state of the code."""

import hashlib
import os
import platform
import socket
import subprocess
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

import gdexp
from gdexp.places import PACKAGE, checkout

PACKAGES = (
    *("numpy", "scipy", "numba", "llvmlite"),
    *("scikit-learn", "pandas", "pyarrow", "pillow", "hydra-core", "omegaconf", "mlflow"),
)
COMPUTING = ("measure.py", "data", "descent", "problems", "engines", "diagnostics")  # our rooms
COMPUTERS = ("numpy", "scipy", "numba", "llvmlite")  # and the libraries
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def environment(threads: int, code: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the environment.

    Parameters
    ----------
    threads : int
        BLAS threads that the engine computes with.
    code : mapping
        What `git` says.

    Returns
    -------
    dict
        Plain values, ready for JSON.
    """
    return {
        "gdexp": gdexp.__version__,
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "blas": [
            {key: library.get(key) for key in ("internal_api", "version", "architecture")}
            for library in threadpool_info()
            if library["user_api"] == "blas"
        ],
        "simd": _simd(),
        "threads": {"blas": threads, **_set_threads()},
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "host": socket.gethostname(),
        "git": {key: value for key, value in code.items() if key != "diff"},
    }


def code() -> dict[str, str]:
    """Name the code that computes: versions, and a digest of our own sources of it.

    They are read once: what a process computes with does not change when they are edited.
    """
    return dict(_code())


@cache
def _code() -> Mapping[str, str]:
    digest = hashlib.sha256()
    for room in COMPUTING:
        path = PACKAGE / room
        for file in sorted(path.glob("**/*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    versions = {name: _version(name) or "none" for name in COMPUTERS}
    return {"gdexp": gdexp.__version__, "sources": digest.hexdigest()[:16], **versions}


def git(sweep: str | None = None) -> Mapping[str, Any]:
    """Give commit, whether anything differs from it, and how; empty outside a checkout.

    Parameters
    ----------
    sweep : str, optional
        Its id: git is asked once for all jobs of a sweep, whose code is loaded once.
    """
    return _state() if sweep is None else _state_of(sweep)


@lru_cache(maxsize=1)
def _state_of(sweep: str) -> Mapping[str, Any]:
    return _state()


def _state() -> dict[str, Any]:
    root = checkout()
    asked = ("status", "--porcelain=v2", "--branch", "--no-ahead-behind")  # all in one process
    told = _git(root, *asked).splitlines() if root else []
    commit = next((line.split()[2] for line in told if line.startswith("# branch.oid ")), "")
    if root is not None and not told:  # an old git, or one that is too slow to look at all files
        commit = _git(root, "rev-parse", "HEAD").strip()
    if root is None or not commit.isalnum():  # "(initial)": there is none yet
        return {}
    dirty = any(not line.startswith("#") for line in told)
    return {"commit": commit, "dirty": dirty, "diff": _git(root, "diff", "HEAD") if dirty else ""}


def _git(root: Path, *words: str) -> str:
    try:
        ran = subprocess.run(
            ["git", *words],
            cwd=root,
            stdin=subprocess.DEVNULL,  # ours may bring examples
            capture_output=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return ran.stdout.decode(errors="replace")


@cache
def _simd() -> list[str]:
    found: list[str] = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return found


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _set_threads() -> dict[str, str]:
    return {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
