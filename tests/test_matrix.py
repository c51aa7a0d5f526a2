"""Every option of the menu × every problem: it runs for an epoch, or is refused in one line.

Read from the YAML files: an option that is added tomorrow is in the matrix without a word here,
unless it needs something given, or is refused by a problem that it could be meant for.
"""

import importlib
import json
import math
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from gdexp import build, compose, menu, places
from gdexp.complain import complaint
from gdexp.engines.compiled.engine import installed
from gdexp.experiment import loaded
from gdexp.request import Request
from gdexp.result import Result
from gdexp.task import REFUSALS
from gdexp.training import train
from tests.conftest import CONF
from tests.samples import EXAMPLES, LINES, STREAM, words_for

MENU = menu.groups([CONF])

# What a problem refuses of what it could be meant for, and a word that the refusal has to hold.
REFUSED = {
    "problem=function optimizer=sgd": "at most n = 1",
    "problem=function stop=early": "needs a validation set",
    "problem=linear_regression stop=early": "there is no accuracy",
    "problem=[!n]* stop=target": "there is no accuracy",
    "problem=[!n]* diagnostics=confusion": "only a network",
    "problem=[!n]* diagnostics=weights": "only a network",
    "problem=function diagnostics=noise": "has no noise",
    "problem=[!n]* engine=blas": "carries out networks only",
    "problem=[!n]* engine=compiled": "carries out networks only",
    "problem=[!n]* optimizer=stream": "only problem=network",
    "problem=[!n]* scaling=running": "only problem=network",
    "problem=linear_regression data=distorted": "only problem=network",
    "problem=linear_regression data=file": "only problem=network",
    "problem=linear_regression data=stdin": "only problem=network",
}
ADVICE = "What an option needs goes into samples.NEEDS; what a problem refuses, into REFUSED."


def uses(problem: str) -> set[str]:
    """The groups that a problem is made of."""
    module, _, name = menu.values(MENU["problem"], problem)["_target_"].rpartition(".")
    return set(getattr(importlib.import_module(module), name).uses)


def refusal(problem: str, group: str, option: str) -> str | None:
    """Why a problem has no use for an option; None where it has."""
    if group in set(build.PARTS) - uses(problem):
        brought = menu.options_bringing(group, [CONF])
        return f"means something only with {brought[0]}" if brought else f"takes no {group}"
    if group == "experiment":
        named = set(re.findall(r"override /(\w+):", MENU[group][option].read_text()))
        needless = named & set(build.PARTS) - uses(problem)
        return "takes no " if needless else None
    case = f"problem={problem} {group}={option}"
    return next((told for pattern, told in REFUSED.items() if fnmatch(case, pattern)), None)


# Options of a group that a problem has no use for are refused as a group: the last one stands for
# all of them, but where GDEXP_MATRIX=whole.
WHOLE = os.environ.get("GDEXP_MATRIX") == "whole"
CASES = [
    (problem, group, option)
    for problem in MENU["problem"]
    for group, options in MENU.items()
    if group not in ("problem", "study")  # a study is of sweeps
    for option in (
        options if WHOLE or group not in set(build.PARTS) - uses(problem) else [*options][-1:]
    )
]


def cases(refused: bool) -> list[Any]:
    return [
        pytest.param(*case, id="{}: {}={}".format(*case))
        for case in CASES
        if bool(refusal(*case)) == refused
    ]


@pytest.fixture(scope="module")
def _menu() -> Iterator[None]:
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        yield
    HydraConfig.instance().cfg = None


@pytest.fixture
def composed(_menu: None, outputs: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function from words to a request, as the command composes it."""
    monkeypatch.setenv(places.OUTPUTS, str(outputs))
    monkeypatch.setenv("PATH", "")  # without git, which takes as long as such a run does

    def compose_(words: list[str]) -> Request:
        config = hydra.compose("config", words, return_hydra_config=True)
        OmegaConf.set_readonly(config.hydra, False)
        with open_dict(config):
            config.hydra.runtime.output_dir = str(outputs / "run")
        HydraConfig.instance().set_config(config)
        return compose.request(DictConfig({k: v for k, v in config.items() if k != "hydra"}))

    return compose_


def unsuited(request: Request) -> str:
    """Why the data do not suit a problem that predicts numbers; empty where they do."""
    experiment = request.experiment
    if experiment.data is None or experiment.architecture is not None:
        return ""
    classes = loaded(experiment.data).classes
    return f"{classes} classes" if classes else ""


def once(request: Request) -> Result:
    request.output.mkdir(parents=True)
    return train(request, lambda record: lambda epoch: None)


@pytest.fixture(autouse=True)
def _lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have examples in standard input."""
    (tmp_path / "stdin").write_text(LINES)
    with (tmp_path / "stdin").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        yield


@pytest.fixture(autouse=True)
def _pictures(group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw where the option is of what is drawn: pictures take as long as all the rest."""
    if group not in ("data", "diagnostics", "function", "optimizer"):
        kept = importlib.import_module("gdexp.figures.keep")  # the package has a function keep
        monkeypatch.setattr(kept, "draw_path", lambda *told: None)
        monkeypatch.setattr(kept, "draw_line", lambda *told: None)


@pytest.fixture
def words(
    problem: str,
    group: str,
    option: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> list[str]:
    """The command line of a case."""
    if option == "compiled" and not installed():
        pytest.skip("not run: no Numba; pip install 'gdexp[compiled]'")
    if "mnist" in MENU[group][option].read_text():
        monkeypatch.setenv("GDEXP_DATA", str(request.getfixturevalue("mnist_root")))
    foreign = set(build.PARTS) - uses(problem) - {group}
    needed = words_for(f"{group}={option}", tmp_path)
    given = [word for word in needed if word.partition("=")[0].split(".")[0] not in foreign]
    off = [] if group == "tracking" else ["tracking=off"]
    if STREAM not in given:
        return [f"problem={problem}", "epochs=1", *off, *given]
    return [f"problem={problem}", *off, *given, f"stream.examples={EXAMPLES}"]


@pytest.mark.parametrize(("problem", "group", "option"), cases(refused=False))
def test_an_epoch_of_every_option_with_every_problem_it_applies_to(
    words: list[str], composed: Any, outputs: Path
) -> None:
    told = ""
    try:
        request = composed(words)
        told = unsuited(request)
        result = once(request)
    except (*REFUSALS, hydra.errors.HydraException) as error:
        line = complaint(error, words)
        assert told, f"{' '.join(words)}: {line}\n{ADVICE}"
        assert told in line
        return
    assert not told, "it ran on data that do not suit it"
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
