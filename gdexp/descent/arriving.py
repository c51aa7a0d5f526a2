"""Settings of a descent on examples that arrive: how they are taken, and when it ends."""

from dataclasses import dataclass

from gdexp.descent.penalties import Penalty
from gdexp.descent.scaling import Scaling
from gdexp.descent.schedules import Schedule
from gdexp.descent.stops import AfterEpochs, Stop
from gdexp.errors import GdexpError, SettingError, one_of, real, whole


@dataclass(frozen=True)
class Arriving:
    """Mini-batches of the examples that arrive, in the order of their coming.

    Nothing is drawn, and how many there will be is never asked for: each is seen once, and then
    gone.

    Parameters
    ----------
    batch : int
        m.

    Raises
    ------
    SettingError
        Where it is no whole number >= 1.
    """

    batch: int

    def __post_init__(self) -> None:
        whole("batch", self.batch, 1, "10")

    def batch_size(self, n: int) -> int:
        """m, whatever n."""
        return self.batch


@dataclass(frozen=True)
class Stream:
    """When a descent on a stream ends, and how it is told.

    Parameters
    ----------
    examples : int, optional
        How many are taken, >= 1.
    seconds : float, optional
        How long it lasts from its first update on, by the clock, > 0.
    report : int
        Examples from one report to the next, >= 1.
    window : int
        Examples of the windowed mean, >= 1.
    half_life : float
        Examples after which one weighs half in the weighted mean, > 0.
    bad_lines : {"fail", "skip"}
        What to do about a line that does not parse.

    Raises
    ------
    SettingError
        Where one is not allowed.
    """

    examples: int | None = None
    seconds: float | None = None
    report: int = 1000
    window: int = 1000
    half_life: float = 1000
    bad_lines: str = "fail"

    def __post_init__(self) -> None:
        if self.examples is not None:
            whole("examples", self.examples, 1, "50000")
        if self.seconds is not None:
            real("seconds", self.seconds, "10")
        whole("report", self.report, 1, "1000")
        whole("window", self.window, 1, "1000")
        real("half_life", self.half_life, "1000")
        one_of("bad_lines", self.bad_lines, ("fail", "skip"))

    def check(
        self,
        scaling: Scaling,
        schedule: Schedule,
        stop: Stop,
        penalty: Penalty,
        epochs: int | None,
        updates: int | None,
    ) -> None:
        """Refuse what cannot be where n is not known; `updates` says how many there may be.

        Raises
        ------
        GdexpError
            With the reason.
        """
        if scaling.cost == "mean":
            raise GdexpError(
                "scaling.cost=mean: C = 1/n Σ C_x, and of a stream nobody knows n. Write "
                "scaling.cost=running, a mean over what was seen lately, or scaling.cost=sum."
            )
        if epochs is not None:
            raise GdexpError(
                f"epochs: a stream is gone through once. Got {epochs}. "
                "Leave it out, or write epochs=null; stream.examples=N ends the run."
            )
        if not isinstance(stop, AfterEpochs):
            raise GdexpError(
                "stop: optimizer=stream ends by stream.examples, by stream.seconds, or when its "
                "source ends. Write for example stream.examples=50000, with stop=epochs."
            )
        if penalty.active:
            raise GdexpError(
                "penalty: an update by m of n examples takes m/n of it, and of a stream nobody "
                "knows n. Write penalty=none; rule=adamw has a decay that does not need n."
            )
        _check_schedule(schedule, updates)

    def most(self, enough: int | None) -> int | None:
        """Say how many examples to take, where the source would have `enough` if nobody says."""
        return enough if self.examples is None and self.seconds is None else self.examples


def _check_schedule(schedule: Schedule, updates: int | None) -> None:
    if not schedule.constant and schedule.by != "update":
        raise GdexpError(
            "schedule: a stream has updates, and no epochs. Write schedule.by=update, "
            "with one of constant, cosine, exponential, inverse, step."
        )
    try:
        schedule.check(updates)
    except SettingError:
        told = "set with this schedule, which has to know the end"
        raise SettingError("stream.examples", told, None, "50000") from None
