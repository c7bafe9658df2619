"""A second opinion on the night: the same contract, written again in plain Python from its text alone.

Belongs here: what a night concludes, read off the contract sentence by sentence, with dictionaries and whole
pence. Does not belong here: anything of the pipeline (no stage, gate, table or SQL is imported; only the landing
files are shared), speed, or a choice that suits the pipeline. Every casegroup is judged anew every night, so
nothing can be missed for not having been touched.

Not compared, because the contract leaves them open: surrogate ids, messages, masked values, times.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeGuard

import pyarrow.parquet as pq

from tests.model.account_model import Accounts

Row = dict[str, Any]
Case = tuple[str | None, str | None]
"""(csa_system, csa_case_id)"""
Key = tuple[str, str | None, str | None, str | None, str]
"""(rule code, casegroup, csa_system, csa_case_id, subject)"""
Ident = tuple[str | None, ...]
"""What makes an exception the same one: rule, case and subject (R38); its casegroup too when the case is not known."""
Person = tuple[str, str]
"""('person', party_id): what an entry for a parent is about ([22])"""

BUCKETS = [
    (creditor, status)
    for creditor in ("RP", "GB_SOS", "NI_SOS")
    for status in ("ACTIVE", "SUSPENDED", "DEFERRED")
]
COLUMN = {bucket: f"{bucket[0].lower()}_{bucket[1].lower()}_pence" for bucket in BUCKETS}
NINE = list(COLUMN.values())

CASE_VALUES: dict[str, tuple[set[Any], bool]] = {
    "csa_system": ({"CSCS", "CS2", "CCD"}, True),
    "scheme": ({"1993", "2003"}, False),
    "case_type": ({"ONGOING", "ARREARS_ONLY"}, False),
    "case_status": ({"OPEN", "CLOSED"}, False),
    "closed_reason": ({"CASE_CLOSURE", "OTHER"}, True),
    "segment": ({1, 2, 3, 4, 5}, True),
    "rp_arrears_decision": ({"COLLECT", "WRITE_OFF", "PART_WRITE_OFF"}, True),
}
"""Lists of csa_cases, and whether null passes (a null system is a missing key, not a wrong value)."""

METHODS = {"DIRECT_DEBIT", "STANDING_ORDER", "DEO", "DER", "BENEFIT_DEDUCTION", "CARD"}
ADMINISTRATIVE = {"CR", "MW", "NC", "PP", "PY", "PZ"}
WARNINGS = {"nino_administrative_prefix", "nino_suffix_differs"}
ROW_ONLY = {"inhibit_not_authorised"}
KEYS = {
    "CASE": {"csa_system", "csa_case_id"},
    "PAYING_PARENT": {"party_id"},
    "RECEIVING_PARENT": {"party_id"},
    "BALANCE": {"balance_id", "csa_system", "csa_case_id"},
    "REPORT": {"report_id"},
}
"""What resolutions may be about, and what they may not change there."""
ISLANDS = {"im", "je", "gg"}
UK_AS_WRITTEN = {"uk", "unitedkingdom", "england", "scotland", "wales", "northernireland", "greatbritain"}
LISTS = {**CASE_VALUES, "method_of_payment": (METHODS, True)}
FLAGS = {"dlo", "manual_inhibit", "automatic_inhibit", "partially_clerical", "nationally_sensitive"}
DATES = {"cleared_on", "date_of_birth", "date_of_death", "arrears_from", "arrears_to", "liability_end_date"}
_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z][0-9]{6}[ABCD]")
_POSTCODE = re.compile(
    r"GIR0AA|(?!IM|JE|GY)[A-PR-UWYZ]([0-9]{1,2}|[A-HK-Y][0-9]([0-9]|[ABEHMNPRV-Y])?|[0-9][A-HJKPS-UW])[0-9][ABD-HJLNP-UW-Z]{2}"
)
_IGNORED_IN_NAMES = re.compile(r"[\s\u00ad'`´ʹ-ʿˈ‐-―‘-‛′‵−＇-]")


def compact(text: str | None) -> str | None:
    """A NINO or postcode as it is compared: no spaces, upper case; None when nothing is left."""
    return (re.sub(r"\s", "", text).upper() or None) if text else None


def is_nino(text: str | None) -> TypeGuard[str]:
    """R18."""
    return text is not None and text.isascii() and _NINO.fullmatch(text) is not None


def eight(nino: str | None) -> str | None:
    """What NINOs are matched on; None for one that cannot be."""
    found = compact(nino)
    return found[:8] if found is not None and is_nino(found) else None


def name(text: str | None) -> str:
    """R19."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text or "") if not unicodedata.combining(c))
    return _IGNORED_IN_NAMES.sub("", plain.casefold())


def blank(text: str | None) -> bool:
    """Nothing a person could read."""
    return text is None or not text.strip()


def age(born: date, on: date) -> int:
    """Completed years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def uk_postcode(party: Row) -> str | None:
    """The party's postcode when it is a valid UK one."""
    postcode = compact(party["postcode"])
    return postcode if postcode and postcode.isascii() and _POSTCODE.fullmatch(postcode) else None


def country(party: Row) -> str | None:
    """'GB-NIR', 'UK' for the rest of it, 'OVERSEAS', or None."""
    code = compact(party["country"])
    if code is None:
        return None
    if code == "GB-NIR":
        return code
    return "UK" if code == "GB" or code.startswith("GB-") else "OVERSEAS"


def has_contact(party: Row) -> bool:
    """contact_missing."""
    return not blank(party["address_line_1"]) and (
        uk_postcode(party) is not None or country(party) == "OVERSEAS"
    )


def can_be_written_to(party: Row) -> bool:
    """B13: what the post, and GOV.UK Notify for it, can take to the client."""
    where = re.sub(r"[\W_]", "", party["country"] or "").casefold()
    home = not where or where.startswith("gb") or where in UK_AS_WRITTEN
    code = compact(party["postcode"])
    sorted_by = uk_postcode(party) not in (None, "GIR0AA")
    if where in ISLANDS:
        sorted_by = sorted_by or is_island_postcode(code)
    elif not home:
        # Two characters are a code, and ZZ is no country's; what is longer is taken for a name.
        sorted_by = sorted_by or (where.isalpha() and len(where) > 1 and where != "zz")
    return sorted_by and _has_address(party, "address_line_")


def representative_can_be_written_to(party: Row) -> bool:
    """B14: nothing but the postcode says where a representative is."""
    code = compact(party["representative_postcode"])
    at_home = uk_postcode({"postcode": party["representative_postcode"]}) not in (None, "GIR0AA")
    named = re.search("[A-Za-z0-9]", unicodedata.normalize("NFKD", party["representative_name"] or ""))
    return (
        bool(named)
        and (at_home or is_island_postcode(code))
        and _has_address(party, "representative_address_line_")
    )


def _has_address(party: Row, line: str) -> bool:
    lines = [unicodedata.normalize("NFKD", party[f"{line}{number}"] or "") for number in range(1, 5)]
    nowhere = any(
        re.sub(r"[^a-z0-9]", "", one.lower()) == "nfa"
        or re.search(r"no\s+fixed\s+(abode|address)", one, re.IGNORECASE)
        for one in lines
    )
    return re.search("[A-Za-z0-9]", lines[0]) is not None and not nowhere


def is_island_postcode(code: str | None) -> bool:
    return bool(code and code.isascii() and re.fullmatch("(IM|JE|GY)[0-9]{2,3}[ABD-HJLNP-UW-Z]{2}", code))


def region_of(party: Row) -> str | None:
    """R17; None where it cannot be told."""
    postcode, where = uk_postcode(party), country(party)
    if (postcode or "").startswith("BT") or where == "GB-NIR":
        return "NI"
    return "GB" if postcode is not None or where == "UK" else None


def clean(value: Any) -> Any:
    """Control characters other than tab and newline are removed on reading."""
    if not isinstance(value, str):
        return value
    return "".join(c for c in value if unicodedata.category(c) != "Cc" or c in "\t\n")


def as_text(value: Any) -> str | None:
    """A value as a resolution writes it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)


def from_text(text: str | None, column: str) -> Any:
    """What a resolution's text is in that column. Raises ValueError for a text that is no value of its type."""
    if text is None:
        return None
    if column.endswith("_pence") or column == "segment":
        if not re.fullmatch("-?[0-9]+", text) or not -(2**63) <= int(text) < 2**63:
            raise ValueError(text)
        return int(text)
    if column in DATES:
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        return date.fromisoformat(text)
    if column in FLAGS:
        return {"true": True, "false": False}[text] if text in ("true", "false") else int("no flag")
    return text


def can_be_entered(resolution: Row, row: Row) -> bool:
    """Whether it names a field of that row that is no key of it, and a value that the field may have."""
    entity, column = resolution["entity"], resolution["field"]
    if entity == "REPORT" and column != "cleared_on":
        return False
    if entity not in KEYS or column not in row or column in KEYS[entity]:
        return False
    try:
        value = from_text(resolution["new_value"], column)
    except ValueError:
        return False
    if entity == "BALANCE" and value is None and column.endswith("_pence"):
        return False
    if entity != "CASE":
        return True
    if column == "casegroup_id":
        return not blank(value)
    values, null_passes = LISTS.get(column, ({value}, True))
    return null_passes if value is None else value in values


@dataclass
class Held:
    """A row as held, and the night that brought it."""

    row: Row
    on: date


@dataclass
class Arrival:
    """The rows of a case's latest arrival; more than one when the case stood more than once in that night."""

    rows: list[Row]
    on: date
    agreed: bool = False
    """Its casegroup was the case's when it was judged: a case that moves later takes it along."""


@dataclass
class Finding:
    """An exception."""

    key: Key
    opened_on: date
    subject: str
    route: str | None
    case_owner: str | None
    sensitive: bool
    resolved_on: date | None = None

    @property
    def case(self) -> Case:
        return self.key[2:4]

    @property
    def severity(self) -> str:
        return "WARNING" if self.key[0] in WARNINGS else "HOLD"


@dataclass
class Group:
    """What is known of a casegroup that a balance was received for."""

    outcome: str
    reason: str
    received_pence: int
    posted_pence: int
    completed_on: date | None
    changed_on: date


@dataclass
class Position:
    """One case's money in one bucket."""

    casegroup: str | None
    received: int
    posted: int
    held: int
    credit: int

    @property
    def figures(self) -> tuple[int, int, int, int]:
        return (self.received, self.posted, self.held, self.credit)


@dataclass
class Resolution:
    """A value a caseworker entered, and whether it still stands."""

    row: Row
    on: date
    stands: bool = True
    person: Person | None = None
    """Of an entry for a parent: the person who was that parent when it was entered."""


@dataclass
class Model:
    """All that is held between nights."""

    limit_pence: int = 100_000_000
    cases: dict[Case, Held] = field(default_factory=dict)
    member: dict[Case, str] = field(default_factory=dict)
    sent_elsewhere: set[Case] = field(default_factory=set)
    parties: dict[str, Held] = field(default_factory=dict)
    children: dict[tuple[Any, ...], Held] = field(default_factory=dict)
    cis: dict[str, Held] = field(default_factory=dict)
    register: dict[str, Held] = field(default_factory=dict)
    closing: dict[tuple[Any, ...], Held] = field(default_factory=dict)
    inhibits: dict[str, Held] = field(default_factory=dict)
    bad_inhibits: dict[str, Held] = field(default_factory=dict)
    reports: dict[str, Held] = field(default_factory=dict)
    failure_reports: dict[tuple[Any, ...], date] = field(default_factory=dict)
    failed_night: dict[Case, date] = field(default_factory=dict)
    closed_night: dict[Case, date] = field(default_factory=dict)
    resolutions: dict[str, Resolution] = field(default_factory=dict)
    seen: dict[tuple[str, str], Row] = field(default_factory=dict)
    arrivals: dict[str, dict[tuple[Any, ...], Arrival]] = field(
        default_factory=lambda: {"csa_balances": {}, "clerical_balances": {}}
    )
    refused: dict[Key, tuple[date, bool]] = field(default_factory=dict)
    refused_rows: dict[Case, Held] = field(default_factory=dict)
    """The last row of a case that was refused for its casegroup or a value: an entry may mend it."""
    doubts: dict[Ident, tuple[date, Row]] = field(default_factory=dict)
    """Refused rows that say nationally sensitive, until a good row comes (R42)."""
    hidden: set[str | None] = field(default_factory=set)
    """The sensitive casegroups, as things stand."""
    cms: dict[Case, Row] = field(default_factory=dict)
    made_for: set[str | None] = field(default_factory=set)
    """Casegroups, and paying parents, that a CMS casegroup was created for here."""
    findings: list[Finding] = field(default_factory=list)
    warnings: set[Ident] = field(default_factory=set)
    open: dict[Ident, Finding] = field(default_factory=dict)
    """Those that hold and are not resolved."""
    groups: dict[str, Group] = field(default_factory=dict)
    completed: dict[str, dict[Case, tuple[Arrival, Row]]] = field(default_factory=dict)
    compared: dict[Case, Arrival] = field(default_factory=dict)
    positions: dict[tuple[Any, ...], Position] = field(default_factory=dict)
    positions_of: dict[str | None, set[tuple[Any, ...]]] = field(default_factory=dict)
    position_on: dict[tuple[Any, ...], date] = field(default_factory=dict)
    credit_on: dict[tuple[Any, ...], date] = field(default_factory=dict)
    closing_on: dict[tuple[Any, ...], date] = field(default_factory=dict)
    dues: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    dues_of: dict[str, list[Row]] = field(default_factory=dict)
    frozen: dict[str, dict[tuple[Any, ...], Position]] = field(default_factory=dict)
    """Positions of a casegroup as completed."""
    work: list[Row] = field(default_factory=list)
    given: dict[tuple[Any, ...], Row] = field(default_factory=dict)
    """Cases that have a clerical item that is open, by casegroup and case."""
    letters: list[Row] = field(default_factory=list)
    nights: dict[date, Row] = field(default_factory=dict)
    found: dict[str, dict[Any, list[Any]]] = field(default_factory=dict)
    """What is looked up often, by what it is looked up by; made anew when a night has taken in its files."""

    def __post_init__(self) -> None:
        self.accounts = Accounts(self)

    named = staticmethod(name)

    # --- a night

    def run(self, folder: Path, on: date) -> None:
        """Takes in the landed folder of one business date and concludes."""
        self.on = on
        self.latest = max([on, *self.nights])
        self.late = self.latest > on
        files = {
            path.stem: [{k: clean(v) for k, v in row.items()} for row in pq.read_table(path).to_pylist()]
            for path in sorted(folder.glob("*.parquet"))
        }
        stood = dict(self.member)
        self.take_cases(files.get("csa_cases", []))
        self.upsert(self.parties, files.get("csa_parties", []), ("party_id",))
        self.upsert(self.children, files.get("csa_children", []), ("csa_system", "csa_case_id", "child_id"))
        self.upsert(self.cis, files.get("cis_persons", []), ("nino",))
        self.upsert(self.register, files.get("cms_register", []), ("cms_case_id",))
        before = {key: held.row["amount_pence"] for key, held in self.closing.items()}
        self.upsert(
            self.closing,
            files.get("csa_closing_ledger", []),
            ("csa_system", "csa_case_id", "creditor", "arrears_status"),
        )
        for key, held in self.closing.items():
            if before.get(key) != held.row["amount_pence"]:
                self.closing_on[key] = on
        self.upsert(self.reports, files.get("reported_exceptions", []), ("report_id",))
        self.take_inhibits(files.get("inhibits", []))
        self.take_failures(files.get("closure_failures", []))
        for row in files.get("resolutions", []):
            self.resolutions.setdefault(row["resolution_id"], Resolution(row, on))
        for file in ("csa_balances", "clerical_balances"):
            self.take_balances(file, files.get(file, []))
        self.index_entries()
        self.lapse()
        self.mend_refused()
        self.take_members()
        self.index()
        self.forget_refused()
        self.hide()

        judged, cases = self.judged(files, stood)
        figures = {key: position.figures for key, position in self.positions.items()}
        tonight = {
            key: who
            for key, who in self.judge_received().items()
            if not self.late or key[1] in judged or key[2:4] in cases
        }
        self.follow_moves()
        self.sync(tonight, "receiving", lambda f: not self.late or f.key[1] in judged or f.case in cases)
        for casegroup in sorted(judged & (self.owners() | set(self.completed))):
            self.conclude(casegroup, tonight)
        self.accounts.take_corrections(files.get("corrections", []))
        corrected = self.accounts.correct()
        self.accounts.settle(corrected)
        for casegroup in sorted(corrected):
            self.conclude(casegroup, tonight)
        self.accounts.take_payments(folder, files.get("dca_payments", []))
        self.accounts.pay(files.get("resolutions", []))
        self.position_strays(tonight)
        self.date_changes(figures)
        self.close(files)

    def judged(self, files: dict[str, list[Row]], stood: dict[Case, str]) -> tuple[set[Any], set[Case]]:
        """Whom this night judges, and cases it names: every casegroup or, late, those that its own extract touches (R39)."""
        if not self.late:
            return self.owners() | set(self.completed) | set(self.groups), set()
        groups, cases, people, ninos = set(), set(), set(), set()
        for file, rows in files.items():
            for row in rows:
                if "csa_case_id" in row:
                    cases.add((row["csa_system"], row["csa_case_id"]))
                if row.get("casegroup_id") is not None:
                    groups.add(row["casegroup_id"])
                if file == "csa_parties":
                    people.add(row["party_id"])
                for column in ("nino", "paying_parent_nino", "receiving_parent_nino"):
                    if file in ("cis_persons", "cms_register") and column in row:
                        ninos.add((compact(row[column]) or "")[:8])
        for resolution in self.resolutions.values():
            if resolution.on == self.on and resolution.person is not None:
                people.add(resolution.person[1])
        ninos.discard("")
        people |= {
            party
            for party, held in self.parties.items()
            if (compact(self.mended(held.row, "person", party)["nino"]) or "")[:8] in ninos
        }
        for case in self.cases:
            row = self.case(case)
            if {row["paying_parent_id"], row["receiving_parent_id"]} & people:
                groups.add(self.member[case])
        for case in cases:
            groups |= {stood.get(case), self.member.get(case)}
        return groups - {None}, cases

    def upsert(self, into: dict[Any, Held], rows: list[Row], key: tuple[str, ...]) -> None:
        """R21: a row that came from a later business date is never overwritten by an earlier one."""
        for row in rows:
            held_under = tuple(row[column] for column in key)
            if any(part is None for part in held_under):
                continue
            self.put(into, held_under[0] if len(key) == 1 else held_under, row)

    def put(self, into: dict[Any, Held], key: Any, row: Row) -> bool:
        if key in into and into[key].on > self.on:
            return False
        into[key] = Held(row, self.on)
        return True

    def index_entries(self) -> None:
        """What was entered, by what it is about; an entry for a parent is for the person who is that parent by then."""
        self.found = {"resolutions": {}}
        for resolution in sorted(
            self.resolutions.values(), key=lambda r: (r.row["entered_on"] or date.min, r.row["resolution_id"])
        ):
            case = (resolution.row["csa_system"], resolution.row["csa_case_id"])
            entity = resolution.row["entity"]
            about: tuple[Any, ...] = (entity, *case) if entity != "REPORT" else (entity, case[1])
            if entity in ("PAYING_PARENT", "RECEIVING_PARENT"):
                if resolution.person is None and case in self.cases:
                    party = self.case(case)[f"{entity.lower()}_id"]
                    resolution.person = ("person", party) if party is not None else None
                about = resolution.person or about
            self.found["resolutions"].setdefault(about, []).append(resolution)

    def index(self) -> None:
        """Nothing but speed: members of casegroups, balances of casegroups, persons and register rows by NINO."""
        for name in ("members", "csa_balances", "clerical_balances", "cis", "payers", "children"):
            self.found[name] = {}
        for case in sorted(self.member):
            self.found["members"].setdefault(self.member[case], []).append(case)
        for file, held in self.arrivals.items():
            for about in sorted(held, key=str):
                self.found[file].setdefault(self.owner(file, about), []).append(about)
        for nino, person in sorted(self.cis.items()):
            self.found["cis"].setdefault((compact(nino) or "")[:8], []).append(person.row)
        for _, pair in sorted(self.register.items()):
            self.found["payers"].setdefault(eight(pair.row["paying_parent_nino"]), []).append(pair.row)
        for system, number, _ in self.children:
            self.found["children"].setdefault((system, number), []).append(number)

    # --- what comes in

    def take_cases(self, rows: list[Row]) -> None:
        """Gates of csa_cases: a refused row is not held. A later file that has the key once ends a case_duplicate."""
        keys = [(row["csa_system"], row["csa_case_id"]) for row in rows]
        for row, case in zip(rows, keys, strict=True):
            broken = self.case_row_broke(row)
            if None not in case and keys.count(case) > 1:
                broken.add("case_duplicate")
            if not broken:
                self.take_case(case, row, self.on)
                continue
            for code in broken:
                key = (code, row["casegroup_id"], *case, "CASE")
                was_on, hidden = self.refused.get(key, (self.on, False))
                self.refused[key] = (max(self.on, was_on), hidden or bool(row["nationally_sensitive"]))
            if row["nationally_sensitive"]:
                about = case if None not in case else (*case, row["casegroup_id"])
                if about not in self.doubts or self.doubts[about][0] <= self.on:
                    self.doubts[about] = (self.on, row)
            if None not in case and "case_duplicate" not in broken:
                self.put(self.refused_rows, case, row)

        for key, (refused_on, _) in list(self.refused.items()):
            if key[0] == "case_duplicate" and refused_on < self.on and keys.count(key[2:4]) == 1:
                del self.refused[key]

    @staticmethod
    def case_row_broke(row: Row) -> set[str]:
        """What a case row is refused for by itself."""
        broken = set()
        if None in (row["csa_system"], row["csa_case_id"], row["casegroup_id"]):
            broken.add("case_key_missing")
        for column, (values, null_passes) in CASE_VALUES.items():
            value = row[column]
            if (value is None and not null_passes) or (value is not None and value not in values):
                broken.add("case_enum_invalid")
        return broken

    def take_case(self, case: Case, row: Row, on: date) -> None:
        """A good row."""
        if row["case_status"] == "CLOSED" and row["closure_failure_code"] is None:
            self.closed_night[case] = max(on, self.closed_night.get(case, on))
        if case in self.cases and self.cases[case].on > on:
            return
        self.cases[case] = Held(row, on)
        if row["closure_failure_code"] is not None:
            self.failed_night[case] = max(on, self.failed_night.get(case, on))

    def mend_refused(self) -> None:
        """A refused case row that is good with what was entered for it is taken in."""
        for case, held in list(self.refused_rows.items()):
            if case in self.cases and self.cases[case].on > held.on:
                del self.refused_rows[case]
                continue
            now = self.mended(held.row, "CASE", case)
            still = self.case_row_broke(now)
            for key in list(self.refused):
                entered = now != held.row and key[0] != "case_duplicate"
                if entered and key[2:4] == case and key[0] not in still and self.refused[key][0] <= held.on:
                    del self.refused[key]
            if not still:
                self.take_case(case, now, held.on)
                del self.refused_rows[case]
                if case in self.doubts and self.doubts[case][0] <= held.on:
                    del self.doubts[case]

    def take_members(self) -> None:
        """Each case is in the casegroup it says, as entered; out of one that completed it cannot go."""
        self.sent_elsewhere.clear()
        for case in self.cases:
            says, stood = self.case(case)["casegroup_id"], self.member.get(case)
            if stood in self.completed and stood != says:
                self.sent_elsewhere.add(case)
            else:
                self.member[case] = says

    def forget_refused(self) -> None:
        """A refused row is made good by a later good row of that case; without a case number, of that casegroup."""

        def made_good(refused_on: date, casegroup: str | None, case: Case) -> bool:
            if None not in case:
                return case in self.cases and self.cases[case].on > refused_on
            return casegroup is not None and any(
                self.cases[one].on > refused_on for one in self.members(casegroup)
            )

        for key, (refused_on, _) in list(self.refused.items()):
            if made_good(refused_on, key[1], key[2:4]):
                del self.refused[key]
        for about, (refused_on, row) in list(self.doubts.items()):
            if made_good(refused_on, row["casegroup_id"], (row["csa_system"], row["csa_case_id"])):
                del self.doubts[about]

    def hide(self) -> None:
        """R26, R42: casegroups with a sensitive case, or one of whose rows was refused saying that it is."""
        self.hidden = {self.member[case] for case in self.cases if self.case(case)["nationally_sensitive"]}
        for _, row in self.doubts.values():
            case = (row["csa_system"], row["csa_case_id"])
            self.hidden |= {row["casegroup_id"], self.member.get(case)}
            # Where the money of a case that is not held is: with it, doubt is privacy.
            if case not in self.member:
                self.hidden |= {
                    self.owner(file, case) for file in self.arrivals if case in self.arrivals[file]
                }
        self.hidden.discard(None)

    def follow_moves(self) -> None:
        """R43: what is open about a case, exception or item, is its casegroup's: wherever it has gone, or once it is known."""
        for made in self.work:
            case = (made["csa_system"], made["csa_case_id"])
            stays = made["finding"] or made["status"] != "OPEN" or made["casegroup_id"] is None
            if not stays and case in self.member and made["casegroup_id"] != self.member[case]:
                if self.given.get((made["casegroup_id"], *case)) is made:
                    self.given[(self.member[case], *case)] = self.given.pop((made["casegroup_id"], *case))
                made["casegroup_id"] = self.member[case]
        for finding in self.open.values():
            code, _, system, number, subject = finding.key
            if self.stage(code) != "receiving" and finding.case in self.member:
                finding.key = (code, self.member[finding.case], system, number, subject)

    def take_inhibits(self, rows: list[Row]) -> None:
        """B70: only a team leader or above may set one; another's is refused."""
        for row in rows:
            number = row["inhibit_id"]
            if number is None:
                continue
            if row["set_by_role"] in ("TEAM_LEADER", "MANAGER"):
                self.put(self.inhibits, number, row)
                if number in self.bad_inhibits and self.bad_inhibits[number].on <= self.on:
                    del self.bad_inhibits[number]
            else:
                self.put(self.bad_inhibits, number, row)

    def take_failures(self, rows: list[Row]) -> None:
        """B53: an event, once by its key."""
        for row in rows:
            key = (row["csa_system"], row["csa_case_id"], row["failed_on"])
            if key in self.failure_reports:
                continue
            self.failure_reports[key] = self.on
            case = key[:2]
            self.failed_night[case] = max(self.on, self.failed_night.get(case, self.on))

    def take_balances(self, file: str, rows: list[Row]) -> None:
        """R20, and 'the latest arrival of a case counts'."""
        held = self.arrivals[file]
        new = [row for row in rows if self.seen.get((file, row["balance_id"])) != row]
        standing: dict[tuple[Any, ...], list[Row]] = {}
        for row in rows:
            standing.setdefault(self.about(row), []).append(row)
        for about, together in standing.items():
            before = held.get(about)
            if before is not None and before.on > self.on:
                continue
            if len(together) == 1 and (before is None or len(before.rows) == 1):
                last = (
                    self.seen.get((file, together[0]["balance_id"]))
                    if together[0]["balance_id"] is not None
                    else None
                )
                if last == together[0]:
                    continue
            held[about] = Arrival(together, self.on)
        for row in rows:
            if row["balance_id"] is not None:
                self.seen[(file, row["balance_id"])] = row
        whole = {
            row["casegroup_id"]
            for row in new
            if None not in (row["balance_id"], row["csa_system"], row["csa_case_id"])
        }
        for about in [
            about for about in held if len(about) == 3 and about not in standing and about[0] in whole
        ]:
            if held[about].on < self.on:
                del held[about]

    @staticmethod
    def about(row: Row) -> tuple[Any, ...]:
        """The case a balance is about or, when that is not known, its casegroup and what is known."""
        case = (row["csa_system"], row["csa_case_id"])
        return case if None not in case else (row["casegroup_id"], *case)

    # --- resolutions

    def targets(self, resolution: Resolution) -> list[tuple[Row, date]]:
        """The rows an extract has brought that a resolution is about."""
        row = resolution.row
        case = (row["csa_system"], row["csa_case_id"])
        if row["entity"] == "BALANCE":
            arrival = self.arrivals["csa_balances"].get(case)
            return [(found, arrival.on) for found in arrival.rows] if arrival else []
        if row["entity"] == "REPORT":
            report = self.reports.get(row["csa_case_id"])
            return [(report.row, report.on)] if report else []
        if row["entity"] == "CASE":
            brought = [rows[case] for rows in (self.cases, self.refused_rows) if case in rows]
            brought = sorted(brought, key=lambda held: held.on)[-1:]
        else:
            person = resolution.person
            brought = [self.parties[person[1]]] if person is not None and person[1] in self.parties else []
        return [(held.row, held.on) for held in brought]

    def lapse(self) -> None:
        """A resolution stands until an extract brings a value other than its old_value."""
        for entered in self.found["resolutions"].values():
            for resolution in entered:
                column = resolution.row["field"]
                for target, arrived in self.targets(resolution):
                    if not resolution.stands or arrived < resolution.on or column not in target:
                        continue
                    reached = {as_text(target[column])}
                    for other in entered:
                        same = other.row["field"] == column and can_be_entered(other.row, target)
                        if other.stands and same and other.row["old_value"] in reached:
                            reached.add(other.row["new_value"])
                    resolution.stands = resolution.row["old_value"] in reached

    def mended(self, row: Row, *about: Any) -> Row:
        """The row with what caseworkers entered for it; what cannot be entered changes nothing."""
        if len(about) == 2 and isinstance(about[1], tuple):
            about = (about[0], *about[1])
        now = dict(row)
        for resolution in self.found["resolutions"].get(about, []):
            its = resolution.row
            if not resolution.stands or not can_be_entered(its, row):
                continue
            if as_text(now[its["field"]]) == its["old_value"]:
                now[its["field"]] = from_text(its["new_value"], its["field"])
        return now

    def case(self, case: Case) -> Row:
        return self.mended(self.cases[case].row, "CASE", case)

    def party(self, party_id: str | None) -> Row | None:
        """[22]: what was entered for a parent is for the person, on whichever case."""
        held = self.parties.get(party_id) if party_id is not None else None
        return self.mended(held.row, "person", party_id) if held else None

    def paying_parent(self, casegroup: str) -> Row | None:
        """As the casegroup's first case names them."""
        members = self.members(casegroup)
        return self.party(self.case(members[0])["paying_parent_id"]) if members else None

    def receiving_parent(self, case: Case) -> Row | None:
        return self.party(self.case(case)["receiving_parent_id"])

    def rows_of(self, file: str, about: tuple[Any, ...]) -> list[Row]:
        """A balance as mended; null amounts stay null."""
        rows = self.arrivals[file][about].rows
        return (
            [self.mended(row, "BALANCE", about) for row in rows]
            if file == "csa_balances" and len(about) == 2
            else rows
        )

    # --- who belongs to whom

    def members(self, casegroup: str | None) -> list[Case]:
        """By (csa_system, csa_case_id); nil cases included."""
        return self.found["members"].get(casegroup, [])

    def owner(self, file: str, about: tuple[Any, ...]) -> str | None:
        """A balance belongs to the case's casegroup, not the row's."""
        if len(about) == 3:
            return about[0]
        if about in self.member:
            return self.member[about]
        return self.arrivals[file][about].rows[0]["casegroup_id"]

    def owners(self) -> set[str]:
        return {group for file in self.arrivals for group in self.found[file] if group is not None}

    def balances(self, casegroup: str | None, file: str) -> list[tuple[Any, ...]]:
        return self.found[file].get(casegroup, [])

    def is_sensitive(self, casegroup: str | None) -> bool:
        return casegroup in self.hidden

    # --- gates of receiving

    def judge_received(self) -> dict[Key, str]:
        """Every input rule that is broken as things stand tonight, with whom it is about."""
        broken: dict[Key, str] = {}
        for key in self.refused:
            code, group, system, number, _ = key
            about_group = group or self.member.get((system, number))
            broken[(code, about_group, system, number, "CASE")] = "CASE"
        for casegroup in set(self.member.values()):
            members = [case for case in self.members(casegroup) if case not in self.sent_elsewhere]
            if len({self.case(case)["paying_parent_id"] for case in members}) > 1:
                broken |= {("case_casegroup_conflict", casegroup, *case, "CASE"): "CASE" for case in members}
        for case in self.sent_elsewhere:
            broken[("case_casegroup_conflict", self.member[case], *case, "CASE")] = "CASE"
        for case, held in self.cases.items():
            if self.case(case)["closure_failure_code"] is not None:
                self.failed_night[case] = max(held.on, self.failed_night.get(case, held.on))
        for case, failed_on in list(self.failed_night.items()):
            if case in self.closed_night and self.closed_night[case] > failed_on:
                del self.failed_night[case]
            else:
                broken[("closure_failed", self.member.get(case), *case, "CASE")] = "CASE"
        for row in (held.row for held in self.bad_inhibits.values()):
            if row["removed_on"] is not None and row["removed_on"] <= self.latest:
                continue
            case = (row["csa_system"], row["csa_case_id"])
            broken[("inhibit_not_authorised", self.member.get(case), *case, "CASE")] = "CASE"
        for about in self.arrivals["csa_balances"]:
            owner = self.owner("csa_balances", about)
            for code in self.balance_broke(about):
                broken[(code, owner, *about[-2:], "BALANCE")] = "BALANCE"
        for about in self.balances(None, "clerical_balances"):
            if len(about) == 3 or about not in self.cases:
                code = "balance_key_missing" if len(about) == 3 else "balance_case_unknown"
                broken[(code, None, *about[-2:], "BALANCE")] = "BALANCE"
        return broken

    def balance_broke(self, about: tuple[Any, ...]) -> set[str]:
        arrival = self.arrivals["csa_balances"][about]
        rows = self.rows_of("csa_balances", about)
        case = about if len(about) == 2 else None
        codes: set[str] = set()
        if case is None or any(row["balance_id"] is None for row in rows):
            codes.add("balance_key_missing")
        if case is not None:
            if case not in self.cases:
                codes.add("balance_case_unknown")
            else:
                entered = [
                    row["casegroup_id"] != sent["casegroup_id"]
                    for row, sent in zip(rows, arrival.rows, strict=True)
                ]
                # Of a case that a caseworker moved, the extract goes on naming the old casegroup, and so do its balances.
                right = {self.member[case]}
                if case not in self.sent_elsewhere:
                    right.add(self.cases[case].row["casegroup_id"])
                differs = [row["casegroup_id"] not in right for row in rows]
                if any(differs) and (not arrival.agreed or any(entered)):
                    codes.add("balance_casegroup_mismatch")
                elif not any(entered):
                    arrival.agreed = True
            if len(rows) > 1:
                codes.add("balance_duplicate")
        for row in rows:
            amounts = [row[column] for column in NINE]
            if None in amounts or row["total_pence"] is None:
                codes.add("balance_amount_missing")
            elif sum(amounts) != row["total_pence"]:
                codes.add("balance_total_mismatch")
            if any(amount is not None and abs(amount) > self.limit_pence for amount in amounts):
                codes.add("balance_amount_implausible")
            start, end = row["arrears_from"], row["arrears_to"]
            owes = any((amount or 0) > 0 for amount in amounts)
            if (
                (start and end and start > end)
                or (end and end > arrival.on)
                or (owes and not (start and end))
            ):
                codes.add("balance_period_invalid")
        return codes

    # --- one casegroup

    def conclude(self, casegroup: str, tonight: dict[Key, str]) -> None:
        """The order of checks of R11."""
        if casegroup in self.completed:
            self.compare_completed(casegroup, tonight)
            return
        members = self.members(casegroup)
        rows = {
            about: self.rows_of("csa_balances", about) for about in self.balances(casegroup, "csa_balances")
        }
        reported = {
            about: self.rows_of("clerical_balances", about)
            for about in self.balances(casegroup, "clerical_balances")
        }
        money = {
            about: {
                bucket: sum(row[COLUMN[bucket]] or 0 for row in rows.get(about, []) + reported.get(about, []))
                for bucket in BUCKETS
            }
            for about in [*rows, *reported]
        }
        positive = {
            about[-2:]: about
            for about in money
            if any(
                (row[column] or 0) > 0
                for row in rows.get(about, []) + reported.get(about, [])
                for column in NINE
            )
        }
        gated = [key for key in self.of(casegroup, tonight) if key[0] not in WARNINGS | ROW_ONLY]
        if self.reported(casegroup):
            gated.append(("exception_reported", casegroup, None, None, "REPORT"))

        clerical = self.clerical(casegroup, members, bool(reported))
        hold = self.hold(casegroup, members, tonight)
        dues: list[Row] = []
        complete: str | None = None
        if clerical:
            self.clerical_items(
                casegroup, sorted((case for case in positive if case[1] is not None), key=str)
            )
        elif hold or gated:
            pass
        elif not positive:
            self.sync({}, "set_up", lambda f: f.key[1] == casegroup)
            complete = "NIL_ARREARS"
        elif not self.set_up(casegroup, members, sorted(positive)):
            dues = self.post(casegroup, sorted(positive), rows)
            complete = "ARREARS_ADDED"

        posted = {
            (*due["about"], due["creditor"], due["arrears_status"]): due["posted_pence"] for due in dues
        }
        self.position(
            casegroup,
            money,
            posted,
            {about for about in rows if not clerical and not self.balance_broke(about)},
        )
        received = sum(sum(buckets.values()) for buckets in money.values())
        if not clerical:
            self.close_clerical_items(casegroup, complete is not None)
        if complete:
            self.dues_of[casegroup] = dues
            self.frozen[casegroup] = {key: self.positions[key] for key in self.positions_of[casegroup]}
            self.completed[casegroup] = {
                case: (self.arrivals["csa_balances"][case], rows[case][0]) for case in members if case in rows
            }
            self.show(casegroup, "TRANSITION_COMPLETE", complete, received, sum(posted.values()), self.on)
            if dues:
                self.write_off_items(casegroup, sorted(positive), money)
                self.write(casegroup, sorted(positive), dues)
            return
        if clerical:
            outcome, reason = "CLERICAL", clerical
        elif hold:
            outcome, reason = "HELD", hold
        else:
            still = {f.key[0] for f in self.open_of(casegroup, "set_up")} | {key[0] for key in gated}
            outcome, reason = "EXCEPTION", ",".join(sorted(still))
        self.show(casegroup, outcome, reason, received, 0, None)

    def show(
        self, casegroup: str, outcome: str, reason: str, received: int, posted: int, completed_on: date | None
    ) -> None:
        now = Group(outcome, reason, received, posted, completed_on, self.on)
        was = self.groups.get(casegroup)
        if was is not None:
            now.changed_on = was.changed_on
            if now != was:
                now.changed_on = max(was.changed_on, self.on)
        self.groups[casegroup] = now

    def clerical(self, casegroup: str, members: list[Case], reported: bool) -> str | None:
        if self.is_sensitive(casegroup):
            return "NATIONALLY_SENSITIVE"
        if any(self.case(case)["partially_clerical"] for case in members):
            return "PARTIALLY_CLERICAL"
        return "CLERICAL_REPORT" if reported else None

    def reported(self, casegroup: str) -> bool:
        """R27: somebody outside reported an exception of it, or of a case of it, and nobody has said that it is cleared."""
        for report_id, held in self.reports.items():
            row = self.mended(held.row, "REPORT", report_id)
            owner = self.member.get((row["csa_system"], row["csa_case_id"]), row["casegroup_id"])
            if owner == casegroup and any(
                row["reported_on"] <= day and (row["cleared_on"] is None or row["cleared_on"] > day)
                for day in (self.on, self.latest)
            ):
                return True
        return False

    def hold(self, casegroup: str, members: list[Case], tonight: dict[Key, str]) -> str | None:
        if any(("closure_failed", casegroup, *case, "CASE") in tonight for case in members):
            return "CLOSURE_FAILED"
        dates = {self.on, self.latest}
        for case in members:
            row = self.case(case)
            ended = row["liability_end_date"] is not None and row["liability_end_date"] <= min(dates)
            if row["case_status"] != "CLOSED" or (row["case_type"] == "ONGOING" and not ended):
                return "OPEN_CASES"
        for case in members:
            row = self.case(case)
            if row["manual_inhibit"] or row["automatic_inhibit"]:
                return "INHIBITED"
            for inhibit in (held.row for held in self.inhibits.values()):
                if (inhibit["csa_system"], inhibit["csa_case_id"]) != case:
                    continue
                removed_on = inhibit["removed_on"] or date.max
                if self.late and removed_on > self.latest:
                    return "INHIBITED"
                if any(inhibit["set_on"] <= day < removed_on for day in dates):
                    return "INHIBITED"
        return None

    # --- set-up

    def matches(self, nino: str | None) -> list[Row]:
        """CIS persons of a NINO, on its first eight characters."""
        wanted = eight(nino)
        return [] if wanted is None else self.found["cis"].get(wanted, [])

    def on_register(self, payer: Row | None, receiver: Row | None) -> Row | None:
        """The lowest case of both parents on CMS's register."""
        both = (eight(payer["nino"]) if payer else None, eight(receiver["nino"]) if receiver else None)
        if None in both:
            return None
        there = self.found["payers"].get(both[0], [])
        return next((row for row in there if eight(row["receiving_parent_nino"]) == both[1]), None)

    def party_broke(self, party: Row | None) -> set[str]:
        if party is None:
            return {"party_missing"}
        codes: set[str] = set()
        if blank(party["surname"]):
            codes.add("surname_missing")
        born = party["date_of_birth"]
        if born is None:
            codes.add("date_of_birth_missing")
        elif any(born > day or not 12 <= age(born, day) <= 110 for day in (self.on, self.latest)):
            codes.add("date_of_birth_implausible")
        if not has_contact(party):
            codes.add("contact_missing")
        if compact(party["nino"]) is None:
            return codes | {"nino_missing"}
        if not is_nino(compact(party["nino"])):
            return codes | {"nino_invalid"}
        found = self.matches(party["nino"])
        if len(found) != 1:
            return codes | {"cis_multiple_matches" if found else "cis_no_match"}
        person = found[0]
        names = [(name(row["forenames"]), name(row["surname"])) for row in (party, person)]
        if not blank(party["surname"]) and names[0] != names[1]:
            codes.add("cis_name_mismatch")
        if born is not None and born != person["date_of_birth"]:
            codes.add("cis_date_of_birth_mismatch")
        if not blank(person["superseded_by_nino"]):
            codes.add("cis_superseded_nino")
        if person["date_of_death"] is not None:
            codes.add("cis_deceased")
        return codes

    def case_broke(self, case: Case, payer: Row | None, receiver: Row | None) -> dict[str, str]:
        row, codes = self.case(case), {}
        if case not in self.found["children"]:
            codes["child_missing"] = "CHILD"
        method = row["method_of_payment"]
        digits = [row["pp_sort_code"] or "", row["pp_account_number"] or ""]
        banked = [
            re.fullmatch(f"[0-9]{{{n}}}", text) is not None for n, text in zip((6, 8), digits, strict=True)
        ]
        if (
            method not in METHODS
            or (method in ("DIRECT_DEBIT", "STANDING_ORDER") and not all(banked))
            or (method in ("DEO", "DER") and blank(row["employer_reference"]))
        ):
            codes["method_of_payment_invalid"] = "CASE"
        if method == "BENEFIT_DEDUCTION" and payer is not None:
            found = self.matches(payer["nino"])
            if len(found) == 1 and not found[0]["benefit_live"]:
                codes["cis_benefit_missing"] = "PAYING_PARENT"
        if receiver is not None and region_of(receiver) is None:
            codes["region_unknown"] = "RECEIVING_PARENT"
        return codes

    def warned(self, party: Row | None, registered: str | None) -> set[str]:
        nino = compact(party["nino"]) if party else None
        if not is_nino(nino):
            return set()
        codes = {"nino_administrative_prefix"} if nino[:2] in ADMINISTRATIVE and registered is None else set()
        others = (
            [compact(registered)]
            if registered is not None
            else [compact(row["nino"]) for row in self.matches(nino)]
        )
        if len(others) == 1 and others[0] != nino:
            codes.add("nino_suffix_differs")
        return codes

    def set_up(self, casegroup: str, members: list[Case], required: list[Case]) -> bool:
        """Sets up what passes; True while the barrier holds (R7)."""
        payer, first = self.paying_parent(casegroup), members[0]
        routed = self.route(casegroup)
        broken: dict[Key, str] = {}
        warned: dict[Key, str] = {}
        to_create: list[Case] = []
        for case in required:
            receiver = self.receiving_parent(case)
            if case in self.cms:
                continue
            known = self.on_register(payer, receiver)
            if known is not None:
                self.cms[case] = {
                    "cms_case_id": known["cms_case_id"],
                    "cms_casegroup_id": known["cms_casegroup_id"],
                    "casegroup_id": casegroup,
                    "origin": "EXISTING",
                    "created_on": self.on,
                    "scheme": self.case(case)["scheme"],
                }
                for party, role in ((payer, "PAYING_PARENT"), (receiver, "RECEIVING_PARENT")):
                    for code in self.warned(party, known[f"{role.lower()}_nino"]):
                        warned[(code, casegroup, *case, role)] = role
                continue
            to_create.append(case)
            for party, role in ((payer, "PAYING_PARENT"), (receiver, "RECEIVING_PARENT")):
                for code in self.warned(party, None):
                    warned[(code, casegroup, *case, role)] = role
            for code in self.party_broke(receiver):
                broken[(code, casegroup, *case, "RECEIVING_PARENT")] = "RECEIVING_PARENT"
            broken |= {
                (code, casegroup, *case, who): who
                for code, who in self.case_broke(case, payer, receiver).items()
            }
        failing = {key[2:4] for key in broken}
        if to_create:
            payer_broke = self.party_broke(payer)
            broken |= {(code, casegroup, *first, "PAYING_PARENT"): "PAYING_PARENT" for code in payer_broke}
            for case in to_create:
                if not payer_broke and case not in failing:
                    self.create(casegroup, case, payer)
        self.sync(broken, "set_up", lambda f: f.key[1] == casegroup, routed)
        for key, who in warned.items():
            if self.ident(key) not in self.warnings:
                self.warnings.add(self.ident(key))
                self.findings.append(Finding(key, self.on, who, None, None, False))
        return bool(broken)

    def create(self, casegroup: str, case: Case, payer: Row | None) -> None:
        row, receiver = self.case(case), self.receiving_parent(case)
        assert payer is not None
        assert receiver is not None
        linked = [row["cms_casegroup_id"] for row in self.found["payers"].get(eight(payer["nino"]), [])]
        made = f"made for {eight(payer['nino'])}"
        benefit = (
            self.matches(payer["nino"])[0]["benefit_code"]
            if row["method_of_payment"] == "BENEFIT_DEDUCTION"
            else None
        )
        self.cms[case] = {
            "cms_case_id": f"made for {casegroup} {eight(payer['nino'])} {eight(receiver['nino'])}",
            "cms_casegroup_id": min(linked) if linked else made,
            "casegroup_id": casegroup,
            "origin": "ARREARS_ONLY",
            "created_on": self.on,
            "scheme": row["scheme"],
            "maintenance_region": region_of(receiver),
            "method_of_payment": row["method_of_payment"],
            "benefit_code": benefit,
        }
        self.made_for |= {casegroup, eight(payer["nino"])}
        self.item("ARREARS_ONLY_CASE_SET_UP", casegroup, case)

    def route(self, casegroup: str | None) -> tuple[str, str | None]:
        payer = self.paying_parent(casegroup) if casegroup is not None else None
        nino = eight(payer["nino"]) if payer else None
        there = self.found["payers"].get(nino, []) if nino is not None else []
        made_here = casegroup in self.made_for or (nino is not None and nino in self.made_for)
        if not there and not made_here:
            return ("FT_TEAM", None)
        return (
            "CASE_OWNER",
            next((row["case_owner"] for row in there if row["case_owner"] is not None), None),
        )

    # --- exceptions

    def open_of(self, casegroup: str | None, stage: str) -> list[Finding]:
        return [f for f in self.open.values() if f.key[1] == casegroup and self.stage(f.key[0]) == stage]

    @staticmethod
    def ident(key: Key) -> Ident:
        code, casegroup, system, number, subject = key
        return (code, system, number, subject, casegroup if None in (system, number) else None)

    @staticmethod
    def stage(code: str) -> str:
        receiving = code.startswith(("case_", "balance_")) or code in (
            "closure_failed",
            "inhibit_not_authorised",
        )
        return (
            "completed"
            if code == "balance_changed_after_completion"
            else "receiving"
            if receiving
            else "set_up"
        )

    def sync(
        self,
        found: dict[Key, str],
        stage: str,
        mine: Callable[[Finding], bool],
        route: tuple[str, str | None] | None = None,
    ) -> None:
        """Open what is new, resolve what is gone of `mine`; what stays takes the casegroup its case is in by now (R43)."""
        now = {self.ident(key): key for key in found}
        for ident, finding in list(self.open.items()):
            if self.stage(finding.key[0]) == stage and ident not in now and mine(finding):
                finding.resolved_on = self.latest
                if finding.key[1] is None and finding.case in self.member:
                    finding.key = (finding.key[0], self.member[finding.case], *finding.key[2:])
                del self.open[ident]
        for key in sorted(found, key=str):
            code, casegroup, system, number, _ = key
            if self.ident(key) in self.open:
                self.open[self.ident(key)].key = key
                continue
            owner = ("FT_TEAM", None) if code == "case_key_missing" else (route or self.route(casegroup))
            sensitive = any(
                hidden and one[0] == code and one[2:4] == key[2:4]
                for one, (_, hidden) in self.refused.items()
            )
            finding = Finding(key, self.on, found[key], *owner, sensitive)
            self.findings.append(finding)
            self.open[self.ident(key)] = finding
            if code != "balance_changed_after_completion":
                kind = "CLOSURE_FAILED" if code == "closure_failed" else "MANUAL_HANDLING"
                self.item(kind, casegroup, (system, number), finding)

    def of(self, casegroup: str | None, tonight: dict[Key, str]) -> dict[Key, str]:
        """Those of tonight's that are the casegroup's."""
        if self.found.get("tonight", {}).get("whose") != [id(tonight)]:
            self.found["tonight"] = {"whose": [id(tonight)]}
            for key in tonight:
                self.found["tonight"].setdefault((key[1],), []).append(key)
        return {key: tonight[key] for key in self.found["tonight"].get((casegroup,), [])}

    def compare_completed(self, casegroup: str, tonight: dict[Key, str]) -> None:
        """R20: what comes after completion never overwrites. R41: what was not posted is received and held."""
        found: dict[Key, str] = {}
        changed_arrivals = []
        for about in self.balances(casegroup, "csa_balances"):
            if about not in self.member:
                continue
            arrival = self.arrivals["csa_balances"][about]
            by, was = self.completed[casegroup].get(about, (None, None))
            if arrival is by:
                continue
            changed = False
            for row in self.rows_of("csa_balances", about):
                if was is None:
                    changed |= any((row[column] or 0) != 0 for column in NINE)
                else:
                    changed |= any(
                        (row[column] or 0) != (was[column] or 0)
                        for column in [*NINE, "arrears_from", "arrears_to"]
                    )
            if changed:
                found[("balance_changed_after_completion", casegroup, *about, "BALANCE")] = "BALANCE"
                if self.compared.get(about) is not arrival:
                    self.compared[about] = arrival
                    changed_arrivals.append(about)
        self.sync(found, "completed", lambda f: f.key[1] == casegroup)
        for about in changed_arrivals:
            key = ("balance_changed_after_completion", casegroup, *about, "BALANCE")
            self.item("ADD_CORRECT_ARREARS", casegroup, about, self.open[self.ident(key)])

        reported = self.balances(casegroup, "clerical_balances")
        for about in sorted(reported, key=str):
            owes = any((row[c] or 0) > 0 for row in self.rows_of("clerical_balances", about) for c in NINE)
            if owes and len(about) == 2 and (casegroup, *about) not in self.given:
                self.given[(casegroup, *about)] = self.item("ADD_CORRECT_ARREARS", casegroup, about)
        self.position_completed(casegroup)

    def position_completed(self, casegroup: str) -> None:
        """Figures stay as completed; the latest arrival of a case that had none then is received and held, credits too (it is a
        row that a rule refuses)."""
        settled = {key[:-2] for key, position in self.frozen[casegroup].items() if any(position.figures)}
        came = [about for about in self.balances(casegroup, "csa_balances") if about not in settled]
        reported = self.balances(casegroup, "clerical_balances")
        money: dict[tuple[Any, ...], dict[Any, int]] = {}
        for file, abouts in (("csa_balances", came), ("clerical_balances", reported)):
            for about in abouts:
                buckets = money.setdefault(about, dict.fromkeys(BUCKETS, 0))
                for row in self.rows_of(file, about):
                    for bucket in BUCKETS:
                        buckets[bucket] += row[COLUMN[bucket]] or 0
        for about, buckets in money.items():
            for bucket in BUCKETS if about not in settled else ():
                taken_in = self.accounts.taken_in((*about, *bucket))
                buckets[bucket] -= min(max(buckets[bucket], 0), taken_in)
        frozen = {key: position for key, position in self.frozen[casegroup].items() if key[:-2] in settled}
        self.position(casegroup, money, {}, set(), frozen)

    # --- money

    def position(
        self,
        casegroup: str | None,
        money: dict[tuple[Any, ...], dict[Any, int]],
        posted: dict[tuple[Any, ...], int],
        passed: set[tuple[Any, ...]],
        frozen: dict[tuple[Any, ...], Position] | None = None,
    ) -> None:
        """received = posted + held + credits, in every bucket of every case; on top of what is `frozen`."""
        now = dict(frozen or {})
        for about, buckets in money.items():
            for bucket, received in buckets.items():
                key = (*about, *bucket)
                due = posted.get((*about, *bucket), 0)
                credit = received if about in passed and received < 0 else 0
                stood = now.get(key, Position(casegroup, 0, 0, 0, 0))
                now[key] = Position(
                    casegroup,
                    stood.received + received,
                    stood.posted + due,
                    stood.held + received - due - credit,
                    stood.credit + credit,
                )
        mine = self.positions_of.setdefault(casegroup, set())
        for key in mine - set(now):
            if self.positions[key].casegroup == casegroup:
                del self.positions[key]
        self.positions_of[casegroup] = set(now)
        self.positions |= now

    def date_changes(self, before: dict[tuple[Any, ...], tuple[Any, ...]]) -> None:
        """The night of the latest change of each bucket, and of its credit; a move to another casegroup is none."""
        nothing = (0, 0, 0, 0)
        for key in set(before) | set(self.positions):
            held = self.positions.get(key)
            was, now = before.get(key, nothing), held.figures if held else nothing
            if was != now:
                self.position_on[key] = self.on
            if was[3] != now[3]:
                self.credit_on[key] = self.on

    def position_strays(self, tonight: dict[Key, str]) -> None:
        """Rows of no casegroup are received and held all the same; a casegroup whose last balance left has none."""
        stray: dict[tuple[Any, ...], dict[Any, int]] = {}
        for file in self.arrivals:
            for about in self.balances(None, file):
                buckets = stray.setdefault(about, dict.fromkeys(BUCKETS, 0))
                for row in self.rows_of(file, about):
                    for bucket in BUCKETS:
                        buckets[bucket] += row[COLUMN[bucket]] or 0
        self.position(None, stray, {}, set())
        for casegroup in set(self.groups) - self.owners() - set(self.completed):
            self.position(casegroup, {}, {}, set())
            del self.groups[casegroup]

    def post(self, casegroup: str, required: list[Case], rows: dict[tuple[Any, ...], list[Row]]) -> list[Row]:
        """R6: one due for each positive bucket, same pence, creditor, status and period."""
        made = []
        for case in required:
            balance = rows[case][0]
            for bucket in BUCKETS:
                if balance[COLUMN[bucket]] > 0:
                    due = {
                        "about": case,
                        "business_date": self.on,
                        "casegroup_id": casegroup,
                        "csa_system": case[0],
                        "csa_case_id": case[1],
                        "scheme": self.case(case)["scheme"],
                        "creditor": bucket[0],
                        "arrears_status": bucket[1],
                        "amount_pence": balance[COLUMN[bucket]],
                        "posted_pence": balance[COLUMN[bucket]],
                        "arrears_from": balance["arrears_from"],
                        "arrears_to": balance["arrears_to"],
                    }
                    self.dues[(*case, *bucket)] = due
                    made.append(due)
        return made

    # --- items and letters

    def item(self, kind: str, casegroup: str | None, case: Case, finding: Finding | None = None) -> Row:
        """A work item; of an exception, it goes with that in casegroup and status."""
        made = {
            "business_date": self.on,
            "type": kind,
            "casegroup_id": casegroup,
            "csa_system": case[0],
            "csa_case_id": case[1],
            "status": "OPEN",
            "finding": finding,
        }
        self.work.append(made)
        return made

    def close_clerical_items(self, casegroup: str, complete: bool) -> None:
        """No longer clerical: nothing is left to add by hand for a case that was set up, or completed, by itself."""
        for key, made in list(self.given.items()):
            set_up = made["type"] == "ARREARS_ONLY_APPLICATION" and key[1:] in self.cms
            if key[0] == casegroup and (complete or set_up):
                made["status"] = "CLOSED"
                del self.given[key]

    def clerical_items(self, casegroup: str, cases: list[Case]) -> None:
        for case in cases:
            known = False
            if case in self.cases:
                payer = self.party(self.case(case)["paying_parent_id"])
                known = case in self.cms or self.on_register(payer, self.receiving_parent(case)) is not None
            if (casegroup, *case) not in self.given:
                kind = "ADD_CORRECT_ARREARS" if known else "ARREARS_ONLY_APPLICATION"
                self.given[(casegroup, *case)] = self.item(kind, casegroup, case)

    def write_off_items(
        self, casegroup: str, required: list[Case], money: dict[tuple[Any, ...], dict[Any, int]]
    ) -> None:
        """R14."""
        for case in required:
            row = self.case(case)
            owed = sum(max(money[case][bucket], 0) for bucket in BUCKETS if bucket[0] == "RP")
            keeps = {"WRITE_OFF": 0, "PART_WRITE_OFF": row["rp_keep_pence"] or 0}.get(
                row["rp_arrears_decision"]
            )
            if keeps is not None and owed > keeps:
                self.item("CONFIRM_WRITE_OFF", casegroup, case)

    def write(self, casegroup: str, required: list[Case], dues: list[Row]) -> None:
        """6301 once to the paying parent, 6302 for each required case, each with its covering letter."""
        self.letter(
            "CMSL6301",
            "PAYING_PARENT",
            casegroup,
            (None, None),
            self.paying_parent(casegroup),
            sum(due["posted_pence"] for due in dues),
        )
        for case in required:
            self.letter(
                "CMSL6302",
                "RECEIVING_PARENT",
                casegroup,
                case,
                self.receiving_parent(case),
                sum(due["posted_pence"] for due in dues if due["about"] == case),
            )

    def letter(self, code: str, role: str, casegroup: str, case: Case, party: Row | None, total: int) -> None:
        assert party is not None
        dead = party["date_of_death"] is not None or any(
            p["date_of_death"] is not None for p in self.matches(party["nino"])
        )
        status, reason = "ISSUED", None
        if not can_be_written_to(party):
            status, reason = "NOT_ISSUED", "NO_VALID_ADDRESS"
        elif party["dlo"]:
            status, reason = "SUPPRESSED", "DLO"
        elif dead:
            status, reason = "SUPPRESSED", "DECEASED"

        def letter_id(code: str) -> str:
            return f"{code}-{casegroup}-{case[0] or ''}-{case[1] or ''}-{party['party_id']}-{self.on}"

        about = {
            "business_date": self.on,
            "party_id": party["party_id"],
            "casegroup_id": casegroup,
            "csa_system": case[0],
            "csa_case_id": case[1],
        }
        self.letters.append(
            {
                **about,
                "letter_id": letter_id(code),
                "code": code,
                "recipient_role": role,
                "status": status,
                "reason": reason,
                "covers_letter_id": None,
                "total_pence": total,
            }
        )
        if not blank(party["representative_name"]):
            if not representative_can_be_written_to(party):
                status, reason = "NOT_ISSUED", "NO_VALID_ADDRESS"
            self.letters.append(
                {
                    **about,
                    "letter_id": letter_id("CMSL6314"),
                    "code": "CMSL6314",
                    "recipient_role": "REPRESENTATIVE",
                    "status": status,
                    "reason": reason,
                    "covers_letter_id": letter_id(code),
                    "total_pence": None,
                }
            )

    # --- the night's figures and the views

    def close(self, files: dict[str, list[Row]]) -> None:
        """What the night's figures are made of; on which side each stands, the view says (R42)."""
        landed = [row for file in ("csa_balances", "clerical_balances") for row in files.get(file, [])]
        held = [(key[-4:-2], p.casegroup, p.held) for key, p in self.positions.items() if p.held]
        self.nights[self.on] = {"landed": landed, "held": held}

    def whose(self, case: Any, casegroup: str | None) -> bool:
        """Whether what names this case and casegroup is sensitive."""
        return self.is_sensitive(self.member.get(tuple(case), casegroup))

    def side(self, finding: Finding) -> bool:
        casegroup = finding.key[1] or self.member.get(finding.case)
        if casegroup is not None:
            return self.is_sensitive(casegroup)
        return finding.sensitive or any(
            (row["csa_system"], row["csa_case_id"]) == finding.case for _, row in self.doubts.values()
        )

    def view(self, name: str, sensitive: bool = False) -> list[Row]:
        """The rows of a view, for ordinary or for sensitive casegroups, with the columns that are settled."""
        rows: list[tuple[bool, Row]] = getattr(self, f"_view_{name}")()
        return [row for side, row in rows if side == sensitive]

    def _view_casegroup_outcomes(self) -> list[tuple[bool, Row]]:
        return [
            (
                self.is_sensitive(casegroup),
                {
                    "business_date": g.changed_on,
                    "casegroup_id": casegroup,
                    "outcome": g.outcome,
                    "reason": g.reason,
                    "received_pence": g.received_pence,
                    "posted_pence": g.posted_pence,
                    "completed_on": g.completed_on,
                },
            )
            for casegroup, g in self.groups.items()
        ]

    def _view_dues(self) -> list[tuple[bool, Row]]:
        return [
            (
                self.is_sensitive(due["casegroup_id"]),
                {"allocated_pence": 0} | {k: v for k, v in due.items() if k != "about"},
            )
            for due in self.dues.values()
        ]

    def _view_ledger(self) -> list[tuple[bool, Row]]:
        return [
            (
                self.is_sensitive(due["casegroup_id"]),
                {
                    "business_date": due["business_date"],
                    "csa_system": due["csa_system"],
                    "csa_case_id": due["csa_case_id"],
                    "creditor": due["creditor"],
                    "arrears_status": due["arrears_status"],
                    "kind": "POSTED",
                    "amount_pence": due["posted_pence"],
                    "reference": None,
                },
            )
            for due in self.dues.values()
            if due["posted_pence"]
        ] + [
            (self.is_sensitive(self.member.get((row["csa_system"], row["csa_case_id"]))), row)
            for row in self.accounts.entries_of_ledger
        ]

    def _view_payments(self) -> list[tuple[bool, Row]]:
        return self.accounts.view_payments()

    def _view_corrections(self) -> list[tuple[bool, Row]]:
        return self.accounts.view_corrections()

    def _view_waiting(self) -> list[tuple[bool, Row]]:
        return self.accounts.view_waiting()

    def _view_prompts(self) -> list[tuple[bool, Row]]:
        return self.accounts.view_prompts()

    def _view_cases(self) -> list[tuple[bool, Row]]:
        rows = []
        for (system, number), row in self.cms.items():
            new = row["origin"] == "ARREARS_ONLY"
            shared = sorted(
                case for case, other in self.cms.items() if other["cms_case_id"] == row["cms_case_id"]
            )
            rows.append(
                (
                    self.is_sensitive(row["casegroup_id"]),
                    {
                        "casegroup_id": row["casegroup_id"],
                        "csa_system": system,
                        "csa_case_id": number,
                        "scheme": row["scheme"],
                        "origin": row["origin"],
                        "created_on": row["created_on"],
                        "cms_case_id": None if new else row["cms_case_id"],
                        "shared_with": shared,
                        "cms_casegroup_id": None
                        if row["cms_casegroup_id"].startswith("made for")
                        else row["cms_casegroup_id"],
                        "maintenance_region": row["maintenance_region"] if new else None,
                        "method_of_payment": row["method_of_payment"] if new else None,
                        "benefit_code": row["benefit_code"] if new else None,
                    },
                )
            )
        return rows

    def _view_exceptions(self) -> list[tuple[bool, Row]]:
        return [
            (
                self.side(f),
                {
                    "business_date": f.opened_on,
                    "rule_code": f.key[0],
                    "subject": f.key[4],
                    "severity": f.severity,
                    "casegroup_id": f.key[1],
                    "csa_system": f.key[2],
                    "csa_case_id": f.key[3],
                    "route": f.route,
                    "case_owner": f.case_owner,
                    "status": "RESOLVED" if f.resolved_on else "OPEN",
                    "resolved_on": f.resolved_on,
                },
            )
            for f in self.findings
        ]

    def _view_credits(self) -> list[tuple[bool, Row]]:
        return [
            (
                self.is_sensitive(p.casegroup),
                {
                    "business_date": self.credit_on[key],
                    "csa_system": key[-4],
                    "csa_case_id": key[-3],
                    "creditor": key[-2],
                    "arrears_status": key[-1],
                    "amount_pence": p.credit,
                },
            )
            for key, p in self.positions.items()
            if p.credit
        ]

    def _view_work_items(self) -> list[tuple[bool, Row]]:
        rows = []
        for made in self.work:
            finding = made["finding"]
            row = {column: value for column, value in made.items() if column != "finding"}
            side = self.is_sensitive(row["casegroup_id"])
            if finding is not None:
                side = self.side(finding)
                row["casegroup_id"] = finding.key[1]
                row["status"] = "CLOSED" if finding.resolved_on else "OPEN"
            rows.append((side, row))
        return rows

    def _view_letters(self) -> list[tuple[bool, Row]]:
        return [(self.is_sensitive(letter["casegroup_id"]), letter) for letter in self.letters]

    def _view_reconciliation(self) -> list[tuple[bool, Row]]:
        rows = []
        for key in set(self.positions) | set(self.closing):
            position, held = self.positions.get(key), self.closing.get(key)
            left = (held.row["amount_pence"] or 0) if held else 0
            figures = position.figures if position else (0, 0, 0, 0)
            if not left and not any(figures):
                continue
            received = figures[0]
            kind = (
                None
                if left == received
                else "MISSING_ON_CMS"
                if not received
                else "NOT_ON_CSA"
                if not left
                else "AMOUNT_DIFFERS"
            )
            casegroup = position.casegroup if position else self.member.get(key[:2])
            changed = max(
                on for on in (self.position_on.get(key), self.closing_on.get(key)) if on is not None
            )
            rows.append(
                (
                    self.is_sensitive(casegroup),
                    {
                        "business_date": changed,
                        "csa_system": key[-4],
                        "csa_case_id": key[-3],
                        "creditor": key[-2],
                        "arrears_status": key[-1],
                        "left_csa_pence": left,
                        "received_pence": received,
                        "posted_pence": figures[1],
                        "held_pence": figures[2],
                        "credit_pence": figures[3],
                        "break_type": kind,
                    },
                )
            )
        return rows

    def _view_nights(self) -> list[tuple[bool, Row]]:
        rows = []
        for on, night in self.nights.items():
            for side in (False, True):
                mine = [
                    row
                    for row in night["landed"]
                    if self.whose((row["csa_system"], row["csa_case_id"]), row["casegroup_id"]) == side
                ]
                found = [f for f in self.findings if self.side(f) == side]
                rows.append(
                    (
                        side,
                        {
                            "business_date": on,
                            "status": "SUCCESS",
                            "casegroups_received": len({row["casegroup_id"] for row in mine} - {None}),
                            "received_pence": sum(row[column] or 0 for row in mine for column in NINE),
                            "posted_pence": sum(
                                due["posted_pence"]
                                for due in self.dues.values()
                                if due["business_date"] == on
                                and self.is_sensitive(due["casegroup_id"]) == side
                            ),
                            "held_pence": sum(
                                held
                                for case, casegroup, held in night["held"]
                                if self.whose(case, casegroup) == side
                            ),
                            "exceptions_opened": sum(
                                f.opened_on == on and f.severity == "HOLD" for f in found
                            ),
                            "exceptions_resolved": sum(f.resolved_on == on for f in found),
                            "letters_issued": sum(
                                letter["business_date"] == on
                                and letter["status"] == "ISSUED"
                                and self.is_sensitive(letter["casegroup_id"]) == side
                                for letter in self.letters
                            ),
                        },
                    )
                )
        return rows
