"""Reads ahead: batches follow the pace of a reader, single items while it is slow."""

from collections.abc import Iterable, Iterator
from queue import Empty, Queue
from threading import Thread
from typing import TypeVar

Item = TypeVar("Item")


def batches_read_ahead(items: Iterable[Item], *, most: int) -> Iterator[list[Item]]:
    """Read ahead in a thread, and yield what came since the last time: at least one item, at most so many.

    What reading raises is raised here, after the items before it.
    """
    queue: Queue[Item | _End] = Queue(maxsize=most)
    Thread(target=_read, args=(items, queue), name="reading ahead", daemon=True).start()
    while True:
        batch: list[Item] = []
        item = queue.get()
        while not isinstance(item, _End):
            batch.append(item)
            if len(batch) == most:
                break
            try:
                item = queue.get_nowait()
            except Empty:
                break
        if batch:
            yield batch
        if isinstance(item, _End):
            if item.error is not None:
                raise item.error
            return


class _End:
    """Nothing comes after it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def _read(items: Iterable[Item], queue: "Queue[Item | _End]") -> None:
    try:
        for item in items:
            queue.put(item)
    except BaseException as error:  # noqa: BLE001  # raised again by whoever reads the queue
        queue.put(_End(error))
    else:
        queue.put(_End())
