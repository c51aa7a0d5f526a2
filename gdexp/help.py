"""``python -m gdexp --help``: read from the menu itself, so that it is never out of date."""

import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gdexp import menu, places

WIDEST = 110
LEFT = 28  # columns of what is typed; what it means stands to its right

USAGE = """\
gdexp: exactly repeatable experiments with gradient descent

Usage
  python -m gdexp [SETTING=VALUE ...]             one run
  python -m gdexp -m [SETTING=VALUE,VALUE ...]    a sweep: every combination
  python -m gdexp -m +study=NAME [SETTING=VALUE]  a whole comparison, and its report
  python -m gdexp -m sweeper=optuna SETTING=RANGE the best of ranges, searched
  python -m gdexp ui [view=VIEW]                  runs compared, in the MLflow UI
  python -m gdexp server                          an MLflow server for several people
  python -m gdexp find-eta [SETTING=VALUE ...]    the cost against the learning rate; suggests one
  python -m gdexp runs [--where CONDITIONS]       the stored runs, with their short ids
  python -m gdexp compare RUN RUN ...             what they reached, over seeds, at equal cost
  python -m gdexp diff RUN RUN                    in what they differ, and where they part
  python -m gdexp convert eta=... from=... to=... eta in the other convention, mean or sum
  python -m gdexp report [RUN ...]                runs compared, as a page and as Markdown
  python -m gdexp replay RUN                      a run again from its record, compared bit for bit
  python -m gdexp resume RUN                      goes on with an interrupted run or sweep
  python -m gdexp doctor [--fix]                  whether all is well; runs with nobody behind them
  python -m gdexp export RUN ... -o FILE          runs as one file, with all that there is of them
  python -m gdexp import FILE                     takes them into another store, each once
  python -m gdexp resume RUN                      goes on with a run that was interrupted
  python -m gdexp sync [FOLDER]                   brings into MLflow what it does not have yet

Examples
  python -m gdexp optimizer=sgd batch=10
  python -m gdexp architecture.hidden=[50,20] architecture.activation=tanh
  python -m gdexp experiment=nielsen_30 seed=1
  python -m gdexp -m optimizer=sgd batch=1,10,100 eta=0.3,3.0
"""

MORE = {
    "--config-dir FOLDER": "adds options of your own: FOLDER/architecture/mine.yaml, ...",
    "--cfg job --resolve": "prints the composed configuration instead of running it",
    "--hydra-help": "Hydra's own flags",
    "--version": "the version",
    "ui outputs=FOLDER": "the curves of another outputs folder; also tracking.uri=URI",
}
VARIABLES = {
    "GDEXP_OUTPUTS": "outputs",
    "GDEXP_DATA": "data.root",
    "GDEXP_CACHE": "folder for parsed and downloaded data",
    "MLFLOW_TRACKING_URI": "tracking.uri",
    "MLFLOW_EXPERIMENT_NAME": "tracking.experiment",
}


def text(words: Iterable[str]) -> str:
    """Write the help, with the options of a folder of the user's own among the others."""
    more = ["", "More", *_rows(MORE), "", "Environment", *_rows(VARIABLES), ""]
    knobs = ["Knobs, with their defaults", *_knobs(), "Sweeps", *_sweeps()]
    return "\n".join([USAGE, *knobs, *_groups(words), *more[1:]])


def _knobs() -> Iterator[str]:
    knobs = {"batch=10": "m, examples in a mini-batch; only with optimizer=sgd or stream"}
    for name, value, comment in menu.knobs(places.conf() / "config.yaml"):
        knobs[f"{name}={_shown(value)}"] = comment
    yield from _rows(knobs)
    yield ""


def _sweeps() -> Iterator[str]:
    listed = menu.knobs(places.conf() / menu.SWEEP)
    rows = {f"sweep.{name}={value}": comment for name, value, comment in listed}
    rows["sweeper=optuna"] = menu.about(places.conf() / menu.SEARCH)
    for name, value, comment in menu.searching():
        rows[f"search.{name}={value}"] = comment
    yield from _rows(rows)
    for launcher in menu.LAUNCHERS:
        file = menu.launcher_file(launcher)
        yield from _rows({f"launcher={launcher}": menu.about(file)})
        settings = menu.knobs(file)
        yield from _rows({f"launcher.{name}={value}": told for name, value, told in settings}, 5)
    yield from _rows({"launcher=basic": "one job after another, in the process of the command"})
    yield ""


def _groups(words: Iterable[str]) -> Iterator[str]:
    chosen = menu.defaults()
    for group, options in menu.groups(menu.folders(words)).items():
        yield f"{'+' if group == 'study' else ''}{group}="
        usual = chosen.get(group, "")
        listed = sorted(options, key=lambda option: (option != usual, option))
        marked = {f"{'*' if o == usual else ' '} {o}": menu.about(options[o]) for o in listed}
        yield from _rows(marked, 1)
        if group not in menu.WHOLE:
            yield from _rows(dict(_settings(group, options, usual)), 5)
        yield ""


def _settings(group: str, options: Mapping[str, Path], chosen: str) -> Iterator[tuple[str, str]]:
    """List what can be set in a group, each name once, as the default option has it."""
    told = set()
    for option in sorted(options, key=lambda option: option != chosen):
        for setting, value, comment in menu.own(options[option]):
            name = f"{menu.node(options[option])}.{setting}"
            if name not in told:
                told.add(name)
                yield f"{name}={_shown(value)}", comment
        for name, value, comment in menu.brought(options[option]):
            yield f"{name}={_shown(value)}", comment


def _rows(rows: Mapping[str, str], indent: int = 2) -> Iterator[str]:
    """Set names and meanings in two columns, wrapped to the terminal."""
    width = min(WIDEST, max(60, shutil.get_terminal_size((WIDEST, 24)).columns - 1))
    hanging = " " * (LEFT + 1)
    for name, meaning in rows.items():
        left = f"{' ' * indent}{name}"
        if len(left) > LEFT or not meaning:
            yield left
            left = ""
        if meaning:
            first = f"{left:<{LEFT}} "
            yield textwrap.fill(meaning, width, initial_indent=first, subsequent_indent=hanging)


def _shown(value: str) -> str:
    return "..." if "${" in value else value
