"""No reader does with any input what it must not: the corpus, and some mutations of it."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.fuzz.corpus import CORPUS, NAMES

INPUTS = os.environ.get("GDEXP_FUZZ_INPUTS", "12")  # of each reader, beside the corpus
LARGEST = 16384  # bytes of an input


def test_no_input_makes_a_reader_misbehave() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--inputs", INPUTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = [line.split()[0] for line in ran.stdout.splitlines()]
    assert told == NAMES


def test_the_corpus_is_small() -> None:
    files = [path for name in NAMES for path in (CORPUS / name).iterdir()]
    assert max(path.stat().st_size for path in files) <= LARGEST


MISDEEDS = {
    "open('/tmp/gdexp-fuzz-elsewhere', 'w')": "open outside of its folder",
    "__import__('os').remove('/etc/nothing-at-all')": "os.remove outside of its folder",
    "__import__('os').system('true')": "os.system",
    "__import__('pickle').loads(b'cos\\nsystem\\n.')": "pickle.find_class",
    "bytearray(1 << 40)": "MemoryError",
    "[][0]": "IndexError: list index out of range",
    "exec('while True: pass')": "took more than 0.1 s",
}
WATCHED = """
import sys, tempfile
from pathlib import Path
from tests.fuzz import guard
guard.CPU_SECONDS = 0.1
guard.limit_memory()
with tempfile.TemporaryDirectory() as folder:
    watch = guard.Guard(Path(folder))
    for deed in sys.argv[1:]:
        print(watch.finding(lambda: eval(deed)))
    print(watch.finding(lambda: Path(folder, "a").write_text("x")))
"""


def test_what_a_reader_must_not_do_is_noticed() -> None:
    words = [sys.executable, "-c", WATCHED, *MISDEEDS]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    *told, fine = ran.stdout.splitlines()
    for found, expected in zip(told, MISDEEDS.values(), strict=True):
        assert found.startswith(expected)
    assert fine == ""


@pytest.mark.parametrize("word", ["nonsense", "idx csvv"])
def test_a_reader_that_is_none_is_named(word: str) -> None:
    words = [sys.executable, "-m", "tests.fuzz", *word.split()]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2
    assert f"no reader: {word.split()[-1]}; there are archive, cache, " in ran.stderr
