"""Rules, schedules, L2 and clipping against PyTorch: the same trajectories, in float64, to 1e-10.

PyTorch takes its own gradients, by its own differentiation; equal are only the start, the data and
the order of the examples.
"""

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest

from gdexp.descent import (
    Adagrad,
    Adam,
    AdamW,
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    MiniBatch,
    Momentum,
    Nesterov,
    Penalty,
    Plain,
    Plateau,
    Problem,
    RMSprop,
    Rule,
    Scaling,
    Schedule,
    State,
    StepDecay,
)
from gdexp.problems import Architecture, CrossEntropy, Network, Quadratic
from tests.conftest import small_dataset
from tests.descent.trajectories import Ellipses, Path, trajectory

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="not run: no PyTorch; pip install 'gdexp[torch]'",
)


class Late:
    """PyTorch, imported where a test asks for it: whoever only collects them need not wait."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_", "pytest")):  # which pytest asks of all that a module has
            raise AttributeError(name)
        return getattr(importlib.import_module("torch"), name)


torch = Late()

N, M, EPOCHS = 20, 5, 16  # 64 updates
UPDATES = EPOCHS * N // M
NEAR: dict[str, Any] = {"rtol": 0, "atol": 1e-10}
IN_ORDER = MiniBatch(M, sampling="in_order")

Theirs = tuple[str, dict[str, Any]]  # an optimizer of torch.optim, and its settings
RULES: dict[str, tuple[Rule, Theirs, float]] = {  # and a learning rate that suits it
    "plain": (Plain(), ("SGD", {}), 0.1),
    "momentum": (Momentum(0.9), ("SGD", {"momentum": 0.9}), 0.02),
    "nesterov": (Nesterov(0.9), ("SGD", {"momentum": 0.9, "nesterov": True}), 0.02),
    "adagrad": (Adagrad(1e-10), ("Adagrad", {}), 0.1),
    "rmsprop": (RMSprop(0.99, 1e-8), ("RMSprop", {}), 0.01),
    "adam": (Adam(0.9, 0.999, 1e-8), ("Adam", {}), 0.01),
    "adamw": (AdamW(0.9, 0.999, 1e-8, 0.01), ("AdamW", {}), 0.01),
}


def warmed_up(optimizer: Any, warm_up: int, end: int, final: float, eta: float) -> Any:
    schedules = torch.optim.lr_scheduler
    rise = schedules.LinearLR(optimizer, start_factor=1 / (warm_up + 1), total_iters=warm_up)
    fall = schedules.CosineAnnealingLR(optimizer, end - warm_up, eta_min=final * eta)
    return schedules.SequentialLR(optimizer, [rise, fall], milestones=[warm_up])


def inverse(optimizer: Any, half_life: float) -> Any:
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 1 / (1 + t / half_life))


@dataclass(frozen=True)
class Pair:
    """A schedule of ours, and what makes PyTorch's from its optimizer and η."""

    ours: Schedule
    theirs: Callable[[Any, float], Any]


SCHEDULES = {
    "constant": Pair(Constant(), lambda o, eta: torch.optim.lr_scheduler.ConstantLR(o, 1.0)),
    "step by epoch": Pair(
        StepDecay("epoch", every=7, gamma=0.5),
        lambda o, eta: torch.optim.lr_scheduler.StepLR(o, 7, 0.5),
    ),
    "exponential by update": Pair(
        Exponential("update", gamma=0.99),
        lambda o, eta: torch.optim.lr_scheduler.ExponentialLR(o, 0.99),
    ),
    "inverse by update": Pair(
        InverseTime("update", half_life=30.0), lambda o, eta: inverse(o, 30.0)
    ),
    "cosine by epoch": Pair(
        Cosine("epoch", warm_up=0, final=0.0),
        lambda o, eta: torch.optim.lr_scheduler.CosineAnnealingLR(o, EPOCHS),
    ),
    "cosine with warm-up by update": Pair(
        Cosine("update", warm_up=31, final=0.1),
        lambda o, eta: warmed_up(o, 31, UPDATES, 0.1, eta),
    ),
    "plateau": Pair(
        Plateau(gamma=0.5, patience=3, least=0.1),
        lambda o, eta: torch.optim.lr_scheduler.ReduceLROnPlateau(
            *(o, "max", 0.5), patience=2, threshold=0.0, min_lr=0.1 * eta, eps=0.0
        ),
    ),
}


class Bowl:
    """The mean of `Ellipses`, as PyTorch would have it."""

    def __init__(self) -> None:
        points = np.random.default_rng(5).standard_normal((N, 4))
        self.ours = Ellipses(points, np.array([0.2, 1.0, 2.0, 5.0]))
        self._points, self._curvatures = map(torch.tensor, (points, self.ours.curvatures))

    def parameters(self, v: Path) -> list[Any]:
        return [torch.tensor(v, requires_grad=True)]

    def loss(self, parameters: list[Any], batch: slice) -> Any:
        (v,) = parameters
        each = 0.5 * (self._curvatures * (v - self._points[batch]) ** 2).sum(1)
        return each.mean()

    def merit(self, parameters: list[Any]) -> float:
        return -float(self.loss(parameters, slice(0, N)).item())


class Net:
    """`Network`, in PyTorch's words: functional, of weights (n_out, n_in) and biases."""

    def __init__(self, cost: str) -> None:
        self.dataset = small_dataset(N)
        output = "softmax" if cost == "cross_entropy" else "sigmoid"
        costs = {"quadratic": Quadratic(), "cross_entropy": CrossEntropy()}
        architecture = Architecture([5], "tanh", output)
        self.ours = Network(architecture, costs[cost], self.dataset)  # type: ignore[arg-type]
        self.loss_of = {"quadratic": self._quadratic, "cross_entropy": self._cross_entropy}[cost]

    def parameters(self, v: Path) -> list[Any]:
        return [
            torch.tensor(part, requires_grad=True)
            for layer in self.ours.layers(v)
            for part in layer
        ]

    def _z(self, parameters: list[Any], inputs: Any) -> Any:
        w1, b1, w2, b2 = parameters
        hidden = torch.tanh(torch.nn.functional.linear(torch.tensor(inputs), w1, b1))
        return torch.nn.functional.linear(hidden, w2, b2)

    def _quadratic(self, z: Any, labels: Any) -> Any:
        y = torch.nn.functional.one_hot(labels, 3).double()
        return 0.5 * torch.nn.functional.mse_loss(torch.sigmoid(z), y, reduction="sum") / len(z)

    def _cross_entropy(self, z: Any, labels: Any) -> Any:
        return torch.nn.functional.cross_entropy(z, labels)

    def loss(self, parameters: list[Any], batch: slice) -> Any:
        train = self.dataset.train
        z = self._z(parameters, train.inputs[batch])
        return self.loss_of(z, torch.tensor(train.labels[batch]))

    def merit(self, parameters: list[Any]) -> float:
        examples = self.dataset.validation
        found = self._z(parameters, examples.inputs).argmax(1).numpy()
        return float(np.mean(found == examples.labels))


PROBLEMS: dict[str, Callable[[], Any]] = {
    "bowl": Bowl,
    "network, quadratic": partial(Net, "quadratic"),
    "network, cross-entropy": partial(Net, "cross_entropy"),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def flat(parameters: list[Any]) -> Path:
    return np.concatenate([part.detach().numpy().ravel() for part in parameters])


def theirs(
    problem: Any,
    rule: Theirs,
    eta: float,
    schedule: str = "constant",
    *,
    decay: float = 0.0,
    clip: float | None = None,
    factor: float = 1.0,
) -> Path:
    """Descend with PyTorch, and give v before each update and at the end.

    `decay` is of the weights alone, as parameter groups have it; `factor` is of the loss.
    """
    parameters = problem.parameters(State.begin(problem.ours, 0).v)
    groups: Any = parameters
    if decay:
        weights, biases = parameters[::2], parameters[1::2]
        groups = [{"params": weights, "weight_decay": decay}]
        groups += [{"params": biases, "weight_decay": 0.0}] if biases else []
    name, settings = rule
    optimizer = getattr(torch.optim, name)(groups, lr=eta, **settings)
    scheduler, path = SCHEDULES[schedule].theirs(optimizer, eta), [flat(parameters)]
    if schedule == "plateau":
        scheduler.step(problem.merit(parameters))
    for _ in range(EPOCHS):
        for first in range(0, N, M):
            optimizer.zero_grad()
            (factor * problem.loss(parameters, slice(first, first + M))).backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(parameters, clip)
            optimizer.step()
            path.append(flat(parameters))
            if "update" in schedule:
                scheduler.step()
        if schedule == "plateau":
            scheduler.step(problem.merit(parameters))
        elif "update" not in schedule:
            scheduler.step()
    return np.array(path)


def ours(problem: Problem, rule: Rule, eta: float, **more: Any) -> Path:
    path = trajectory(problem, IN_ORDER, rule, eta=eta, epochs=EPOCHS, **more)
    assert len(path) == UPDATES + 1
    return path


PAIRS = [
    (schedule, problem)
    for schedule in SCHEDULES
    for problem in PROBLEMS
    if problem != "network, quadratic" or schedule in ("constant", "cosine with warm-up by update")
]


@pytest.mark.parametrize(("schedule", "problem"), PAIRS)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_under_every_schedule(rule: str, schedule: str, problem: str) -> None:
    here, there, eta = RULES[rule]
    both = PROBLEMS[problem]()
    path = ours(both.ours, here, eta, schedule=SCHEDULES[schedule].ours)
    np.testing.assert_allclose(path, theirs(both, there, eta, schedule), **NEAR)
    assert np.abs(path[-1] - path[0]).max() > 0.1, "that was a way"


@pytest.mark.parametrize(
    ("ours_", "theirs_"),
    [
        (Momentum(0.5), ("SGD", {"momentum": 0.5})),
        (Nesterov(0.3), ("SGD", {"momentum": 0.3, "nesterov": True})),
        (Momentum(0.0), ("SGD", {})),
        (Adagrad(0.1), ("Adagrad", {"eps": 0.1})),
        (RMSprop(0.5, 0.01), ("RMSprop", {"alpha": 0.5, "eps": 0.01})),
        (Adam(0.5, 0.9, 0.1), ("Adam", {"betas": (0.5, 0.9), "eps": 0.1})),
        (Adam(0.0, 0.0, 0.1), ("Adam", {"betas": (0.0, 0.0), "eps": 0.1})),
        (
            AdamW(0.5, 0.9, 0.1, 0.3),
            ("AdamW", {"betas": (0.5, 0.9), "eps": 0.1, "weight_decay": 0.3}),
        ),
    ],
    ids=str,
)
def test_other_settings_than_the_default_ones(ours_: Rule, theirs_: Theirs) -> None:
    both = Net("cross_entropy")
    np.testing.assert_allclose(ours(both.ours, ours_, 0.05), theirs(both, theirs_, 0.05), **NEAR)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("rule", RULES)
def test_l2_is_weight_decay_of_the_weights_by_lambda_over_n(rule: str, problem: str) -> None:
    here, there, eta = RULES[rule]
    if rule == "adamw":  # its own decay is not L2: PyTorch takes the one or the other
        here, there = AdamW(weight_decay=0.0), ("Adam", {})
    both = PROBLEMS[problem]()
    path = ours(both.ours, here, eta, penalty=Penalty(l2=2.0))
    np.testing.assert_allclose(path, theirs(both, there, eta, decay=2.0 / N), **NEAR)
    assert np.abs(path - ours(both.ours, here, eta)).max() > 1e-3, "that is of consequence"


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("rule", RULES)
def test_clipping_but_for_what_pytorch_adds_to_the_norm(rule: str, problem: str) -> None:
    """PyTorch divides by ‖g‖ + 1e-6: a step is shorter by a share of 1e-6/‖g‖ than it says.

    So both costs are taken 1e8 times as large, and η as much smaller: that share is beyond float64.
    """
    large, clip = 1e8, 0.1e8
    here, there, eta = RULES[rule]
    if isinstance(here, Plain | Momentum):
        eta /= large
    both = PROBLEMS[problem]()
    path = ours(both.ours, here, eta, clip=clip, factor=large)
    np.testing.assert_allclose(path, theirs(both, there, eta, clip=clip, factor=large), **NEAR)
    assert np.abs(path - ours(both.ours, here, eta, factor=large)).max() > 1e-4, "it was clipped"


@pytest.mark.parametrize("rule", RULES)
def test_the_sum_convention_is_pytorch_with_a_summed_loss(rule: str) -> None:
    here, there, eta = RULES[rule]
    eta, both = (eta / M if here.linear else eta), Net("quadratic")
    path = ours(both.ours, here, eta, scaling=Scaling("sum", "sum"))
    np.testing.assert_allclose(path, theirs(both, there, eta, factor=M), **NEAR)
