"""Ranges as they are written: what is drawn lies in them, and Hydra reads it back."""

import math
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gdexp.errors import GdexpError
from gdexp.search.objectives import objectives
from gdexp.search.settings import Settings
from gdexp.search.space import Axis, space_of
from tests.conftest import CONF

PARSER = OverridesParser.create()


@pytest.fixture(scope="module")
def loader() -> ConfigLoader:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GDEXP_OUTPUTS", "/nowhere")
        with initialize_config_dir(str(CONF), version_base="1.3"):
            found = GlobalHydra.instance().config_loader()
            assert compose("config") is not None
    return found


class Drawn:
    """Stands in for a trial: its values are a property's."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        if step is None:
            return float(self.draw(st.floats(low, high)))
        return low + step * int(self.draw(st.integers(0, round((high - low) / step))))

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        return low + step * int(self.draw(st.integers(0, (high - low) // step)))


def axis(loader: ConfigLoader, word: str) -> Axis:
    (found,) = space_of(loader, [word]).axes
    return found


@given(st.floats(1e-6, 1e6), st.floats(1.001, 1e4), st.booleans(), st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numbers_lie_between_the_ends_and_are_near_what_was_drawn(
    loader: ConfigLoader, low: float, factor: float, log: bool, data: st.DataObject
) -> None:
    high = low * factor
    interval = f"interval({low!r},{high!r})"
    found = axis(loader, f"eta=tag(log,{interval})" if log else f"eta={interval}")
    drawn = Drawn(data.draw)
    exact: list[float] = []
    whole = drawn.suggest_float
    drawn.suggest_float = lambda *a, **k: exact.append(whole(*a, **k)) or exact[-1]  # type: ignore
    word = found.suggest(drawn)
    (read,) = PARSER.parse_overrides([f"eta={word}"])
    value = read.value()
    assert isinstance(value, float)
    assert low <= value <= high
    fine = 1e-3 * exact[0] if log else 1e-3 * (high - low)
    assert abs(value - exact[0]) <= fine


@pytest.mark.parametrize(
    "word",
    [
        *("eta=range(1,9)", "eta=range(0.5,5,0.5)", "eta=range(9,1,-2)", "eta=0.1,1,10"),
        *("rule=plain,adam", "rule=glob(*)", "architecture.hidden=[30],[50,20]", "batch=choice(7)"),
        *("+new=choice(a,b)", "eta=range(0.1,0.35,0.1)", "eta=sort(3,1,2)"),
    ],
)
def test_what_can_be_listed_is_what_hydra_lists(loader: ConfigLoader, word: str) -> None:
    parser = OverridesParser.create(config_loader=loader)
    (override,) = parser.parse_overrides([word])
    listed = [*override.sweep_string_iterator()]
    found = axis(loader, word)
    assert sorted(found.values) == sorted({*listed})
    values = found.values
    if found.ordered:
        steps = [found.low + (found.step or 1) * k for k in range(len(values))]
        drawn = [found.suggest(Fixed(step)) for step in steps]
        assert drawn == [*values]


class Fixed(Drawn):
    """Gives a value."""

    def __init__(self, value: float) -> None:
        self.value = value

    def suggest_float(self, *args: Any, **kwargs: Any) -> float:
        return self.value

    def suggest_int(self, *args: Any, **kwargs: Any) -> int:
        return round(self.value)


def test_whole_numbers_have_both_ends_and_options_come_first(loader: ConfigLoader) -> None:
    space = space_of(loader, ["batch=int(interval(1,100))", "epochs=3", "rule=plain,momentum"])
    assert [each.name for each in space.axes] == ["rule", "batch"]
    assert space.fixed == ["epochs=3"]
    batch = space.axes[1]
    assert (batch.whole, batch.low, batch.high, batch.ends) == (True, 1, 100, ["1", "100"])
    assert space.words({"batch": "7", "rule": "plain"}) == ("epochs=3", "rule=plain", "batch=7")
    assert math.isinf(space.size)
    logarithmic = axis(loader, "batch=tag(log,int(interval(1,100)))")
    assert (logarithmic.whole, logarithmic.log) == (True, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["eta=interval(5,1)"], "there is nothing between 5 and 1"),
        (["eta=interval(1,1)"], "there is nothing between 1 and 1"),
        (["eta=range(3,3)"], "eta=range(3,3): there is no value"),
        (["eta=tag(log,interval(0,1))"], "a logarithmic scale begins above 0. Got 0"),
        (["eta=tag(log,choice(1,2))"], "a choice has no scale"),
        (["eta=tag(log,range(1,10,2))"], "Write eta=tag(log,interval(1,9))"),
        (["eta=tag(lin,interval(1,2))"], "the tag lin means nothing here; there is log"),
        (["epochs=2"], "search: no setting has a range. Write for example 'eta=interval"),
        (["eta=1,2", "eta=interval(1,2)"], "eta: has several ranges"),
    ],
)
def test_what_is_no_range_is_refused(loader: ConfigLoader, words: list[str], told: str) -> None:
    with pytest.raises(GdexpError) as refused:
        space_of(loader, words)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"trials": 0}, "search.trials must be a whole number >= 1. Got 0."),
        ({"trials": 10**7}, "search.trials must be at most 1,000,000"),
        ({"sampler": "bayes"}, "search.sampler must be one of tpe, random, cmaes, grid. Got 'bay"),
        ({"pruner": "best"}, "search.pruner must be one of none, median, halving"),
        ({"warmup": 0}, "search.warmup must be a whole number >= 1"),
        ({"resume": "yes"}, "sweep.resume must be true or false. Got 'yes'."),
        ({"objective": "speed"}, "search.objective must be one of merit, accuracy, cost, time, or"),
        ({"objective": []}, "search.objective must be a word, or a list of words"),
        ({"objective": ["time", "time"]}, "search.objective must be different ones"),
        ({"objective": "best/test_accuracy"}, "say what is wanted of best/test_accuracy"),
        ({"direction": "up"}, "search.direction must be maximize or minimize. Got 'up'."),
        (
            {"objective": ["accuracy", "time"], "direction": "minimize"},
            "search.direction: one for each of accuracy, time. Got 1.",
        ),
        ({"objective": ["accuracy", "time"], "pruner": "median"}, "decided by one objective"),
        ({"objective": ["accuracy", "time"], "sampler": "cmaes"}, "looks for one thing"),
        ({"objective": "time", "pruner": "median"}, "time is known at the end only"),
        ({"seeds": 2, "pruner": "median"}, "it is seeds that hopeless trials are spared"),
    ],
)
def test_settings_that_cannot_be_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(GdexpError) as refused:
        Settings(**given)
    assert told in str(refused.value)


def test_an_objective_is_read_from_the_first_figure_that_is_there() -> None:
    merit, cost = objectives(["merit", "cost"], None)
    regression = {"best/val_cost_mean": 2.0, "final/train_cost_mean": 1.0}
    assert (merit.of(regression), cost.of(regression)) == (-2.0, 2.0)
    classes = {"best/val_accuracy": 0.5, "final/train_cost_mean": 1.0}
    assert (merit.of(classes), cost.of(classes)) == (0.5, 1.0)
    assert math.isnan(cost.of({"final/train_cost_mean": math.inf}))
    (own,) = objectives("best/test_accuracy", "minimize")
    assert (own.maximize, own.of({"best/test_accuracy": 0.25})) == (False, 0.25)
