"""Functions of a few variables as problems, and those of the menu."""

import subprocess
import sys

import numpy as np
import pytest
import yaml

from gdexp.descent import FullGradient, Scaling, State, central_differences, descent
from gdexp.errors import SettingError
from gdexp.problems import Conditioned, Function, FunctionProblem, Surface
from tests.conftest import CONF, ROOT

MENU = {file.stem: file for file in sorted((CONF / "function").glob("*.yaml"))}
MINIMA: dict[str, list[tuple[float, ...]]] = {
    "bowl": [(0, 0)],
    "ellipse": [(0, 0)],
    "parabola": [(0,)],
    "rosenbrock": [(1, 1)],
    "beale": [(3, 0.5)],
    # Himmelblau, "Applied Nonlinear Programming" (1972), p. 428
    "himmelblau": [(3, 2), (-2.805118, 3.131312), (-3.779310, -3.283186), (3.584428, -1.848126)],
}


def option(name: str) -> Function:
    """Read a function as the menu has it."""
    base = yaml.safe_load(MENU["bowl"].read_text())["function"]
    own = yaml.safe_load(MENU[name].read_text())["function"]
    settings = {**base, **own}
    kind = {"Function": Function, "Conditioned": Conditioned}[
        settings.pop("_target_").rpartition(".")[2]
    ]
    return kind(**settings)


@pytest.mark.parametrize("name", MENU)
def test_each_of_the_menu_has_the_gradient_that_differences_give(name: str) -> None:
    surface = Surface(option(name))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        v = rng.uniform(surface.function.low, surface.function.high)
        expected = central_differences(surface.cost, v)
        np.testing.assert_allclose(surface.gradient(v), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "v"), [(name, v) for name, vs in MINIMA.items() for v in vs])
def test_each_has_its_minimum_where_the_literature_has_it(name: str, v: tuple[float, ...]) -> None:
    surface, point = Surface(option(name)), np.array(v, np.float64)
    assert surface.cost(point) == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(surface.gradient(point), 0, atol=1e-4)


@pytest.mark.parametrize("name", [name for name in MENU if name != "saddle"])
def test_each_goes_down_with_its_own_learning_rate(name: str) -> None:
    settings = yaml.safe_load(MENU[name].read_text())
    surface = Surface(option(name))
    state = State.begin(surface, 0)
    epochs = list(
        descent(
            surface,
            FullGradient(),
            Scaling(),
            state,
            eta=settings["eta"],
            epochs=settings["epochs"],
        )
    )
    costs = [epoch.cost for epoch in epochs]
    assert len(costs) == settings["epochs"] + 1
    assert (np.diff(costs) <= 1e-12).all()
    assert costs[-1] < costs[0] / 5


@pytest.mark.parametrize("condition", [1, 10.0, 400])
def test_the_ellipse_has_its_condition_number(condition: float) -> None:
    function = Conditioned(option("ellipse").formula, condition=condition)
    hessian = function.parsed.hessian()
    assert hessian is not None
    each = np.linalg.eigvalsh(hessian)
    np.testing.assert_allclose(each, [1, condition])
    assert Surface(function).largest_eta() == pytest.approx(2 / condition)


def test_the_largest_eta_is_known_for_bowls_alone() -> None:
    assert Surface(option("bowl")).largest_eta() == 1
    assert Surface(Function("x**2 + x + 5*y**2 - 3*y")).largest_eta() == pytest.approx(0.2)
    for formula in ("x**2 - y**2", "x**4 + y**2", "x + y", "(x + y)**2", "-x**2", "x**2 + exp(y)"):
        assert Surface(Function(formula)).largest_eta() is None


def test_a_start_is_given_or_drawn_from_the_range() -> None:
    given = Surface(Function("x**2 + y**2", start=[1, -2]))
    np.testing.assert_array_equal(given.start(np.random.default_rng(0)), [1, -2])
    drawn = Surface(Function("x**2 + y**2", low=[-1, 5], high=[0, 6]))
    starts = np.array([drawn.start(np.random.default_rng(seed)) for seed in range(200)])
    assert (starts >= [-1, 5]).all()
    assert (starts <= [0, 6]).all()
    assert np.ptp(starts, axis=0) == pytest.approx([1, 1], abs=0.1)
    np.testing.assert_array_equal(starts[7], drawn.start(np.random.default_rng(7)))


def test_it_is_one_example() -> None:
    surface = Surface(Function("x**2 + 3*y"))
    (measure,) = surface.measure(np.array([2.0, 1.0])).values()
    assert (measure.cost, measure.n, measure.accuracy) == (7, 1, None)
    assert surface.coordinates(np.array([2.0, 1.0])) == {"x": 2, "y": 1}
    assert surface.figures(np.array([2.0, 1.0])) == {"v/x": 2, "v/y": 1}
    assert surface.gradient(np.array([2.0, 1.0], np.float32)).dtype == np.float64
    single = Surface(Function("x**2 + 3*y", start=[1, 2]), np.float32)
    v = single.start(np.random.default_rng(0))
    assert v.dtype == single.gradient(v).dtype == np.float32


def test_the_same_formula_gives_the_same_bits_in_another_process() -> None:
    code = (
        "from gdexp.problems import Formula; import numpy as np;"
        "f = Formula('sin(x*y)*exp(z)/3 + (x - y + 0.1*z)**3 + tanh(x/y)*log(z)*x*y*z');"
        "v = np.array([0.3, 0.7, 1.9]); print(f.cost(v).hex(), *(g.hex() for g in f.gradient(v)))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"start": [1.0]}, "start must be a list of a number for each of x, y. Got [1.0]. "),
        ({"start": [1.0]}, "Write for example start=[1.0,1.0]. function.start=null draws it."),
        ({"start": [1.0, "2"]}, "start must be a finite number. Got '2'"),
        ({"start": [1.0, float("nan")]}, "start must be a finite number. Got nan"),
        ({"start": 1.0}, "Got 1.0"),
        ({"low": 3.0}, "high must be more than low, which is 3.0. Got 2.0"),
        ({"low": [0.0, 1.0, 2.0]}, "low must be a list of a number for each of x, y"),
        ({"low": "0"}, "low must be a list"),
        ({"high": float("inf")}, "high must be a finite number. Got inf"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(SettingError) as refused:
        Function("x**2 + y**2", **settings)  # type: ignore[arg-type]
    assert told in str(refused.value)


def test_a_condition_below_one_and_a_draw_that_is_no_flag_are_refused() -> None:
    with pytest.raises(SettingError, match="condition must be a finite number >= 1"):
        Conditioned("condition*x**2", condition=0.5)
    with pytest.raises(SettingError, match="draw must be true or false"):
        FunctionProblem(draw="yes")  # type: ignore[arg-type]
