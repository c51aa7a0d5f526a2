"""The task that Hydra carries out for each job, and the launch of a command line."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import hydra
import yaml
from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser
from omegaconf import DictConfig

from gdexp import compose, menu, places, signals
from gdexp.complain import complaint
from gdexp.errors import GdexpError
from gdexp.request import Request
from gdexp.session import Session
from gdexp.task import REFUSALS, Refused, Task, alone

Job = Callable[[DictConfig], float]
MISTAKES = (*REFUSALS, hydra.errors.HydraException, yaml.YAMLError)  # of composition, too
OF_SWEEPS = ("hydra.sweeper.", "hydra/sweeper=", "hydra/launcher=", "hydra.launcher.")


def single(work: Callable[[Request], None]) -> Callable[[Session], Job]:
    """Make a task, for `launch`, of work on what one run's words ask for, without a run."""

    def task(config: DictConfig) -> float:
        with alone(Path(str(config.outputs)).absolute()), signals.raised():
            work(compose.request(config))
        return 0.0

    return lambda session: task


def launch(words: Sequence[str], task: Callable[[Session], Job] = Task) -> int:
    """Hand the command line to Hydra, and give the exit status.

    Parameters
    ----------
    words : sequence of str
        The command line, without the program's name.
    task : callable
        Makes what is done for each job; a run, where nothing else is asked for.

    Raises
    ------
    GdexpError
        Where it cannot be read.
    """
    words = checked(words)
    os.environ[places.OUTPUTS] = str(places.outputs())
    wants_traceback = bool(os.environ.get("HYDRA_FULL_ERROR"))
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us whole, and are told below
    sys.argv = [sys.argv[0], *words]
    main = hydra.main(config_path=str(places.conf()), config_name="config", version_base="1.3")
    session = Session()
    line = ""
    try:
        with _composed_once(words):
            main(task(session))()
    except Refused as refused:
        line = str(refused.code)
    except MISTAKES as error:
        if wants_traceback:
            raise
        line = complaint(error, words)
    except ValueError as error:
        if "Config group override" not in str(error):  # Hydra has no type for this mistake
            raise
        line = complaint(error, words)
    finally:
        with signals.raised():
            complete = session.close(sys.exception(), line)
    if line:
        print(line, file=sys.stderr)
    return int(bool(line) or not complete)


@contextmanager
def _composed_once(words: Sequence[str]) -> Iterator[None]:
    """Spare Hydra a whole composition, of which it reads only hydra.mode, where nothing sets it.

    Our menu does not. That is half of the time between the imports and the run.
    """
    given = get_args_parser().parse_args(list(words))
    others = given.config_dir or given.config_path or given.config_name
    own = others or any("hydra" in word and not word.startswith(OF_SWEEPS) for word in words)
    ask = Hydra.get_mode
    if not own:
        Hydra.get_mode = lambda *told, **more: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        Hydra.get_mode = ask  # type: ignore[method-assign]


def checked(words: Sequence[str]) -> list[str]:
    """Give a command line as Hydra understands it.

    Raises
    ------
    GdexpError
        Where Hydra would misunderstand it.
    """
    words = [_spelled(word) for word in words]
    _check(words)
    return words


def _spelled(word: str) -> str:
    """Write a word as Hydra wants it: a study is added, a setting of sweeps is the sweeper's."""
    name = word.lstrip("+")
    if name.startswith("sweep."):
        return f"hydra.sweeper.{name.removeprefix('sweep.')}"
    if name.startswith("search."):
        return f"hydra.sweeper.{name}"
    if name == word and name.startswith(("launcher=", "launcher.", "sweeper=")):
        return f"hydra.{name}" if name.startswith("launcher.") else f"hydra/{name}"
    if name.startswith("study="):
        return f"+{name}"
    return _quoted(word)


def _quoted(word: str) -> str:
    """Quote a formula, whose brackets Hydra takes for its own; several of them make a sweep."""
    name, _, value = word.partition("=")
    if name.lstrip("+") != "function.formula" or value == "null" or value[:1] in ("", '"', "'"):
        return word
    formulas = value.split(",")
    if any(each.count("(") != each.count(")") for each in formulas):
        formulas = [value]
    return f"{name}=" + ",".join('"' + each.replace('"', '\\"') + '"' for each in formulas)


def _refuse(message: str) -> NoReturn:
    raise GdexpError(f"{message}. python -m gdexp --help lists what there is.")


def _check(words: Sequence[str]) -> None:
    """Refuse flags that Hydra does not have, and an outputs folder without a name."""
    parser = get_args_parser()
    parser.error = _refuse  # type: ignore[method-assign]
    given = parser.parse_args(list(words))
    if given.run + given.multirun + bool(given.cfg) + bool(given.info) > 1:
        raise GdexpError("Only one of --run, --multirun, --cfg and --info can be asked for.")
    only = [word for word in words if word.startswith((*OF_SWEEPS, "+study="))]
    if only and not (given.multirun or given.cfg or given.info):
        word = only[0].replace("hydra.sweeper.", "sweep.").replace("sweep.search.", "search.")
        word = word.removeprefix("hydra/").removeprefix("hydra.")
        raise GdexpError(f"{word}: is of sweeps. Write python -m gdexp -m {word}")
    taken: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if taken.setdefault(name, value) != value and name in menu.groups(menu.folders(words)):
            raise GdexpError(
                f"{name}: {name}={taken[name]} and {name}={value} contradict each other. Write one."
            )
        if name == "outputs" and (value in ("", "null") or set(value) & set("%?#")):
            raise GdexpError(
                f"outputs must be the path of a folder, without %, ? and #. Got {value!r}. "
                "Write for example outputs=outputs."
            )
