"""The corpus: a folder for each reader, with inputs that are as they should be, and findings."""

from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
NAMES = sorted(path.name for path in CORPUS.iterdir() if path.is_dir())


def known(name: str) -> list[bytes]:
    """Give the inputs of a reader."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
