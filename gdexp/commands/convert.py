"""python -m gdexp convert: the learning rate of the same descent under another convention.

An update divides by the m examples of its mini-batch (mean), or it does not (sum):
v -> v - eta/m sum(nabla C_x), or v -> v - eta sum(nabla C_x).

  python -m gdexp convert eta=3.0 batch=10 from=mean to=sum
  python -m gdexp convert eta=0.0001 n=50000 from=sum to=mean     all n examples an update: gd

batch=M     examples of an update; without it all n
n=N         training examples: needed without batch; with it, whether m divides n is told
rule=RULE   the rule of steps (plain): some, such as adam, undo the factor m
from=, to=  mean or sum, as scaling.update of a run
"""

from collections.abc import Sequence

from gdexp import menu, places
from gdexp.comparison import convert
from gdexp.descent import rules
from gdexp.errors import GdexpError, SettingError, one_of

SETTINGS = ("eta", "batch", "n", "rule", "from", "to")
EXAMPLE = "python -m gdexp convert eta=3.0 batch=10 from=mean to=sum"
FORMULAS = {"mean": "v → v − η/m Σ ∇C_x", "sum": "v → v − η Σ ∇C_x"}


def main(words: Sequence[str]) -> int:
    """Print the learning rate and the reason, and give the exit status.

    Parameters
    ----------
    words : sequence of str
        ``eta=``, ``batch=`` or ``n=``, ``from=``, ``to=``, and ``rule=``.

    Raises
    ------
    GdexpError
        Where a word is none of these, or a value is not allowed.
    """
    if {"-h", "--help"} & set(words):
        print(__doc__, end="")
        return 0
    given = _settings(words)
    for name in ("eta", "from", "to"):
        if name not in given:
            raise GdexpError(
                f"convert: {name} must be set. Got nothing. Write for example {EXAMPLE}"
            )
    eta, m, n = _number(given["eta"]), _whole(given, "batch"), _whole(given, "n")
    linear = _linear(given.get("rule", "plain"))
    converted = convert(eta, m, n, given["from"], given["to"])
    print(f"eta={converted if linear else eta:.12g}")
    print(_reason(given, eta, converted, m or n) if linear else _undone(given["rule"]))
    if linear and given["from"] != given["to"] and m and n and n % m:
        print(
            f"but for each epoch's last mini-batch, of {n % m}: with mean each of its examples "
            "weighs more, with sum all weigh the same"
        )
    return 0


def _settings(words: Sequence[str]) -> dict[str, str]:
    given = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in SETTINGS or not value:
            raise GdexpError(
                f"convert: {word!r} is not a setting of it. Write {'=, '.join(SETTINGS)}=."
            )
        given[name] = value
    return given


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise SettingError("eta", "a finite number > 0", value, "3.0") from None


def _whole(given: dict[str, str], name: str) -> int | None:
    if name not in given:
        return None
    if not given[name].isdecimal():
        raise SettingError(name, "a whole number >= 1", given[name], "10")
    return int(given[name])


def _linear(rule: str) -> bool:
    """Say whether a rule's steps grow as the gradient does."""
    options = menu.groups([places.conf()])["rule"]
    target = menu.target(options[one_of("rule", rule, options)])
    linear: bool = getattr(rules, target.rpartition(".")[2]).linear
    return linear


def _reason(given: dict[str, str], eta: float, converted: float, m: int | None) -> str:
    here, there = given["from"], given["to"]
    if here == there:
        return f"{here} is {there}: nothing changes"
    sign = "/" if here == "mean" else " · "
    examples = "examples" if "batch" in given else "examples, all,"
    return (
        f"{here}: {FORMULAS[here]}\n{there}:{' ' * (len(here) - len(there))} {FORMULAS[there]}\n"
        f"equal steps where η({there}) = η({here}){sign}m = {eta:g}{sign}{m} = {converted:g}, "
        f"with m = {m:,} {examples} in an update"
    )


def _undone(rule: str) -> str:
    return f"rule={rule}: its steps do not grow with the gradient, so that η is the same for both"
