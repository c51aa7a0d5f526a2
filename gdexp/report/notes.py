"""What is to be said beside the figures: how they were made."""

from gdexp.report.charts import MOST_LINES, MOST_ROWS, MOST_SHOWN
from gdexp.report.content import Content
from gdexp.report.curves import MOST_CURVES, MOST_POINTS
from gdexp.report.measures import PARTS

CURVES, BEST, LINES, TARGET = "curves", "best", "lines", "target"


def notes(content: Content) -> dict[str, str]:
    """Say it, by the name of the figure; where a figure shows only a part, that too."""
    measure, count = content.measure, len(content.rows)
    found = {
        CURVES: f"Lines are means over the seeds that did not diverge, as far as all of them go; "
        f"bands reach from the lowest to the highest seed. At most {MOST_POINTS} points of a curve "
        f"are drawn. On the log axis of updates the start (0) has no place.{_curves(count)}",
        BEST: f"Points are runs, ticks their means, bars the 95 % interval of the mean where there "
        f"are several seeds.{_rows(count)}",
        LINES: f"Configurations that differ in eta alone, joined; the mean {measure.words} over "
        f"seeds, with its 95 % interval.{_lines(len(content.lines))}",
        "surfaces": "From the white circle to the star; of several seeds, the first. Between two "
        "contours lie equal areas, narrower ones around low costs.",
        "provenance": _provenance(content),
    }
    if content.target is not None:
        target = content.target
        goal = _goal(content)
        found["goal"] = goal
        found[TARGET] = (
            f"The first measurement at {goal}: points are runs, bars means of those that reached "
            f"it, at the right how many did. The target is {target.rule}.{_rows(count)}"
        )
    if content.mistakes:
        part = PARTS.get(content.mistakes[0].part, "other")
        found["mistakes"] = (
            f"Of the best {len(content.mistakes)} configurations that looked at them: {part} "
            "examples after the last look, added up over the seeds. Shades are shares of the class."
        )
    return found


def _goal(content: Content) -> str:
    assert content.target is not None
    measure = content.target.measure
    words = measure.words
    for first in ("best ", "lowest ", "final "):
        words = words.removeprefix(first)
    bound = "of at least" if measure.higher else "of at most"
    return f"a {words} {bound} {measure.text(content.target.value)}"


def _curves(count: int) -> str:
    if count > MOST_CURVES:
        return f" Drawn are the {MOST_CURVES} best of {count} configurations, and shown at first " \
               f"the {MOST_SHOWN} best."  # fmt: skip
    return f" Shown at first are the {MOST_SHOWN} best." if count > MOST_SHOWN else ""


def _rows(count: int) -> str:
    return f" The {MOST_ROWS} best of {count} configurations." if count > MOST_ROWS else ""


def _lines(count: int) -> str:
    return f" {MOST_LINES} of {count} lines." if count > MOST_LINES else ""


def _provenance(content: Content) -> str:
    runs, read = len(content.selection.kept), content.provenance.read
    several = any(len(values) > 1 for name, values in content.provenance.facts.items()
                  if name not in ("data", "engine"))  # fmt: skip
    told = f"Versions and data are read from the files of {read} of {runs} runs."
    return told + (" Where several are listed, runs differ, the most frequent first." if several
                   else " All of them agree." if read > 1 else "")  # fmt: skip
