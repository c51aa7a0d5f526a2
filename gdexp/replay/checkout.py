"""The code of a run: the commit that its record names, checked out into a temporary folder."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gdexp import places
from gdexp.errors import GdexpError
from gdexp.replay.recorded import Recorded

COMMAND = "gdexp/commands/replay.py"  # a commit without it cannot replay


@contextmanager
def checked_out(record: Recorded, *, with_diff: bool) -> Iterator[Path]:
    """Have the code of a run in a folder, as long as this is entered.

    Only a commit that the repository here has is checked out: it is code that is here already.
    What a record has beside it, as ``git.diff``, is code by whoever wrote the record.

    Parameters
    ----------
    record : Recorded
    with_diff : bool
        Whether that is trusted, and applied.

    Raises
    ------
    GdexpError
        Where the code cannot be had.
    """
    who, root = f"run {record.run.id[:8]}", places.checkout()
    if root is None or not (root / ".git").exists():
        raise GdexpError("--in-place: this gdexp is no checkout of its repository, but installed.")
    if record.commit is None:
        raise GdexpError(f"--in-place: the record of {who} names no commit.")
    if record.dirty and not record.diff:
        raise GdexpError(
            f"--in-place: the code of {who} had uncommitted changes of which there is no git.diff: "
            "files that git did not know, or a record that is not complete."
        )
    if record.dirty and not with_diff:
        raise GdexpError(
            f"--in-place: the code of {who} had uncommitted changes. They are in its git.diff: "
            "read it, and where you trust it, write --in-place --with-diff."
        )
    if _git(root, "cat-file", "-e", f"{record.commit}:{COMMAND}"):
        _refuse_commit(root, record.commit)
    with tempfile.TemporaryDirectory(prefix="gdexp-replay-") as temporary:
        tree = Path(temporary) / "code"
        try:
            _do(root, "worktree", "add", "--detach", "--quiet", str(tree), record.commit)
            if record.dirty and record.diff:
                _do(tree, "apply", "--whitespace=nowarn", "-", given=record.diff)
            yield tree
        finally:
            _git(root, "worktree", "remove", "--force", str(tree))


def replayed(tree: Path, words: Sequence[str], outputs: Path) -> int:
    """Replay by the code in a folder, with the words of this command; give its exit status."""
    command = [sys.executable, "-P", "-m", "gdexp", "replay", *words]
    env = {**os.environ, "PYTHONPATH": str(tree), places.OUTPUTS: str(outputs)}
    return subprocess.run(command, env=env, check=False).returncode


def _refuse_commit(root: Path, commit: str) -> None:
    if _git(root, "cat-file", "-e", f"{commit}^{{commit}}"):
        raise GdexpError(
            f"--in-place: commit {commit[:8]} is not in the repository here. Fetch it."
        )
    raise GdexpError(f"--in-place: commit {commit[:8]} is older than python -m gdexp replay.")


def _git(folder: Path, *words: str, given: str = "") -> str:
    """Carry out a command of git; give what it complains of, empty where it went well."""
    try:
        ran = subprocess.run(
            ["git", *words], cwd=folder, input=given.encode(), capture_output=True, check=False
        )
    except OSError as error:
        return f"git: {error.strerror}"
    said = re.sub(r"\s+", " ", ran.stderr.decode(errors="replace")).strip()
    return (said or f"status {ran.returncode}") if ran.returncode else ""


def _do(folder: Path, *words: str, given: str = "") -> None:
    if said := _git(folder, *words, given=given):
        raise GdexpError(f"--in-place: git {words[0]} fails ({said[:200]}).")
