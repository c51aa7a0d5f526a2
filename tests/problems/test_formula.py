"""Formulas: gradients against central differences, and what is not a formula is refused, fast."""

import sys
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gdexp.descent import central_differences, relative_error
from gdexp.errors import GdexpError, SettingError
from gdexp.problems import Formula

NAMES = ("x", "y", "v1")
LEAVES = st.sampled_from([*NAMES, "2", "0.5", "3.25", "pi", "e"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, inner).map(lambda t: f"{t[0]}/(1 + {t[1]}**2)"),
        st.tuples(inner, st.sampled_from(["2", "3", "-1"])).map(lambda t: f"(2 + {t[0]})**{t[1]}"),
        inner.map(lambda u: f"-{u}"),
        st.tuples(st.sampled_from(["sin", "cos", "tanh"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
        inner.map(lambda u: f"exp(sin({u}))"),
        inner.map(lambda u: f"log(2 + cos({u}))"),
        inner.map(lambda u: f"sqrt(1 + ({u})**2)"),
        inner.map(lambda u: f"tan(sin({u})/2)"),
        inner.map(lambda u: f"abs(3 + sin({u}))"),
        st.tuples(inner, inner).map(lambda t: f"(2 + sin({t[0]}))**cos({t[1]})"),
    )


FORMULAS = st.recursive(LEAVES, _larger, max_leaves=8)


def formula_of(text: str) -> Formula:
    """Read a drawn formula; one whose constants make 1/0, which is refused, does not count."""
    try:
        return Formula(f"x + {text}")
    except SettingError as error:
        assume("finite" not in str(error) and "divides by zero" not in str(error))
        raise


@given(
    text=FORMULAS, point=st.lists(st.floats(-1.5, 1.5), min_size=len(NAMES), max_size=len(NAMES))
)
def test_gradients_are_central_differences(text: str, point: list[float]) -> None:
    formula = formula_of(text)
    v = np.array(point[: len(formula.variables)])
    gradient = formula.gradient(v)
    assume(np.isfinite(gradient).all() and 1e-3 < np.linalg.norm(gradient) < 1e6)
    estimates = [
        central_differences(lambda at: float(formula.cost(at)), v, h) for h in (1e-5, 1e-6)
    ]
    # Near a pole differences fail before the formula does: then the two estimates disagree.
    assume(relative_error(*estimates) < 1e-5)
    assert relative_error(gradient, estimates[0]) < 1e-5


@given(text=FORMULAS, x=st.floats(-1.5, 1.5), y=st.floats(-1.5, 1.5), v1=st.floats(-1.5, 1.5))
def test_values_are_pythons(text: str, x: float, y: float, v1: float) -> None:
    formula = formula_of(text)
    known = {"x": x, "y": y, "v1": v1}
    names = ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "abs")
    functions = {name: getattr(np, name) for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # Of formulas that this test wrote itself.
            expected = eval(f"x + {text}", {**functions, "pi": np.pi, "e": np.e}, known)
        except ZeroDivisionError:
            expected = np.inf
    assume(np.isfinite(expected) and abs(expected) > 1e-3)
    value = formula.cost([known[name] for name in formula.variables])
    assert value == pytest.approx(expected, rel=1e-9)


def test_variables_are_in_natural_order() -> None:
    assert Formula("v10 + v2 + v1").variables == ("v1", "v2", "v10")
    assert Formula("y*x**2 + pi*e").variables == ("x", "y")


def test_a_constant_is_no_variable() -> None:
    formula = Formula("kappa*x**2", {"kappa": 7.0})
    assert formula.variables == ("x",)
    assert formula.cost([2.0]) == 28


def test_an_array_of_points_is_evaluated_at_once() -> None:
    x, y = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 4))
    formula = Formula("(1 - x)**2 + sin(x*y)")
    np.testing.assert_allclose(formula.cost([x, y]), (1 - x) ** 2 + np.sin(x * y), rtol=1e-15)


def test_a_hessian_is_known_where_it_is_the_same_everywhere() -> None:
    constant = Formula("3*x**2 + x*y/2 - (x - 2*y)**2 + 7*x - 1").hessian()
    assert constant is not None
    np.testing.assert_allclose(constant, [[4, 4.5], [4.5, -8]])
    for text in ("x**3", "x**4 + y**2", "sin(x)", "x/y", "x*y*z", "abs(x)", "2**x", "x**1.5"):
        assert Formula(text).hessian() is None


@pytest.mark.parametrize("text", ["log(x)", "sqrt(x)", "1/(x + 1)", "x**0.5", "(0*x)**-1"])
def test_where_a_formula_has_no_value_it_gives_none_without_a_warning(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.isfinite(Formula(text).cost([-1.0]))


def test_a_kink_has_a_gradient_of_zero() -> None:
    assert Formula("abs(x)").gradient(np.array([0.0])) == [0]


REFUSED = {
    "x + ": "invalid syntax",
    "": "invalid syntax",
    "x^2": "Powers are written with **",
    "2x": "invalid",
    "3": "no variable",
    "sin": "sin wants an argument",
    "sin(x, y)": "may not hold sin(x, y)",
    "sin(x=1)": "may not hold",
    "foo(x)": "no function foo",
    "x/0": "divides by zero",
    "1/0 + x": "not a finite number: 1/0",
    "1e400*x": "not a finite number: 1e400",
    "(-1)**0.5*x": "not a finite number",
    "log(0)*x": "not a finite number: log(0)",
    "3j*x": "may not hold 3j",
    "True*x": "may not hold True",
    "'a'*x": "may not hold 'a'",
    "x < y": "may not hold x < y",
    "x if y else z": "may not hold x if y else z",
    "x and y": "may not hold x and y",
    "x // 2": "may not hold x // 2",
    "x % 2": "may not hold x % 2",
    "x.real": "may not hold x.real",
    "x[0]": "may not hold x[0]",
    "[x]": "may not hold [x]",
    "(x := 3)": "may not hold x := 3",
    "x; y": "invalid syntax",
    "x\x00": "null bytes",
    "é + 1": "The name é",
    "_x": "The name _x",
    "__import__('os').system('true')": "may not hold __import__('os').system(",
    "eval('1')": "may not hold '1'",
    "lambda x: x": "may not hold lambda x: x",
    "f'{x}'": "may not hold f'{x}'",
    "sin(x,\ny)": "may not hold sin(x, y)",
    "x**101": "powers come to more than 100: x**101",
    "((x**9)**9)**9": "powers come to more than 100",
    "9**9**9**9*x": "powers come to more than 100: 9**9**9",
    "x**-1e300": "powers come to more than 100",
    "+".join(f"a{k}" for k in range(11)): "more than 10 variables",
    "x" * 501: "501 characters; at most 500",
    "(" * 249 + "x" + ")" * 249: "It is not one: too many nested parentheses",
    "-" * 400 + "x": "nested more than 20 deep",
    "sin(" * 90 + "x" + ")" * 90: "nested more than 20 deep",
    "9" * 400 + "*x": "not a finite number",
}


@pytest.mark.parametrize(("text", "told"), REFUSED.items(), ids=lambda text: text[:20])
def test_what_is_not_a_formula_is_refused_in_one_line(text: str, told: str) -> None:
    with pytest.raises(SettingError) as refused:
        Formula(text)
    line = str(refused.value)
    assert told in line
    assert line.startswith("formula must be a formula of variables and numbers with")
    assert "\n" not in line
    assert len(line) < 450


@pytest.mark.parametrize("text", [None, 3, 2.5, ["x"]])
def test_what_is_no_text_is_refused(text: object) -> None:
    with pytest.raises(SettingError, match="It is no text"):
        Formula(text)  # type: ignore[arg-type]


V = [f"a{k}" for k in range(10)]
HOSTILE = {
    "a tower": "**".join(V[k % 10] for k in range(17)),
    "a tower of what cancels": "**".join(["(x/x+x/x+x/x)"] * 15),
    "numbers from what cancels": "exp(exp(exp(exp(x - x + 1000.0))))**2",
    "powers of sums": "((" + "+".join(V) + ")**10 + x/2)**10".replace("x", "a1"),
    "coefficients": "(" * 2 + "x + x + x)**10)**10 * (y + y)**100",
    "nested functions": "tan(" * 17 + "x*y*z" + ")" * 17,
    "nested products": "(" * 17 + "x" + "*sin(y))" * 17,
    "many factors": "*".join(f"exp(tanh(sin({a}*{b})))" for a in V[:4] for b in V[5:]),
    "many terms": "+".join(["x*y"] * 125),
    "many quotients": "/".join(f"({V[k % 10]} - {V[3 * k % 7]}*2)" for k in range(40)),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_read_stays_small(text: str) -> None:
    formula = Formula(text)
    assert len(formula.derivatives) < 5000  # without the limits, more than memory holds
    formula.gradient(np.full(len(formula.variables), 0.5))
    formula.hessian()


def test_without_sympy_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gdexp.problems.symbolic", None)
    monkeypatch.delattr("gdexp.problems.symbolic", raising=False)
    with pytest.raises(GdexpError, match=r"needs SymPy.*pip install 'gdexp\[functions\]'"):
        Formula("x**2")
