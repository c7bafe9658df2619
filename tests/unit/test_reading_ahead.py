"""Reading a file ahead: every batch once, in order, and nothing that goes on reading after it was given up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace

import pyarrow as pa
import pytest

from case_closure.night import receive_extract
from case_closure.night.reading_ahead import Ahead
from case_closure.store import holding

# Less than any reader could be ahead, were it not held up.
PLENTY = 50


def batch(number: int) -> pa.Table:
    return pa.table({"number": [number]})


def numbers(batches: object) -> list[int]:
    return [one["number"][0].as_py() for one in batches]  # type: ignore[attr-defined]


def test_the_first_pass_begins_before_it_is_asked_for_and_gives_every_batch_once() -> None:
    begun = threading.Event()

    def batches() -> Iterator[pa.Table]:
        begun.set()
        yield from map(batch, range(PLENTY))

    ahead = Ahead(batches)
    assert begun.wait(10)
    assert numbers(ahead()) == list(range(PLENTY))


def test_a_second_pass_is_read_anew_however_far_the_first_had_come() -> None:
    passes: list[int] = []

    def batches() -> Iterator[pa.Table]:
        passes.append(len(passes))
        yield from map(batch, range(PLENTY))

    ahead = Ahead(batches)
    first = iter(ahead())
    assert next(first)["number"][0].as_py() == 0
    assert numbers(ahead()) == list(range(PLENTY))
    assert passes == [0, 1]


def test_what_goes_wrong_is_raised_where_the_batches_are_taken() -> None:
    def batches() -> Iterator[pa.Table]:
        yield batch(0)
        raise OSError("page cannot be decoded")

    taken = iter(Ahead(batches)())
    next(taken)
    with pytest.raises(OSError, match="page cannot be decoded"):
        next(taken)


def test_no_more_is_read_than_was_taken_and_what_lies_ready() -> None:
    read: list[int] = []

    def batches() -> Iterator[pa.Table]:
        for number in range(PLENTY):
            read.append(number)
            yield batch(number)

    ahead = Ahead(batches)
    taken = iter(ahead())
    next(taken)
    ahead.close()
    assert len(read) <= 4, "one taken, one ready, one being put, and one begun"


def test_one_that_is_given_up_untaken_ends_its_thread() -> None:
    before = threading.active_count()
    Ahead(lambda: map(batch, range(PLENTY))).close()
    assert threading.active_count() == before


def test_a_file_that_cannot_be_held_leaves_no_thread_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server may refuse before it has taken anything: what was read ahead is given up."""

    def refuse(*_: object) -> int:
        raise OSError("no room")

    monkeypatch.setattr(holding, "hold", refuse)
    file = SimpleNamespace(
        contract=SimpleNamespace(name="csa_parties"),
        batches=lambda **_: map(batch, range(PLENTY)),
    )
    before = threading.active_count()
    with pytest.raises(OSError, match="no room"):
        receive_extract._hold_file(None, file, date(2017, 8, 10), 1, set(), [], None)  # type: ignore[arg-type]
    assert threading.active_count() == before
