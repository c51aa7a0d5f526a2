"""What a run would run in: versions, threads, disk, memory."""

import os
import platform
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from gdexp.doctor.check import Check, Place
from gdexp.doctor.store import size
from gdexp.places import checkout
from gdexp.tracking.environment import THREAD_VARIABLES

LEAST_DISK = 500e6  # bytes: a store, and the journals of a few long runs
LEAST_MEMORY = 500e6  # bytes: MNIST in float64, and MLflow beside it
COMPILER = "numba"


def checks(place: Place) -> Iterator[Check]:
    """Look at the environment, and at the folder of all outputs."""
    yield _versions()
    yield _threads()
    yield _compiler()
    yield _outputs(place.outputs)
    yield from _disk(place.outputs)
    yield _memory()


def _versions() -> Check:
    python, needed = _needed()
    wrong = [told for each in needed if (told := _mismatch(each))]
    if not SpecifierSet(python).contains(platform.python_version(), prereleases=True):
        wrong.append(f"Python {platform.python_version()}, and {python} is needed")
    if wrong:
        advice = "make, or pip install -c constraints.txt"
        return Check("versions", "not those that gdexp needs", wrong, advice)
    names = ("numpy", "mlflow", "hydra-core")
    told = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    return Check("versions", f"Python {platform.python_version()}, {told}")


def _needed() -> tuple[str, list[Requirement]]:
    """Give what gdexp needs: as its checkout says, else as it was installed."""
    root = checkout()
    if root is not None and (root / "pyproject.toml").is_file():
        with (root / "pyproject.toml").open("rb") as file:
            project = tomllib.load(file)["project"]
        return project["requires-python"], [Requirement(each) for each in project["dependencies"]]
    told = metadata.metadata("gdexp")
    every = [Requirement(each) for each in metadata.requires("gdexp") or []]
    return told["Requires-Python"] or "", [
        each for each in every if each.marker is None or each.marker.evaluate({"extra": ""})
    ]


def _mismatch(needed: Requirement) -> str:
    """Say what is wrong with a package; empty where it is what is needed."""
    try:
        found = metadata.version(needed.name)
    except metadata.PackageNotFoundError:
        return f"{needed.name} is missing, and {needed.specifier or 'any version'} is needed"
    fits = needed.specifier.contains(found, prereleases=True)
    return "" if fits else f"{needed.name} {found}, and {needed.specifier} is needed"


def _threads() -> Check:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    set_to = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if name in os.environ]
    told = f"{cpus} CPUs; engine.threads says how many BLAS uses"
    return Check("threads", "; ".join([told, *set_to]))


def _compiler() -> Check:
    try:
        return Check("compiler", f"{COMPILER} {metadata.version(COMPILER)}: engine=compiled works")
    except metadata.PackageNotFoundError:
        return Check(
            "compiler", f"no {COMPILER}: engine=compiled needs pip install 'gdexp[compiled]'"
        )


def _outputs(outputs: Path) -> Check:
    there = _existing(outputs)
    advice = "make it writable, or name another with outputs=FOLDER or GDEXP_OUTPUTS"
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"gdexp")
    except OSError as error:
        return Check("outputs", f"{there}: {error.strerror}", (), advice)
    told = "can be written" if there == outputs else "will be made"
    return Check("outputs", f"{outputs} {told}")


def _disk(outputs: Path) -> Iterator[Check]:
    try:
        usage = shutil.disk_usage(_existing(outputs))
    except OSError as error:
        yield Check("disk", str(error.strerror), (), "see what holds the outputs folder")
        return
    told = f"{size(usage.free)} of {size(usage.total)} free"
    advice = "" if usage.free >= LEAST_DISK else f"make room: less than {size(LEAST_DISK)}"
    yield Check("disk", told, (), advice)


def _memory() -> Check:
    free = available()
    if free is None:
        return Check("memory", "this system does not say how much is free")
    advice = "" if free >= LEAST_MEMORY else "end other programs: less than 500 MB"
    return Check("memory", f"{size(free)} free", (), advice)


def available(meminfo: Path = Path("/proc/meminfo")) -> float | None:
    """Give the bytes of memory that are free, or can be freed; None where nobody says."""
    try:
        lines: Sequence[str] = meminfo.read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return float(found[0]) * 1024 if found else None


def _existing(folder: Path) -> Path:
    """Give a folder, or the nearest above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.exists())
