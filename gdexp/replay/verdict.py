"""The verdict on a replay: one line, an exit status, and what may be the reason."""

import math
from dataclasses import dataclass
from enum import IntEnum

from gdexp.replay.changed import Changed
from gdexp.replay.recorded import Recorded
from gdexp.replay.values import END, Comparison, Values
from gdexp.request import config_hash
from gdexp.result import plural

# Shares of a curve's largest value up to which a difference may be rounding, by the precision.
ROUNDING = {"float64": 1e-8, "float32": 1e-3}
HINT = "(--in-place replays by the code of then)"
SHOWN = 5  # differences that are listed


class Status(IntEnum):
    """Exit statuses of the command."""

    IDENTICAL = 0
    DIFFERS = 1
    REFUSED = 2
    ROUNDED = 3


@dataclass(frozen=True)
class Verdict:
    """What a replay showed.

    Parameters
    ----------
    record : Recorded
    comparison : Comparison
    changed : Changed
    further : float or None
        The first epoch that the replay has beyond the record's last; None where there is none.
    """

    record: Recorded
    comparison: Comparison
    changed: Changed
    further: float | None = None

    @property
    def status(self) -> Status:
        """Whether it is the same run: to the bit, to rounding, or not.

        It is rounding where the environment is another one, and no value is further off than what
        the precision allows.
        """
        if self.further is not None:
            return Status.DIFFERS
        if self.comparison.equal:
            return Status.IDENTICAL
        most = ROUNDING.get(str(self.record.config["engine"].get("precision")), 0.0)
        rounded = self.changed.environment and self.comparison.largest <= most
        return Status.ROUNDED if rounded else Status.DIFFERS

    def __str__(self) -> str:
        if self.status == Status.IDENTICAL:
            return f"bit-identical ({self._counted})"
        if self.status == Status.ROUNDED:
            power = math.floor(-math.log10(self.comparison.largest))
            reasons = ", ".join(self.changed.environment)
            return f"equal to 1e-{power} (environment differs: {reasons})"
        if self.comparison.equal:
            return (
                f"differs from epoch {self.further:g}: "
                f"the record ends at epoch {self.record.last}, the run goes on now"
            )
        first = self.comparison.differences[0]
        where = "at the end" if first.at == END else f"from epoch {first.at:g}"
        return f"differs {where}: {first}"

    @property
    def _counted(self) -> str:
        unit = "epochs" if self.record.config.get("stream") is None else "reports"
        values = plural(self.comparison.values, "value")
        counted = f"{values} of {unit} 0 to {self.record.last}"
        if self.record.complete:
            return counted
        return f"{counted}, all that was recorded before the run was {self._broken}"

    @property
    def _broken(self) -> str:
        return {"killed": "stopped"}.get(str(self.record.run.tag("outcome")), "broken off")

    @property
    def reasons(self) -> dict[str, list[str]]:
        """Say what differs beside the values, by where; and what else is to be known."""
        told = {"environment": self.changed.environment, "code": self.changed.code}
        if self.status == Status.DIFFERS:
            told |= {"values": self._values(), "environment": told["environment"] or ["the same"]}
            told["code"] = [*told["code"], HINT] if told["code"] else ["the same"]
            told["data"] = ["the same"] if self.record.digests else ["without digests"]
        return {
            where: words for where, words in [*told.items(), ("record", self._record())] if words
        }

    def _values(self) -> list[str]:
        """List the first differences of the first epoch that has some."""
        found = self.comparison.differences
        if not found:
            return []
        first = [each for each in found if each.at == found[0].at]
        more = [f"and {len(found) - SHOWN} more, in {plural(len({d.at for d in found}), 'epoch')}"]
        return [*map(str, first[:SHOWN]), *(more if len(found) > SHOWN else [])]

    def _record(self) -> list[str]:
        """Say what of the record is missing, or cannot be right."""
        tag, found = self.record.run.tag("config_hash"), config_hash(self.record.config)
        forged = f"gdexp.config_hash is {tag}, that of its configuration {found}: it was changed"
        return [
            *self.record.notes,
            *([forged] if self.status == Status.DIFFERS and tag != found else []),
        ]


def beyond(record: Recorded, now: Values) -> float | None:
    """Give the first epoch that a complete record does not have, and the replay has."""
    later = [at for at in now if at != END and at > record.last]
    return min(later) if later and record.complete else None
