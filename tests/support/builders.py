"""Cases as a test needs them: everything about them is in order, except what the test says.

Belongs here: rows of landed files made from one `case(...)` each, and `tonight(...)`, which takes them through the
stages and the gates in memory (the gates by `plain_gate`). Does not belong here: a store, files, or what ought to come out.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa

from case_closure.domain.dates import NightDates
from case_closure.domain.money import BUCKET_COLUMNS
from case_closure.gates import suites
from case_closure.stages import decide_next_action, post_dues, receive_balances, set_up_cases
from case_closure.stages.decide_next_action import Decided
from case_closure.stages.post_dues import Posted
from case_closure.stages.receive_balances import Received
from case_closure.stages.set_up_cases import SetUp
from case_closure.tables import handed
from case_closure.tables.frames import Frames, to_frame
from case_closure.tables.landed import FILES
from case_closure.tables.resolutions import PARENTS
from tests.support.plain_gate import judge

Row = dict[str, Any]

ON = date(2017, 8, 10)
BEFORE = date(2017, 8, 9)
LIMIT = 100_000_000
ALL_NINE = {column.removesuffix("_pence"): 100 + place for place, column in enumerate(BUCKET_COLUMNS)}


@dataclass
class Case:
    """A CSA case and all that landed about it."""

    row: Row
    balances: list[Row]
    payer: Row | None
    receiver: Row | None
    cis: list[Row]
    children: list[Row]
    register: list[Row]
    payer_said: bool = field(default=False)


def nino_of(party_id: str) -> str:
    """A valid NINO of that person's own, suffix A."""
    return f"AB{zlib.crc32(party_id.encode()) % 1_000_000:06d}A"


def party(party_id: str, **over: Any) -> Row:
    row: Row = {
        "party_id": party_id, "title": "Ms", "forenames": "Alex", "surname": "Walker", "date_of_birth": date(1980, 5, 17),
        "nino": nino_of(party_id), "address_line_1": "1 High Street", "postcode": "LS1 4AP", "country": "GB-ENG", "dlo": False,
    }  # fmt: skip
    return row | over


def person(of: Row, **over: Any) -> Row:
    """What CIS holds about that party: the same, a live benefit, no interest flag."""
    row: Row = {
        "nino": of["nino"], "forenames": of["forenames"], "surname": of["surname"], "date_of_birth": of["date_of_birth"],
        "interest_registered": False, "benefit_code": "JSA", "benefit_live": True,
    }  # fmt: skip
    return row | over


def balance(case_id: str | None, casegroup: str | None, owes: Mapping[str, int | None], **over: Any) -> Row:
    """A balance row that adds up; `owes` by bucket ('rp_active'), all others 0."""
    amounts = dict.fromkeys(BUCKET_COLUMNS, 0) | {f"{name}_pence": pence for name, pence in owes.items()}
    row: Row = {
        "balance_id": f"B-{case_id}", "csa_system": "CS2", "csa_case_id": case_id, "casegroup_id": casegroup, **amounts,
        "total_pence": sum(pence or 0 for pence in amounts.values()),
        "arrears_from": date(2010, 1, 1), "arrears_to": date(2017, 7, 31),
    }  # fmt: skip
    return row | over


def left(case_id: str, written_off: int = 0, csa_system: str = "CS2", **buckets: int) -> list[Row]:
    """The closing ledger of one case: left(case, rp_active=1000)."""
    return [
        {"csa_system": csa_system, "csa_case_id": case_id, "creditor": name.rpartition("_")[0].upper(),
         "arrears_status": name.rpartition("_")[2].upper(), "amount_pence": pence, "written_off_pence": written_off}
        for name, pence in buckets.items()
    ]  # fmt: skip


def case(
    case_id: str = "A",
    casegroup: str | None = "G1",
    *,
    owes: Mapping[str, int | None] | None = None,
    no_balance: bool = False,
    balance_row: Mapping[str, Any] | None = None,
    payer: Mapping[str, Any] | None = None,
    receiver: Mapping[str, Any] | None = None,
    payer_cis: Mapping[str, Any] | None = None,
    receiver_cis: Mapping[str, Any] | None = None,
    not_in_cis: Sequence[str] = (),
    not_received: Sequence[str] = (),
    child: bool = True,
    on_cms: Mapping[str, Any] | None = None,
    **over: Any,
) -> Case:
    """A closed case that owes 10.00 to the receiving parent and passes every rule; arguments say what differs.

    `owes` {}: a nil balance. `not_in_cis`, `not_received`: 'payer', 'receiver'. `on_cms`: the register has the pair,
    with these columns. Everything else (`over`) is a column of csa_cases.
    """
    row: Row = {
        "csa_system": "CS2", "csa_case_id": case_id, "scheme": "2003", "casegroup_id": casegroup,
        "paying_parent_id": f"PP-{casegroup}", "receiving_parent_id": f"RP-{case_id}", "case_type": "ONGOING",
        "case_status": "CLOSED", "closed_reason": "CASE_CLOSURE", "liability_end_date": date(2017, 7, 31), "segment": 1,
        "partially_clerical": False, "nationally_sensitive": False, "manual_inhibit": False, "automatic_inhibit": False,
        "method_of_payment": "CARD",
    } | over  # fmt: skip
    owes = {"rp_active": 1000} if owes is None else owes
    amounts = balance(row["csa_case_id"], casegroup, owes, csa_system=row["csa_system"]) | dict(
        balance_row or {}
    )
    sides = {
        "payer": party(row["paying_parent_id"] or "nobody", **(payer or {})),
        "receiver": party(row["receiving_parent_id"] or "nobody", **(receiver or {})),
    }
    known = {"payer": payer_cis or {}, "receiver": receiver_cis or {}}
    register: list[Row] = []
    if on_cms is not None:
        register = [{
            "cms_case_id": f"900-{case_id}", "cms_casegroup_id": f"800-{casegroup}", "paying_parent_nino": sides["payer"]["nino"],
            "receiving_parent_nino": sides["receiver"]["nino"], "case_owner": "owner-1", "opened_on": date(2015, 1, 5),
        } | dict(on_cms)]  # fmt: skip
    return Case(
        row=row,
        balances=[] if no_balance else [amounts],
        payer=None if "payer" in not_received else sides["payer"],
        receiver=None if "receiver" in not_received else sides["receiver"],
        cis=[
            person(sides[side], **known[side])
            for side in sides
            if side not in not_in_cis and (sides[side]["nino"] or known[side])
        ],
        children=[{"csa_system": row["csa_system"], "csa_case_id": case_id, "child_id": "1", "forenames": "Jo"}] if child else [],
        register=register,
        payer_said=payer is not None,
    )  # fmt: skip


def rows_of(cases: Iterable[Case]) -> dict[str, list[Row]]:
    """The rows of each landed file. A paying parent several cases share is as the case that describes them says."""
    rows: dict[str, list[Row]] = {
        name: [] for name in ("csa_cases", "csa_balances", "csa_children", "cms_register")
    }
    parties: dict[str, Row] = {}
    persons: dict[str, Row] = {}
    for one in sorted(cases, key=lambda one: not one.payer_said):
        for side in (one.payer, one.receiver):
            if side is not None:
                parties.setdefault(side["party_id"], side)
        for known in one.cis:
            persons.setdefault(known["nino"], known)
    for one in cases:
        rows["csa_cases"].append(one.row)
        rows["csa_balances"] += one.balances
        rows["csa_children"] += one.children
        rows["cms_register"] += one.register
    return rows | {"csa_parties": list(parties.values()), "cis_persons": list(persons.values())}


def table(name: str, rows: Iterable[Row]) -> pa.Table:
    """Rows of a landed file in its contract's types; columns not named are null."""
    schema = FILES[name].schema
    rows = list(rows)
    unknown = {column for row in rows for column in row} - set(schema.names)
    assert not unknown, f"{name} has no column {unknown}"
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | row for row in rows], schema=schema)


def landed(cases: Iterable[Case], **more: list[Row]) -> dict[str, pa.Table]:
    """The night's files: those of the cases, and `more` rows by file name."""
    rows = rows_of(list(cases))
    for name, extra in more.items():
        rows[name] = rows.get(name, []) + extra
    return {name: table(name, held) for name, held in rows.items()}


# --- the same, as the stages take it in


def frame_like(shape: pa.Schema, rows: Iterable[Row]) -> pd.DataFrame:
    """Rows as the stages get them, in that shape: columns not named are null, and arrived tonight unless they say otherwise."""
    rows = list(rows)
    unknown = {column for row in rows for column in row} - set(shape.names)
    assert not unknown, f"the shape has no column {unknown}"
    usual = dict.fromkeys(shape.names) | ({"business_date": ON} if "business_date" in shape.names else {})
    return to_frame(pa.Table.from_pylist([usual | row for row in rows], schema=shape))


def arrived(file: str, shape: pa.Schema, rows: Iterable[Row]) -> pd.DataFrame:
    """Rows of a landed file as the store hands them over, without the columns that it keeps back."""
    kept_back = set(FILES[file].schema.names) - set(shape.names)
    return frame_like(
        shape, ({name: value for name, value in row.items() if name not in kept_back} for row in rows)
    )


def records(frame: pd.DataFrame) -> list[Row]:
    """The rows of a frame by the names of its columns."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def sensitive(cases: list[Row]) -> pd.DataFrame:
    """The casegroups of these that are nationally sensitive, as the store lists them."""
    ids = sorted(
        {row["casegroup_id"] for row in cases if row["nationally_sensitive"] and row["casegroup_id"]}
    )
    return pd.DataFrame({"casegroup_id": pd.Series(ids, dtype="str")})


def as_held(cases: Iterable[Row]) -> list[Row]:
    """Rows of cases with what the store adds to them when they come."""
    return [
        {
            "claimed_casegroup_id": row["casegroup_id"],
            "last_closed_on": row.get("business_date", ON)
            if row["case_status"] == "CLOSED" and row.get("closure_failure_code") is None
            else None,
        }
        | row
        for row in cases
    ]


def _clean(nino: str | None) -> str | None:
    return nino.replace(" ", "").upper() if nino else None


def matched_on(nino: str | None) -> str | None:
    clean = _clean(nino)
    return clean[:8] if clean else None


@dataclass
class Night:
    """What became of a night's casegroups; frames as the stages made them, and short ways to ask."""

    received: Received
    set_up: SetUp
    posted: Posted
    decided: Decided

    def outcome(self, casegroup: str = "G1") -> tuple[str, str]:
        line = self.decided.casegroups.set_index("casegroup_id").loc[casegroup]
        return str(line["outcome"]), str(line["reason"])

    @property
    def dues(self) -> dict[tuple[str, str, str], int]:
        """(case, creditor, status) -> pence."""
        return _by_bucket(self.posted.dues, "posted_pence")

    def figure(self, name: str) -> dict[tuple[str, str, str], int]:
        """A figure of the positions where it is not 0: 'received', 'posted', 'held', 'credit'."""
        lines = self.posted.positions
        return _by_bucket(lines[lines[f"{name}_pence"] != 0], f"{name}_pence")

    @property
    def opened(self) -> set[tuple[str, str]]:
        """(rule, case) of the exceptions opened."""
        rows = self.decided.opened
        return set(zip(rows["rule_code"], rows["csa_case_id"], strict=True))

    def exception(self, rule: str) -> Row:
        rows = self.decided.opened
        (row,) = records(rows[rows["rule_code"] == rule])
        return row

    @property
    def created(self) -> set[str]:
        """Cases recorded on CMS tonight."""
        return set(self.set_up.cms_cases["csa_case_id"])

    @property
    def letters(self) -> dict[tuple[str, str], tuple[str, str | None]]:
        """(code, party) -> (status, reason)."""
        rows = self.decided.letters
        return {
            (row["code"], row["party_id"]): (row["status"], None if pd.isna(row["reason"]) else row["reason"])
            for row in rows.to_dict("records")
        }

    def items(self, kind: str) -> list[Row]:
        rows = self.decided.work_items
        return records(rows[rows["type"] == kind])

    @property
    def item_types(self) -> list[str]:
        return sorted(self.decided.work_items["type"])


def _by_bucket(rows: pd.DataFrame, amount: str) -> dict[tuple[str, str, str], int]:
    keys = zip(rows["csa_case_id"], rows["creditor"], rows["arrears_status"], strict=True)
    return dict(zip(keys, (int(pence) for pence in rows[amount]), strict=True))


def tonight(
    *cases: Case,
    on: date = ON,
    clerical: Sequence[Row] = (),
    inhibits: Sequence[Row] = (),
    closure_failures: Sequence[Row] = (),
    resolutions: Sequence[Row] = (),
    reports: Sequence[Row] = (),
    dates: NightDates | None = None,
    refused: Sequence[Row] = (),
    standing: Sequence[Row] = (),
    positions: Sequence[Row] = (),
    dues_now: Sequence[Row] = (),
    accepted: Sequence[Row] = (),
    taken_in: Sequence[Row] = (),
    open_exceptions: Sequence[Row] = (),
    cms_cases: Sequence[Row] = (),
    clerical_items: Sequence[Row] = (),
    covering_letters: Sequence[str] = (),
    payer_casegroups: Mapping[str, str] | None = None,
    more: Mapping[str, list[Row]] | None = None,
    limit: int = LIMIT,
) -> Night:
    """Those cases' night: stages and gates, in memory. Rows about earlier nights as ``store.casegroups`` gives them."""
    rows = rows_of(cases)
    for name, extra in (more or {}).items():
        rows[name] = rows[name] + extra
    groups = {row["casegroup_id"] for row in (*rows["csa_cases"], *rows["csa_balances"], *clerical)}
    groups |= {row["casegroup_id"] for row in (*refused, *reports)}
    judged = sorted(group or "" for group in groups)
    frames: Frames = {
        "judged": frame_like(handed.CASEGROUP_IDS, [{"casegroup_id": group} for group in judged]),
        "cases": arrived("csa_cases", handed.CASES, as_held(rows["csa_cases"])),
        "sensitive": sensitive(rows["csa_cases"]),
        "csa_balances": _arrivals(rows["csa_balances"]),
        "clerical_balances": _arrivals(clerical),
        "inhibits": arrived("inhibits", handed.INHIBITS, inhibits),
        "closure_failures": arrived("closure_failures", handed.CLOSURE_FAILURES, closure_failures),
        "resolutions": arrived("resolutions", handed.RESOLUTIONS, resolutions),
        "reported_exceptions": frame_like(handed.REPORTED_EXCEPTIONS, reports),
        "refused": frame_like(handed.REFUSED_ROWS, refused),
        "standing": frame_like(handed.CASEGROUPS, standing),
        "open_exceptions": frame_like(handed.OPEN_EXCEPTIONS, open_exceptions),
        "positions": frame_like(handed.POSITIONS, positions),
        "dues_now": frame_like(handed.DUES_NOW, dues_now),
        "completed_periods": frame_like(handed.COMPLETED_PERIODS, ()),
        "balances_accepted": frame_like(handed.BALANCES_ACCEPTED, accepted),
    }
    held = receive_balances.Gathered.of(frames)
    received = _received(held, on, limit, dates)
    before = frame_like(handed.CMS_CASES_STANDING, cms_cases)
    entered = entered_for(resolutions, rows)
    set_up = _set_up(received, entered, rows, before, on, payer_casegroups or {})
    posted = post_dues.conclude(received, set_up, before, on)
    on_register = {
        (matched_on(row["paying_parent_nino"]), matched_on(row["receiving_parent_nino"]))
        for row in rows["cms_register"]
    }
    ninos = {row["party_id"]: matched_on(row["nino"]) for row in rows["csa_parties"]}
    payers = {row["casegroup_id"]: ninos.get(row["paying_parent_id"]) for row in reversed(rows["csa_cases"])}
    owners = {
        matched_on(row["paying_parent_nino"]): row["case_owner"]
        for row in sorted(rows["cms_register"], key=lambda r: r["cms_case_id"])
    }
    there = {row["casegroup_id"]: None for row in cms_cases} | {
        group: owners[payer] for group, payer in payers.items() if payer in owners
    }
    stood = {name: frames[name] for name in ("standing", "positions", "open_exceptions", "resolutions")} | {
        "entered_for_people": entered,
        "taken_in": frame_like(handed.TAKEN_IN, taken_in),
        "routes": frame_like(handed.ROUTES, [{"casegroup_id": group, "case_owner": owner} for group, owner in there.items()]),
        "on_cms": frame_like(handed.CASE_KEYS, [
            {"case_key": _key(row)}
            for row in rows["csa_cases"]
            if (ninos.get(row["paying_parent_id"]), ninos.get(row["receiving_parent_id"])) in on_register
        ]),
        "clerical_items": frame_like(handed.CLERICAL_ITEMS, clerical_items),
        "covering_letters": frame_like(handed.LETTER_IDS, [{"letter_id": one} for one in covering_letters]),
    }  # fmt: skip
    tonight = pd.Timestamp(on).as_unit("s")
    gathered = decide_next_action.Gathered.of(stood)
    decided = decide_next_action.conclude(received, set_up, posted, gathered, tonight, tonight)
    return Night(received, set_up, posted, decided)


def entered_for(resolutions: Iterable[Row], rows: Mapping[str, list[Row]]) -> pd.DataFrame:
    """What was entered for people, with the parents of its case, as the store gathers it."""
    parents = {_key(row): {name: row[name] for name in PARENTS.values()} for row in rows["csa_cases"]}
    return frame_like(
        handed.ENTERED_FOR_PEOPLE, [row | parents[_key(row)] for row in resolutions if _key(row) in parents]
    )


def _arrivals(rows: Iterable[Row]) -> pd.DataFrame:
    return arrived(
        "csa_balances", handed.BALANCES, [{"row_casegroup_id": row["casegroup_id"]} | row for row in rows]
    )


def _key(row: Row) -> str:
    return f"{row['csa_system']}/{row['csa_case_id']}"


def _received(
    held: receive_balances.Gathered, on: date, limit: int, dates: NightDates | None = None
) -> Received:
    facts = receive_balances.facts(held, dates or NightDates.in_turn(on))
    broke = {
        "casegroup_cases": judge(suites.casegroup_cases(), facts.casegroup_cases),
        "csa_balances": judge(suites.csa_balances(limit), facts.balances),
        "clerical_balances": judge(suites.clerical_balances(), facts.clerical_balances),
        "inhibits": judge(suites.inhibits(), facts.inhibits),
        "reports": judge(suites.reports(), facts.reports),
    }
    return receive_balances.conclude(held, facts, broke, dates or NightDates.in_turn(on))


def _set_up(
    received: Received,
    entered: pd.DataFrame,
    rows: dict[str, list[Row]],
    before: pd.DataFrame,
    on: date,
    payer_casegroups: Mapping[str, str],
) -> SetUp:
    parties = arrived("csa_parties", handed.PARTIES, rows["csa_parties"])
    known = set_up_cases.Gathered.of({
        "children": frame_like(handed.CASE_KEYS, [{"case_key": _key(row)} for row in rows["csa_children"]]),
        "cms_cases": before,
        "cis": arrived(
            "cis_persons",
            handed.CIS_PERSONS,
            [{"matched_on": matched_on(row["nino"])} | row for row in rows["cis_persons"] if matched_on(row["nino"])],
        ),
        "register": arrived("cms_register", handed.CMS_REGISTER, [
            row | {
                "pp_nino": _clean(row["paying_parent_nino"]), "rp_nino": _clean(row["receiving_parent_nino"]),
                "pp_matched_on": matched_on(row["paying_parent_nino"]), "rp_matched_on": matched_on(row["receiving_parent_nino"]),
            }
            for row in rows["cms_register"]
        ]),
        "payer_casegroups": frame_like(handed.PAYER_CASEGROUPS, [
            {"matched_on": nino_of(payer)[:8], "cms_casegroup_id": there} for payer, there in payer_casegroups.items()
        ]),
    })  # fmt: skip
    required = set_up_cases.required_cases(received.cases, received.balances, received.casegroups)
    everyone = set_up_cases.people(required, set_up_cases.PeopleGathered(parties, entered))
    facts = set_up_cases.facts(required, everyone, known)
    broke = {
        "set_up_parties": judge(suites.set_up_parties(NightDates.in_turn(on)), facts.parties),
        "set_up_cases": judge(suites.set_up_cases(), facts.cases),
        "nino_warnings": judge(suites.nino_warnings(), facts.warnings),
    }
    return set_up_cases.conclude(facts, broke, known, on)
