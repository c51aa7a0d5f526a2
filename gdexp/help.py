"""``python -m gdexp --help``: read from the menu itself, so that it is never out of date."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gdexp import menu, places

EXAMPLES = """\
Examples
  python -m gdexp                                        30 epochs of SGD on the digits
  python -m gdexp optimizer=gd eta=1.0 epochs=100        all examples in each update
  python -m gdexp experiment=nielsen_30 seed=1           Nielsen's 784-30-10 on MNIST
  python -m gdexp -m optimizer=sgd batch=1,10,100 eta=0.3,3.0      a sweep of six runs
  python -m gdexp ui                                     open the runs' curves in MLflow
"""

USAGE = """\
gdexp: exactly repeatable experiments with gradient descent

Usage
  python -m gdexp [SETTING=VALUE ...]                    one run
  python -m gdexp -m [SETTING=VALUE,VALUE ...]           a sweep: every combination
  python -m gdexp ui [port=PORT]                         the runs, in the MLflow UI
"""

MORE = """\
More
  --config-dir FOLDER      adds your own options: FOLDER/architecture/mine.yaml, ...
  --cfg job                prints the composed configuration instead of running it
  --hydra-help             Hydra's own flags
  --version                the version
Environment: GDEXP_DATA (data.root), GDEXP_CACHE (cache folder), GDEXP_OUTPUTS (outputs),
MLFLOW_TRACKING_URI (tracking.uri), MLFLOW_EXPERIMENT_NAME (tracking.experiment)
"""


def text(words: Iterable[str]) -> str:
    """Write the help, with the options of a folder of the user's own among the others."""
    return "\n".join([USAGE, EXAMPLES, _knobs(), *_groups(words), MORE])


def _knobs() -> str:
    rows = menu.knobs(places.conf() / "config.yaml")
    rows.insert(0, ("batch", "10", "with optimizer=sgd: m, examples in a mini-batch"))
    lines = [f"  {name + '=' + _shown(value):<24} {comment}" for name, value, comment in rows]
    return "\n".join(["Knobs, with their defaults", *lines, ""])


def _groups(words: Iterable[str]) -> Iterable[str]:
    chosen = menu.defaults()
    for group, options in menu.groups(menu.folders(words)).items():
        yield f"{group}="
        for option, file in options.items():
            mark = "*" if chosen.get(group) == option else " "
            yield f" {mark} {option:<18} {menu.about(file)}"
        if group != "experiment":
            yield from _settings(group, options, chosen.get(group, ""))
        yield ""


def _settings(group: str, options: Mapping[str, Path], chosen: str) -> Iterable[str]:
    """List what can be set in a group, each name once, as the default option has it."""
    told: dict[str, str] = {}
    for option in sorted(options, key=lambda option: option != chosen):
        if not menu.is_global(options[option]):
            for name, value, comment in menu.knobs(options[option]):
                told.setdefault(f"{group}.{name}", f"={_shown(value):<12} {comment}")
    for name, rest in told.items():
        yield f"     {name}{rest}".rstrip()


def _shown(value: str) -> str:
    return "..." if "${" in value else value
