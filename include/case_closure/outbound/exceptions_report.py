"""The daily exceptions report for the team leader of the financial transition team (B45, B48, R10, R26).

Belongs here: the words of a line, the figures by rule, route, age and system, and the four files. Does not belong here:
which exceptions there are (``store.reports``), what is wrong and what to do (``domain.rules`` says both).

CSV, Parquet and Excel hold every exception; the page adds them up and lists, for each rule, as many as a person reads.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from markupsafe import Markup
from xlsxwriter.worksheet import Worksheet

from case_closure.domain.codes import ROUTES_SAID
from case_closure.domain.money import CREDITORS_SAID, pounds
from case_closure.domain.rules import RULES
from case_closure.domain.texts import printable
from case_closure.outbound import outstanding
from case_closure.outbound.folder import WrittenFile, exact_total, write_csv
from case_closure.outbound.outstanding import Money
from case_closure.outbound.workbook import MOST_ROWS, Book, Column, writing

NAME = "exceptions_report"
LISTED_A_RULE = 40
_LONGEST_SHOWN = 500
_DRAWN_RULES = 12
_BATCH = 10_000

NEW, OPEN, RESOLVED = "NEW", "OPEN", "RESOLVED"
STATES = {NEW: "New tonight", OPEN: "Still open", RESOLVED: "Resolved tonight"}
ROUTES = {route: said[0].upper() + said[1:] for route, said in ROUTES_SAID.items()} | {
    None: "Nobody: a warning"
}
AGES = (
    (0, "New tonight"),
    (7, "1 to 7 days"),
    (28, "8 to 28 days"),
    (91, "29 to 91 days"),
    (None, "Over 91 days"),
)
_WHOSE = {
    "PAYING_PARENT": " of the paying parent", "RECEIVING_PARENT": " of the receiving parent",
}  # fmt: skip
_FIELDS = {
    "address_line_1": "first line of the address", "arrears_from": "first day of the arrears",
    "arrears_to": "last day of the arrears", "balance_id": "number of the balance", "benefit_live": "benefit",
    "casegroup_id": "casegroup", "child_id": "the qualifying child", "csa_case_id": "CSA case number",
    "csa_system": "CSA system", "letter_id": "number of the letter", "ltr_id": "number of the request",
    "new_amount_pence": "amount asked for", "nino": "National Insurance number", "received_on": "day of receipt",
    "rp_arrears_decision": "receiving parent's decision about the arrears",
    "party_id": "the whole record", "paying_parent_id": "paying parent", "pp_account_number": "paying parent's account number",
    "pp_sort_code": "paying parent's sort code", "set_by_role": "role of who set the inhibit",
    "total_pence": "total of the nine amounts", "value": "amount of the payment",
}  # fmt: skip
# What a reference is of, by what the exception is about.
_REFERENCES = {
    "APPLICATION": "application", "LTR": "request", "LETTER": "letter", "BALANCE": "correction", "CORRECTION": "correction",
    "CSA_ACTION": "CSA action", "RECORD": "record", "ENFORCEMENT_ACTION": "enforcement action", "REPORT": "report",
    "RESOLUTION": "entry",
}  # fmt: skip
_CREDITORS = {code.lower(): said for code, said in CREDITORS_SAID.items()}

# Of the CSV and the Parquet file.
COLUMNS = (
    "state", "rule_code", "csa_system", "csa_case_id", "casegroup_id", "what_is_wrong", "where_to_look", "what_to_do",
    "what_to_enter", "value_found", "route", "case_owner", "status", "allocated_to", "first_seen_on", "age_days",
    "casegroup_held_pence", "casegroup_implausible", "severity", "resolved_by", "exception_id",
)  # fmt: skip

Row = dict[str, Any]


def write(rows: pa.Table, money: Money, folder: Path, on: date) -> list[WrittenFile]:
    """`exceptions_report.csv`, `.parquet`, `.xlsx` and `.html` from what ``store.reports.exceptions_as_of`` gives, and what
    ``store.outstanding.as_of`` gives.

    Each answers for every exception; the CSV and Parquet for the sum of what their casegroups hold, in pence.
    """
    table = in_words(rows)
    total = {"casegroup_held_pence": exact_total(table["casegroup_held_pence"])}
    csv = write_csv(folder, f"{NAME}.csv", table, tuple(total))
    pq.write_table(table, folder / f"{NAME}.parquet")
    summary = Summary.of(_each(rows))
    _workbook(folder / f"{NAME}.xlsx", table, summary, money, on)
    (folder / f"{NAME}.html").write_text(_page(summary, money, on), encoding="utf-8")
    others = [WrittenFile(f"{NAME}.{kind}", rows.num_rows) for kind in ("xlsx", "html")]
    return [csv, WrittenFile(f"{NAME}.parquet", rows.num_rows, total), *others]


# --- a line in words


def in_words(rows: pa.Table) -> pa.Table:
    """The report's lines: the columns of ``COLUMNS``, in the order of ``rows``."""
    words: dict[str, tuple[Callable[[Row], str | None], list[str | None]]] = {
        "what_is_wrong": (wrong, []),
        "where_to_look": (where, []),
        "what_to_do": (do, []),
        "what_to_enter": (enter, []),
        "value_found": (found, []),
    }
    for line in _each(rows):
        for say, said in words.values():
            said.append(say(line))
    columns = {name: pa.array(said, pa.string()) for name, (_, said) in words.items()}
    none = pa.scalar(None, pa.string())
    columns["casegroup_implausible"] = pc.if_else(rows["casegroup_implausible"], pa.scalar("yes"), none)
    return pa.table({name: columns.get(name, _column(rows, name)) for name in COLUMNS})


def _column(rows: pa.Table, name: str) -> pa.ChunkedArray | None:
    return rows[name] if name in rows.column_names else None


def _each(rows: pa.Table) -> Iterator[Row]:
    """One row after the other: on a bad night there are more than should be in memory as Python sees them."""
    for batch in rows.to_batches(max_chunksize=_BATCH):
        yield from batch.to_pylist()


def wrong(line: Row) -> str:
    """What is wrong; a rule that is no more keeps the words it was opened with."""
    rule = RULES.get(line["rule_code"])
    return rule.says if rule else str(line["message"])


def do(line: Row) -> str:
    """The next step."""
    rule = RULES.get(line["rule_code"])
    return rule.do if rule else ""


def where(line: Row) -> str:
    """Where to look: the system and case to open; where there is no case, what the row was about and when it came."""
    system, case_id, reference = line["csa_system"], line["csa_case_id"], line["subject_reference"]
    if line["subject"] == "PAYMENT":
        return f"{system or 'CSA'} payment file received {line['first_seen_on']}, receipt {reference or 'without a reference'}"
    of_what = _REFERENCES.get(line["subject"] or "", "reference")
    about = f"{of_what} {reference}" if reference else None
    if case_id is not None:
        case = f"{system or 'CSA system not given'}, case {case_id}"
        return f"{case}, {about}" if about else case
    casegroup = f"casegroup {line['casegroup_id']}" if line["casegroup_id"] else None
    known = ", ".join(words for words in (about, casegroup) if words)
    return f"Warehouse extract of {line['first_seen_on']}, {known or 'the row without a key'}"


def enter(line: Row) -> str | None:
    """What has to be entered or sent again: the field, in words, and whose it is."""
    name = line["field"]
    if not name:
        return None
    return field_in_words(name) + _WHOSE.get(line["subject"] or "", "")


def found(line: Row) -> str | None:
    """What was found there, masked as it is stored; an amount of pence in pounds."""
    value: str | None = line["value"]
    if value and (line["field"] or "").endswith("_pence") and value.removeprefix("-").isdecimal():
        return f"{pounds(int(value))} GBP"
    return value


def field_in_words(name: str) -> str:
    """A column of the extract as a caseworker says it: rp_active_pence -> active arrears owed to the receiving parent."""
    for short, creditor in _CREDITORS.items():
        for status in ("active", "suspended", "deferred"):
            if name == f"{short}_{status}_pence":
                return f"{status} arrears owed to the {creditor}"
    return _FIELDS.get(name, name.removesuffix("_pence").replace("_", " "))


# --- added up


@dataclass
class Line:
    """One line of a summary: how many are new, still open and resolved, how old, and pounds held.

    ``by_age``: how many are open, for each of AGES. ``held``: by casegroup, but for those with an implausible amount, which stand
    apart; ``ages``: how old the oldest of its exceptions here is.
    """

    name: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    oldest: int = 0
    by_age: dict[str, int] = field(default_factory=lambda: dict.fromkeys(dict(AGES).values(), 0))
    held: dict[str, int] = field(default_factory=dict)
    ages: dict[str, int] = field(default_factory=dict)

    def take(self, row: Row) -> None:
        """Counts one exception; its casegroup's money once, however many exceptions the casegroup has."""
        self.counts[row["state"]] += 1
        if row["state"] != RESOLVED:
            self.oldest = max(self.oldest, row["age_days"])
            self.by_age[_age(row["age_days"])] += 1
            if not row["casegroup_implausible"]:
                group = row["casegroup_id"] or ""
                self.held[group] = row["casegroup_held_pence"]
                self.ages[group] = max(self.ages.get(group, 0), row["age_days"])

    @property
    def all(self) -> int:
        return sum(self.counts.values())

    @property
    def open(self) -> int:
        return self.counts[NEW] + self.counts[OPEN]

    @property
    def held_pence(self) -> int:
        return sum(self.held.values())

    @property
    def held_by_age(self) -> dict[str, int]:
        """What is held, by how old the oldest exception of each casegroup here is, for each of AGES."""
        by_age = {name: 0 for _, name in AGES}
        for group, pence in self.held.items():
            by_age[_age(self.ages[group])] += pence
        return by_age


NOBODY = "nobody yet"


@dataclass
class Summary:
    """Everything the page and the workbook say beside the lines themselves. Warnings stop nothing and are apart."""

    total: Line
    rules: dict[str, Line]
    routes: dict[str, Line]
    people: dict[str, Line]
    ages: dict[str, Line]
    systems: dict[str, Line]
    warnings: dict[str, Line]
    listed: dict[str, list[Row]]
    apart: dict[str, Row]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Summary:
        """From the rows of ``store.reports.exceptions_as_of``; of each rule it keeps those to list."""
        summary = cls(Line("All"), {}, {}, {}, {name: Line(name) for _, name in AGES}, {}, {}, {}, {})
        for row in rows:
            code = row["rule_code"]
            if row["severity"] == "WARNING":
                summary.warnings.setdefault(code, Line(code)).take(row)
                continue
            route = ROUTES.get(row["route"], str(row["route"]))
            places = [
                (summary.rules, code),
                (summary.routes, route),
                (summary.systems, row["csa_system"] or "not given"),
            ]
            for lines, name in places:
                lines.setdefault(name, Line(name)).take(row)
            if row["state"] != RESOLVED:
                summary.ages[_age(row["age_days"])].take(row)
                person = row["allocated_to"] or NOBODY
                summary.people.setdefault(person, Line(person)).take(row)
                if row["casegroup_implausible"]:
                    summary.apart.setdefault(row["casegroup_id"] or "", row)
            summary.total.take(row)
            listed = summary.listed.setdefault(code, [])
            listed.append(row)
            if len(listed) >= 10 * LISTED_A_RULE:
                summary.listed[code] = _first(listed)
        for lines in (summary.rules, summary.routes, summary.people, summary.systems, summary.warnings):
            ordered = sorted(lines.items(), key=lambda item: (-item[1].open, item[0]))
            lines.clear()
            lines.update(ordered)
        return summary

    @property
    def allocated(self) -> dict[str, Line]:
        """Who has those that are open; none where nobody has any yet, for that would say what the total says."""
        return self.people if self.people.keys() - {NOBODY} else {}

    @property
    def apart_pence(self) -> int:
        """What the casegroups with an implausible amount hold: in no other figure."""
        return sum(row["casegroup_held_pence"] for row in self.apart.values())

    def bars(self) -> list[tuple[Line, list[tuple[int, str, int, float, float]]]]:
        """The rules that hold most, to draw: of each its line, and of each of AGES its number, name and pence, where it starts
        and how long it is, in hundredths of the longest bar."""
        most = sorted(self.rules.values(), key=lambda line: (-line.held_pence, line.name))[:_DRAWN_RULES]
        drawn = [(line, line.held_by_age) for line in most if line.held_pence > 0]
        longest = max((sum(max(pence, 0) for pence in ages.values()) for _, ages in drawn), default=0)
        bars = []
        for line, ages in drawn:
            at, parts = 0, []
            for shade, (name, pence) in enumerate(ages.items()):
                size = max(pence, 0)
                parts.append(
                    (shade, name, pence, round(100 * at / longest, 3), round(100 * size / longest, 3))
                )
                at += size
            bars.append((line, parts))
        return bars

    def first_of(self, code: str) -> list[Row]:
        """The exceptions of a rule to list: the new ones first, then the oldest, then those resolved."""
        return _first(self.listed[code])


def _first(rows: list[Row]) -> list[Row]:
    order = {NEW: 0, OPEN: 1, RESOLVED: 2}
    return sorted(rows, key=lambda row: (order[row["state"]], -row["age_days"], row["exception_id"]))[
        :LISTED_A_RULE
    ]


def _age(days: int) -> str:
    return next(name for limit, name in AGES if limit is None or days <= limit)


# --- Excel

# In the order in which they are read: what prints on a page comes first, the rest stands beside it.
_PRINTED = [
    Column("state", width=9), Column("rule_code", width=24), Column("what_is_wrong", width=29), Column("where_to_look", width=24),
    Column("what_to_enter", width=22), Column("value_found", width=13), Column("with_whom", width=15),
    Column("age_days", "whole", 6), Column("casegroup_held_gbp", "pounds", 14), Column("what_to_do", width=36),
]  # fmt: skip
_BESIDE = [
    Column("csa_system", width=10), Column("csa_case_id", width=15), Column("casegroup_id", width=14), Column("route", width=24),
    Column("case_owner", width=16), Column("status", width=11), Column("allocated_to", width=16),
    Column("first_seen_on", "date", 13), Column("casegroup_held_pence", "pence", 18), Column("casegroup_implausible", width=13),
    Column("severity", width=18), Column("resolved_by", width=24), Column("exception_id", width=50),
]  # fmt: skip
_SHEET = [*_PRINTED, *_BESIDE]
_SEVERITIES = {"HOLD": "Stops its record", "WARNING": "Warning, stops nothing"}
_STATUSES = {"OPEN": "Open", "ALLOCATED": "Allocated", "RESOLVED": "Resolved"}


def _workbook(path: Path, table: pa.Table, summary: Summary, money: Money, on: date) -> None:
    headed = [
        Column(column.heading.replace("_", " ").replace("gbp", "GBP").replace("csa", "CSA"), column.kind) for column in _SHEET
    ]  # fmt: skip
    with writing(path, f"Exceptions report, night of {on}", on) as book:
        _summary_sheet(book, summary, money, on)
        for number, start in enumerate(range(0, max(table.num_rows, 1), MOST_ROWS), 1):
            name = "exceptions" if number == 1 else f"exceptions {number}"
            sheet = book.sheet(name, [column.width for column in _SHEET])
            row = book.headings(sheet, 0, headed)
            sheet.freeze_panes(1, 0)
            sheet.repeat_rows(0)
            for line in _each(table.slice(start, MOST_ROWS)):
                row = book.row(sheet, row, _SHEET, _cells(line))
            sheet.print_area(0, 0, row - 1, len(_PRINTED) - 1)
            if row > 1:
                sheet.autofilter(0, 0, row - 1, len(_SHEET) - 1)


def _cells(line: Row) -> list[Any]:
    """A line of the sheet: codes in their words, but for the rule's, which stands before its own."""
    said = line | {
        "state": STATES[line["state"]].removesuffix(" tonight").removeprefix("Still ").capitalize(),
        "with_whom": whose(line),
        "route": ROUTES.get(line["route"], line["route"]),
        "status": _STATUSES.get(line["status"], line["status"]),
        "severity": _SEVERITIES.get(line["severity"], line["severity"]),
        "casegroup_held_gbp": line["casegroup_held_pence"],
    }
    return [said[column.heading] for column in _SHEET]


def _summary_sheet(book: Book, summary: Summary, money: Money, on: date) -> None:
    columns = [
        Column("", width=58), Column("New tonight", "whole", 10), Column("Still open", "whole", 10),
        Column("Open, all", "whole", 10), Column("Resolved tonight", "whole", 10), Column("Oldest, days", "whole", 10),
        Column("Held, GBP", "pounds", 20), Column("Held, pence", "pence", 20),
    ]  # fmt: skip
    widths = [column.width for column in columns]
    sheet = book.sheet("summary", widths)
    book.pages(sheet)
    row = book.words(sheet, 0, f"Exceptions report, night of {_day(on)}", "title")
    row = book.words(sheet, row, "For the team leader of the financial transition team.", "note")
    row = book.across(sheet, row, _HELD, widths, "wrapped note")
    if summary.apart:
        row = book.across(sheet, row, _apart(summary), widths, "wrapped")
    first = None
    for title, lines in _tables(summary):
        many = list(lines)
        book.together(sheet, row + 1, 50 + 28 * min(len(many), 5))
        row = book.words(sheet, row + 1, title, "section")
        first = row if first is None else first
        row = book.headings(sheet, row, columns)
        for line in many:
            row = book.row(sheet, row, columns, [_named(line.name), *_figures(line)])
        if title == _BY_RULE:
            row = book.row(sheet, row, columns, ["All", *_figures(summary.total)], bold=True)
    row = _ages_sheet(book, sheet, row, summary)
    row = _money_sheet(book, sheet, row, widths, money)
    if summary.apart:
        book.together(sheet, row + 1, 100)
        row = book.words(sheet, row + 1, "Implausible amounts, in no figure above", "section")
        short = [Column("Casegroup", width=58), *[Column("")] * 5, *columns[6:]]
        row = book.headings(sheet, row, short)
        for group, one in list(summary.apart.items())[:LISTED_A_RULE]:
            held_pence = one["casegroup_held_pence"]
            named = f"{group or 'not given'}: {where(one)}"
            row = book.row(sheet, row, short, [named, *[None] * 5, held_pence, held_pence])
        if len(summary.apart) > LISTED_A_RULE:
            more = "And more: filter the sheet 'exceptions' by its column 'casegroup implausible'."
            row = book.words(sheet, row, more, "note")
    book.end_pages(sheet, row, widths, repeated=first)


def _ages_sheet(book: Book, sheet: Worksheet, row: int, summary: Summary) -> int:
    """Who has those that are open, and how old they are."""
    people = list(summary.allocated.values())
    if not people:
        return row
    columns = [
        Column(_WITH_WHOM, width=58),
        *(Column(name, "whole") for _, name in AGES),
        Column("Open, all", "whole"),
    ]
    book.together(sheet, row + 1, 50 + 28 * min(len(people), 5))
    row = book.words(sheet, row + 1, _ALLOCATED, "section")
    row = book.headings(sheet, row, columns)
    for line in people:
        row = book.row(sheet, row, columns, [line.name, *line.by_age.values(), line.open])
    return row


def _money_sheet(book: Book, sheet: Worksheet, row: int, widths: Sequence[float], money: Money) -> int:
    """Corrections, payments and what is outstanding; payments that wait, and how long."""
    lines = outstanding.waiting(money)
    book.together(sheet, row + 1, 100 + 28 * min(len(lines), 5))
    row = book.words(sheet, row + 1, _MONEY, "section")
    for said in outstanding.told(money):
        row = book.across(sheet, row, said, widths, "wrapped")
    if lines:
        columns = [
            Column("Payments that wait", width=58), Column("Payments", "whole"), *[Column("")] * 3,
            Column("Oldest, days", "whole"), Column("GBP", "pounds"), Column("Pence", "pence"),
        ]  # fmt: skip
        row = book.headings(sheet, row, columns)
        for line in lines:
            named = f"{line['named']}: {line['says']}"
            values = [named, line["rows"], *[None] * 3, line["oldest_days"], line["pence"], line["pence"]]
            row = book.row(sheet, row, columns, values)
    return row


def _apart(summary: Summary) -> str:
    count = len(summary.apart)
    return (
        f"In no figure here: {pounds(summary.apart_pence)} GBP held by {count:,} casegroup{'s' if count != 1 else ''} with an "
        "amount larger than any real case is expected to owe, listed at the end."
    )


def _named(name: str) -> str:
    """A rule's code and its words; any other name as it is."""
    return f"{name}: {_says(name)}" if name in RULES else name


_HELD = "Held: all that the casegroups of these exceptions hold; one with several exceptions is counted once in each line."
_BY_RULE = "By rule"
_WITH_WHOM = "With whom"
_ALLOCATED = "What is allocated to whom, and how old it is"
_MONEY = "Corrections, payments, and what is outstanding"


def _tables(summary: Summary) -> list[tuple[str, Iterable[Line]]]:
    tables = [
        (_BY_RULE, summary.rules), ("By route", summary.routes), ("By whom those open are allocated to", summary.allocated),
        ("By age of those open", summary.ages), ("By CSA system", summary.systems),
        ("Warnings (nothing is stopped)", summary.warnings),
    ]  # fmt: skip
    return [(title, lines.values()) for title, lines in tables if lines]


def _figures(line: Line) -> Sequence[int]:
    held_pence = line.held_pence
    return [
        line.counts[NEW],
        line.counts[OPEN],
        line.open,
        line.counts[RESOLVED],
        line.oldest,
        held_pence,
        held_pence,
    ]


def _day(on: date) -> str:
    return f"{on.day} {on:%B %Y}"


# --- the page


@functools.cache
def _templates() -> jinja2.Environment:
    """The page's templates, compiled once in a process."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_said,
    )
    environment.filters |= {
        "pounds": pounds,
        "gbp": _gbp,
        "whole": lambda number: f"{number:,}",
        "short": _short,
    }
    return environment


def _page(summary: Summary, money: Money, on: date) -> str:
    environment = _templates()
    css = environment.get_template(f"{NAME}.css").render(day=_day(on))
    # Nothing is run and nothing is loaded: of all content only this style, known by its hash.
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return environment.get_template(f"{NAME}.html").render(
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'", css=Markup(css),
        day=_day(on), on=on, summary=summary, held=_HELD, tables=_tables(summary)[1:], states=STATES, rules=RULES, ages=AGES,
        most=LISTED_A_RULE, where=where, enter=enter, found=found, wrong=wrong, do=do, csv=f"{NAME}.csv", NEW=NEW, OPEN=OPEN,
        RESOLVED=RESOLVED, whose=whose, says=_says, allocated=_ALLOCATED, with_whom=_WITH_WHOM, money=_MONEY,
        told=outstanding.told(money), waiting=outstanding.waiting(money),
    )  # fmt: skip


def _said(value: object) -> object:
    """Whatever the page says that is not the page's own: on one line, and what turns or hides text shown as what it is."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _gbp(pence: int) -> str:
    return f"-£{pounds(-pence)}" if pence < 0 else f"£{pounds(pence)}"


def _short(value: object) -> str:
    """A value as the page shows it: whole, but for one that would fill the page, which the CSV has whole."""
    words = "" if value is None else str(value)
    return (
        words
        if len(words) <= _LONGEST_SHOWN
        else f"{words[:_LONGEST_SHOWN]}… ({len(words):,} characters: see {NAME}.csv)"
    )


def _says(code: str) -> str:
    """The words of a rule's code; a code of no rule of today has none."""
    rule = RULES.get(code)
    return rule.says if rule else ""


def whose(line: Row) -> str:
    """Who has it: whom it was allocated to, else the owner of the CMS case, else the route."""
    return str(line["allocated_to"] or line["case_owner"] or ROUTES.get(line["route"], line["route"]))
