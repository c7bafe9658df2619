"""Cutting a night into parts."""

from __future__ import annotations

import itertools

import pytest

from case_closure.night import parallel


def ids(count: int) -> list[str]:
    return [f"G{number:07}" for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 7, 100, 3_999, 4_000, 6_001])
@pytest.mark.parametrize("most", [1, 3, 1_000, 100_000])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_every_casegroup_is_in_one_part_in_order_and_none_is_too_large(
    count: int, most: int, workers: int
) -> None:
    parts = parallel.in_parts(ids(count), most, workers)
    assert [*itertools.chain(*parts)] == ids(count)
    assert all(0 < len(part) <= most for part in parts)
    assert max(map(len, parts), default=0) - min(map(len, parts), default=0) <= 1


@pytest.mark.parametrize(
    ("count", "workers", "parts"),
    [(120_000, 2, 2), (120_000, 1, 2), (1_200_000, 2, 12), (20_000, 2, 2), (3_999, 2, 1), (250_000, 2, 4)],
)
def test_there_is_work_for_every_worker_to_the_end_when_there_is_enough(
    count: int, workers: int, parts: int
) -> None:
    assert len(parallel.in_parts(ids(count), 100_000, workers)) == parts
