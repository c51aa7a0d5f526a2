"""What is recorded of the state of the code."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gdexp.tracking import environment


def test_the_state_of_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*words: str) -> str:
        told = ["git", "-c", "user.name=n", "-c", "user.email=e", *words]
        return subprocess.run(told, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    monkeypatch.setattr(environment, "checkout", lambda: tmp_path)
    assert environment.git() == {}  # no repository, or git, at all
    git("init", "--quiet")
    assert environment.git() == {}
    (tmp_path / "code").write_text("one\n")
    git("add", "code")
    git("commit", "--quiet", "-m", "one")
    commit = git("rev-parse", "HEAD").strip()
    assert environment.git() == {"commit": commit, "dirty": False, "diff": ""}
    (tmp_path / "more").touch()
    assert environment.git() == {"commit": commit, "dirty": True, "diff": ""}
    (tmp_path / "code").write_text("two\n")
    state = environment.git()
    assert (state["commit"], state["dirty"]) == (commit, True)
    assert state["diff"].endswith("-one\n+two\n")
    git("checkout", "--quiet", "--detach")
    git("commit", "--quiet", "-am", "two")
    assert environment.git()["commit"] == git("rev-parse", "HEAD").strip() != commit
    assert environment.git("a sweep") == environment.git("a sweep")
    (tmp_path / "bin").mkdir()
    old = tmp_path / "bin" / "git"
    old.write_text(f'#!/bin/sh\n[ "$1" = status ] && exit 129\nexec {shutil.which("git")} "$@"\n')
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:{os.environ['PATH']}")
    commit = git("rev-parse", "HEAD").strip()
    assert environment.git() == {"commit": commit, "dirty": False, "diff": ""}
