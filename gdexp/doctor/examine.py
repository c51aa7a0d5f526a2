"""All that is looked at, one after another."""

from collections.abc import Iterator

from gdexp.doctor import caches, journals, store, surroundings
from gdexp.doctor.check import Check, Place
from gdexp.doctor.standing import check, standings


def examine(place: Place) -> Iterator[Check]:
    """Look at everything, and give what each look finds as soon as it is known."""
    opened, runs = store.opened(place)
    yield opened
    yield from store.sound(place)
    moved = store.relocated(place)
    yield moved or store.artifacts(place, runs)
    yield check(standings(place, runs))
    if opened.ok:
        yield store.untracked(place, runs)
    yield journals.journals(place)
    yield journals.checkpoints(place)
    yield from caches.checks()
    yield from surroundings.checks(place)
