"""Imports go one way, and heavy libraries stay in the rooms that need them."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gdexp"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Each may import from those before it, and from itself.
ORDER = [
    "__init__",
    "errors",
    "signals",
    "measure",
    "places",
    "process",
    "views",
    "data",
    "descent",
    "problems",
    "figures",
    "engines",
    "diagnostics",
    "tracking",
    "stored",
    "serving",
    "comparison",
    "experiment",
    "request",
    "result",
    "tables",
    "labels",
    "closing",
    "interrupted",
    "record",
    "report",
    "keeper",
    "fitting",
    "training",
    "terminal",
    "menu",
    "naming",
    "help",
    "complain",
    "build",
    "trusted",
    "recorded",
    "loading",
    "compose",
    "sweeps",
    "search",
    "cluster",
    "session",
    "task",
    "app",
    "replay",
    "doctor",
    "archive",
    "commands",
    "api",
    "cli",
    "__main__",
]
NEVER = {
    ("problems", "descent"),
    ("diagnostics", "engines"),
    ("tracking", "diagnostics"),
    ("tracking", "engines"),
    ("data", "descent"),
    ("stored", "data"),
    ("stored", "problems"),
    ("stored", "engines"),
    ("comparison", "engines"),
    ("comparison", "problems"),
    ("comparison", "tracking"),
    ("tables", "experiment"),
    ("serving", "stored"),
    ("serving", "data"),
}
HOMES = {
    "hydra": {
        *("app", "compose", "complain", "loading", "sweeps", "task", "search"),
        "cluster.launching",
    },
    "yaml": {
        *("app", "complain", "loading", "menu", "replay.trusted", "trusted"),
        "tracking.model_folder",
    },
    "omegaconf": {
        *("app", "compose", "loading", "record", "data", "sweeps", "task", "search"),
        "cluster.launching",
    },
    "dask": {"cluster.connection"},
    "distributed": {"cluster"},
    "mlflow": {
        *("tracking.store", "tracking.opening", "tracking.experiment", "tracking.entities"),
        *("tracking.model", "tracking.model_folder", "tracking.model_code", "tracking.mend"),
        *("stored.client", "archive.packing", "archive.unpacking"),
    },
    "rich": {"terminal", "tables", "data", "session", "search.telling"},
    "pandas": {
        "data.frames",
        "data.columns",
        "stored",
        "comparison",
        "api",
        "commands",
        "report",
    },
    "sqlalchemy": {"stored.sql", "tracking.opening"},
    "PIL": {"data.pixels", "diagnostics"},
    "matplotlib": {"diagnostics", "figures", "report.pictures"},
    "plotly": {"report.page.html"},
    "jinja2": {"report.page.html"},
    "sympy": {"problems.symbolic"},
    "numba": {"engines"},
    "llvmlite": {"engines"},
    "scipy": {"engines", "comparison.statistics"},
    "sklearn": set(),
    "optuna": {"search.study"},
    "psycopg": {"serving.postgres"},
    "cryptography": {"serving.certificates"},
}


def name_of(file: Path) -> str:
    return ".".join(file.relative_to(PACKAGE).with_suffix("").parts)


@cache
def imported(file: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found += [f"{node.module or ''}.{alias.name}" for alias in node.names]
    return found


def inside(file: Path) -> set[str]:
    """Rooms of gdexp that a module imports from."""
    words = [name.split(".") for name in imported(file)]
    rooms = {path[1] if len(path) > 1 else "__init__" for path in words if path[0] == "gdexp"}
    return {room if room in ORDER else "__init__" for room in rooms}


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_imports_go_one_way(file: Path) -> None:
    room = name_of(file).split(".")[0]
    others = inside(file) - ({"api"} if room == "__init__" else set())  # when it is asked for
    for other in others:
        assert ORDER.index(other) <= ORDER.index(room), f"{room} imports {other}"
        assert (room, other) not in NEVER


@pytest.mark.parametrize("file", MODULES, ids=name_of)
def test_heavy_libraries_stay_at_home(file: Path) -> None:
    name, parts = name_of(file), name_of(file).split(".")
    rooms = {".".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    for library in {each.split(".")[0] for each in imported(file)} & set(HOMES):
        assert rooms & HOMES[library], f"{name} imports {library}"


@pytest.mark.parametrize("file", sorted((PACKAGE / "descent").glob("*.py")), ids=name_of)
def test_descent_knows_only_numpy(file: Path) -> None:
    foreign = {name.split(".")[0] for name in imported(file)} - set(sys.stdlib_module_names)
    assert foreign <= {"numpy", "gdexp"}


def test_the_order_names_every_room() -> None:
    assert {name_of(file).split(".")[0] for file in MODULES} == set(ORDER)


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        (
            "import gdexp.app",
            ["mlflow", "pandas", "sklearn", "matplotlib", "PIL", "scipy", "numba", "sympy"],
        ),
        ("from gdexp import cli; cli.run(['--help'])", ["mlflow", "hydra", "numpy"]),
        ("import gdexp.descent", ["hydra", "omegaconf", "rich", "gdexp.data"]),
    ],
)
def test_start_up_leaves_out(code: str, unwanted: list[str]) -> None:
    loaded = f"import sys; {code}; sys.stderr.write(' '.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert not set(unwanted) & set(ran.stderr.split())
