"""The diagnostics of one run: who looks when, and what each is shown."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gdexp.descent import Epoch, Vector
from gdexp.diagnostics.diagnostic import Diagnostic, Finding, Sight, Subject, Waypoint
from gdexp.errors import GdexpError


class Inspection:
    """Lets diagnostics look at a descent as it goes.

    Each look has a random generator of its own and a copy of v, so that the descent is the same,
    bit for bit, with diagnostics and without.

    Parameters
    ----------
    diagnostics : mapping of str to Diagnostic
        By the names that their options have.
    problem, exact : Subject
        What is minimised, in the precision of the run and in float64.
    folder : Path
        The run's output folder.
    seed : int

    Raises
    ------
    GdexpError
        Where a diagnostic cannot look at the problem.
    """

    def __init__(
        self,
        diagnostics: Mapping[str, Diagnostic],
        problem: Subject,
        exact: Subject,
        folder: Path,
        seed: int,
    ) -> None:
        for name, diagnostic in diagnostics.items():
            if reason := diagnostic.unfit(problem):
                raise GdexpError(f"diagnostics={name}: {reason}. Leave it out here.")
        self.diagnostics, self.folder, self.seed = diagnostics, folder, seed
        self.problem, self.exact = problem, exact
        self._last: dict[str, Waypoint] = {}
        self._trails = {
            name: Trail(each.waypoints) for name, each in diagnostics.items() if each.waypoints
        }
        self._notes: dict[str, list[str]] = {}

    @property
    def notes(self) -> list[str]:
        """Give the remarks of the last look of each diagnostic."""
        return [note for notes in self._notes.values() for note in notes]

    def after(self, epoch: Epoch, v: Vector, *, last: bool = False) -> Finding:
        """Let those look whose turn it is, and give all that they found.

        Parameters
        ----------
        epoch : Epoch
        v : ndarray, shape (p,)
        last : bool
            Whether the descent has ended: then all look that have not yet after this epoch. Where
            the stop restores the best parameters, they see those.

        Raises
        ------
        GdexpError
            Where a look fails the run.
        """
        found = Finding()
        if not self.diagnostics or epoch.diverged or not np.isfinite(v).all():
            return found
        here = Waypoint(epoch.number, epoch.updates, _copy(v))
        self._add_to_trails(here, last)
        for name, diagnostic in self.diagnostics.items():
            if self._due(name, epoch.number, last):
                _add(found, self._look(name, diagnostic, epoch, here))
        return found

    @property
    def told(self) -> dict[str, list[str]]:
        """Give the remarks of the last look of each diagnostic, by its name."""
        return {name: list(notes) for name, notes in self._notes.items()}

    def pass_by(
        self, epoch: Epoch, v: Vector, told: Mapping[str, list[str]], *, last: bool = False
    ) -> None:
        """Take note of what was looked at already, before the run was broken off.

        Parameters
        ----------
        epoch, v, last
            As for `after`.
        told : mapping of str to list of str
            `told` as it was then.
        """
        here = Waypoint(epoch.number, epoch.updates, _copy(v))
        self._add_to_trails(here, last)
        for name in self.diagnostics:
            if self._due(name, epoch.number, last):
                self._last[name] = here
        self._notes = {name: list(notes) for name, notes in told.items()}

    def _add_to_trails(self, here: Waypoint, last: bool) -> None:
        if not last:
            for trail in self._trails.values():
                trail.add(here)

    def memory(self) -> tuple[dict[str, Any], dict[str, Vector]]:
        """Give what it keeps from one look to the next: facts that JSON can say, and arrays."""
        ways = {name: [each.seen, each.stride] for name, each in self._trails.items()}
        facts: dict[str, Any] = {"told": self.told, "trails": ways, "points": {}}
        arrays: dict[str, Vector] = {}
        kept = {f"last.{name}": [point] for name, point in self._last.items()}
        kept |= {f"trail.{name}": trail.points for name, trail in self._trails.items()}
        for key, points in kept.items():
            facts["points"][key] = [[point.epoch, point.updates] for point in points]
            arrays |= {f"{key}.{at}": point.v for at, point in enumerate(points)}
        return facts, arrays

    def recall(self, facts: Mapping[str, Any], arrays: Mapping[str, Vector]) -> None:
        """Take over what `memory` gave."""
        self._notes = {name: list(notes) for name, notes in facts["told"].items()}
        for key, points in facts["points"].items():
            kind, _, name = key.partition(".")
            kept = [
                Waypoint(epoch, updates, _copy(arrays[f"{key}.{at}"]))
                for at, (epoch, updates) in enumerate(points)
            ]
            if kind == "last":
                self._last[name] = kept[0]
            else:
                trail = self._trails[name]
                trail.points, (trail.seen, trail.stride) = kept, facts["trails"][name]

    def _due(self, name: str, epoch: int, last: bool) -> bool:
        seen = name in self._last and self._last[name].epoch == epoch
        return not seen and (last or self.diagnostics[name].due(epoch))

    def _look(self, name: str, diagnostic: Diagnostic, epoch: Epoch, here: Waypoint) -> Finding:
        trail = self._trails[name].to(here) if name in self._trails else ()
        sight = Sight(
            problem=self.problem,
            exact=self.exact,
            epoch=epoch,
            v=here.v,
            folder=self.folder,
            rng=rng_of(self.seed, epoch.number, name),
            previous=self._last.get(name),
            trail=trail,
        )
        found = diagnostic.look(sight)
        self._last[name], self._notes[name] = here, found.notes
        return found


class Trail:
    """Keeps at most `most` points of a descent, evenly spaced, the first among them.

    When it is full, every second point goes, and from then on only every second one that comes is
    kept: memory does not grow with the number of epochs.
    """

    def __init__(self, most: int) -> None:
        self.most, self.stride, self.seen = most, 1, 0
        self.points: list[Waypoint] = []

    def add(self, point: Waypoint) -> None:
        """Show it the next point."""
        if self.seen % self.stride == 0:
            if len(self.points) == self.most:
                self.points = self.points[::2]
                self.stride *= 2
            if self.seen % self.stride == 0:
                self.points.append(point)
        self.seen += 1

    def to(self, here: Waypoint) -> list[Waypoint]:
        """Give what is kept, and the end."""
        return [point for point in self.points if point.epoch < here.epoch] + [here]


def rng_of(seed: int, epoch: int, name: str) -> np.random.Generator:
    """Give a look's generator: independent of the descent's, and of other looks'."""
    return np.random.default_rng(np.random.SeedSequence([seed, epoch, zlib.crc32(name.encode())]))


def _copy(v: Vector) -> Vector:
    copy = v.copy()
    copy.flags.writeable = False
    return copy


def _add(found: Finding, more: Finding) -> None:
    found.metrics.update(more.metrics)
    found.files.extend(more.files)
    found.notes.extend(more.notes)
