"""The three views that every experiment of gdexp has."""

from collections.abc import Iterator, Mapping

from gdexp.views.cards import EPOCH, Card, bar, contour, difference, line, parallel
from gdexp.views.view import IN_SWEEP, Section, View

SETTINGS = ("optimizer", "batch_label", "eta", "scaling", "architecture.sizes", "seed")
REACHED = ("best/val_accuracy", "best/test_accuracy", "final/val_accuracy", "final/test_accuracy")
TIME = "time/train_seconds"
COLUMNS: Mapping[str, int] = {  # of the table, and how wide they are, in pixels
    "params.`optimizer`": 85,
    "params.`batch_label`": 95,
    "params.`eta`": 60,
    "params.`scaling`": 75,
    "params.`architecture.sizes`": 130,
    "params.`seed`": 60,
    "metrics.`best/val_accuracy`": 125,
    "metrics.`final/val_accuracy`": 125,
    "metrics.`best/test_accuracy`": 125,
    "metrics.`final/test_accuracy`": 125,
    "metrics.`time/train_seconds`": 125,
}
OTHERS = ("train", "val", "test", "by_update", "gap", "best", "final", "time", "progress")
CURVES = ("val/accuracy", "train/cost_mean", "train/accuracy", "val/cost_mean")
BY_UPDATE = ("val_accuracy", "train_cost", "train_accuracy", "val_cost")


def _curves(by: str = EPOCH) -> list[Card]:
    """Costs by their logarithm, but for those by epoch, which may be negative as a function's."""
    return [line(name, by=by, log_y="cost" in name and by != EPOCH) for name in CURVES]


def _by_update() -> list[Card]:
    return [line(f"by_update/{name}", log_x=True, log_y="cost" in name) for name in BY_UPDATE]


def _settings() -> Section:
    """Give the columns of the table as axes: beside charts the page's table has names alone."""
    return Section("Settings and results", [parallel(SETTINGS, [TIME, *reversed(REACHED)])], 1)


def _contours() -> list[Card]:
    return [contour("eta", "batch", height) for height in (REACHED[0], TIME)]


def _bars() -> Section:
    return Section("Best and final accuracy", [bar(name) for name in REACHED])


def _rest() -> Iterator[Section]:
    """Give closed sections for the cards that the page adds, one for each metric with none."""
    for title in OTHERS:
        yield Section(title, columns=3, open=False)


COMPARE = View(
    "gdexp-compare",
    "gdexp: compare",
    COLUMNS,
    [
        Section("By epoch", _curves(), height=330),
        _settings(),
        Section("By updates, both axes logarithmic", _by_update(), height=330),
        Section("By examples", _curves("progress/examples"), height=330),
        Section("By seconds of training", _curves("progress/seconds"), height=330),
        _bars(),
        Section("What differs", [difference()], 1, height=480),
        *_rest(),
    ],
)
SEEDS = View(
    "gdexp-seeds",
    "gdexp: seeds grouped",
    COLUMNS,
    [
        Section("By epoch: mean, least and greatest of the seeds", _curves(), height=330),
        Section("By updates, both axes logarithmic", _by_update(), height=330),
        Section("By examples", _curves("progress/examples"), height=330),
        _bars(),
        *_rest(),
    ],
    group="tags.gdexp.group",
)
SWEEP = View(
    "gdexp-sweep",
    "gdexp: sweep",
    COLUMNS,
    [
        Section("Over batch and eta", _contours()),
        _settings(),  # not first: then the page would draw it before it knows its own size
        _bars(),
        Section("By epoch", _curves(), height=330),
        Section("What differs", [difference()], 1, height=480),
        *_rest(),
    ],
    where=IN_SWEEP,
    order="metrics.`best/val_accuracy`",
)
VIEWS: Mapping[str, View] = {"compare": COMPARE, "seeds": SEEDS, "sweep": SWEEP}
