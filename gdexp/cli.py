"""The command line: commands are words without "="; everything else is for Hydra."""

import gc
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import gdexp
from gdexp import signals
from gdexp.errors import GdexpError, Terminated

COMMANDS = {
    "ui": "gdexp.commands.ui",
    "server": "gdexp.commands.server",
    "find-eta": "gdexp.commands.find_eta",
    "runs": "gdexp.commands.runs",
    "compare": "gdexp.commands.compare",
    "diff": "gdexp.commands.diff",
    "convert": "gdexp.commands.convert",
    "report": "gdexp.commands.report",
    "replay": "gdexp.commands.replay",
    "resume": "gdexp.commands.resume",
    "doctor": "gdexp.commands.doctor",
    "export": "gdexp.commands.export",
    "import": "gdexp.commands.import_",
    "sync": "gdexp.commands.sync",
}


def main() -> None:
    """Run the command that the process was started with, and exit with its status."""
    signals.keep()
    _mend_streams()
    try:
        _check_folder()
        status = run(sys.argv[1:])
        signals.raise_kept()
    except GdexpError as error:
        print(error, file=sys.stderr)
        status = 1
    except ModuleNotFoundError as error:
        print(_missing(error), file=sys.stderr)
        status = 1
    except KeyboardInterrupt as end:
        print(*_notes(end, "interrupted"), sep="\n", file=sys.stderr)
        status = 130
    except Terminated as end:
        print(*_notes(end), sep="\n", end="\n" if _notes(end) else "", file=sys.stderr)
        raise
    except BrokenPipeError:  # whoever read the output has gone, as `| head` does
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        status = 0
    gc.disable()  # looking through a million objects once more, only to end, would take 0.5 s
    gc.freeze()
    sys.exit(status)


def _notes(end: BaseException, otherwise: str = "") -> list[str]:
    """Give what is to be said last, when a command has ended early."""
    return getattr(end, "__notes__", []) or ([otherwise] if otherwise else [])


def run(words: Sequence[str]) -> int:
    """Dispatch a command line; give its exit status.

    Raises
    ------
    GdexpError
        Where the first word is neither a command, nor a setting, nor a flag.
    """
    first = words[0] if words else ""
    if first != "help" and first and "=" not in first and not first.startswith(("-", "~", "+")):
        return _command(first)(words[1:])
    if {"--help", "-h"} & set(words) or first == "help":
        from gdexp import help

        print(help.text(words), end="")
        return 0
    if "--version" in words:
        print(f"gdexp {gdexp.__version__}")
        return 0
    from gdexp import app  # Hydra, NumPy and the rest: not for the above

    return app.launch(words)


def _command(name: str) -> Callable[[Sequence[str]], int]:
    if name not in COMMANDS:
        raise GdexpError(
            f"{name}: neither a command ({', '.join(COMMANDS)}) nor a setting (name=value). "
            "python -m gdexp --help lists both."
        )
    command: Callable[[Sequence[str]], int] = importlib.import_module(COMMANDS[name]).main
    return command


def _mend_streams() -> None:
    """Have streams that can be written to, whatever was closed, and take any character."""
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _check_folder() -> None:
    try:
        Path.cwd()
    except FileNotFoundError:
        raise GdexpError("the working directory is gone; go to one that exists") from None


def _missing(error: ModuleNotFoundError) -> str:
    if error.name is None or error.name.split(".")[0] == "gdexp":
        raise error
    return (
        f"gdexp needs {error.name}, which {sys.executable} does not have. "
        "Run make and use .venv/bin/python, or pip install gdexp here."
    )
