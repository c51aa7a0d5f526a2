"""python -m gdexp find-eta: which learning rate for a run of these settings.

It raises eta by a constant factor after each update of one short descent, and tells at which the
cost was lowest, and from which on it diverges. All settings of a run are understood; and
"""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gdexp.app import launch, single
from gdexp.descent import Arriving
from gdexp.diagnostics import figures
from gdexp.diagnostics.files import lines_to
from gdexp.diagnostics.ramp import MARGIN, Climb, Ramp
from gdexp.errors import GdexpError, SettingError
from gdexp.experiment import Experiment, RunProblem
from gdexp.labels import batch_label
from gdexp.request import Request
from gdexp.terminal import counting, program

OWN = {"from": "least", "to": "most", "steps": "steps", "examples": "examples"}
ABOUT = {
    "from": "the smallest eta",
    "to": "the largest; both in the convention of scaling.update",
    "steps": "updates",
    "examples": "training examples over which the cost is taken",
}
FOLDER = "${outputs}/find-eta/${now:%Y-%m-%d}/${now:%H-%M-%S-%f}"


def main(words: Sequence[str]) -> int:
    """Carry out the test, print what it found, and give the exit status.

    Parameters
    ----------
    words : sequence of str
        ``from=``, ``to=``, ``steps=``, ``examples=``, and those of a run.

    Raises
    ------
    GdexpError
        Where a setting is not allowed, or a sweep is asked for.
    """
    if {"-h", "--help"} & set(words):
        usual = {name: getattr(Ramp(), field) for name, field in OWN.items()}
        print(f"{__doc__}\n  python -m gdexp find-eta [SETTING=VALUE ...]\n")
        print(*(f"  {f'{name}={usual[name]:g}':<15} {ABOUT[name]}" for name in OWN), sep="\n")
        return 0
    if {"-m", "--multirun"} & set(words):
        raise GdexpError("find-eta: takes the settings of one run. Leave out -m.")
    own = {name: value for name, _, value in (word.partition("=") for word in words) if name in OWN}
    given = {OWN[name]: _number(name, value) for name, value in own.items()}
    Ramp(**given)  # type: ignore[arg-type]
    rest = [word for word in words if word.partition("=")[0] not in OWN]
    return launch([*rest, f"hydra.run.dir={FOLDER}"], single(lambda request: find(request, given)))


def _number(name: str, value: str) -> float | int:
    with suppress(ValueError):
        return int(value)
    with suppress(ValueError):
        return float(value)
    raise SettingError(name, "a number", value, f"{getattr(Ramp(), OWN[name]):g}")


@dataclass(frozen=True, eq=False)
class Found:
    """What came of a test: the experiment, its problem, m, and the cost as η grew."""

    experiment: Experiment
    problem: RunProblem
    m: int
    climb: Climb

    @property
    def marks(self) -> dict[str, float | None]:
        """Name the learning rates that are told."""
        climb = self.climb
        return {
            "suggested": climb.suggested,
            "cost fell fastest": climb.steepest,
            "cost was lowest": climb.best,
            "diverges from": climb.diverges,
        }

    def both(self, eta: float) -> tuple[float | None, float | None]:
        """Give a learning rate under both conventions, mean and sum; None where it has none."""
        other = self.experiment.update.other_eta(eta, self.m)
        return (eta, other) if self.experiment.scaling.update == "mean" else (other, eta)


def find(request: Request, given: Mapping[str, float | int]) -> None:
    """Carry out the test that is asked for, and tell and write what came of it."""
    experiment, optimizer = request.experiment, request.experiment.optimizer
    if isinstance(optimizer, Arriving):
        raise GdexpError(
            "find-eta goes through examples that are held, again and again; a stream has none. "
            "Leave out optimizer=stream: the eta of optimizer=sgd with the same batch suits both."
        )
    problem = experiment.build()
    m = experiment.optimizer.batch_size(problem.n)
    ramp = _ramp(experiment, m, given)
    print(f"{ramp.steps} updates, eta from {ramp.least:g} to {ramp.most:g}", file=sys.stderr)
    with experiment.engine.limits(), counting(ramp.steps, "update") as watch:
        climb = ramp.climb(problem, optimizer, experiment.update, experiment.seed, watch)
    found = Found(experiment, problem, m, climb)
    which = request.choices.get("optimizer", "")
    what = f"{problem.title}, {which} {batch_label(m, problem.n)}"
    _write(found, request, what)
    _tell(found, request, what)


def _ramp(experiment: Experiment, m: int, given: Mapping[str, float | int]) -> Ramp:
    """Make the ramp; its usual ends are for means, and are brought into the run's convention."""
    usual = Ramp()
    scale = experiment.update.other_eta(1.0, m) if experiment.scaling.update == "sum" else 1.0
    by = 1.0 if scale is None else 1 / scale
    return Ramp(**{"least": usual.least * by, "most": usual.most * by, **given})  # type: ignore[arg-type]


def _write(found: Found, request: Request, what: str) -> None:
    climb = found.climb
    rows = zip(climb.eta, climb.cost, climb.smooth, strict=True)
    lines_to(request.output / "find-eta.csv", [["eta", "cost_mean", "smoothed"], *rows])
    marks = {name: eta for name, eta in found.marks.items() if eta is not None}
    drawn = figures.ramp(climb.eta, climb.cost, climb.smooth, marks, what)
    drawn.save(request.output / "find-eta.png")


def _tell(found: Found, request: Request, what: str) -> None:
    climb = found.climb
    print(f"\n{what}, seed={found.experiment.seed}: {len(climb.eta)} updates")
    print(f"mean cost {climb.before:.4g} before, {climb.smooth.min():.4g} at its lowest\n")
    print(f"{'eta':<20}{'mean':>10}{'sum':>12}")
    for name, eta in found.marks.items():
        shown = ("-", "-") if eta is None else tuple(map(_shown, found.both(eta)))
        print(f"{name:<20}{shown[0]:>10}{shown[1]:>12}".rstrip())
    if climb.best is None:
        print("\nthe cost did not fall; try a smaller from=, or more steps=")
    elif climb.suggested is None:
        print("\nthe cost fell to the end, so nothing is suggested; a larger to= goes further")
    elif climb.diverges is None:
        print("\nit did not diverge; a larger to= goes further")
    if climb.suggested is not None:
        words = [word for word in request.overrides if not word.startswith("eta=")]
        print(f"\ntry      {program()} {' '.join([*words, f'eta={climb.suggested:.2g}'])}")
        print(f"         (1/{MARGIN:g} of the eta at which the cost was lowest: a rule of thumb)")
    print(f"plot     {request.output / 'find-eta.png'}")
    print(f"table    {request.output / 'find-eta.csv'}", flush=True)


def _shown(eta: float | None) -> str:
    return "-" if eta is None else f"{eta:.3g}"
