"""Figures of the whole book, for pages that cannot wait: counted once after each night, by whoever asks first.

Belongs here: when they are counted, and that nobody waits for long. Does not belong here: what they are (``store.kept``). The
night does not count them: at a million casegroups it would be longer by seconds, every night, whoever looks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from case_closure.store import database, kept

_log = logging.getLogger(__name__)

WAITS_SECONDS = 0.25
"""A page is to be there in half a second, with whatever is kept."""
_aside = ThreadPoolExecutor(1, thread_name_prefix="figures")
_counting: dict[tuple[str, str], Future[None]] = {}
_one_asks = threading.Lock()


def bring_up_to_date(url: str, kinds: Iterable[str]) -> set[str]:
    """Have these counted anew if a night was closed since; those that are still being counted when the wait is over.

    Of these, what is kept stays until they are counted. Counted are ordinary casegroups alone (R26).
    """
    begun = {}
    with database.transaction(url) as connection:
        found = {kind: kept.find(connection, kind) for kind in kinds}
    for kind, there in found.items():
        if there is None or not there.is_new:
            begun[kind] = _begin(url, kind)
    # Who has figures of the night before is not kept waiting for those that take long.
    known_long = any(there.seconds > WAITS_SECONDS for kind in begun if (there := found[kind]))
    wait(begun.values(), timeout=0 if known_long else WAITS_SECONDS)
    return {kind for kind, future in begun.items() if not future.done()}


def _begin(url: str, kind: str) -> Future[None]:
    with _one_asks:
        there = _counting.get((url, kind))
        if there is None or there.done():
            there = _counting[url, kind] = _aside.submit(_count, url, kind)
        return there


def _count(url: str, kind: str) -> None:
    try:
        with database.transaction(url) as connection:
            connection.exec_driver_sql("set transaction isolation level repeatable read")
            kept.count(connection, kind)
    except Exception as error:
        # By its kind alone: its words may have a record in them. Whoever asks next has it tried again.
        _log.error("Figures were not counted: %s, %s", kind, type(error).__name__)
