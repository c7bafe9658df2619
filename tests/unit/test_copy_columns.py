"""Columns go by their names: a select list is made of a shape, and a COPY whose names differ from it is refused."""

from __future__ import annotations

import itertools
from typing import Any

import pyarrow as pa
import pytest

from case_closure.store.copy import ColumnsDiffer, check_header, select_list
from case_closure.tables import handed

SHAPES = {name: shape for name, shape in vars(handed).items() if isinstance(shape, pa.Schema)}


def texts_of(shape: Any) -> list[int]:
    return [place for place, field in enumerate(shape) if field.type == pa.string()]


def line(names: list[str]) -> bytes:
    return (",".join(names) + "\n").encode()


@pytest.mark.parametrize("name", SHAPES)
def test_a_copy_with_two_texts_in_each_others_place_is_refused(name: str) -> None:
    """Any two: nothing but their names tells them apart."""
    shape = SHAPES[name]
    check_header(line(shape.names), shape)
    for one, other in itertools.combinations(texts_of(shape), 2):
        names = list(shape.names)
        names[one], names[other] = names[other], names[one]
        with pytest.raises(
            ColumnsDiffer, match=f"column {one + 1} is {names[one]} where the shape has {names[other]};"
        ):
            check_header(line(names), shape)


def test_a_copy_without_a_line_of_names_is_refused() -> None:
    with pytest.raises(ColumnsDiffer, match="column 1 is none where the shape has casegroup_id"):
        check_header(b"", handed.CASEGROUP_IDS)


def test_a_select_list_has_the_names_and_the_order_of_its_shape() -> None:
    listed = select_list(handed.ROUTES, "r", case_owner="max(o.owner)")
    assert listed == "r.casegroup_id, max(o.owner) as case_owner"


def test_an_expression_stands_for_a_column_of_the_shape_and_without_a_relation_for_each() -> None:
    with pytest.raises(ValueError, match="has no \\['owner'\\]"):
        select_list(handed.ROUTES, "r", owner="o.owner")
    with pytest.raises(ValueError, match="no expression stands for its \\['casegroup_id'\\]"):
        select_list(handed.ROUTES, case_owner="o.owner")
