"""From stored runs to a folder with a report."""

from collections.abc import Sequence
from pathlib import Path

from gdexp.errors import GdexpError
from gdexp.report import markdown, pictures
from gdexp.report.content import gather
from gdexp.report.page import render
from gdexp.report.selection import select
from gdexp.stored import Reader, StoredRun

PAGE, TEXT = "index.html", "report.md"


def write(
    reader: Reader,
    runs: Sequence[StoredRun],
    folder: Path,
    *,
    title: str,
    question: str = "",
    uri: str = "",
) -> Path:
    """Write a report on runs: a page, and the same as Markdown with pictures.

    The same runs give the same bytes, in whatever order they are given.

    Parameters
    ----------
    reader : Reader
        The store.
    runs : sequence of StoredRun
        Those that did not finish are left out, and counted.
    folder : Path
        Where to write ``index.html``, ``report.md`` and the pictures that this shows; made where
        it is not there. Files of these names are replaced.
    title : str
    question : str
        What the runs are to answer.
    uri : str
        That of the store, from which files are read that are not on this machine.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    GdexpError
        Where no run finished, or they share no figure to judge them by; where Plotly or Jinja is
        not installed; or where the folder cannot be written.
    """
    content = gather(reader, select(runs), title, question, uri)
    page = render(content)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PAGE).write_text(page, encoding="utf-8", newline="\n")
        drawn = pictures.draw(content, folder)
        text = markdown.render(content, drawn)
        (folder / TEXT).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise GdexpError(f"-o: cannot write to {folder} ({error.strerror or error}).") from None
    return folder / PAGE
