"""A saved view: what MLflow's page of runs is to show, and how."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gdexp.views.cards import Card

TRAINED = "tags.`gdexp.kind` = 'train'"
IN_SWEEP = f"{TRAINED} AND tags.`gdexp.sweep_id` LIKE '%'"
# The time at which a run began, by its other name: where the page's runs are in the order of
# ``attributes.start_time``, it adds their parents, and shows these alone, without their runs.
CREATED = "attributes.`Created`"  # in backticks, for the page to show its name


@dataclass(frozen=True)
class Section:
    """Cards under a title.

    Parameters
    ----------
    title : str
    cards : sequence of Card
    columns : int
        Cards that stand side by side.
    height : int
        Of each, in pixels.
    open : bool
        Whether the cards are seen at once, or first the title alone.
    """

    title: str
    cards: Sequence[Card] = ()
    columns: int = 2
    height: int = 360
    open: bool = True


@dataclass(frozen=True)
class View:
    """A view of all runs that were trained, whether they are in a sweep or not.

    Parameters
    ----------
    id : str
        Its name in URLs.
    title : str
        Its name in the page's menu.
    columns : mapping of str to int
        Of the table of runs, as ``params.`eta` ``, and how wide they are, in pixels.
    sections : sequence of Section
    where : str
        Which runs, in MLflow's words.
    order : str
        The column by which the runs stand, the highest first.
    group : str
        The parameter or tag whose equals are drawn as one, as ``tags.gdexp.group_key``.
    """

    id: str
    title: str
    columns: Mapping[str, int]
    sections: Sequence[Section]
    where: str = TRAINED
    order: str = CREATED
    group: str = ""

    def state(self) -> dict[str, Any]:
        """Give the state of the page, as it keeps it."""
        return {
            "searchFilter": self.where,
            "orderByKey": self.order,
            "orderByAsc": False,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "datasetsFilter": [],
            "modelVersionFilter": "All Runs",
            "selectedColumns": list(self.columns),
            "columnOrder": list(self.columns),
            "columnWidths": dict(self.columns),
            "runsHiddenMode": "SHOW_ALL",  # else there would be ten
            "compareRunCharts": list(self._cards()),
            "compareRunSections": [
                _section(at, section) for at, section in enumerate(self.sections)
            ],
            "isAccordionReordered": True,  # else they would stand by the alphabet
            "viewMaximized": False,
            "runListHidden": False,
            "groupBy": self._group(),
            "groupsExpanded": {},
            "useGroupedValuesInCharts": True,
            "hideEmptyCharts": True,
            "globalLineChartConfig": {
                "xAxisKey": "step",
                "lineSmoothness": 0,
                "selectedXAxisMetricKey": "",
            },
        }

    def _cards(self) -> Iterator[Card]:
        for at, section in enumerate(self.sections):
            for number, card in enumerate(section.cards):
                own = {"uuid": f"{self.id}-{at}-{number}", "metricSectionId": f"section-{at}"}
                yield {**card, **own}

    def _group(self) -> dict[str, Any] | None:
        if not self.group:
            return None
        mode, _, name = self.group.partition(".")
        key = {"mode": {"tags": "tag", "params": "param"}[mode], "groupByData": name}
        return {"aggregateFunction": "average", "groupByKeys": [key]}


def _section(at: int, section: Section) -> dict[str, Any]:
    return {
        "uuid": f"section-{at}",
        "name": section.title,
        "display": section.open,
        "isReordered": True,
        "deleted": False,
        "isGenerated": False,
        "columns": section.columns,
        "cardHeight": section.height,
    }
