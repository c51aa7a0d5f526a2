"""Conditions on runs: what is written is what is meant."""

import operator
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdexp.errors import GdexpError
from gdexp.stored import StoredRun, Where
from gdexp.stored.where import Condition

ORDERS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
KEYWORDS = ("and", "in", "like", "not")
NAMES = st.builds(
    "{}{}".format,
    st.text("abXY_", min_size=1, max_size=6),
    st.sampled_from(["", "2", "/val_accuracy", ".update", "-x"]),
).filter(lambda name: name.lower() not in KEYWORDS)
BARE = st.text("ab09_.+*-%", min_size=1, max_size=6).filter(lambda v: v.lower() not in KEYWORDS)
QUOTED = st.text(
    st.characters(blacklist_characters="'\n\r", blacklist_categories=["Cs"]), max_size=8
)
VALUES = st.one_of(BARE.map(lambda v: (v, v)), QUOTED.map(lambda v: (f"'{v}'", v)))
SPACE = st.sampled_from(["", " ", "  "])


@st.composite
def conditions(draw: st.DrawFn) -> tuple[str, Condition]:
    """Draw a condition, as it is written and as it is meant."""
    name, sign = draw(NAMES), draw(st.sampled_from([*ORDERS, "like", "in", "not in"]))
    if sign.endswith("in"):
        values = draw(st.lists(VALUES, min_size=1, max_size=3))
        listed = f",{draw(SPACE)}".join(written for written, _ in values)
        meant = Condition(name, sign, tuple(value for _, value in values))
        return f"{name} {sign} ({listed})", meant
    written, value = draw(VALUES)
    space = " " if sign == "like" else draw(SPACE)
    return f"{name}{space}{sign}{space}{written}", Condition(name, sign, (value,))


@given(st.lists(conditions(), max_size=4), st.sampled_from(["and", "AND", "And"]))
def test_what_is_written_is_read(given: list[tuple[str, Condition]], joint: str) -> None:
    text = f" {joint} ".join(written for written, _ in given)
    assert list(Where(text).conditions) == [meant for _, meant in given]


@given(st.text(max_size=40))
def test_whatever_is_written_is_read_or_refused_in_one_line(text: str) -> None:
    refused = ""
    try:
        Where(text)
    except GdexpError as error:
        refused = str(error)
    assert not refused or refused.startswith("--where: ")


@given(
    st.lists(st.sampled_from(["0.3", "3.0", "3", "1e1", "-2", "none"]), min_size=1, max_size=6),
    st.sampled_from(sorted(ORDERS)),
    st.sampled_from([0.3, 3.0, 10.0, -2.0]),
)
def test_numbers_compare_as_numbers(values: list[str], sign: str, bound: float) -> None:
    runs = [run(str(at), eta=value) for at, value in enumerate(values)]
    found = Where(f"eta {sign} {bound}").select(runs)
    expected = [
        each.id
        for each, value in zip(runs, values, strict=True)
        if (sign == "!=" if value == "none" else ORDERS[sign](float(value), bound))
    ]
    assert [each.id for each in found] == expected


def run(id: str, **params: str) -> StoredRun:
    tags = {"gdexp.outcome": "ok", "team": "red"}
    metrics = {"best/val_accuracy": 0.9}
    return StoredRun(id, "gdexp", f"run {id}", "FINISHED", 0, 1, "/", params, tags, metrics)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("optimizer=sgd", "ab"),
        ("params.optimizer = 'sgd' and eta>=1", "a"),
        ("batch != 10", "bc"),
        ("batch not in (10, 100)", "c"),
        ("batch in (10,100)", "ab"),
        ("name like 'run%' and tags.team=red", "abc"),
        ("outcome=ok and best/val_accuracy > 0.5", "abc"),
        ("metrics.`best/val_accuracy` > 0.95", ""),
        ("status=FINISHED and optimizer like s%", "ab"),
        ("", "abc"),
        ("  ", "abc"),
    ],
)
def test_it_selects(text: str, found: str) -> None:
    runs = [
        run("a", optimizer="sgd", batch="10", eta="3.0"),
        run("b", optimizer="sgd", batch="100", eta="0.3"),
        run("c", optimizer="gd", eta="3.0"),
    ]
    assert "".join(each.id for each in Where(text).select(runs)) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("eta >", "cannot read 'eta >'"),
        ("eta = 3 or batch = 10", "cannot read 'or batch = 10'"),
        ("eta = 3 and", 'nothing follows the last "and"'),
        ("batch in ()", "cannot read"),
        ("= 3", "cannot read"),
        ("etta = 3", "no run has a parameter, metric or tag 'etta'. Did you mean eta"),
        ("quite_another = 3", "There are "),
    ],
)
def test_a_mistake_is_told(text: str, told: str) -> None:
    with pytest.raises(GdexpError, match=re.escape(told)):
        Where(text).select([run("a", eta="3.0")])
