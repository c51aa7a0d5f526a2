"""The cards of MLflow's chart page, as its own code keeps them in a saved view.

The names of their settings are those of ``runs-charts.types.ts`` in MLflow 3.14 to 3.17, where
they are documented as little as saved views themselves.
"""

from collections.abc import Sequence
from typing import Any

Card = dict[str, Any]

MOST_RUNS = 1000  # that a card compares: all that the page holds
EPOCH = "step"


def line(metric: str, *, by: str = EPOCH, log_x: bool = False, log_y: bool = False) -> Card:
    """Draw the curves of a metric.

    Parameters
    ----------
    metric : str
    by : str
        What goes to the right: the step of each point, or the name of a metric that was logged
        together with it.
    log_x : bool
        Only where that is the step: the page leaves any other axis linear.
    log_y : bool
        The height by its logarithm; what is not positive is left out.
    """
    return {
        **_card("LINE"),
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "xAxisKey": EPOCH if by == EPOCH else "metric",
        "selectedXAxisMetricKey": "" if by == EPOCH else by,
        "xAxisScaleType": "log" if log_x else "linear",
        "scaleType": "log" if log_y else "linear",
        "range": {},
        "lineSmoothness": 0,
        "useGlobalXaxisKey": False,
        "yAxisKey": "metric",
        "yAxisExpressions": [],
    }


def bar(metric: str) -> Card:
    """Draw the last value of a metric, a bar a run."""
    return {**_card("BAR"), "metricKey": metric}


def contour(x: str, y: str, height: str) -> Card:
    """Draw the last value of a metric over two parameters."""
    axes = {"xaxis": (x, "PARAM"), "yaxis": (y, "PARAM"), "zaxis": (height, "METRIC")}
    keyed = {axis: {"key": key, "type": kind} for axis, (key, kind) in axes.items()}
    return {**_card("CONTOUR"), **keyed}


def parallel(params: Sequence[str], metrics: Sequence[str]) -> Card:
    """Draw a line a run through an axis a parameter, and an axis a metric."""
    chosen = {"selectedParams": list(params), "selectedMetrics": list(metrics)}
    return {**_card("PARALLEL"), **chosen, "showAllRuns": True}


def difference() -> Card:
    """List the parameters and figures in which runs differ."""
    return {
        **_card("DIFFERENCE"),
        "compareGroups": ["Parameters", "Model metrics"],
        "chartName": "Runs difference view",
        "showChangeFromBaseline": True,
        "showDifferencesOnly": True,
        "baselineColumnUuid": "",
    }


def _card(kind: str) -> Card:
    return {"type": kind, "runsCountToCompare": MOST_RUNS, "isGenerated": False, "deleted": False}
