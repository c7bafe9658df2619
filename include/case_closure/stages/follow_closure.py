"""Follow closure: where each selected casegroup stands, and the letters that fall due on its way.

Serves B7, B9, B12-B17, B53, B69, B70; R2, R12, R16. Belongs here: the moves of each journey, first and second contact,
reminder, liability ended. Does not belong here: selecting (``select_tranche``), applications, money, the letters' text.

In: ``Gathered`` of the casegroups there is something to look at for (see ``store.journeys``), and what CIS knows of their
parents. Out: ``Followed``; and of a legacy team's answer that names no letter an exception.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd

from case_closure.domain import journey, nino
from case_closure.domain import letters as codes
from case_closure.domain.applications import PROACTIVE, REACTIVE
from case_closure.domain.dates import NightDates, reminder_from
from case_closure.stages import receive_balances, set_up_cases
from case_closure.stages.common import exceptions, findings, letters
from case_closure.stages.receive_balances import CasesGathered
from case_closure.stages.set_up_cases import PAYING, RECEIVING, PeopleGathered
from case_closure.tables import handed
from case_closure.tables.frames import among, case_key, chosen, lookup, missing, take, take_pence
from case_closure.tables.handing import Handed, cut

_ANSWER_ROW = ["letter_id", "issued_on"]
# Where no days are given, the reminder is due a calendar month before the LED.
A_MONTH = -1


@dataclass(frozen=True)
class Answers(Handed):
    """Tonight's word of the legacy teams that a suppressed letter went out, the letters it could be about, what is open about
    such answers."""

    clerical_letters: Annotated[pd.DataFrame, handed.CLERICAL_LETTERS]
    suppressed: Annotated[pd.DataFrame, handed.LETTERS_SUPPRESSED]
    row_exceptions: Annotated[pd.DataFrame, handed.OPEN_EXCEPTIONS]
    routes: Annotated[pd.DataFrame, handed.ROUTES]


@dataclass(frozen=True)
class Gathered(CasesGathered, PeopleGathered):
    """All that stands of selected casegroups. ``letters``: those of closure they were sent."""

    end_liability: Annotated[pd.DataFrame, handed.STAMPS]
    journeys: Annotated[pd.DataFrame, handed.JOURNEYS_STANDING]
    letters: Annotated[pd.DataFrame, handed.LETTERS_SENT]


@dataclass(frozen=True)
class Followed(Handed):
    """The journeys that move tonight and their moves; the letters that are due."""

    journeys: Annotated[pd.DataFrame, handed.JOURNEYS]
    moves: Annotated[pd.DataFrame, handed.JOURNEY_MOVES]
    letters: Annotated[pd.DataFrame, handed.LETTERS]


def answer_facts(gathered: Answers) -> pd.DataFrame:
    """One line an answer of a legacy team to judge: does it name a letter that was suppressed (B15)?"""
    rows = gathered.clerical_letters
    known = gathered.suppressed
    places = lookup(rows["letter_id"], known, "letter_id")
    none = pd.Series(None, index=rows.index, dtype="str")
    return rows.assign(
        csa_system=none,
        csa_case_id=none,
        casegroup_id=take(known["casegroup_id"], places),
        subject_reference=rows["letter_id"],
        letter_known=places >= 0,
    )


def refused(
    answers: pd.DataFrame,
    broke: Mapping[str, pd.DataFrame],
    gathered: Answers,
    on: pd.Timestamp,
    latest: pd.Timestamp,
) -> exceptions.Exceptions:
    """Exceptions of answers that name no suppressed letter."""
    exceptions_found = findings.exceptions_found(
        broke["clerical_letters"], answers, original_columns=_ANSWER_ROW
    )
    references = answers["subject_reference"]
    return exceptions.of_rows(
        exceptions_found, references, gathered.row_exceptions, gathered.routes, on, latest
    )


def ninos(gathered: Gathered) -> pd.Series:
    """The first eight characters of the NINOs of all parents, as CIS is asked for them: those that came, and those entered."""
    entered = gathered.entered_for_people
    asked = [gathered.parties["nino"], chosen(entered["new_value"], entered["field"] == "nino")]
    return nino.matched_on(nino.cleaned(pd.concat(asked, ignore_index=True)))


def conclude(gathered: Gathered, cis: pd.DataFrame, on: pd.Timestamp, latest: pd.Timestamp) -> Followed:
    """The moves and letters of tonight for the casegroups looked at. ``latest``: the latest business date known of, which
    is later than ``on`` when this night is run late: where a journey stands is of that day, which letters are due of its own,
    and nobody is reminded (R39).

    ``cis``: CIS_PERSONS, what CIS knows under the ``ninos``. Raises journey.IllegalMove.
    """
    cases = _cases(gathered, on, latest)
    due = _due(cases, gathered.letters, on, late=latest > on)
    sent = pd.concat([gathered.letters[["code", "casegroup_id"]], due[["code", "casegroup_id"]]])
    reminded = chosen(sent["casegroup_id"], sent["code"].isin(codes.REMINDER.values()))
    changed, moves = _journeys(cases, gathered.journeys, reminded, on)
    return Followed(
        journeys=cut(changed, handed.JOURNEYS),
        moves=cut(moves, handed.JOURNEY_MOVES),
        letters=_letters(due, cases, gathered, cis, on),
    )


def _cases(gathered: Gathered, on: pd.Timestamp, latest: pd.Timestamp) -> pd.DataFrame:
    """One line a selected case: what CSA says of it now, with what was stamped on it."""
    cases = receive_balances.case_facts(gathered)
    cases = cases[cases["casegroup_id"].notna()].reset_index(drop=True)
    stamped = gathered.end_liability.assign(case_key=case_key(gathered.end_liability))
    places = lookup(cases["case_key"], stamped, "case_key")
    for name in ("journey", "selected_on", "led", "became_reactive_on"):
        cases[name] = take(stamped[name], places)
    days = np.where(missing(stamped, "reminder_days"), A_MONTH, stamped["reminder_days"].to_numpy(np.int64))
    cases["reminder_days"] = take_pence(pd.Series(days), places)
    ongoing = (cases["case_type"] == "ONGOING").to_numpy(bool)
    is_closed = (cases["case_status"] == "CLOSED").to_numpy(bool)
    ended = (cases["liability_end_date"].notna() & (cases["liability_end_date"] <= latest)).to_numpy(bool)
    ended_tonight = ended & (cases["liability_end_date"] <= on).to_numpy(bool)
    cases = cases.assign(
        ongoing=ongoing,
        ended=ended | ~ongoing,
        closed=is_closed & (ended | ~ongoing),
        closed_by_us=is_closed
        & ended_tonight
        & ongoing
        & (cases["closed_reason"] == "CASE_CLOSURE").to_numpy(bool),
        inhibited=receive_balances.inhibited(cases, gathered.inhibits, NightDates(on.date(), latest.date())),
    )
    return (
        cases[places >= 0]
        .sort_values(["casegroup_id", "csa_system", "csa_case_id"], kind="stable")
        .reset_index(drop=True)
    )


# --- journeys


def _journeys(
    cases: pd.DataFrame, before: pd.DataFrame, reminded: pd.Series, on: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The journeys that move tonight, and their moves."""
    groups = cases["casegroup_id"].drop_duplicates().reset_index(drop=True)
    of_case = cases["casegroup_id"]
    flags = {
        "reactive": among(groups, chosen(of_case, cases["journey"] == REACTIVE)),
        "reminded": among(groups, reminded),
        "ended": ~among(groups, chosen(of_case, ~cases["ended"])),
        "closed": ~among(groups, chosen(of_case, ~cases["closed"])),
        "failed": among(groups, chosen(of_case, ~cases["closure_worked"])),
        "inhibited": among(groups, chosen(of_case, cases["inhibited"])),
    }
    places = lookup(groups, before, "casegroup_id")
    states, numbers = before["state"].tolist(), before["move_number"].tolist()
    lines: list[dict[str, Any]] = []
    moves: list[dict[str, Any]] = []
    for row, (group, place) in enumerate(zip(groups, places, strict=True)):
        facts = journey.Facts(**{name: bool(values[row]) for name, values in flags.items()})
        state = states[place] if place >= 0 else None
        number = int(numbers[place]) if place >= 0 else 0
        moves_made = journey.moves(state, facts)
        for left, came in moves_made:
            number += 1
            moves.append({"casegroup_id": group, "move_number": number, "from_state": left, "to_state": came,
                          "cause": journey.CAUSES[came]})  # fmt: skip
        if moves_made:
            lines.append({"casegroup_id": group, "state": moves_made[-1][1], "move_number": number})
    changed = pd.DataFrame(lines, columns=["casegroup_id", "state", "move_number"])
    return changed.assign(business_date=on), pd.DataFrame(
        moves, columns=["casegroup_id", "move_number", "from_state", "to_state", "cause"]
    ).assign(business_date=on)


# --- letters


def _due(cases: pd.DataFrame, sent: pd.DataFrame, on: pd.Timestamp, *, late: bool) -> pd.DataFrame:
    """The letters that fall due tonight, for ongoing cases: code, role, casegroup, case (missing: once a casegroup).

    One to the paying parent of a casegroup with an ongoing case, one to the receiving parent of each.
    """
    ongoing = cases[cases["ongoing"]].reset_index(drop=True)
    new = (ongoing["selected_on"] == on).to_numpy(bool)
    turned = (ongoing["became_reactive_on"] == on).to_numpy(bool) & ~new
    proactive = (ongoing["journey"] == PROACTIVE).to_numpy(bool)
    remind = np.zeros(len(ongoing), dtype=bool) if late else proactive & _reminder_due(ongoing, on)
    ended = ongoing["closed_by_us"].to_numpy(bool)
    of_case = ongoing["casegroup_id"]
    known_before = chosen(of_case, ~new)
    parts = []
    for kind, here in (
        ("FIRST", new), ("SECOND", turned), ("REMINDER", remind), ("ENDED", ended),
    ):  # fmt: skip
        receivers = ongoing[here].reset_index(drop=True)
        # A case that joins brings its receiving parent the first letter; the paying parent has theirs. Liability has
        # ended for the paying parent when it has for all.
        groups = receivers.drop_duplicates("casegroup_id")
        if kind == "FIRST":
            groups = groups[~among(groups["casegroup_id"], known_before)]
        elif kind == "ENDED":
            groups = groups[~among(groups["casegroup_id"], chosen(of_case, ~ended))]
        for role, rows in ((PAYING, groups), (RECEIVING, receivers)):
            parts.append(_lines(kind, role, rows))
    due = pd.concat(parts, ignore_index=True)
    once = among(_occasion(due), _occasion(sent[(sent["business_date"] == on) | sent["code"].isin(_ONCE)]))
    return due[~once].reset_index(drop=True)


_ONCE = (*codes.REMINDER.values(), *codes.ENDED.values())


def _lines(kind: str, role: str, rows: pd.DataFrame) -> pd.DataFrame:
    if kind == "FIRST":
        code = rows["journey"].map({name: codes.FIRST_CONTACT[name, role] for name in (PROACTIVE, REACTIVE)})
    else:
        of_kind = {"SECOND": codes.SECOND_CONTACT, "REMINDER": codes.REMINDER, "ENDED": codes.ENDED}[kind]
        code = pd.Series(of_kind[role], index=rows.index)
    none = pd.Series(None, index=rows.index, dtype="str")
    return pd.DataFrame(
        {
            "code": code.astype("str"),
            "role": pd.Series(role, index=rows.index, dtype="str"),
            "casegroup_id": rows["casegroup_id"],
            "case_key": rows["case_key"],
            "csa_system": none if role == PAYING else rows["csa_system"],
            "csa_case_id": none if role == PAYING else rows["csa_case_id"],
        }
    )


def _occasion(rows: pd.DataFrame) -> pd.Series:
    """Code, casegroup and case as one text: what is sent once."""
    return rows["code"] + "|" + rows["casegroup_id"] + "|" + case_key(rows)


def _reminder_due(cases: pd.DataFrame, on: pd.Timestamp) -> np.ndarray:
    """From the reminder's first day to the LED. Few lines share many dates, so each pair is worked out once."""
    pairs = pd.DataFrame({"led": cases["led"], "days": cases["reminder_days"]})
    known: dict[tuple[Any, Any], bool] = {}
    due = np.zeros(len(pairs), dtype=bool)
    for place, (led, days) in enumerate(zip(pairs["led"], pairs["days"], strict=True)):
        if (led, days) not in known:
            first = reminder_from(led.date(), None if days == A_MONTH else int(days))
            known[led, days] = first <= on.date() <= led.date()
        due[place] = known[led, days]
    return due


def _letters(
    due: pd.DataFrame, cases: pd.DataFrame, gathered: PeopleGathered, cis: pd.DataFrame, on: pd.Timestamp
) -> pd.DataFrame:
    """The letters due, addressed to the parents of their case."""
    if due.empty:
        return letters.none()
    people = set_up_cases.known_people(cases, gathered, cis)
    people = people.assign(key=people["role"] + "|" + people["case_key"])
    places = lookup(due["role"] + "|" + due["case_key"], people, "key")
    taken = people.iloc[places].reset_index(drop=True)
    for name in ("code", "csa_system", "csa_case_id"):
        taken[name] = due[name]
    return letters.addressed(taken.assign(total_pence=pd.array([pd.NA] * len(taken), dtype="Int64")), on)
