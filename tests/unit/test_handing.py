"""Frames are handed on in their shapes, or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from case_closure.stages.post_dues import Posted
from case_closure.tables import handed, handing
from case_closure.tables.frames import Frames


def nothing_posted() -> Frames:
    return {name: handing.empty(shape) for name, shape in handing.shapes(Posted).items()}


def test_frames_in_their_shapes_go_there_and_back_by_their_names() -> None:
    frames = nothing_posted()
    posted = Posted.of(dict(reversed(frames.items())))
    assert posted.dues is frames["dues"]
    assert posted.frames == frames


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda dues: dues[sorted(dues.columns)], "post_dues, dues: its columns are arrears_from, "),
        (lambda dues: dues.rename(columns={"scheme": "rules"}), "rules"),
        (lambda dues: dues.drop(columns="reference"), "in their shape due_id, "),
        (lambda dues: dues.assign(more="text"), "more; in their shape"),
        (
            lambda dues: dues.astype({"posted_pence": "float64"}),
            "posted_pence is float64; in its shape int64",
        ),
        (lambda dues: dues.astype({"reference": "object"}), "reference is object; in its shape string"),
    ],
)
def test_a_frame_in_another_shape_is_not_handed_on(
    change: Callable[[pd.DataFrame], pd.DataFrame], says: str
) -> None:
    """Money as a float among them; what it says is which frame and which column."""
    frames = nothing_posted()
    with pytest.raises(handing.ShapesDiffer, match=says):
        Posted.of(frames | {"dues": change(frames["dues"])})


def test_a_frame_too_many_or_too_few_is_not_handed_on() -> None:
    frames = nothing_posted()
    with pytest.raises(TypeError, match="'more'"):
        Posted.of(frames | {"more": frames["dues"]})
    with pytest.raises(TypeError, match="'dues'"):
        Posted.of({name: frame for name, frame in frames.items() if name != "dues"})


def test_an_integer_that_was_missing_somewhere_has_its_flag_beside_it() -> None:
    frame = handing.empty(handed.JOURNEYS_STANDING)
    handing.check(
        frame.assign(move_number__missing=frame["move_number"] == 0), handed.JOURNEYS_STANDING, "here"
    )


def test_cutting_to_a_shape_orders_the_columns_and_names_the_types_of_objects() -> None:
    frame = pd.DataFrame({"more": [1], "case_owner": pd.Series([None], dtype=object), "casegroup_id": ["G1"]})
    cut = handing.cut(frame, handed.ROUTES)
    handing.check(cut, handed.ROUTES, "here")
    assert cut["case_owner"].isna().all()
