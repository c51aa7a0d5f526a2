"""Schedules at their edges, and where a descent takes them from."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdexp.descent import (
    Constant,
    Cosine,
    Epoch,
    Evaluation,
    Exponential,
    FullGradient,
    InverseTime,
    MiniBatch,
    Plateau,
    Scaling,
    Schedule,
    State,
    StepDecay,
    descent,
)
from gdexp.descent.schedules import Moment
from gdexp.errors import SettingError
from gdexp.measure import Measure
from tests.descent.trajectories import Ellipses, Watched


def by_epoch(schedule: Schedule, epochs: int, history: Any = (), eta: float = 2.0) -> list[float]:
    moments = [Moment(k, 7 * k, 7, epochs, history) for k in range(epochs)]
    rates = [schedule.rates(eta, moment) for moment in moments]
    assert all(isinstance(rate, float) for rate in rates)
    return rates  # type: ignore[return-value]


def by_update(schedule: Schedule, epochs: int, coming: int, eta: float = 2.0) -> list[float]:
    """The rates of all updates, epoch after epoch."""
    found: list[float] = []
    for k in range(epochs):
        rates = schedule.rates(eta, Moment(k, coming * k, coming, epochs, ()))
        assert isinstance(rates, list)
        assert len(rates) == coming
        found += rates
    return found


def written_out(schedule: Schedule, t: int, end: int) -> float:
    """η(t)/η in scalars, as the docstrings have it."""
    match schedule:
        case StepDecay(every=every, gamma=gamma):
            return gamma ** (t // every)
        case InverseTime(half_life=half_life):
            return 1 / (1 + t / half_life)
        case Exponential(gamma=gamma):
            return gamma**t
        case Cosine(warm_up=w, final=final):
            if t < w:
                return (t + 1) / (w + 1)
            return final + (1 - final) * (1 + math.cos(math.pi * (t - w) / (end - w))) / 2
    return 1.0


SCHEDULES = [
    *(StepDecay("epoch", 3, 0.5), StepDecay("epoch", 1, 0.9), StepDecay("epoch", 100, 0.5)),
    *(InverseTime("epoch", 4), InverseTime("epoch", 0.5), Exponential("epoch", 0.9)),
    *(Exponential("epoch", 1), Cosine("epoch", 0, 0.0), Cosine("epoch", 4, 0.2)),
]


@pytest.mark.parametrize("schedule", [Constant(), *SCHEDULES], ids=str)
def test_every_schedule_is_its_formula_by_epoch(schedule: Schedule) -> None:
    expected = [2.0 * written_out(schedule, t, 10) for t in range(10)]
    np.testing.assert_allclose(by_epoch(schedule, 10), expected, rtol=1e-13)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_every_schedule_is_its_formula_by_update(schedule: Any) -> None:
    kind, settings = type(schedule), {**vars(schedule), "by": "update"}
    found = by_update(kind(**settings), epochs=3, coming=5)
    np.testing.assert_allclose(
        found, [2.0 * written_out(schedule, t, 15) for t in range(15)], rtol=1e-13
    )


@pytest.mark.parametrize("schedule", [Constant(), *SCHEDULES], ids=str)
def test_the_first_rate_is_eta_unless_it_is_warmed_up(schedule: Schedule) -> None:
    warm_up = getattr(schedule, "warm_up", 0)
    assert by_epoch(schedule, 10)[0] == pytest.approx(2.0 / (warm_up + 1), rel=1e-15)


def test_a_warm_up_is_linear_and_ends_with_eta_itself() -> None:
    rates = by_epoch(Cosine("epoch", 4, 0.0), 30)
    np.testing.assert_allclose(rates[:5], [0.4, 0.8, 1.2, 1.6, 2.0], rtol=1e-14)
    assert rates[5] < 2.0
    assert np.all(np.diff(rates[4:]) < 0)


@pytest.mark.parametrize("final", [0.0, 0.1, 1.0])
def test_cosine_is_half_way_in_the_middle_and_would_be_final_at_the_end(final: float) -> None:
    cosine = Cosine("epoch", 10, final)
    rates = by_epoch(cosine, 50)
    assert rates[30] == pytest.approx(2.0 * (1 + final) / 2)
    # The last epoch is one before the end, as everywhere: the step down at the end is quadratic.
    assert rates[-1] == pytest.approx(
        2.0 * (final + (1 - final) * (math.pi / 40) ** 2 / 4), rel=1e-2
    )
    after = cosine.factors(np.array([50.0, 51.0, 500.0]), 50)
    np.testing.assert_allclose(after, final, atol=1e-16)


@given(w=st.integers(0, 30), end=st.integers(1, 20), final=st.floats(0, 1))
def test_cosine_stays_between_final_and_one_whatever_its_warm_up(
    w: int, end: int, final: float
) -> None:
    factors = Cosine("epoch", w, final).factors(np.arange(float(end)), end)
    assert np.all(factors <= 1)
    assert np.all(factors >= min(final, 1 / (w + 1)) - 1e-15)


def test_cosine_has_to_know_the_end() -> None:
    with pytest.raises(SettingError, match="epochs must be set"):
        Cosine("epoch", 0, 0.0).check(None)
    for schedule in (Constant(), Exponential("update", 0.9), Plateau(0.5, 2, 0.1)):
        schedule.check(None)
        Cosine("epoch", 0, 0.0).check(1)


def test_a_warm_up_has_to_end_before_the_epochs_do() -> None:
    Cosine("epoch", 4, 0.0).check(5)
    Cosine("update", 400, 0.0).check(5)
    with pytest.raises(SettingError, match=r"schedule\.warm_up must be less than the 4 epochs"):
        Cosine("epoch", 4, 0.0).check(4)


# In a descent.


def moved(schedule: Schedule, epochs: int, optimizer: Any) -> tuple[Any, list[Epoch]]:
    """Rates of a descent, told by its steps: on C_x = x v the gradient is 1 everywhere."""

    class Slope(Ellipses):
        def gradient(self, v: Any, batch: Any) -> Any:
            return np.array([float(len(self.points[batch]))])

        def measure(self, v: Any) -> dict[str, Measure]:
            return {"train": Measure(float(v[0]), self.n, None)}

    problem = Watched(Slope(np.zeros((10, 1)), np.ones(1)))
    state = State(np.zeros(1), np.random.default_rng(0))
    more: Any = {"eta": 2.0, "epochs": epochs, "schedule": schedule}
    epochs_ = list(descent(problem, optimizer, Scaling(), state, **more))
    return -np.diff([*np.ravel(problem.points), state.v[0]]), epochs_


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_a_descent_steps_by_the_rates_of_its_schedule(schedule: Any) -> None:
    rates, epochs = moved(schedule, 6, MiniBatch(5))
    expected = [2.0 * written_out(schedule, k, 6) for k in range(6)]
    np.testing.assert_allclose(rates, np.repeat(expected, 2), rtol=1e-12, atol=1e-14)
    assert epochs[0].eta == 2.0
    np.testing.assert_allclose([epoch.eta or 0.0 for epoch in epochs[1:]], expected, rtol=1e-13)
    rates, epochs = moved(type(schedule)(**{**vars(schedule), "by": "update"}), 6, MiniBatch(5))
    expected = [2.0 * written_out(schedule, t, 12) for t in range(12)]
    np.testing.assert_allclose(rates, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose([epoch.eta or 0.0 for epoch in epochs[1:]], expected[1::2])


def test_a_constant_rate_is_not_told_anew_each_epoch() -> None:
    _, epochs = moved(Constant(), 3, FullGradient())
    assert [epoch.eta for epoch in epochs] == [None] * 4


# Plateau.


def measured(*merits: float) -> list[Epoch]:
    """Epochs whose mean validation cost is minus that."""
    train = Measure(1.0, 1, None)
    return [
        Epoch(k, k, k, 0.0, 1.0, {"train": train, "val": Measure(-5 * merit, 5, None)})
        for k, merit in enumerate(merits)
    ]


def factor(plateau: Plateau, *merits: float) -> float:
    history = measured(*merits)
    return by_epoch(plateau, 1, history, eta=1.0)[0]


def test_plateau_halves_when_nothing_was_better_for_its_patience() -> None:
    plateau = Plateau(0.5, 3, 0.01)
    assert factor(plateau, 1) == 1
    assert factor(plateau, 1, 1, 0) == 1
    assert factor(plateau, 1, 1, 0, 1) == 0.5  # three that were no better; equal is no better
    assert factor(plateau, 1, 1, 0, 1, 1, 0) == 0.5
    assert factor(plateau, 1, 1, 0, 1, 1, 0, 0) == 0.25  # three more
    assert factor(plateau, 1, 1, 0, 1, 1, 2, 0, 0) == 0.5  # a new best: anew
    assert factor(plateau, 1, 2, 3, 4, 5, 6, 7) == 1


def test_plateau_ends_at_its_least() -> None:
    plateau = Plateau(0.5, 1, 1 / 128)
    assert factor(plateau, *[1.0] * 8) == 1 / 128
    assert factor(plateau, *[1.0] * 80) == 1 / 128
    assert factor(Plateau(0.3, 1, 0.2), *[1.0] * 9) == 0.2


def test_plateau_goes_by_accuracy_where_there_is_one() -> None:
    history = [
        Epoch(k, k, k, 0.0, 1.0, {"train": Measure(1.0, 4, 4), "val": Measure(9.0 - k, 4, correct)})
        for k, correct in enumerate((3, 3, 3))
    ]
    assert by_epoch(Plateau(0.5, 2, 0.1), 1, history, eta=1.0) == [0.5]


def test_plateau_depends_on_the_history_alone_so_a_resumed_descent_goes_on() -> None:
    """The history of five epochs, then the rest: the same rates as in one go."""
    plateau = Plateau(0.5, 2, 0.01)
    merits = [1.0, 2.0, 2.0, 1.5, 2.5, 2.5, 2.0, 2.0, 1.0, 3.0, 2.0, 2.0]
    history = measured(*merits)

    def rate(plateau: Plateau, k: int) -> float | list[float]:
        return plateau.rates(1.0, Moment(k, k, 1, 12, history[: k + 1]))

    whole = [rate(plateau, k) for k in range(12)]
    resumed = [rate(Plateau(0.5, 2, 0.01), k) for k in range(5, 12)]
    assert whole[5:] == resumed
    assert whole == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.125, 0.0625]


def test_plateau_in_a_descent_counts_measurements() -> None:
    """The merit never grows: γ after each second measurement, and between them nothing."""

    class Fixed(Ellipses):
        def measure(self, v: Any) -> dict[str, Measure]:
            return {**super().measure(v), "val": Measure(1.0, 1, None)}

    problem = Fixed(np.zeros((1, 1)), np.ones(1))
    state = State(np.ones(1), np.random.default_rng(0))
    more: Any = {"schedule": Plateau(0.5, 2, 0.01), "evaluation": Evaluation(2)}
    run = descent(problem, FullGradient(), Scaling(), state, eta=1e-3, epochs=12, **more)
    told = {epoch.number: epoch.eta for epoch in run}
    assert told == {0: 1e-3, 2: 1e-3, 4: 1e-3, 6: 5e-4, 8: 5e-4, 10: 2.5e-4, 12: 2.5e-4}


@pytest.mark.parametrize(
    ("make", "setting"),
    [
        (lambda: StepDecay("epoch", 0, 0.5), "every"),
        (lambda: StepDecay("epoch", 2.0, 0.5), "every"),  # type: ignore[arg-type]
        (lambda: StepDecay("epoch", 2, 0.0), "gamma"),
        (lambda: StepDecay("epoch", 2, 1.1), "gamma"),
        (lambda: StepDecay("batch", 2, 0.5), "by"),
        (lambda: InverseTime("epoch", 0.0), "half_life"),
        (lambda: InverseTime("epoch", math.inf), "half_life"),
        (lambda: Exponential("update", -0.5), "gamma"),
        (lambda: Cosine("epoch", -1, 0.0), "warm_up"),
        (lambda: Cosine("epoch", 0, 1.5), "final"),
        (lambda: Cosine("epoch", 0, -0.1), "final"),
        (lambda: Plateau(1.5, 1, 0.1), "gamma"),
        (lambda: Plateau(0.5, 0, 0.1), "patience"),
        (lambda: Plateau(0.5, 1, 0.0), "least"),
    ],
)
def test_a_setting_out_of_range_is_refused(make: Any, setting: str) -> None:
    with pytest.raises(SettingError, match=f"^{setting} must be "):
        make()
