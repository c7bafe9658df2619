"""What caseworkers entered to mend a record (B49), laid over what the extract says.

Belongs here: when a resolution stands, and applying it to a frame. Not: which rules it mends; the gates see.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from case_closure.stages.frames import case_key

_TRUE, _FALSE = ("true", "t", "1", "yes"), ("false", "f", "0", "no")


def as_text(value: object) -> str | None:
    """A held value as a caseworker would write it: ISO dates, whole pence, true or false; missing is None."""
    if value is None or value is pd.NaT or (not isinstance(value, str) and pd.isna(value)):  # type: ignore[call-overload]
        return None
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    text = str(value)
    return text if text else None


def ordered(resolutions: pd.DataFrame, *entities: str) -> pd.DataFrame:
    """Those of the entities given, in the order in which they were entered, with their ``case_key``."""
    chosen = resolutions[resolutions["entity"].isin(entities)]
    chosen = chosen.sort_values(["entered_on", "resolution_id"], kind="stable")
    return chosen.assign(case_key=case_key(chosen))


def lay_over(frame: pd.DataFrame, chosen: pd.DataFrame, *, keys: pd.Series, by: pd.Series) -> pd.DataFrame:
    """A copy of ``frame`` in which each resolution that stands has replaced its field.

    ``keys`` names the rows of ``frame``, ``by`` the rows each resolution of ``chosen`` is about. A resolution
    stands where the field still holds its old value (an earlier one of the same field may have put it there).
    One that names no field of the frame, or whose new value cannot be one, changes nothing.
    """
    if chosen.empty or frame.empty:
        return frame
    frame = frame.copy()
    places: dict[str, list[int]] = {}
    wanted = set(by)
    for place, key in enumerate(keys):
        if key in wanted:
            places.setdefault(key, []).append(place)
    positions = {name: number for number, name in enumerate(frame.columns)}
    for key, name, old, new in zip(
        by, chosen["field"], chosen["old_value"], chosen["new_value"], strict=True
    ):
        if name not in positions or name.endswith("__missing"):
            continue
        for place in places.get(key, ()):
            missing_flag = f"{name}__missing"
            held = frame.iat[place, positions[name]]
            if missing_flag in positions and bool(frame.iat[place, positions[missing_flag]]):
                held = None
            if not _same(held, as_text(held), as_text(old)):
                continue
            ok, value = _parsed(frame[name], as_text(new))
            if ok:
                frame.iat[place, positions[name]] = value
                if missing_flag in positions:
                    frame.iat[place, positions[missing_flag]] = False
    return frame


def _same(held: object, held_text: str | None, old: str | None) -> bool:
    if held_text is not None and held_text in ("true", "false") and old is not None:
        return old.lower() in (_TRUE if held_text == "true" else _FALSE)
    return held_text == old


def _parsed(column: pd.Series, new: str | None) -> tuple[bool, Any]:
    """Whether the text can be a value of the column, and that value."""
    if pd.api.types.is_bool_dtype(column):
        lowered = (new or "").lower()
        return lowered in _TRUE + _FALSE, lowered in _TRUE
    if pd.api.types.is_integer_dtype(column):
        if new is None or not re.fullmatch(r"[+-]?[0-9]{1,18}", new):
            return False, None
        return True, int(new)
    if pd.api.types.is_datetime64_any_dtype(column):
        if new is None:
            return True, pd.NaT
        try:
            return True, pd.Timestamp(date.fromisoformat(new)).as_unit("s")
        except ValueError:
            return False, None
    return True, new
