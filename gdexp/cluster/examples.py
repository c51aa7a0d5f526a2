"""Examples that a worker does not read by itself: sent to it once, for all jobs of a sweep."""

import pickle
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from distributed import WorkerPlugin

from gdexp.data import Dataset
from gdexp.errors import GdexpError
from gdexp.experiment import Source, loaded
from gdexp.request import Request

_held: dict[str, Dataset] = {}  # of this process


@dataclass(frozen=True)
class Shipped:
    """A source of data that a worker was sent.

    Parameters
    ----------
    name : str
    """

    name: str

    def load(self) -> Dataset:
        """Give what was sent.

        Raises
        ------
        GdexpError
            Where that did not happen.
        """
        if self.name not in _held:
            raise GdexpError("data: they did not come to this worker; start the sweep again")
        return _held[self.name]


class Shipment(WorkerPlugin):
    """Data sets on their way: Dask hands this to each worker, also to those that join later.

    Parameters
    ----------
    name : str
        Of the shipment.
    datasets : mapping of str to Dataset
        By the names of `Shipped`.
    """

    def __init__(self, name: str, datasets: dict[str, Dataset]) -> None:
        self.name, self._names = name, [*datasets]
        self._content = zlib.compress(pickle.dumps(datasets), 1)

    def setup(self, worker: Any) -> None:
        """Unpack."""
        _held.update(pickle.loads(zlib.decompress(self._content)))
        self._content = b""

    def teardown(self, worker: Any) -> None:
        """Hold it no more."""
        for name in self._names:
            _held.pop(name, None)


def shipped(requests: Sequence[Request], token: str) -> tuple[list[Request], Shipment | None]:
    """Have jobs take their examples from a shipment, where they would read files.

    Parameters
    ----------
    requests : sequence of Request
    token : str
        Of the launch.

    Returns
    -------
    list of Request, and the shipment; None where no job reads files.
    """
    names: list[tuple[Any, str]] = []
    datasets: dict[str, Dataset] = {}
    changed = []
    for request in requests:
        source = request.experiment.data
        if source is not None and request.experiment.stream is None and _reads_files(source):
            name = next((name for known, name in names if known == source), "")
            if not name:
                name = f"{token}-{len(names)}"
                names.append((source, name))
                datasets[name] = loaded(source)
            request = replace(request, experiment=replace(request.experiment, data=Shipped(name)))
        changed.append(request)
    return changed, Shipment(f"gdexp-{token}", datasets) if datasets else None


def _reads_files(source: Source) -> bool:
    return hasattr(source, "path") or hasattr(source, "root")
