"""What a record begins with: the settings as files, and what the journal says of the run."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import OmegaConf

from gdexp.engines import Prepared
from gdexp.experiment import RunProblem
from gdexp.labels import batch_label, datasets, group_name, run_name, tags_of, updates_of
from gdexp.request import Request
from gdexp.tracking.environment import code, environment

MOST_WRITTEN = 256  # texts of settings, in memory


@dataclass(frozen=True)
class Start:
    """A run that is about to begin.

    Parameters
    ----------
    request : Request
    problem : RunProblem
    m : int
        Examples that an update sees.
    carrier : Prepared
        What carries the epochs out.
    why : str
        Why it is that one.
    commit : mapping
        The code's, as `gdexp.tracking.environment.git` gives it.
    """

    request: Request
    problem: RunProblem
    m: int
    carrier: Prepared
    why: str
    commit: Mapping[str, Any]

    def write_settings(self, command: str) -> list[str]:
        """Write what repeats the run into its folder; give the names of the files."""
        folder = self.request.output
        (folder / "config").mkdir()
        threads = self.request.experiment.engine.threads
        nodes = self.request.config.items()
        texts = {
            "config/resolved.yaml": "".join(_yaml({key: node}) for key, node in nodes),
            "config/overrides.yaml": _yaml([*self.request.overrides]),
            "environment.json": json.dumps(environment(threads, self.commit), indent=2),
            "command.txt": command,
        }
        if self.commit.get("diff"):
            texts["git.diff"] = self.commit["diff"]
        for name, text in texts.items():
            (folder / name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        return [*texts]

    def told(self, files: Sequence[str]) -> dict[str, Any]:
        """Give the journal's first record; `files` are those of the settings."""
        return {
            "name": run_name(self.request, self.m),
            "epochs": self.request.experiment.reports,
            "every": self.request.experiment.eval.every,
            "params": self._params(),
            "tags": self._tags(),
            "datasets": datasets(self.problem.dataset),
            "artifacts": files,
            "config": self.request.config,
            "code": code(),
        }

    def _params(self) -> dict[str, str]:
        experiment, problem, m = self.request.experiment, self.problem, self.m
        return {
            **self.request.params,
            **problem.params(),
            "batch_label": batch_label(m, problem.n),
            "eta_other_convention": repr(experiment.update.other_eta(experiment.eta, m)),
            **updates_of(experiment, problem.n),
            "engine.used": self.carrier.name,
        }

    def _tags(self) -> dict[str, str]:
        optimizer = self.request.choices.get("optimizer", "")
        return {
            **tags_of(self.request, self.commit),
            "gdexp.variant": f"{optimizer} {batch_label(self.m, self.problem.n)}",
            "gdexp.group": group_name(self.request, self.m),
            "gdexp.engine_why": self.why,
            "gdexp.journal": uuid.uuid4().hex,  # which this run is fed from, and no other
            **self.request.tags,
        }


def _yaml(node: Any) -> str:
    """Write YAML; what one job of a sweep has like the one before it is not written anew."""
    key = repr(node)
    if key not in _written:
        if len(_written) > MOST_WRITTEN:
            _written.clear()
        _written[key] = OmegaConf.to_yaml(OmegaConf.create(node))
    return _written[key]


_written: dict[str, str] = {}
