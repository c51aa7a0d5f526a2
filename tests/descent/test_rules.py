"""Rules against closed forms, and against the formulas written out coordinate by coordinate."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdexp.descent import (
    Adagrad,
    Adam,
    AdamW,
    FixedLength,
    FullGradient,
    MiniBatch,
    Momentum,
    Nesterov,
    Online,
    Optimizer,
    Penalty,
    Plain,
    RMSprop,
    Rule,
    Scaling,
    State,
    Update,
    central_differences,
    descent,
)
from gdexp.errors import SettingError
from gdexp.problems import Architecture, Network, Quadratic
from tests.conftest import small_dataset
from tests.descent.trajectories import Ellipses, trajectory


def repr_(value: object) -> str:
    return repr(value)[:20]


RULES: list[Rule] = [
    *(Plain(), FixedLength(), Momentum(0.9), Nesterov(0.9)),
    *(Adagrad(), RMSprop(), Adam(), AdamW()),
]
SCALE_FREE: list[Rule] = [FixedLength(), Adagrad(), RMSprop(), Adam(), AdamW()]


def ellipses(n: int = 12, p: int = 3, seed: int = 0) -> Ellipses:
    rng = np.random.default_rng(seed)
    return Ellipses(rng.standard_normal((n, p)), rng.uniform(0.2, 3, p))


def steps(rule: Rule, gradients: list[list[float]], eta: float = 0.1) -> list[list[float]]:
    """Feed a rule with gradients at the fixed point (2, −3)."""
    v = np.array([2.0, -3.0])
    memory = rule.start(v)
    found = [rule.step(np.array(g), v, eta, t, memory) for t, g in enumerate(gradients, 1)]
    return [step.tolist() for step in found]


def written_out(rule: Rule, gradients: list[list[float]], eta: float = 0.1) -> list[list[float]]:
    """The same in scalars, each rule as its source has it."""
    found = []
    m, s, u = [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]
    for t, g in enumerate(gradients, 1):
        step = []
        for j, v in enumerate((2.0, -3.0)):
            match rule:
                case Nesterov(mu=mu):
                    u[j] = mu * u[j] + g[j]
                    step.append(-eta * (g[j] + mu * u[j]))
                case Momentum(mu=mu):
                    u[j] = mu * u[j] + g[j]
                    step.append(-eta * u[j])
                case Adagrad(epsilon=epsilon):
                    s[j] += g[j] ** 2
                    step.append(-eta * g[j] / (math.sqrt(s[j]) + epsilon))
                case RMSprop(alpha=alpha, epsilon=epsilon):
                    s[j] = alpha * s[j] + (1 - alpha) * g[j] ** 2
                    step.append(-eta * g[j] / (math.sqrt(s[j]) + epsilon))
                case Adam(beta1=beta1, beta2=beta2, epsilon=epsilon):
                    m[j] = beta1 * m[j] + (1 - beta1) * g[j]
                    s[j] = beta2 * s[j] + (1 - beta2) * g[j] ** 2
                    first, second = m[j] / (1 - beta1**t), s[j] / (1 - beta2**t)
                    decay = rule.weight_decay if isinstance(rule, AdamW) else 0.0
                    step.append(-eta * (first / (math.sqrt(second) + epsilon) + decay * v))
                case FixedLength():
                    step.append(-eta * g[j] / math.hypot(*g))
                case _:
                    step.append(-eta * g[j])
        found.append(step)
    return found


@pytest.mark.parametrize(
    "rule",
    [
        *RULES,
        *(Momentum(0.0), Nesterov(0.5), Adagrad(0.3), RMSprop(0.0, 0.2)),
        *(Adam(0.5, 0.6, 0.2), Adam(0.0, 0.0), AdamW(weight_decay=0.7)),
    ],
    ids=str,
)
@settings(max_examples=30)
@given(
    gradients=st.lists(
        st.lists(st.floats(-1e3, 1e3).filter(lambda g: abs(g) > 1e-3), min_size=2, max_size=2),
        min_size=1,
        max_size=9,
    )
)
def test_every_rule_is_its_formula(rule: Rule, gradients: list[list[float]]) -> None:
    np.testing.assert_allclose(
        steps(rule, gradients), written_out(rule, gradients), rtol=1e-11, atol=1e-13
    )


@pytest.mark.parametrize("optimizer", [FullGradient(), MiniBatch(5), Online()], ids=str)
@pytest.mark.parametrize("update", ["mean", "sum"])
def test_fixed_length_moves_by_eta_along_the_gradient(optimizer: Optimizer, update: str) -> None:
    problem = ellipses()
    path = trajectory(
        problem, optimizer, FixedLength(), eta=0.03, epochs=7, scaling=Scaling("mean", update)
    )
    moves = np.diff(path, axis=0)
    np.testing.assert_allclose(np.linalg.norm(moves, axis=1), 0.03, rtol=1e-12)
    first = -problem.gradient(path[0], slice(0, 12))
    if isinstance(optimizer, FullGradient):
        np.testing.assert_allclose(moves[0] / 0.03, first / np.linalg.norm(first), rtol=1e-12)


def test_fixed_length_is_the_best_small_move_of_its_length() -> None:
    problem, length = ellipses(), 1e-3
    v = problem.start(np.random.default_rng(1))
    step = FixedLength().step(problem.gradient(v, slice(0, 12)), v, length, 1, {})
    best = problem.measure(v + step)["train"].cost
    others = np.random.default_rng(2).standard_normal((1000, 3))
    others *= length / np.linalg.norm(others, axis=1, keepdims=True)
    curvature = 12 * problem.curvatures.max() * length**2  # what the first order leaves out
    assert all(best <= problem.measure(v + each)["train"].cost + curvature for each in others)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_gradient_of_zero_moves_nothing_but_what_decays(rule: Rule) -> None:
    (step,) = steps(rule, [[0.0, 0.0]])
    decay = 0.1 * 0.01 if isinstance(rule, AdamW) else 0.0
    np.testing.assert_allclose(step, [-decay * 2, decay * 3], rtol=1e-15)


@pytest.mark.parametrize("mu", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("rule", [Momentum, Nesterov])
@pytest.mark.parametrize("eta", [0.01, 0.3])
def test_momentum_on_a_parabola_is_its_recurrence_solved(rule: Any, mu: float, eta: float) -> None:
    """On C = ½ a v² the point obeys v″ = t v′ − d v, whose roots give it in closed form.

    Heavy ball: t = 1 + μ − η a, d = μ. Nesterov: t = (1 + μ) (1 − η a), d = μ (1 − η a), for the
    point where gradients are taken. (Polyak 1964; Goh, "Why momentum really works", 2017.)
    """
    a, start = 2.0, 1.5
    problem = Ellipses(np.zeros((1, 1)), np.array([a]))
    state = State(np.array([start]), np.random.default_rng(0))
    path = [start]
    for epoch in descent(
        problem, FullGradient(), Scaling(), state, eta=eta, epochs=40, rule=rule(mu)
    ):
        if epoch.number:
            path.append(float(state.v[0]))
    if rule is Momentum:
        trace, product, first = 1 + mu - eta * a, mu, start * (1 - eta * a)
    else:
        trace, product = (1 + mu) * (1 - eta * a), mu * (1 - eta * a)
        first = start * (1 - eta * a * (1 + mu))
    one, other = np.roots([1, -trace, product]).astype(complex)
    # v_k = A one^k + B other^k through v_0 and v_1
    share = (first - start * other) / (one - other)
    k = np.arange(41)
    expected = share * one**k + (start - share) * other**k
    np.testing.assert_allclose(path, expected.real, rtol=1e-9, atol=1e-12)


def test_momentum_at_the_best_settings_converges_as_polyak_says() -> None:
    """η = 4/(√L + √l)², μ = ((√κ − 1)/(√κ + 1))² give the rate (√κ − 1)/(√κ + 1)."""
    low, high = 1.0, 100.0
    rate = (math.sqrt(high / low) - 1) / (math.sqrt(high / low) + 1)
    problem = Ellipses(np.zeros((1, 2)), np.array([low, high]))
    eta, mu = 4 / (math.sqrt(high) + math.sqrt(low)) ** 2, rate**2
    path = trajectory(problem, FullGradient(), Momentum(mu), eta=eta, epochs=300)
    sizes = np.linalg.norm(path, axis=1)
    # At these settings the roots are double: the size goes as k rate^k.
    measured = (sizes[300] / 300 / (sizes[150] / 150)) ** (1 / 150)
    assert measured == pytest.approx(rate, abs=2e-3)
    plain = trajectory(problem, FullGradient(), Plain(), eta=2 / (low + high), epochs=300)
    assert sizes[-1] < 1e-20 * np.linalg.norm(plain[-1])


@pytest.mark.parametrize("rule", SCALE_FREE, ids=str)
@pytest.mark.parametrize("factor", [1e-3, 7.0, 1e6])
def test_a_cost_times_a_factor_is_the_same_descent_up_to_epsilon(rule: Rule, factor: float) -> None:
    problem = ellipses()
    more: dict[str, Any] = {"eta": 0.01, "epochs": 20}
    path = trajectory(problem, MiniBatch(4), rule, **more)
    scaled = trajectory(problem, MiniBatch(4), rule, factor=factor, **more)
    smallest = 1e-4  # of the gradients' entries, about; steps are off by ε/smallest
    off = getattr(rule, "epsilon", 0.0) / min(factor, 1.0) / smallest
    np.testing.assert_allclose(scaled, path, rtol=0, atol=60 * 0.01 * off + 1e-12)
    assert np.abs(path[-1] - path[0]).max() > 0.05


@pytest.mark.parametrize("rule", [Adagrad(), Adam(), RMSprop(0.99)], ids=str)
def test_the_first_step_has_the_same_length_in_every_coordinate(rule: Rule) -> None:
    (step,) = steps(rule, [[1e-3, -40.0]])
    length = 0.1 / math.sqrt(1 - 0.99) if isinstance(rule, RMSprop) else 0.1  # not corrected
    np.testing.assert_allclose(step, [-length, length], rtol=1e-3)


def test_adamw_decays_every_parameter_by_eta_lambda_each_step() -> None:
    """Where nothing else pulls, v_k = (1 − η λ)^k v_0, which L2 in Adam would not give."""
    flat = Ellipses(np.zeros((1, 3)), np.zeros(3))
    path = trajectory(flat, FullGradient(), AdamW(weight_decay=0.5), eta=0.1, epochs=30)
    factors = (1 - 0.1 * 0.5) ** np.arange(31)
    np.testing.assert_allclose(path, factors[:, None] * path[0], rtol=1e-13)


def test_adamw_without_decay_is_adam() -> None:
    problem, more = ellipses(), {"eta": 0.05, "epochs": 9}
    ours, adam = (
        trajectory(problem, MiniBatch(4), rule, **more)  # type: ignore[arg-type]
        for rule in (AdamW(weight_decay=0.0), Adam())
    )
    np.testing.assert_array_equal(ours, adam)


# The two conventions.


@pytest.mark.parametrize("penalty", [Penalty(), Penalty(l2=0.5), Penalty(l1=0.3)], ids=str)
@pytest.mark.parametrize("optimizer", [FullGradient(), MiniBatch(4), Online()], ids=str)
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_other_convention_is_the_same_descent(
    rule: Rule, optimizer: Optimizer, penalty: Penalty
) -> None:
    """With `other_eta`: as it is where the rule is linear, up to ε where not; so ε is tiny here."""
    if not rule.linear and not isinstance(rule, FixedLength):
        rule = replace(rule, epsilon=1e-18)  # type: ignore[type-var]
    dataset = small_dataset(n=12)
    problem = Network(Architecture([3]), Quadratic(), dataset)
    m, eta = optimizer.batch_size(12), 0.02
    mean, total = Scaling("mean", "mean"), Scaling("sum", "sum")
    other = Update(mean, rule, penalty).other_eta(eta, m)
    assert other == pytest.approx(eta / m if rule.linear else eta)
    back = Update(total, rule, penalty).other_eta(other or 0.0, m)
    assert back == pytest.approx(eta)
    more: dict[str, Any] = {"epochs": 10, "penalty": penalty}
    one = trajectory(problem, optimizer, rule, eta=eta, scaling=mean, **more)
    two = trajectory(problem, optimizer, rule, eta=other or 0.0, scaling=total, **more)
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-10)
    assert np.abs(one[-1] - one[0]).max() > 1e-3


def test_with_clipping_there_is_no_eta_of_the_other_convention() -> None:
    assert Update(clip=1.0).other_eta(0.1, 10) is None


# Penalties and clipping, on their own.


def test_nielsens_weight_decay_is_l2_under_the_mean() -> None:
    """w → (1 − ηλ/n) w − η/m Σ ∇C_x, and biases without it: ch. 3, eqs. 93 and 94."""
    dataset = small_dataset(n=12)
    network = Network(Architecture([3]), Quadratic(), dataset)
    eta, l2 = 0.3, 5.0
    path = trajectory(
        network, MiniBatch(4, "in_order"), Plain(), eta=eta, epochs=1, penalty=Penalty(l2=l2)
    )
    v = path[0].copy()
    for first in range(0, 12, 4):
        nabla = network.gradient(v, slice(first, first + 4))
        for (w, b), (nabla_w, nabla_b) in zip(
            network.layers(v), network.layers(nabla), strict=True
        ):
            w *= 1 - eta * l2 / 12
            w -= eta / 4 * nabla_w
            b -= eta / 4 * nabla_b
        np.testing.assert_allclose(path[first // 4 + 1], v, rtol=1e-13)


@pytest.mark.parametrize("penalty", [Penalty(l2=0.7), Penalty(l1=0.7), Penalty(0.2, 0.3)], ids=str)
def test_a_penaltys_gradient_is_that_of_its_cost(penalty: Penalty) -> None:
    network = Network(Architecture([3]), Quadratic(), small_dataset())
    v = network.start(np.random.default_rng(0))
    nabla = np.zeros_like(v)
    penalty.add(network, v, nabla, 1.0)
    expected = central_differences(lambda point: penalty.of(network, point), v)
    np.testing.assert_allclose(nabla, expected, atol=1e-8)


def test_l1_makes_a_weight_of_no_use_small_and_leaves_the_biases() -> None:
    dataset = small_dataset()
    network = Network(Architecture([]), Quadratic(), dataset)
    state = State.begin(network, 0)
    biases = network.layers(state.v)[0][1].copy()
    flat_cost = Penalty(l1=23.0)  # of 23 examples: η per step
    update = Update(Scaling(), Plain(), flat_cost)
    before = network.layers(state.v)[0][0].copy()
    g = update.estimate(network, state.v, np.zeros_like(state.v), 23)
    np.testing.assert_allclose(network.layers(g)[0][0], np.sign(before))
    np.testing.assert_array_equal(network.layers(g)[0][1], np.zeros_like(biases))


def test_the_cost_of_an_epoch_holds_its_penalty_under_both_conventions() -> None:
    network = Network(Architecture([3]), Quadratic(), small_dataset())
    for cost, n in (("mean", 23), ("sum", 1)):
        state = State.begin(network, 0)
        penalty = Penalty(l1=0.3, l2=0.7)
        scaling = Scaling(cost, "mean")
        (epoch,) = descent(
            *(network, MiniBatch(5), scaling, state), eta=1.0, epochs=0, penalty=penalty
        )
        weights = np.concatenate([w.ravel() for w, _ in network.layers(state.v)])
        extra = 0.3 * np.abs(weights).sum() + 0.35 * (weights**2).sum()
        assert epoch.cost == pytest.approx((epoch.parts["train"].cost + extra) / n, rel=1e-13)


@given(size=st.floats(1e-3, 1e3), clip=st.floats(1e-3, 1e3))
def test_clipping_shortens_what_is_longer_and_turns_nothing(size: float, clip: float) -> None:
    problem = Ellipses(np.zeros((1, 2)), np.ones(2))
    v = np.array([0.6, -0.8]) * size
    g = Update(clip=clip).estimate(problem, v, v.copy(), 1)
    np.testing.assert_allclose(np.linalg.norm(g), min(size, clip), rtol=1e-13)
    np.testing.assert_allclose(g / np.linalg.norm(g), [0.6, -0.8], rtol=1e-12)


def test_what_is_clipped_is_the_estimate_and_not_the_sum() -> None:
    """Ten examples with a gradient of 1 each: their mean is 1, their sum 10; the clip is 2."""
    problem = Ellipses(np.zeros((10, 1)), np.ones(1))
    v = np.ones(1)
    for update, expected in (("mean", 1.0), ("sum", 2.0)):
        g = Update(Scaling("mean", update), clip=2.0).estimate(problem, v, np.array([10.0]), 10)
        assert g[0] == pytest.approx(expected)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_float32_stays_float32(rule: Rule) -> None:
    network = Network(Architecture([3]), Quadratic(), small_dataset(), np.float32)
    state = State.begin(network, 0)
    more: dict[str, Any] = {"penalty": Penalty(0.1, 0.1), "clip": 0.1, "rule": rule}
    *_, _ = descent(network, MiniBatch(5), Scaling(), state, eta=0.1, epochs=2, **more)
    assert state.v.dtype == np.float32
    assert {each.dtype for each in state.memory.values()} <= {np.dtype(np.float32)}
    assert network.dtype == np.float32


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_going_on_from_a_state_is_going_on(rule: Rule) -> None:
    problem = ellipses()
    whole, halved = (State.begin(problem, 1) for _ in range(2))
    for state, epochs in ((whole, 8), (halved, 3), (halved, 8)):
        *_, _ = descent(problem, MiniBatch(5), Scaling(), state, eta=0.05, epochs=epochs, rule=rule)
    np.testing.assert_array_equal(whole.v, halved.v)
    assert whole.updates == halved.updates == 24


@pytest.mark.parametrize("value", [-0.1, 1.0, 1.5, math.nan, "0.9", True, None])
def test_a_share_is_in_the_half_open_unit_interval(value: Any) -> None:
    for make in (
        *(Momentum, Nesterov, RMSprop, Adam, AdamW),
        *(lambda beta: Adam(beta2=beta), lambda beta: AdamW(beta2=beta)),
    ):
        with pytest.raises(SettingError, match=r"(mu|alpha|beta[12]) must be a number in \[0, 1\)"):
            make(value)


@pytest.mark.parametrize("value", [0, -1e-8, math.inf, math.nan, "1e-8", False, 10**400], ids=repr_)
def test_epsilon_is_positive(value: Any) -> None:
    for make in (Adagrad, RMSprop, Adam, AdamW):
        with pytest.raises(SettingError, match="epsilon must be a finite number > 0"):
            make(epsilon=value)


@pytest.mark.parametrize("value", [-1, math.inf, math.nan, "1", True])
def test_weights_of_penalties_are_not_negative(value: Any) -> None:
    for make in (lambda x: AdamW(weight_decay=x), lambda x: Penalty(l2=x), lambda x: Penalty(x)):
        with pytest.raises(SettingError, match="must be a finite number >= 0"):
            make(value)


@pytest.mark.parametrize("value", [0, -1.0, math.inf, math.nan, "1", True])
def test_a_clip_is_positive(value: Any) -> None:
    with pytest.raises(SettingError, match="clip must be a finite number > 0"):
        Update(clip=value)
