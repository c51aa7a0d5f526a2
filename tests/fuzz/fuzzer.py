"""Tries inputs on a reader, and keeps those with which it does what it must not."""

import hashlib
import os
import random
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz import mutate
from tests.fuzz.corpus import CORPUS, known
from tests.fuzz.guard import Guard, limit_memory


class Fuzzer:
    """Tries inputs on one reader.

    Parameters
    ----------
    name : str
        The reader's.
    guard : Guard
    keep : bool
        Whether findings go into the corpus.
    """

    def __init__(self, name: str, guard: Guard, *, keep: bool) -> None:
        from tests.fuzz.readers import READERS

        self.name, self.tried = name, 0
        self.found: set[str] = set()
        self._reader, self._guard, self._keep = READERS[name], guard, keep
        self._known = known(name)

    def try_all(self) -> None:
        """Try what is in the corpus."""
        for data in self._known:
            self.tries(data)

    def at_random(self, rng: random.Random, goes_on: Callable[[int], bool]) -> None:
        """Try mutations of what is known."""
        count = 0
        while goes_on(count):
            self.tries(mutate.mutated(self._known, rng))
            count += 1

    def tries(self, data: bytes) -> None:
        """Try an input; the same finding is told once."""
        self.tried += 1
        folder = self._guard.folder / "a"
        folder.mkdir()
        told = self._guard.finding(self._reader(data, folder))
        shutil.rmtree(folder)
        if told and told not in self.found:
            self.found.add(told)
            name = f"found-{hashlib.sha256(data).hexdigest()[:12]}"
            if self._keep:
                (CORPUS / self.name / name).write_bytes(data)
            print(f"{self.name}: {told} [{name}]", flush=True)

    def guided(self, seconds: float) -> None:
        """Try what atheris makes of what is known; ends this process."""
        import atheris

        def changed(data: bytes, most: int, seed: int) -> bytes:
            rng = random.Random(seed)
            if rng.random() < 0.5:
                return bytes(atheris.Mutate(data, most))
            return mutate.mutated([data, *self._known], rng)[:most]

        reached = self._guard.folder / "reached"
        reached.mkdir()
        words = [
            *(f"-max_total_time={max(1, round(seconds))}", "-timeout=3600", "-rss_limit_mb=0"),
            *("-malloc_limit_mb=0", "-verbosity=0", "-print_final_stats=1", "-reload=0"),
            *(f"-max_len={mutate.LONGEST}", f"-seed={random.SystemRandom().randrange(1, 2**31)}"),
        ]
        places = [str(reached), str(CORPUS / self.name)]
        atheris.Setup([sys.argv[0], *words, *places], self.tries, custom_mutator=changed)
        atheris.Fuzz()


def instrumented() -> AbstractContextManager[object]:
    """Give the context in which gdexp is imported such that atheris sees what is reached."""
    if not find_spec("atheris"):
        return nullcontext()
    import atheris

    context: AbstractContextManager[object] = atheris.instrument_imports(include=["gdexp"])
    return context


def ready(folder: Path, names: Sequence[str]) -> Guard:
    """Import and load what readers need, and let nothing more be taken from then on."""
    for name in ("GDEXP_OUTPUTS", "GDEXP_CACHE", "TMPDIR"):
        os.environ[name] = str(folder / "a" / name.lower())
    os.chdir(folder)
    sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115 - readers tell what they skip
    from tests.fuzz import readers

    readers.scale_limits()
    readers.warm(names)
    limit_memory()
    return Guard(folder)
