"""The benchmark suite, ``make bench``: sections one after the other, each in its own process.

A process of its own keeps the threads, caches and memory of one section out of the next.
"""

import subprocess
import sys

from benchmarks.section import arguments

SECTIONS = {
    "epochs": "an epoch beside scikit-learn, PyTorch and JAX, and the cost that each reaches",
    "rules": "an epoch under momentum, Adam and others beside PyTorch",
    "limits": "the compiled epoch beside what the core's arithmetic allows",
    "choice": "which engine engine=auto takes, and what a better choice would save",
    "growth": "an epoch against examples, width, depth and mini-batch",
    "threads": "two runs in two threads against one",
    "startup": "CPU seconds of cold commands",
    "tracking": "whole tracked commands against MLflow alone",
    "outages": "training while the store is away against tracking=off",
    "updates": "a million updates, each in the journal: time, disk, memory, points stored",
    "stored": "commands on a store of 500 runs",
    "sweeps": "a sweep beside Hydra's own launchers, and where its time goes",
    "jobs": "a sweep of many jobs: what memory and the store grow by with each",
    "memory": "peak memory of the process that trains, and of the feeder",
}


def main() -> int:
    """Run the sections that were named, or all; give the status of the worst."""
    about = "\n".join(f"  {name:9} {what}" for name, what in SECTIONS.items())
    parser = arguments(f"{__doc__}\n{about}")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="all where none is named")
    given = parser.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        parser.error(f"no section: {', '.join(sorted(unknown))}")
    flags = [f"--rounds={given.rounds}", *(["--dry"] if given.dry else [])]
    status = 0
    for name in given.sections or SECTIONS:
        print(f"\n{name}: {SECTIONS[name]}\n", flush=True)
        ran = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *flags], check=False)
        status = max(status, abs(ran.returncode))
    return status


if __name__ == "__main__":
    sys.exit(main())
