"""Draw the pictures of docs/problems.md: each by the command that stands above it.

``python -m benchmarks.problem_pictures`` draws all of them (half a minute).
"""

import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

COLOURS = 64  # of a picture of the docs: a quarter of the bytes
DOCS = Path(__file__).parents[1] / "docs"


def pictures() -> Iterator[tuple[str, str]]:
    """Give each picture of the page, with the last command before it."""
    command = ""
    for line in (DOCS / "problems.md").read_text(encoding="utf-8").splitlines():
        command = line if line.startswith("python -m gdexp ") else command
        if found := re.fullmatch(r"!\[.*\]\((images/.*)\)", line):
            yield found[1], command


def draw(picture: str, command: str) -> None:
    """Run a command, and keep the picture that it leaves."""
    with tempfile.TemporaryDirectory() as folder:
        words = [*shlex.split(command)[1:], "tracking=off", f"outputs={folder}"]
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        (drawn,) = Path(folder).glob("runs/*/*/*.png")
        with Image.open(drawn) as image:
            image.convert("RGB").quantize(COLOURS).save(DOCS / picture, optimize=True)


if __name__ == "__main__":
    for each in pictures():
        print(*each)
        draw(*each)
