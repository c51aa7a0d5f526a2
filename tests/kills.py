"""Kills runs at random moments, resumes them, and holds them against runs that nobody disturbed.

``python -m tests.kills FOLDER KILLS SEED WORDS...``: one warm process, whose children train, so
that two hundred real ends by SIGKILL do not take two hundred starts. It prints what differs.
"""

import json
import os
import random
import re
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict

from gdexp import compose, places, recorded
from gdexp.engines import Work
from gdexp.experiment import Experiment
from gdexp.interrupted import interrupted
from gdexp.request import Request
from gdexp.tracking.hold import RUN, Hold
from gdexp.tracking.journal import NAME, Reader
from gdexp.training import train

IN_A_ROW = 4  # kills of one run, at most: then it may end; fewer, where all are to have some


def begin(request: Request) -> None:
    """Train from the start."""
    request.output.mkdir(parents=True)
    train(request, lambda record: lambda epoch: None)


def go_on(folder: Path) -> None:
    """Train on, from what is in a folder alone."""
    left = interrupted(folder, Hold(folder, RUN))
    request = recorded.request(folder, left.start)
    train(request, lambda record: lambda epoch: None, left)


def child(work: Callable[[], None]) -> int:
    """Do some work in a process of its own, and give its id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def killed(work: Callable[[], None], seconds: float | None) -> bool:
    """Say whether SIGKILL ended some work, sent after so long; where not, it is done."""
    pid = child(work)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or status == 0, "the work failed"
    return os.WIFSIGNALED(status)


def disturbed(request: Request, kills: int, longest: float, rng: random.Random) -> int:
    """Carry a run out with so many kills, and give how many came before it had ended."""
    folder, count = request.output, 0
    while True:
        if not (folder / NAME).is_file() or not [*Reader(folder).new()]:
            shutil.rmtree(folder, ignore_errors=True)  # it had not begun to be recorded
            work: Callable[[], None] = lambda: begin(request)  # noqa: E731
        else:
            work = lambda: go_on(folder)  # noqa: E731
        if not killed(work, rng.uniform(0, longest) if count < kills else None):
            return count
        count += 1


def told(folder: Path) -> dict[str, Any]:
    """Give all that a run has logged, and its parameters, without times and names of files."""
    records = [*Reader(folder).new()]
    epochs = [_plain(record) for record in records if record["kind"] == "epoch"]
    updates = [
        {name: each[name] for name in ("epoch", "first", "costs")}
        for each in records
        if each["kind"] == "updates"
    ]
    looks = [_plain(record) for record in records if record["kind"] == "look"]
    tables = [json.loads(path.read_text()) for path in sorted(folder.glob("diagnostics/*.json"))]
    return {
        "epochs": epochs,
        "updates": updates,
        "looks": [{**each, "artifacts": len(each["artifacts"])} for each in looks],
        "end": {**_plain(records[-1]), "artifacts": records[-1]["artifacts"]},
        "tables": [[row[:2] for row in table["data"]] for table in tables],
        "images": len([*folder.glob("images/*")]),
        "model": (folder / "model.npz").read_bytes().hex(),
        "history": (folder / "history.csv").read_text().count("\n"),
    }


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    metrics = {k: v for k, v in record["metrics"].items() if "seconds" not in k}
    rest = {k: v for k, v in record.items() if k not in ("time", "tags")}
    text = json.dumps({**rest, "metrics": metrics, "tags": record.get("tags")})
    plain: dict[str, Any] = json.loads(re.sub(r"[\d.e+-]+ s\b", "", text))
    return plain


def undisturbed(requests: list[Request], folder: Path) -> Iterator[tuple[Request, float, Any]]:
    """Carry each run out once; gives it, the seconds it took, and what it told."""
    for at, request in enumerate(requests):
        alone = replace(request, output=folder / f"{at}")
        began = time.monotonic()
        _, status = os.waitpid(child(lambda alone=alone: begin(alone)), 0)  # type: ignore[misc]
        assert status == 0
        yield request, time.monotonic() - began, told(alone.output)


def warm(experiment: Experiment) -> None:
    """Have in this process what all children need: data and compiled code."""
    problem = experiment.build()
    m = experiment.optimizer.batch_size(problem.n)
    work = Work(m, experiment.epochs, experiment.update, experiment.schedule)
    experiment.engine.choose(problem, work).engine.prepare(problem)


def main(requests: list[Request], folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Give how many kills there were, and which runs were not as they would have been."""
    rng, count, other = random.Random(seed), 0, []
    for request in requests:
        warm(request.experiment)
    alone = [*undisturbed(requests, folder / "alone")]
    most = min(IN_A_ROW, max(kills // len(requests), 1))
    for at, (request, seconds, expected) in enumerate(cycle(alone)):
        if count >= kills:
            break
        this = replace(request, output=folder / f"{at}")
        count += disturbed(this, min(most, kills - count), seconds, rng)
        found = told(this.output)
        other += [(" ".join(request.overrides), k) for k in found if found[k] != expected[k]]
        shutil.rmtree(this.output)
    return {"kills": count, "runs": at, "other": other}


def composed(words: list[str], folder: Path) -> Request:
    """Give the run that words of the command line ask for."""
    config = hydra.compose("config", words, return_hydra_config=True)
    OmegaConf.set_readonly(config.hydra, False)
    with open_dict(config):
        config.hydra.runtime.output_dir = str(folder)
    HydraConfig.instance().set_config(config)
    return compose.request(DictConfig({k: v for k, v in config.items() if k != "hydra"}))


if __name__ == "__main__":
    place = Path(sys.argv[1])
    os.environ[places.OUTPUTS] = str(place)
    os.environ["PATH"] = ""  # without git, which takes as long as such a run does
    with hydra.initialize_config_dir(str(places.conf()), version_base="1.3"):
        asked = [composed(words.split(), place) for words in sys.argv[4:]]
    print(json.dumps(main(asked, place, int(sys.argv[2]), int(sys.argv[3]))))
