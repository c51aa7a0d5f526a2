"""Every option of the menu × every problem: it runs for an epoch, or is refused in one line.

Read from the YAML files: an option that is added tomorrow is in the matrix without a word here,
unless it needs something given, or is refused by a problem that it could be meant for.
"""

import csv
import importlib
import json
import math
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from gdexp import compose, menu, places
from gdexp.app import REFUSALS
from gdexp.complain import complaint
from gdexp.engines.compiled.engine import installed
from gdexp.experiment import Request, loaded
from gdexp.result import Result
from gdexp.run import run
from tests.conftest import CONF

OWN = CONF.parent / "tests" / "own"
MENU = menu.groups([CONF, OWN])

# What an option cannot be taken without. {folder} holds what `given_files` writes.
GIVEN = {
    "stop=budget": ["stop.updates=100"],
    "stop=target": ["stop.cost=1e-9", "stop.part=train"],
    "architecture=binary": ["data=two_classes", "eta=0.1"],
    "architecture=regression": ["data=numbers", "eta=0.01"],
    "data=csv": ["data.path={folder}/table.csv", "data.target=y"],
}
# What a problem refuses of what it could be meant for, and a word that the refusal has to hold.
REFUSED = {
    "problem=function stop=early": "needs a validation set",
    "problem=[!n]* engine=blas": "carries out networks only",
    "problem=[!n]* engine=compiled": "carries out networks only",
}
ADVICE = (
    "an option that needs something given wants an entry in GIVEN, one that is refused in REFUSED"
)


def uses(problem: str) -> set[str]:
    """The groups that a problem is made of."""
    module, _, name = menu.values(MENU["problem"], problem)["_target_"].rpartition(".")
    return set(getattr(importlib.import_module(module), name).uses)


def refusal(problem: str, group: str, option: str) -> str | None:
    """Why a problem has no use for an option; None where it has."""
    if group in set(compose.PARTS) - uses(problem):
        return f"takes no {group}"
    if group == "experiment":
        named = set(re.findall(r"override /(\w+):", MENU[group][option].read_text()))
        needless = named & set(compose.PARTS) - uses(problem)
        return "takes no " if needless else None
    case = f"problem={problem} {group}={option}"
    return next((told for pattern, told in REFUSED.items() if fnmatch(case, pattern)), None)


CASES = [
    (problem, group, option)
    for problem in MENU["problem"]
    for group, options in MENU.items()
    if group != "problem"
    for option in options
]


def cases(refused: bool) -> list[Any]:
    return [
        pytest.param(*case, id="{}: {}={}".format(*case))
        for case in CASES
        if bool(refusal(*case)) == refused
    ]


@pytest.fixture(scope="module")
def _menu() -> Iterator[None]:
    search = create_config_search_path(str(CONF))
    search.prepend("command-line", f"file://{OWN}", anchor="schema")  # as --config-dir does
    Hydra.create_main_hydra2("gdexp", search)
    yield
    GlobalHydra.instance().clear()
    HydraConfig.instance().cfg = None


@pytest.fixture(scope="module")
def given_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what GIVEN names."""
    folder = tmp_path_factory.mktemp("given")
    with (folder / "table.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["x1", "x2", "y"])
        rows.writerows([k, (7 * k) % 10, "ab"[k % 2]] for k in range(60))
    return folder


@pytest.fixture
def composed(_menu: None, outputs: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function from words to a request, as the command composes it."""
    monkeypatch.setenv(places.OUTPUTS, str(outputs))

    def compose_(words: list[str]) -> Request:
        config = hydra.compose("config", words, return_hydra_config=True)
        OmegaConf.set_readonly(config.hydra, False)
        with open_dict(config):
            config.hydra.runtime.output_dir = str(outputs / "run")
        HydraConfig.instance().set_config(config)
        return compose.request(DictConfig({k: v for k, v in config.items() if k != "hydra"}))

    return compose_


def suited(request: Request) -> list[str]:
    """What a network needs for targets that are numbers."""
    experiment = request.experiment
    if experiment.architecture is None or experiment.data is None:
        return []
    if experiment.architecture.outputs == "one" or loaded(experiment.data).classes:
        return []
    return ["architecture=regression", "cost=quadratic", "eta=0.01"]


def once(request: Request) -> Result:
    request.output.mkdir(parents=True)
    return run(request, lambda record: lambda epoch: None)


@pytest.fixture
def words(
    problem: str,
    group: str,
    option: str,
    given_files: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> list[str]:
    """The command line of a case."""
    if option == "compiled" and not installed():
        pytest.skip("not run: no Numba; pip install 'gdexp[compiled]'")
    if "mnist" in MENU[group][option].read_text():
        monkeypatch.setenv("GDEXP_DATA", str(request.getfixturevalue("mnist_root")))
    given = [word.format(folder=given_files) for word in GIVEN.get(f"{group}={option}", [])]
    off = [] if group == "tracking" else ["tracking=off"]
    return [f"problem={problem}", "epochs=1", *off, f"{group}={option}", *given]


@pytest.mark.parametrize(("problem", "group", "option"), cases(refused=False))
def test_an_epoch_of_every_option_with_every_problem_it_applies_to(
    words: list[str], composed: Any, outputs: Path
) -> None:
    try:
        request = composed(words)
        result = once(composed([*words, *more]) if (more := suited(request)) else request)
    except REFUSALS as error:
        pytest.fail(f"{' '.join(words)}: {complaint(error, words)}\n{ADVICE}")
    last = result.epochs[-1]
    assert last.number == 1
    assert last.updates > 0
    assert math.isfinite(last.cost), "it diverges within an epoch"
    *_, end = (outputs / "run" / "journal.jsonl").read_text().splitlines()
    assert json.loads(end)["kind"] == "end"
    assert json.loads(end)["status"] == "FINISHED"


@pytest.mark.parametrize(("problem", "group", "option"), cases(refused=True))
def test_an_option_that_does_not_apply_is_refused_in_one_line(
    problem: str, group: str, option: str, words: list[str], composed: Any, outputs: Path
) -> None:
    with pytest.raises((*REFUSALS, hydra.errors.HydraException)) as refused:
        once(composed(words))
    line = complaint(refused.value, words)
    assert "\n" not in line
    assert str(refusal(problem, group, option)) in line
    assert not [*outputs.rglob("journal.jsonl")]
