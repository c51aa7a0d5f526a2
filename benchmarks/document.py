"""Tables in the docs: each stands between marks of its own, and a command writes it there."""

from collections.abc import Sequence
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def put(name: str, table: str, lines: Sequence[str]) -> None:
    """Put lines into docs/NAME, between the marks of a table.

    Raises
    ------
    ValueError
        Where the doc has not just one place for the table.
    """
    doc = DOCS / name
    doc.write_text(replaced(doc.read_text(encoding="utf-8"), table, lines), encoding="utf-8")


def replaced(text: str, table: str, lines: Sequence[str]) -> str:
    """Give a doc's text with these lines between the marks of a table, and all else as it was.

    Parameters
    ----------
    text : str
    table : str
        The command that makes the table: "make bench epochs". Its last word is in the end mark.
    lines : sequence of str

    Raises
    ------
    ValueError
        Where the marks are missing, doubled or in the wrong order.
    """
    begin, end = f"<!-- table: {table} -->", f"<!-- end {table.split()[-1]} -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"a doc must have one {begin} and one {end}")
    before, _, rest = text.partition(begin)
    if end not in rest:
        raise ValueError(f"{end} must come after {begin}")
    after = rest.partition(end)[2]
    return before + "\n".join([begin, "", *lines, "", end]) + after


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Write rows as a Markdown table.

    Raises
    ------
    ValueError
        Where a row has another length than the head.
    """
    if any(len(row) != len(head) for row in rows):
        raise ValueError("every row needs a cell for each of the head's")
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
