"""Formulas: read as text, differentiated symbolically, evaluated over NumPy.

The text comes from whoever writes a command or a file, and may be hostile. So it is parsed by
Python's `ast`, which runs nothing, and the expression is built by hand from the few kinds of nodes
below. It is never handed to ``eval`` or to ``sympify``, which evaluates; and limits on its length,
depth, exponents and variables keep what is built from it small.
"""

import ast
import re
import warnings
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdexp.errors import GdexpError, SettingError
from gdexp.problems.program import Program

MOST_CHARACTERS, MOST_DEPTH, MOST_VARIABLES = 500, 20, 10
MOST_POWER = 100  # of an exponent, and of the product of exponents within each other
CONSTANTS = {"pi": np.pi, "e": np.e}
OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
ALLOWED = "a formula of variables and numbers with + - * / ** ( ), pi, e and "


class Formula:
    """A function C of a few variables, with its gradient.

    Parameters
    ----------
    text : str
        Such as ``(1 - x)**2 + 100*(y - x**2)**2``. Every name is a variable, but for pi, e, the
        constants, and the functions abs, cos, exp, log (the natural one), sin, sqrt, tan, tanh.
    constants : mapping of str to float, optional
        Names that stand for a number.

    Attributes
    ----------
    variables : tuple of str
        In natural order: v1, v2, v10; x, y.

    Raises
    ------
    SettingError
        Where the text is not such a formula; it names the setting "formula".
    GdexpError
        Where SymPy is not installed.
    """

    def __init__(self, text: str, constants: Mapping[str, float] | None = None) -> None:
        self._symbolic = _symbolic()
        reader = _Reader(text, {**CONSTANTS, **(constants or {})}, self._symbolic)
        self._expression = reader.whole()
        self.variables = tuple(sorted(reader.variables, key=natural))
        self._symbols = [reader.variables[name] for name in self.variables]
        self._cost = Program([self._expression], self._symbols)

    def cost(self, v: Any) -> Any:
        """Give C(v); each of the p entries of v may be an array, of equal shapes."""
        return self._cost(v)[0]

    def gradient(self, v: NDArray[Any]) -> NDArray[np.float64]:
        """∇C(v), of shape (p,)."""
        return np.array(self.derivatives(list(v)), np.float64)

    @cached_property
    def derivatives(self) -> Program:
        """What evaluates the first derivatives, by the variables in their order."""
        return Program([self._expression.diff(each) for each in self._symbols], self._symbols)

    def hessian(self) -> NDArray[np.float64] | None:
        """Give the second derivatives, (p, p), where they are the same everywhere; else None.

        That is, where the formula as it is written is a polynomial of degree 2 at most: then
        column j of the Hessian is ∇C(e_j) − ∇C(0).
        """
        if _degree(self._expression) > 2:
            return None
        p = len(self._symbols)
        return np.stack([self.gradient(e) - self.gradient(np.zeros(p)) for e in np.eye(p)])


class _Reader:
    """Builds an expression from a text: numbers as floats, all else as SymPy's expressions."""

    def __init__(self, text: str, constants: Mapping[str, float], symbolic: Any) -> None:
        self.text, self.constants, self.symbolic = text, constants, symbolic
        self.variables: dict[str, Any] = {}

    def wrong(self, why: str) -> SettingError:
        got = self.text
        if isinstance(got, str) and len(got) > 60:
            got = f"{got[:57]}..."
        allowed = ALLOWED + ", ".join(sorted(self.symbolic.FUNCTIONS))
        return SettingError("formula", allowed, got, '"(1-x)**2+100*(y-x**2)**2"', f"{why}.")

    def whole(self) -> Any:
        """Read all of it."""
        expression = self.read(self.tree(), 0, 1)
        if not self.variables:
            raise self.wrong("It has no variable")
        return expression

    def tree(self) -> ast.expr:
        text = self.text
        if not isinstance(text, str):
            raise self.wrong("It is no text")
        if len(text) > MOST_CHARACTERS:
            raise self.wrong(f"It has {len(text)} characters; at most {MOST_CHARACTERS} are read")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Python's, on what looks odd in a program
                return ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            told = getattr(error, "msg", None) or "it cannot be read"
            raise self.wrong(f"It is not one: {told}") from None

    def read(self, node: ast.expr, depth: int, power: float) -> Any:
        """Read a node that stands `depth` deep, and is raised to `power` in all."""
        if depth > MOST_DEPTH:
            raise self.wrong(f"It is nested more than {MOST_DEPTH} deep")
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return self.finite(lambda: float(number), node)
            case ast.Name(id=name):
                return self.name(name)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                inner = self.read(node.operand, depth + 1, power)
                return -inner if isinstance(node.op, ast.USub) else inner
            case ast.BinOp(op=ast.Pow()):
                return self.power(node, depth + 1, power)
            case ast.BinOp() if type(node.op) in OPERATORS:
                return self.chain(node, depth + 1, power)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]):
                return self.call(name, self.read(argument, depth + 1, 1), node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            raise self.wrong("Powers are written with **, not with ^")
        raise self.wrong(f"It may not hold {self.piece(node)}")

    def piece(self, node: ast.AST) -> str:
        piece = " ".join((ast.get_source_segment(self.text.strip(), node) or "this").split())
        return piece if len(piece) <= 30 else f"{piece[:27]}..."

    def name(self, name: str) -> Any:
        if name in self.constants:
            return float(self.constants[name])
        if name in self.symbolic.FUNCTIONS:
            raise self.wrong(f"The function {name} wants an argument: {name}(...)")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
            raise self.wrong(f"The name {name} is not of the letters a to z, digits and _")
        if name not in self.variables and len(self.variables) == MOST_VARIABLES:
            raise self.wrong(f"It has more than {MOST_VARIABLES} variables")
        return self.variables.setdefault(name, self.symbolic.variable(name))

    def chain(self, node: ast.BinOp, depth: int, power: float) -> Any:
        """Read a + b − c and so on, which stand as deep as each other, however many they are."""
        links: list[ast.BinOp] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp) and type(first.op) in OPERATORS:
            links.append(first)
            first = first.left
        value = self.read(first, depth, power)
        for link in reversed(links):
            right = self.read(link.right, depth, power)
            value = self.combine(OPERATORS[type(link.op)], [value, right], link)
        return value

    def call(self, name: str, argument: Any, node: ast.AST) -> Any:
        function = self.symbolic.FUNCTIONS.get(name)
        if function is None:
            raise self.wrong(f"There is no function {name}")
        if isinstance(argument, float):
            return self.finite(lambda: function.of(argument), node)
        return function(argument)

    def power(self, node: ast.BinOp, depth: int, power: float) -> Any:
        exponent = self.read(node.right, depth, 1)
        if not isinstance(exponent, float):  # a**b = exp(b log a)
            base = self.read(node.left, depth, 1)
            functions = self.symbolic.FUNCTIONS
            log = self.call("log", base, node)
            return functions["exp"](self.combine(OPERATORS[ast.Mult], [exponent, log], node))
        within = power * max(1.0, abs(exponent))
        if not within <= MOST_POWER:
            raise self.wrong(f"Its powers come to more than {MOST_POWER}: {self.piece(node)}")
        base = self.read(node.left, depth, within)
        return self.combine(lambda a, b: a**b, [base, exponent], node)

    def combine(self, operator: Callable[[Any, Any], Any], pair: list[Any], node: ast.AST) -> Any:
        """Combine two values: two numbers are computed at once, before SymPy sees them."""
        if all(isinstance(each, float) for each in pair):
            one, other = map(np.float64, pair)
            return self.finite(lambda: operator(one, other), node)
        one, other = (
            self.symbolic.number(each) if isinstance(each, float) else each for each in pair
        )
        if other == 0 and operator is OPERATORS[ast.Div]:
            raise self.wrong(f"It divides by zero: {self.piece(node)}")
        return operator(one, other)

    def finite(self, compute: Callable[[], Any], node: ast.AST) -> float:
        try:
            with np.errstate(all="ignore"):
                value = float(compute())
        except OverflowError:
            value = np.inf
        if not np.isfinite(value):
            raise self.wrong(f"It holds what is not a finite number: {self.piece(node)}")
        return value


def _degree(node: Any) -> float:
    """Give the degree of an expression as a polynomial; inf where it is none."""
    if not node.free_symbols:
        return 0
    if node.is_Symbol:
        return 1
    if node.is_Pow and node.exp.is_Integer and node.exp > 0:
        return int(node.exp) * _degree(node.base)
    each = [_degree(part) for part in node.args]
    return max(each) if node.is_Add else sum(each) if node.is_Mul else np.inf


def natural(name: str) -> list[tuple[int, int | str]]:
    """Sort by this: v2 comes before v10."""
    words = re.findall(r"\d+|\D+", name)
    return [(0, int(each)) if each.isdigit() else (1, each) for each in words]


def _symbolic() -> Any:
    try:
        from gdexp.problems import symbolic
    except ImportError:
        told = "problem=function needs SymPy, which differentiates. Got none: "
        raise GdexpError(f"{told}pip install 'gdexp[functions]'.") from None
    return symbolic
