"""Reading a file while the server is busy with the one before it.

Belongs here: one pass over some batches, made in a thread. Does not belong here: what the batches are, who takes them.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa

Batches = Callable[[], Iterable[pa.Table]]

# Batches that lie ready; one more is being made. What a night reads at once stays the same however large its files are.
_READY = 1
_LOOK_AGAIN_SECONDS = 0.1


class Ahead:
    """Batches whose first pass has begun: called, it gives that pass; called again, it begins a pass of its own.

    What makes them must not use the database: its connection is busy meanwhile. Their error is raised where they are taken.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._ready: queue.Queue[pa.Table | BaseException | None] = queue.Queue(_READY)
        self._given_up = threading.Event()
        self._taken = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __call__(self) -> Iterable[pa.Table]:
        if self._taken:
            # A pass may remember what it has read (a gate does): never two at a time.
            self.close()
            return self._batches()
        self._taken = True
        return self._first_pass()

    def close(self) -> None:
        """Give up what was not taken; returns when the thread has ended."""
        self._given_up.set()
        self._thread.join()

    def _first_pass(self) -> Iterator[pa.Table]:
        try:
            while (batch := self._ready.get()) is not None:
                if isinstance(batch, BaseException):
                    raise batch
                yield batch
        finally:
            self.close()

    def _read(self) -> None:
        last: BaseException | None = None
        try:
            for batch in self._batches():
                if not self._put(batch):
                    return
        except BaseException as error:
            last = error
        self._put(last)

    def _put(self, batch: pa.Table | BaseException | None) -> bool:
        """Whether it was put; not once nobody will take it any more."""
        while not self._given_up.is_set():
            try:
                self._ready.put(batch, timeout=_LOOK_AGAIN_SECONDS)
            except queue.Full:
                continue
            return True
        return False
