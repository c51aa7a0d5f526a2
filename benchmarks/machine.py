"""What was measured on, and with which versions."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "numba", "hydra-core", "mlflow", "scikit-learn", "torch", "jax")


def machine() -> list[str]:
    """Say it in one line."""
    found = ", ".join(filter(None, map(_version, PACKAGES)))
    return [f"{_processor()}, {platform.system()}; Python {platform.python_version()}, {found}."]


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor()
