"""What caseworkers entered to mend a record (B49), laid over what the extract says.

Belongs here: whom an entry counts for, when it stands, what may be entered, and applying it to a frame; and, of one that
changes nothing, why. Does not belong here: which rules it mends; the gates see.

An entry of entity CASE or BALANCE counts for its case. One for a parent is for the person: it counts on whichever case they
stand, in whichever role. One for a REPORT or PAYMENT is for that whose number stands in ``csa_case_id`` ([3]). What is entered
for a payment is laid over nothing: the stage of payments acts on it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from case_closure.domain.cases import (
    CASE_ENUMS,
    CASE_REQUIRED,
    CSA_SYSTEMS,
    METHODS_OF_PAYMENT,
    PAYING_PARENT,
    RECEIVING_PARENT,
)
from case_closure.domain.texts import shown
from case_closure.tables.frames import Frames, case_key, lookup, take, to_frame
from case_closure.tables.landed import FILES, FLAG, TEXT

CASE, BALANCE, PAYMENT, REPORT = "CASE", "BALANCE", "PAYMENT", "REPORT"
PARENTS: Final = {PAYING_PARENT: "paying_parent_id", RECEIVING_PARENT: "receiving_parent_id"}
BY_NUMBER: Final = (PAYMENT, REPORT)
"""Entities whose record is found by its own number, and not by a case."""
REPORT_FIELDS: Final = ("cleared_on",)
PAYMENT_FIELDS: Final = {"casegroup_id": TEXT, "passed_to": TEXT, "manual_allocation": FLAG}
# Keys name the record, they are not in it; the others are the store's own. Neither can be entered.
_NO_FIELDS: Final = frozenset(
    {"csa_system", "csa_case_id", "party_id", "business_date", "claimed_casegroup_id", "last_closed_on"}
)
_LISTS: Final[dict[str, dict[str, tuple[object, ...]]]] = {
    CASE: CASE_ENUMS | {"method_of_payment": METHODS_OF_PAYMENT}
}
_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    CASE: (*CASE_REQUIRED, "casegroup_id"),
    PAYMENT: ("casegroup_id", "passed_to"),
}
_TRUE, _FALSE = ("true", "t", "1", "yes"), ("false", "f", "0", "no")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


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


# Of the numbers that commands give: no sender's begins so.
BY_HAND: Final = "BY-HAND-"


def ordered(resolutions: pd.DataFrame, *entities: str) -> pd.DataFrame:
    """Those of the entities given, in the order in which they were entered, with their ``case_key``.

    What a command entered on a day came after what that day's extract brought.
    """
    chosen = resolutions
    if len(chosen):
        chosen = resolutions[resolutions["entity"].isin(entities)]
    if chosen.empty:
        return chosen.assign(case_key=pd.Series(dtype="str"))
    by_hand = chosen["resolution_id"].str.startswith(BY_HAND).fillna(False)
    chosen = chosen.assign(by_hand=by_hand).sort_values(
        ["entered_on", "by_hand", "resolution_id"], kind="stable"
    )
    chosen = chosen.drop(columns="by_hand")
    return chosen.assign(case_key=case_key(chosen))


def of_people(entered: pd.DataFrame) -> pd.DataFrame:
    """What was entered for parents, in order, with the ``party_id`` of the person it counts for.

    ``entered``: resolutions of parents, and those of entity CASE that say who a parent is, each with the two parents of its
    case as held (``store.casegroups.Gather.entered_for``). The parent is who the case has after what was entered for it.
    """
    chosen = ordered(entered, *PARENTS)
    if chosen.empty:
        return chosen.assign(party_id=pd.Series(dtype="str"))
    cases = entered.assign(case_key=case_key(entered)).drop_duplicates("case_key")
    cases = cases[["case_key", *PARENTS.values()]].reset_index(drop=True)
    of_case = ordered(entered, CASE)
    cases = lay_over(
        cases, of_case, keys=cases["case_key"], by=of_case["case_key"], fields=list(PARENTS.values())
    )
    whose = {
        role: dict(zip(cases["case_key"], cases[column], strict=True)) for role, column in PARENTS.items()
    }
    party = [whose[role][key] for role, key in zip(chosen["entity"], chosen["case_key"], strict=True)]
    return chosen.assign(party_id=pd.Series(party, index=chosen.index, dtype="str").fillna(""))


def lay_over(
    frame: pd.DataFrame,
    chosen: pd.DataFrame,
    *,
    keys: pd.Series,
    by: pd.Series,
    fields: Collection[str] | None = None,
    told: dict[str, str | None] | None = None,
) -> pd.DataFrame:
    """A copy of ``frame`` in which each resolution that stands has replaced its field.

    ``keys`` names the rows of ``frame``, ``by`` the rows each resolution of ``chosen`` is about; ``fields``: the columns that
    are the entity's (by default all). A resolution stands where the field still holds its old value (an earlier one of the
    same field may have put it there). One that names no field of the entity, or whose new value cannot be one, changes nothing.
    ``told`` is given, by resolution_id, why each changed nothing; None where it did, or where its value is held already.
    """
    if chosen.empty or (frame.empty and told is None):
        return frame
    frame = frame.copy()
    places: dict[str, list[int]] = {}
    wanted = set(by)
    for place, key in enumerate(keys):
        if key in wanted:
            places.setdefault(key, []).append(place)
    numbers = {name: number for number, name in enumerate(frame.columns)}
    known = _fields_of(frame, fields)
    for entry, key in zip(chosen.to_dict("records"), by, strict=True):
        if told is None and key not in places:
            continue
        name, old = entry["field"], as_text(entry["old_value"])
        why, value = _entered_value(frame, known, entry["entity"], name, as_text(entry["new_value"]))
        if why is None and key not in places:
            why = _NOBODY.get(entry["entity"], CASE_NOT_HELD)
        if why is None:
            why = _ANOTHER_VALUE
            missing_flag = numbers.get(f"{name}__missing")
            for place in places[key]:
                held_value = frame.iat[place, numbers[name]]
                if missing_flag is not None and bool(frame.iat[place, missing_flag]):
                    held_value = None
                if _same(as_text(held_value), old):
                    frame.iat[place, numbers[name]] = value
                    if missing_flag is not None:
                        frame.iat[place, missing_flag] = False
                    why = None
                elif as_text(held_value) == as_text(value):
                    why = None
        if told is not None:
            told[entry["resolution_id"]] = why
    return frame


class Enterable(NamedTuple):
    """A field that may be entered: its name, and what it takes. ``values``: a list it is one of, empty where there is none."""

    name: str
    takes: str
    values: tuple[str, ...]


@cache
def enterable(entity: str) -> tuple[Enterable, ...]:
    """The fields of an entity's record that may be entered, in their order."""
    frame = shapes()[entity]
    known = _fields_of(frame)
    return tuple(
        Enterable(name, _takes(frame[name]), tuple(map(str, _LISTS.get(entity, {}).get(name, ()))))
        for name in frame.columns if name in known
    )  # fmt: skip


def _takes(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "true or false"
    if pd.api.types.is_integer_dtype(column):
        return "a whole number; of money, pence"
    return "a date, as 1980-05-17" if pd.api.types.is_datetime64_any_dtype(column) else "text"


class Unfit(NamedTuple):
    """Why an entry cannot be entered: the column of it that is at fault, and the reason in words."""

    field: str
    why: str


@cache
def shapes() -> Frames:
    """The record of each entity, empty: what a resolution of it may name."""
    files = {CASE: "csa_cases", BALANCE: "csa_balances", **dict.fromkeys(PARENTS, "csa_parties")}
    schemas = {entity: FILES[file].schema for entity, file in files.items()} | {
        PAYMENT: pa.schema(list(PAYMENT_FIELDS.items())),
        REPORT: pa.schema([FILES["reported_exceptions"].schema.field(name) for name in REPORT_FIELDS]),
    }
    return {entity: to_frame(schema.empty_table()) for entity, schema in schemas.items()}


def cannot_be(rows: pd.DataFrame, shapes: Frames, reports: Collection[str] | None = None) -> dict[int, Unfit]:
    """Of entries that no record could take, by their place among the rows, why: no key, entity, case, field or name of who
    entered it, or a value that the field cannot have ([5]). ``shapes``: entity -> a frame of its record's columns; it may be
    empty. ``reports``: those that are there; None where that is not known."""
    reasons: dict[int, Unfit] = {}
    for place, row in enumerate(rows.to_dict("records")):
        unfit = _unfit(row, shapes, reports)
        if unfit is not None:
            reasons[place] = unfit
    return reasons


def _unfit(row: dict[Any, Any], shapes: Frames, reports: Collection[str] | None) -> Unfit | None:
    entity, name, new = row["entity"], row["field"], as_text(row["new_value"])
    if as_text(row["resolution_id"]) is None:
        return Unfit("resolution_id", "it has no resolution_id")
    if entity not in shapes:
        return Unfit("entity", f"its entity is none of {', '.join(shapes)}")
    by_number = entity in BY_NUMBER
    for part in ("csa_case_id",) if by_number else ("csa_system", "csa_case_id"):
        if as_text(row[part]) is None:
            return Unfit(part, f"it names no {entity.lower() if by_number else 'case'}")
    if row["csa_system"] not in CSA_SYSTEMS and not (by_number and as_text(row["csa_system"]) is None):
        return Unfit("csa_system", f"its csa_system is none of {', '.join(CSA_SYSTEMS)}")
    if entity == REPORT and reports is not None and row["csa_case_id"] not in reports:
        return Unfit("csa_case_id", _NOBODY[REPORT])
    frame = shapes[entity]
    fields = _fields_of(frame)
    why, _ = _entered_value(frame, fields, entity, name, new)
    if why is None and new is None and as_text(row["old_value"]) is None:
        why = "both its values are empty"
    if why is not None:
        return Unfit("new_value" if name in fields else "field", why)
    if as_text(row["entered_by"]) is None:
        return Unfit("entered_by", "it does not say who entered it")
    return None


def held_values(rows: pd.DataFrame, about: Frames, shapes: Frames) -> dict[int, str | None]:
    """What the field of each row's record holds now, after what was entered before, by its place among the rows; none for one
    whose record is not held.

    ``rows``: entries that ``cannot_be`` has let through. ``about``: as of ``changing_nothing``, without ``kept``.
    """
    entered, cases = about["resolutions"], about["cases"].assign(case_key=case_key(about["cases"]))
    laid: dict[str, tuple[pd.DataFrame, str]] = {}
    of_case, of_balance, of_report = (ordered(entered, entity) for entity in (CASE, BALANCE, REPORT))
    cases = lay_over(
        cases, of_case, keys=cases["case_key"], by=of_case["case_key"], fields=shapes[CASE].columns
    )
    balances, reports = about["csa_balances"], about["reported_exceptions"]
    laid[CASE] = cases, "case_key"
    laid[BALANCE] = (
        lay_over(
            balances.assign(case_key=case_key(balances)), of_balance,
            keys=case_key(balances), by=of_balance["case_key"], fields=shapes[BALANCE].columns,
        ),
        "case_key",
    )  # fmt: skip
    laid[REPORT] = (
        lay_over(reports, of_report, keys=reports["report_id"], by=of_report["csa_case_id"], fields=REPORT_FIELDS),
        "report_id",
    )  # fmt: skip
    parties, of_parent = about["parties"], of_people(about["entered_for_people"])
    people = lay_over(parties, of_parent, keys=parties["party_id"], by=of_parent["party_id"])
    laid |= dict.fromkeys(PARENTS, (people, "party_id"))
    values: dict[int, str | None] = {}
    keys = case_key(rows)
    for place, row in enumerate(rows.to_dict("records")):
        key = row["csa_case_id"] if row["entity"] == REPORT else keys.iloc[place]
        if row["entity"] in PARENTS:
            of_its_case = cases.loc[cases["case_key"] == key, PARENTS[row["entity"]]]
            key = of_its_case.iloc[0] if len(of_its_case) else None
        if row["entity"] not in laid:
            continue
        frame, named_by = laid[row["entity"]]
        of_entry = frame[frame[named_by] == key]
        if len(of_entry):
            first = of_entry.iloc[0]
            absent = bool(first.get(f"{row['field']}__missing", False))
            values[place] = None if absent else as_text(first[row["field"]])
    return values


def same_value(held_value: str | None, given: str | None) -> bool:
    """Whether what somebody says is held is what is held."""
    return _same(held_value, as_text(given))


def changing_nothing(rows: pd.DataFrame, about: Frames, shapes: Frames) -> pd.DataFrame:
    """Tonight's entries that changed nothing, each with the ``reason``, and the casegroup of its case where that is held.

    ``rows``: as landed. ``about``: for the cases they name, ``cases``, ``csa_balances``, ``parties``, ``resolutions`` and
    ``entered_for_people``, ``reported_exceptions`` for the reports, and ``kept``: the resolutions held under their numbers; each
    with the columns of its file. Whether one of a payment had an effect, the stage of payments says.
    """
    why = {place: unfit.why for place, unfit in cannot_be(rows, shapes).items()}
    kept = about["kept"].set_index("resolution_id")
    content = [name for name in kept.columns if name in rows.columns]
    cases = about["cases"].assign(case_key=case_key(about["cases"]))
    told: dict[str, str | None] = {}
    of_case = ordered(about["resolutions"], CASE)
    lay_over(
        cases, of_case, keys=cases["case_key"], by=of_case["case_key"], fields=shapes[CASE].columns, told=told
    )
    of_balance = ordered(about["resolutions"], BALANCE)
    balances = about["csa_balances"]
    lay_over(
        balances,
        of_balance,
        keys=case_key(balances),
        by=of_balance["case_key"],
        fields=shapes[BALANCE].columns,
        told=told,
    )
    of_parent = of_people(about["entered_for_people"])
    parties = about["parties"]
    lay_over(parties, of_parent, keys=parties["party_id"], by=of_parent["party_id"], told=told)
    reports, of_report = about["reported_exceptions"], ordered(about["resolutions"], REPORT)
    lay_over(
        reports,
        of_report,
        keys=reports["report_id"],
        by=of_report["csa_case_id"],
        fields=REPORT_FIELDS,
        told=told,
    )
    of_payment = about["resolutions"]["entity"] == PAYMENT
    told |= dict.fromkeys(about["resolutions"].loc[of_payment, "resolution_id"])
    for place, row in enumerate(rows.to_dict("records")):
        if place in why:
            continue
        number = row["resolution_id"]
        # Refused as it arrived, for none of the above: its record is not there.
        if number not in kept.index:
            why[place] = _NOBODY.get(row["entity"], CASE_NOT_HELD)
        elif any(as_text(row[name]) != as_text(kept.at[number, name]) for name in content):
            why[place] = "another entry has come under its number; that one stands"
        elif (reason := told.get(number, CASE_NOT_HELD)) is not None:
            why[place] = reason + (_meant_the_other(row, cases, parties) if reason == _ANOTHER_VALUE else "")
    chosen = rows.iloc[sorted(why)].reset_index(drop=True)
    of_case_held = take(cases["casegroup_id"], lookup(case_key(chosen), cases, "case_key"))
    of_report_held = take(reports["casegroup_id"], lookup(chosen["csa_case_id"], reports, "report_id"))
    return chosen.assign(
        reason=pd.Series([why[place] for place in sorted(why)], dtype="str"),
        casegroup_id=of_case_held.mask((chosen["entity"] == REPORT).to_numpy(bool), of_report_held),
    )


def _meant_the_other(row: dict[Any, Any], cases: pd.DataFrame, parties: pd.DataFrame) -> str:
    """Whether the old value is what the other parent of the case has."""
    others = [column for role, column in PARENTS.items() if role != row["entity"]]
    if len(others) != 1:
        return ""
    (other,) = others
    parent = cases.loc[cases["case_key"] == f"{row['csa_system']}/{row['csa_case_id']}", other]
    theirs = parties.loc[parties["party_id"].isin(parent), row["field"]]
    same = any(_same(as_text(value), as_text(row["old_value"])) for value in theirs)
    return "; the other parent of the case has that value" if same else ""


def _fields_of(frame: pd.DataFrame, fields: Collection[str] | None = None) -> frozenset[str]:
    """What of the frame may be entered."""
    return frozenset(
        name
        for name in frame.columns
        if name not in _NO_FIELDS and not name.endswith("__missing") and (fields is None or name in fields)
    )


CASE_NOT_HELD: Final = "its case is not held"
_ANOTHER_VALUE: Final = "its old_value is not what is held"
_NOBODY: Final = {
    **dict.fromkeys(PARENTS, "that parent of its case is not held"),
    BALANCE: "no balance of its case is held",
    REPORT: "no report of that number is held",
}


def _same(held_value: str | None, old: str | None) -> bool:
    if held_value in ("true", "false") and old is not None:
        return old.lower() in (_TRUE if held_value == "true" else _FALSE)
    return held_value == old


def _entered_value(
    frame: pd.DataFrame, fields: Collection[str], entity: str, name: object, new: str | None
) -> tuple[str | None, Any]:
    """Why the text cannot be entered in that field, or None and its value. What was entered may be personal: it is not said."""
    if not isinstance(name, str) or not name:
        return "it names no field", None
    if name in _NO_FIELDS:
        return f"{name} names the record and cannot be entered", None
    if name not in fields:
        near = [known for known in fields if known == name.strip().lower()]
        meant = f"; {near[0]} is one" if near else ""
        return f"{entity} has no field '{shown(name)}'{meant}", None
    values = _LISTS.get(entity, {}).get(name)
    if new is None and name in _NEEDED.get(entity, ()):
        return f"{name} cannot be empty", None
    if new is not None and values is not None and new not in tuple(map(str, values)):
        return f"its new_value is not one that {name} can have: {', '.join(map(str, values))}", None
    return _parsed(frame[name], name, new)


def _parsed(column: pd.Series, name: str, new: str | None) -> tuple[str | None, Any]:
    """Why the text can be no value of the column, or None and that value."""
    if pd.api.types.is_bool_dtype(column):
        lowered = (new or "").lower()
        if lowered in _TRUE + _FALSE:
            return None, lowered in _TRUE
        return f"its new_value is neither true nor false, as {name} must be", None
    if pd.api.types.is_integer_dtype(column):
        if new is not None and re.fullmatch(r"[+-]?[0-9]{1,18}", new):
            return None, int(new)
        return f"its new_value is no whole number of at most 18 digits, as {name} must be", None
    if pd.api.types.is_datetime64_any_dtype(column):
        if new is None:
            return None, pd.NaT
        try:
            if _DAY.fullmatch(new):
                return None, pd.Timestamp(date.fromisoformat(new)).as_unit("s")
        except ValueError:
            pass
        return f"its new_value is no date written as {name} must be, 1980-05-17", None
    return None, new
