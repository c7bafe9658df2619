"""Closure as a test needs it: selected cases, applications, answers; `applied(...)` and `followed(...)` are one stage each.

Belongs here: what the store would hand the stages ``take_applications`` and ``follow_closure``, made from the cases of
``builders``. Does not belong here: a store, files, or what ought to come out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from case_closure.gates import suites
from case_closure.stages import follow_closure, take_applications
from case_closure.tables import handed
from case_closure.tables.frames import Frames
from tests.support.builders import (
    ON,
    Case,
    Row,
    arrived,
    as_held,
    case,
    entered_for,
    frame_like,
    matched_on,
    nino_of,
    records,
    rows_of,
    sensitive,
)
from tests.support.plain_gate import judge

LED = date(2018, 2, 6)


def open_case(case_id: str = "A", casegroup: str = "G1", **over: Any) -> Case:
    """A case that is open on CSA, in order otherwise."""
    return case(
        case_id,
        casegroup,
        **({"case_status": "OPEN", "closed_reason": None, "liability_end_date": None} | over),
    )


def ended_case(case_id: str = "A", casegroup: str = "G1", ended: date = ON, **over: Any) -> Case:
    """A case that CSA has closed by case closure, its liability ended that day."""
    return case(case_id, casegroup, liability_end_date=ended, **over)


def stamp(of: Case, **over: Any) -> Row:
    """That case as a tranche selected it a while ago: proactive, its liability to end on 6 February 2018."""
    row: Row = {
        "csa_system": of.row["csa_system"], "csa_case_id": of.row["csa_case_id"], "casegroup_id": of.row["casegroup_id"],
        "tranche_id": "T01", "journey": "PROACTIVE", "selected_on": date(2017, 7, 3), "led": LED, "reminder_days": None,
        "became_reactive_on": None,
    }  # fmt: skip
    return row | over


def _keyed(row: Row) -> Row:
    return {"case_key": f"{row['csa_system']}/{row['csa_case_id']}"}


def _rows(frame: pd.DataFrame) -> list[Row]:
    """Rows as plain Python: dates as dates, what is missing as None."""
    return [{name: _plain(value) for name, value in row.items()} for row in records(frame)]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NA or value != value:
        return None
    return value.date() if isinstance(value, pd.Timestamp) else value


# --- applications


def application(application_id: str = "AP1", received_on: date | None = ON, **over: Any) -> Row:
    """An eligible application of case A's receiving parent that names G1's paying parent; nobody said who is on CSA."""
    row: Row = {
        "application_id": application_id, "received_on": received_on, "eligible": True, "applicant_role": "RECEIVING_PARENT",
        "applicant_nino": nino_of("RP-A"), "named_paying_parent_nino": nino_of("PP-G1"), "partner_nino": None,
        **dict.fromkeys(handed.SAYS), "gateway_reference": "GW1",
    }  # fmt: skip
    return row | over


@dataclass
class Taken:
    """What the stage ``take_applications`` concluded, and short ways to ask."""

    frames: Frames

    @property
    def decisions(self) -> dict[str, str]:
        """application -> decision."""
        return {row["application_id"]: row["decision"] for row in self.rows("applications")}

    def rows(self, name: str) -> list[Row]:
        return _rows(self.frames[name])

    def dates(self, application_id: str = "AP1") -> tuple[str, date | None, date | None]:
        """(decision, t_date, effective_date)."""
        (row,) = (row for row in self.rows("applications") if row["application_id"] == application_id)
        return row["decision"], row["t_date"], row["effective_date"]

    @property
    def moved(self) -> dict[str, tuple[str, date]]:
        """case -> (journey, LED) of the stamps that change."""
        return {row["csa_case_id"]: (row["journey"], row["led"]) for row in self.rows("end_liability")}

    @property
    def ltrs(self) -> list[str]:
        return sorted(row["ltr_id"] for row in self.rows("ltrs"))

    @property
    def items(self) -> list[tuple[str, str]]:
        """(type, application) of the work items."""
        return sorted((row["type"], row["subject_reference"]) for row in self.rows("work_items"))

    @property
    def opened(self) -> set[tuple[str, str]]:
        """(rule, what it is about) of the exceptions opened."""
        return {(row["rule_code"], row["subject_reference"]) for row in self.rows("opened")}


def applied(
    *applications: Row,
    cases: Sequence[Case] = (),
    selected: Sequence[Row] = (),
    earlier: Sequence[Row] = (),
    responses: Sequence[Row] = (),
    ltrs: Sequence[Row] = (),
    open_exceptions: Sequence[Row] = (),
    look_ups: Sequence[Row] = (),
    routes: Mapping[str, str | None] | None = None,
    on: date = ON,
) -> Taken:
    """Those applications and answers to LTRs taken on one night."""
    rows = rows_of(cases)
    ninos = {row["party_id"]: matched_on(row["nino"]) for row in rows["csa_parties"]}
    held = rows["csa_cases"]
    sides = {
        side: {(ninos.get(row[f"{side}_parent_id"]), row["casegroup_id"]) for row in held}
        for side in ("paying", "receiving")
    }
    given = [
        row | {f"{name}_given": row[name] is not None for name in handed.SAYS} | {"business_date": on}
        for row in applications
    ]
    tonight = take_applications.Tonight(
        applications=frame_like(handed.APPLICATIONS_MADE, given),
        ltr_responses=frame_like(handed.LTR_RESPONSES, responses),
        ltrs=frame_like(handed.LTRS_SENT, ltrs),
        payers=frame_like(
            handed.PAYERS,
            [{"matched_on": nino, "casegroup_id": group} for nino, group in sides["paying"] if nino],
        ),
        parents=frame_like(
            handed.NINOS, [{"matched_on": nino} for nino, _ in sides["paying"] | sides["receiving"] if nino]
        ),
    )
    known = take_applications.Gathered(
        cases=arrived("csa_cases", handed.CASES_THERE, [row | _keyed(row) for row in held]),
        end_liability=frame_like(
            handed.STAMPS_THERE,
            [
                {name: row[name] for name in handed.STAMPS_THERE.names if name in row} | _keyed(row)
                for row in selected
            ],
        ),
        earlier=frame_like(handed.APPLICATIONS_EARLIER, earlier),
        open_exceptions=frame_like(handed.OPEN_EXCEPTIONS, open_exceptions),
        look_ups=frame_like(handed.LOOK_UPS, look_ups),
        routes=frame_like(
            handed.ROUTES,
            [{"casegroup_id": group, "case_owner": owner} for group, owner in (routes or {}).items()],
        ),
    )
    made, answers = take_applications.application_facts(tonight), take_applications.response_facts(tonight)
    broke = {
        "cms_applications": judge(suites.cms_applications(), made),
        "ltr_responses": judge(suites.ltr_responses(), answers),
    }
    return Taken(
        take_applications.conclude(
            made, answers, broke, tonight, known, *[pd.Timestamp(on).as_unit("s")] * 2
        ).frames
    )


# --- following


@dataclass
class Followed:
    """What the stage ``follow_closure`` concluded, and short ways to ask."""

    frames: Frames

    def rows(self, name: str) -> list[Row]:
        return _rows(self.frames[name])

    @property
    def moves(self) -> list[tuple[str | None, str]]:
        return [(row["from_state"], row["to_state"]) for row in self.rows("moves")]

    @property
    def letters(self) -> list[tuple[str, str | None]]:
        """(code, case) of the letters but for covering ones; the case is None for one that goes once a casegroup."""
        letters = [row for row in self.rows("letters") if row["code"] != "CMSL6314"]
        return sorted(((row["code"], row["csa_case_id"]) for row in letters), key=str)

    @property
    def codes(self) -> list[str]:
        return [code for code, _ in self.letters]

    def letter(self, code: str) -> Row:
        (row,) = (row for row in self.rows("letters") if row["code"] == code)
        return row


def journey_row(state: str, casegroup: str = "G1", moves: int = 1) -> Row:
    return {"casegroup_id": casegroup, "state": state, "move_number": moves}


def letter_row(
    code: str, of: Case | None = None, sent_on: date = date(2017, 7, 3), casegroup: str = "G1"
) -> Row:
    """A letter sent before: about that case, or once for the casegroup."""
    where = {name: of.row[name] if of else None for name in ("csa_system", "csa_case_id")}
    return {"code": code, "casegroup_id": casegroup, "business_date": sent_on} | where


def followed(
    *cases: Case,
    on: date = ON,
    as_of: date | None = None,
    selected: Sequence[Row] | None = None,
    state: str | None = "SELECTED",
    moves: int = 1,
    letters: Sequence[Row] = (),
    inhibits: Sequence[Row] = (),
    closure_failures: Sequence[Row] = (),
    resolutions: Sequence[Row] = (),
    open_exceptions: Sequence[Row] = (),
) -> Followed:
    """Those cases looked at on one night. `as_of`: the latest night there has been.

    `selected`: by default each as `stamp` has it. `state`: of all their journeys.
    """
    rows = rows_of(cases)
    stamps = [stamp(one) for one in cases] if selected is None else list(selected)
    groups = sorted({row["casegroup_id"] for row in stamps}) if state else []
    persons = [
        {"matched_on": matched_on(row["nino"])} | row
        for row in rows["cis_persons"]
        if matched_on(row["nino"])
    ]
    held = follow_closure.Gathered(
        cases=arrived("csa_cases", handed.CASES, as_held(rows["csa_cases"])),
        sensitive=sensitive(rows["csa_cases"]),
        inhibits=arrived("inhibits", handed.INHIBITS, inhibits),
        closure_failures=arrived("closure_failures", handed.CLOSURE_FAILURES, closure_failures),
        resolutions=arrived("resolutions", handed.RESOLUTIONS, resolutions),
        open_exceptions=frame_like(handed.OPEN_EXCEPTIONS, open_exceptions),
        entered_for_people=entered_for(resolutions, rows),
        parties=arrived("csa_parties", handed.PARTIES, rows["csa_parties"]),
        end_liability=frame_like(
            handed.STAMPS, [{name: row[name] for name in handed.STAMPS.names} for row in stamps]
        ),
        journeys=frame_like(
            handed.JOURNEYS_STANDING, [journey_row(state or "", group, moves) for group in groups]
        ),
        letters=frame_like(handed.LETTERS_SENT, letters),
    )
    cis = arrived("cis_persons", handed.CIS_PERSONS, persons)
    days = (pd.Timestamp(day).as_unit("s") for day in (on, as_of or on))
    return Followed(follow_closure.conclude(held, cis, *days).frames)


def answered(*rows: Row, suppressed: Mapping[str, str] | None = None, on: date = ON) -> Followed:
    """Those answers of legacy teams judged; `suppressed`: letter -> casegroup of those that were."""
    held = follow_closure.Answers(
        clerical_letters=frame_like(handed.CLERICAL_LETTERS, rows),
        suppressed=frame_like(
            handed.LETTERS_SUPPRESSED,
            [{"letter_id": letter, "casegroup_id": group} for letter, group in (suppressed or {}).items()],
        ),
        row_exceptions=frame_like(handed.OPEN_EXCEPTIONS, []),
        routes=frame_like(handed.ROUTES, []),
    )
    facts = follow_closure.answer_facts(held)
    broke = {"clerical_letters": judge(suites.clerical_letters(), facts)}
    return Followed(follow_closure.refused(facts, broke, held, *[pd.Timestamp(on).as_unit("s")] * 2).frames)
