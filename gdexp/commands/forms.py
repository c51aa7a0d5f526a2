"""Tables for other programs, on the standard output: CSV, JSON, Markdown."""

import json
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gdexp.commands.words import Parser

if TYPE_CHECKING:
    import pandas


def offer(parser: Parser, forms: Sequence[str], what: str) -> None:
    """Take a flag a form, of which one can be given; ``form`` is its name, or None."""
    flags = parser.add_mutually_exclusive_group()
    for form in forms:
        told = f"write {what} as {form}, in full precision"
        flags.add_argument(f"--{form}", dest="form", action="store_const", const=form, help=told)


def write_csv(table: "pandas.DataFrame") -> None:
    """Write a table as CSV, without its index."""
    table.to_csv(sys.stdout, index=False, lineterminator="\n")


def write_markdown(table: "pandas.DataFrame") -> None:
    """Write a table as Markdown, numbers in six digits."""
    rows = [[_shown(value) for value in row] for row in table.itertuples(index=False)]
    for row in (list(table.columns), ["---"] * len(table.columns), *rows):
        print("|", " | ".join(row), "|")


def write_json(value: Any) -> None:
    """Write lists, mappings and plain values as JSON, which has null for what is not finite."""
    print(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def records(table: "pandas.DataFrame") -> list[dict[str, Any]]:
    """Give the rows of a table as mappings."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6g}"
    return str(value).replace("|", "\\|")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | bool | None) else str(value)
