"""The commands whose start-up and tracking are measured, by the names that the tables have."""

from pathlib import Path

from benchmarks import process, section

BARE = "MLflow bare"
SHORT, BOOK = "epochs=1", "experiment=nielsen_30"
OFF = " tracking=off"


def gdexp(settings: str) -> list[str]:
    """Give the words after ``python`` of a command of gdexp."""
    return ["-m", "gdexp", *settings.split()]


def bare(outputs: Path) -> list[str]:
    """Give the words of MLflow alone, with its store below `outputs`."""
    return ["benchmarks/bare_mlflow.py", str(outputs)]


def ready(outputs: Path) -> None:
    """Make stores and caches, so that no measured command has to."""
    section.step("stores and caches")
    outputs.mkdir(exist_ok=True)
    for words in (bare(outputs), gdexp(SHORT), gdexp(f"{BOOK} epochs=1 engine=compiled{OFF}")):
        process.python(words, outputs)
