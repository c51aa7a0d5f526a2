"""Jobs on their way to a cluster, and back."""

import pickle
import queue
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from distributed import Future, KilledWorker, as_completed
from hydra.core.utils import JobReturn
from omegaconf import DictConfig

from gdexp import signals
from gdexp.cluster.connection import Connection
from gdexp.cluster.errand import carry_out
from gdexp.cluster.examples import shipped
from gdexp.cluster.inbox import Inbox
from gdexp.cluster.parcels import TOPIC, Answer, Order
from gdexp.cluster.settings import Settings
from gdexp.cluster.working import OtherCodeError
from gdexp.errors import GdexpError
from gdexp.sweeps.frozen import Frozen
from gdexp.sweeps.watching import Watcher, watching
from gdexp.tracking import Tracking
from gdexp.tracking.environment import code
from gdexp.training import ending

PAUSE = 0.02  # seconds between two looks, where nothing happens
ASKING = 2.0  # seconds between two questions whether there are workers

Work = Callable[[Order], Answer]


def launch(
    connection: Connection,
    settings: Settings,
    loader: Frozen,
    config: DictConfig,
    words: Sequence[Sequence[str]],
) -> list[JobReturn]:
    """Carry out jobs of a planned sweep on a cluster.

    Parameters
    ----------
    connection : Connection
    settings : Settings
    loader : Frozen
        Has what the jobs ask for.
    config : DictConfig
        The configuration of the command.
    words : sequence of sequence of str
        The overrides of each job.

    Returns
    -------
    list of JobReturn
        For each job what a sweeper is to maximise; NaN where it failed, or did not begin.

    Raises
    ------
    GdexpError
        Where the cluster is lost, or has other code.
    """
    watcher = watching(loader, config, words)
    with watcher.view:
        Desk(connection, settings, watcher).run()
    return watcher.returned(words)


class Desk:
    """Hands jobs to a cluster, and takes what comes back.

    Parameters
    ----------
    connection : Connection
    settings : Settings
    watcher : Watcher
        Is told what becomes of the jobs.
    work : callable
        What a worker does with each.
    """

    def __init__(
        self, connection: Connection, settings: Settings, watcher: Watcher, work: Work = carry_out
    ) -> None:
        self._connection, self._client = connection, connection.client
        self._settings, self._watcher, self._work = settings, watcher, work
        self._token = uuid.uuid4().hex
        self._requests = {n: pickle.loads(each) for n, each in watcher.packed.items()}
        self._inboxes = {n: Inbox(each.output) for n, each in self._requests.items()}
        self._turns = dict.fromkeys(self._requests, 0)
        self._orders: dict[int, bytes] = {}
        self._futures: dict[int, Future[Any]] = {}  # of jobs that are not done
        self._pieces: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._told, self._asking = False, 0.0  # that there are no workers; when to look again
        self._done = as_completed(with_results=True, raise_errors=False, loop=self._client.loop)

    def run(self) -> None:
        """Carry out all jobs; whatever breaks that off calls them back."""
        self._client.subscribe_topic(TOPIC, self._hear)
        shipment = self._pack()
        try:
            if shipment is not None:
                self._client.register_plugin(shipment)
            self._hand_over([*self._requests])
            while self._futures:
                with signals.kept():
                    quiet = not self._look()
                self._watcher.tick()
                self._mind_workers()
                if quiet:
                    time.sleep(PAUSE)
        except BaseException as error:
            self._break_off(error)
            raise
        finally:
            if shipment is not None and self._connection.alive:
                with suppress(Exception):  # a worker that is gone cannot forget it
                    self._client.unregister_worker_plugin(shipment.name)

    def _pack(self) -> Any:
        """Make the orders: no worker needs to know the store, which may need a password."""
        requests, shipment = [*self._requests.values()], None
        if self._settings.ship_data:
            requests, shipment = shipped(requests, self._token)
        for number, request in zip(self._requests, requests, strict=True):
            experiment = replace(request.experiment, tracking=Tracking(None))
            self._orders[number] = pickle.dumps(replace(request, experiment=experiment))
        return shipment

    def _hand_over(self, numbers: Sequence[int]) -> None:
        sources = code()["sources"]
        orders = [
            Order(
                self._token,
                number,
                self._turns[number],
                self._orders[number],
                sources,
                self._inboxes[number].so_far(),
            )
            for number in numbers
        ]
        keys = [(f"gdexp-{self._token}", each.number, each.turn) for each in orders]
        futures = self._client.map(self._work, orders, key=keys, pure=False, retries=0)
        self._futures |= zip(numbers, futures, strict=True)
        self._done.update(futures)

    def _hear(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """Take a piece, in another thread."""
        self._pieces.put(event[1])

    def _look(self) -> bool:
        """Deal with what has come; False where nothing has."""
        found = False
        with suppress(queue.Empty):
            while piece := self._pieces.get_nowait():
                found = True
                self._take(piece)
        for future, result in self._done.next_batch(block=False):
            _, number, _ = future.key
            if self._futures.get(number) == future:
                found = True
                self._end(number, future, result)
        return found

    def _take(self, piece: Mapping[str, Any]) -> None:
        number = piece["job"]
        if piece["token"] != self._token or number not in self._futures:
            return
        if piece["turn"] != self._turns[number]:
            return
        inbox = self._inboxes[number]
        first = not inbox.attempt
        if not inbox.open(piece):
            self._lose(number, "the cluster has begun it again")
            return
        if first:
            self._watcher.begun(number)
        inbox.take(piece)
        if piece["told"] is not None:
            self._watcher.told(number, piece["told"])

    def _end(self, number: int, future: Future[Any], result: Any) -> None:
        """Deal with a task that is done, in whatever way."""
        inbox = self._inboxes[number]
        if isinstance(result, Answer):
            if inbox.attempt in ("", result.attempt):
                inbox.finish(result)
                self._close(number, self._watcher.ended(number, (result.merit, result.mistake)))
            else:
                self._lose(number, "the cluster has begun it again")
        elif future.status == "error":
            self._fail(number, result[1])
        else:
            self._check_cluster()
            self._lose(number, "the cluster has dropped it")

    def _fail(self, number: int, error: BaseException) -> None:
        if isinstance(error, KilledWorker):
            self._lose(number, f"its worker {error.last_worker.address} is gone")
            return
        _check_code(error)
        status, _, why = ending(error)
        self._watcher.close(number, why, status)
        self._close(number, self._watcher.ended(number, (float("nan"), why)))

    def _lose(self, number: int, why: str) -> None:
        """Have a job begun again whose worker is lost, from what has come back of it."""
        self._futures.pop(number).cancel()
        inbox, request = self._inboxes[number], self._requests[number]
        inbox.give_up()
        gone = request.experiment.stream is not None and inbox.has
        if inbox.lost >= self._settings.tries or gone:
            inbox.close()
            self._go_on(self._watcher.lost(number, why))
            return
        self._turns[number] += 1
        self._watcher.again(number, f"{why}; it goes to another worker")
        self._hand_over([number])

    def _close(self, number: int, more: bool) -> None:
        del self._futures[number]  # which lets the worker forget the result
        self._inboxes[number].close(remove=True)
        self._go_on(more)

    def _go_on(self, more: bool) -> None:
        """Let no job begin that has not, where no more are to."""
        if not more:
            waiting = [n for n in self._futures if not self._inboxes[n].begun]
            for number in waiting:
                self._futures.pop(number).cancel()

    def _check_cluster(self) -> None:
        if not self._connection.alive:
            raise GdexpError(f"launcher=dask: the cluster ({self._connection.where}) is gone.")

    def _mind_workers(self) -> None:
        """Say that jobs wait for workers, once, where there are none."""
        if time.monotonic() < self._asking:
            return
        self._asking = time.monotonic() + ASKING
        lonely = self._connection.workers == 0
        if lonely and not self._told:
            self._watcher.view.tell(f"{self._connection.where} has no workers now: jobs wait")
        self._told = lonely

    def _break_off(self, error: BaseException) -> None:
        """Call all jobs back, and write down the end of those that were going."""
        with signals.kept():
            if self._connection.alive:
                self._client.cancel([*self._futures.values()])
            _, _, why = ending(error)
            for number in self._futures:
                if self._inboxes[number].begun:
                    self._watcher.close(number, why)
                    self._inboxes[number].close()


def _check_code(error: BaseException) -> None:
    """Refuse a cluster with other code: its jobs would be other runs, each of them."""
    if isinstance(error, OtherCodeError):
        raise error
    if isinstance(error, ModuleNotFoundError) and str(error.name).split(".")[0] == "gdexp":
        raise GdexpError(
            "launcher=dask: a worker does not have gdexp, or another version of it. "
            "Install the same on all of them."
        )
