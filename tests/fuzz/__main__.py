"""Fuzzes every reader of gdexp: ``python -m tests.fuzz --seconds 300``, or some that are named.

First each input of the corpus is read, then others that are made from them: at random, and, with
atheris (``pip install 'gdexp[fuzz]'``), guided by what they reach. What a reader must not do with
any of them is in tests/fuzz/guard.py. An input that makes one do it is kept in the corpus.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.corpus import NAMES

TRIED = r"^(?:tried|stat::number_of_executed_units:) *(\d+)"
GUIDED = 0.6  # of the time, where there is atheris


def main() -> int:
    """Fuzz in turn those that are named, or all; give the exit status: 1 where one is at fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("readers", nargs="*", metavar="READER", help=", ".join(NAMES))
    parser.add_argument("--seconds", type=float, default=300, help="in all (%(default)s)")
    parser.add_argument(
        "--inputs", type=int, help="so many of each reader, the same ones each time, and no more"
    )
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if unknown := set(given.readers) - set(NAMES):
        parser.error(f"no reader: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    names = given.readers or NAMES
    if given.inputs is not None:
        return _some(names, given.inputs)
    if given.child:
        _one(names[0], given.seconds)
    return max(_other(name, given.seconds / len(names)) for name in names)


def _some(names: list[str], inputs: int) -> int:
    """Try the corpus, and the same mutations each time, in this process."""
    from tests.fuzz.fuzzer import Fuzzer, ready

    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        guard = ready(Path(folder), names)
        for name in names:
            fuzzer = Fuzzer(name, guard, keep=False)
            fuzzer.try_all()
            fuzzer.at_random(random.Random(name), lambda count: count < inputs)
            faults += len(fuzzer.found)
            print(f"{name:10} {fuzzer.tried:7,} inputs, {len(fuzzer.found)} findings", flush=True)
    return int(faults > 0)


def _other(name: str, seconds: float) -> int:
    """Fuzz one reader in a process of its own, which it may end as it likes."""
    words = [sys.executable, "-m", "tests.fuzz", name, "--child", f"--seconds={seconds}"]
    with tempfile.TemporaryDirectory(prefix="gdexp-fuzz-") as folder:  # atheris leaves its own
        env, pipe = {**os.environ, "TMPDIR": folder}, subprocess.PIPE
        ran = subprocess.run(words, env=env, stdout=pipe, stderr=subprocess.STDOUT, text=True)
    tried = sum(map(int, re.findall(TRIED, ran.stdout, re.MULTILINE)))
    found = [line for line in ran.stdout.splitlines() if line.startswith(f"{name}: ")]
    how = "guided by atheris" if find_spec("atheris") else "at random"
    print(f"{name:10} {tried:7,} inputs {how}, {len(found)} findings", flush=True)
    if found:
        print("\n".join(found), flush=True)
    elif ran.returncode:
        print(f"{name}: the process ended with {ran.returncode}\n{ran.stdout[-2000:]}", flush=True)
    return int(bool(found) or ran.returncode != 0)


def _one(name: str, seconds: float) -> None:
    """Fuzz one reader in this process; does not come back."""
    from tests.fuzz.fuzzer import Fuzzer, instrumented, ready

    folder = tempfile.mkdtemp()
    with instrumented():
        guard = ready(Path(folder), [name])
    fuzzer = Fuzzer(name, guard, keep=True)
    began = time.monotonic()
    fuzzer.try_all()
    share = 1 - GUIDED if find_spec("atheris") else 1.0
    fuzzer.at_random(random.Random(), lambda _: time.monotonic() < began + share * seconds)
    print(f"tried {fuzzer.tried}", flush=True)
    if find_spec("atheris"):
        fuzzer.guided(GUIDED * seconds)
    sys.exit()


if __name__ == "__main__":
    sys.exit(main())
