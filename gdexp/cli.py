"""The command line: commands are words without "="; everything else is for Hydra."""

import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import gdexp
from gdexp.errors import GdexpError

COMMANDS = {"ui": "gdexp.ui"}


def main() -> None:
    """Run the command that the process was started with, and exit with its status."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = run(sys.argv[1:])
    except GdexpError as error:
        print(error, file=sys.stderr)
        status = 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        status = 130
    except BrokenPipeError:  # whoever read the output has gone, as `| head` does
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        status = 0
    sys.exit(status)


def run(words: Sequence[str]) -> int:
    """Dispatch a command line; give its exit status.

    Raises
    ------
    GdexpError
        Where the first word is neither a command, nor a setting, nor a flag.
    """
    first = words[0] if words else ""
    if first and "=" not in first and not first.startswith(("-", "~", "+")):
        return _command(first)(words[1:])
    if "--help" in words or "-h" in words:
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


def _terminate(signum: int, frame: FrameType | None) -> None:
    from gdexp.run import Terminated

    raise Terminated(128 + signum)
