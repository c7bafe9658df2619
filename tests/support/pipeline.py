"""The pipeline as the property tests hold it: a store of its own, nights in one process, and its views as rows.

Belongs here: running nights and reading views. Does not belong here: what should come of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from case_closure.domain.letters import CLOSURE_CODES
from case_closure.night import run as night
from case_closure.settings import Settings
from case_closure.store import database

Row = dict[str, Any]

VIEWS = (
    "casegroup_outcomes",
    "dues",
    "ledger",
    "cases",
    "exceptions",
    "exception_history",
    "credits",
    "work_items",
    "letters",
    "next_actions",
    "reconciliation",
    "nights",
)
SIDES = {False: "reporting", True: "sensitive"}

COMPARED: dict[str, tuple[str, ...]] = {
    "casegroup_outcomes": (
        "business_date",
        "casegroup_id",
        "outcome",
        "reason",
        "received_pence",
        "posted_pence",
        "completed_on",
    ),
    "dues": (
        "business_date",
        "casegroup_id",
        "csa_system",
        "csa_case_id",
        "scheme",
        "creditor",
        "arrears_status",
        "amount_pence",
        "posted_pence",
        "arrears_from",
        "arrears_to",
        "allocated_pence",
    ),
    "ledger": (
        "business_date",
        "csa_system",
        "csa_case_id",
        "creditor",
        "arrears_status",
        "kind",
        "amount_pence",
        "reference",
    ),
    "payments": (
        "csa_receipt_reference", "business_date", "csa_system", "amount_pence", "casegroup_id", "status", "allocated_pence",
        "source", "allocated_on",
    ),
    "corrections": (
        "correction_id", "business_date", "csa_system", "csa_case_id", "casegroup_id", "creditor", "arrears_status",
        "old_amount_pence", "new_amount_pence", "reason", "status",
    ),
    "waiting": ("rule_code", "subject_reference", "business_date", "status", "resolved_on"),
    "prompts": ("subject_reference", "business_date", "status"),
    "cases": (
        "casegroup_id",
        "csa_system",
        "csa_case_id",
        "scheme",
        "origin",
        "created_on",
        "cms_case_id",
        "cms_casegroup_id",
        "shared_with",
        "maintenance_region",
        "method_of_payment",
        "benefit_code",
    ),
    "exceptions": (
        "business_date",
        "rule_code",
        "subject",
        "severity",
        "casegroup_id",
        "csa_system",
        "csa_case_id",
        "route",
        "case_owner",
        "status",
        "resolved_on",
    ),
    "credits": ("business_date", "csa_system", "csa_case_id", "creditor", "arrears_status", "amount_pence"),
    "work_items": ("business_date", "type", "casegroup_id", "csa_system", "csa_case_id", "status"),
    "letters": (
        "letter_id",
        "business_date",
        "code",
        "recipient_role",
        "party_id",
        "casegroup_id",
        "csa_system",
        "csa_case_id",
        "status",
        "reason",
        "covers_letter_id",
        "total_pence",
    ),
    "reconciliation": (
        "business_date",
        "csa_system",
        "csa_case_id",
        "creditor",
        "arrears_status",
        "left_csa_pence",
        "received_pence",
        "posted_pence",
        "held_pence",
        "credit_pence",
        "break_type",
    ),
    "nights": (
        "business_date",
        "status",
        "casegroups_received",
        "received_pence",
        "posted_pence",
        "held_pence",
        "exceptions_opened",
        "exceptions_resolved",
        "letters_issued",
    ),
}  # fmt: skip
"""The columns that the contract settles, and on which model and pipeline are therefore held against each other."""

# Nothing is stored by what goes out but the words of letters, and typesetting them takes longer than all the rest.
STAGES = [stage for stage in night.STAGES if stage != "write_out"]

# Judged in the night, but of payments, corrections and closure: not in the model, and of no casegroup's outcome.
_NOT_MODELLED = "stage not in ('receive_balances', 'set_up_cases')"
_ITEMS_NOT_MODELLED = (
    "PAYMENT_SUSPENSE", "DCA_MANUAL_ALLOCATION", "LOOKUP_", "CSA_ACTION_OUTSTANDING", "LIABILITY_ORDER", "ENFORCEMENT_ACTION",
    "STUCK",
)  # fmt: skip
# The exceptions of corrections and payments that have a number, and the prompts about flagged payments, of either side.
_WHERE_NUMBERED = (
    "stage in ('corrections', 'payments') and subject_reference !~ ' [0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]+$'"
)
_OF_BOTH_SIDES = {
    "waiting": " union all ".join(
        "select rule_code, subject_reference, business_date, resolved_on, "  # noqa: S608
        f"case status when 'RESOLVED' then status else 'OPEN' end as status from {schema}.exceptions where {_WHERE_NUMBERED}"
        for schema in SIDES.values()
    ),
    "prompts": " union all ".join(
        f"select subject_reference, business_date, status from {schema}.work_items where type = 'DCA_MANUAL_ALLOCATION'"  # noqa: S608
        for schema in SIDES.values()
    ),
}  # fmt: skip
_OF_CLOSURE = tuple(f"{code}-" for code in CLOSURE_CODES)
_NEW_ON_CMS = ("maintenance_region", "method_of_payment", "benefit_code", "cms_case_id")


# Only what holds rows: to truncate a table takes longer than to see that it is empty.
_EMPTIED = """
do $$
declare
    name text; filled boolean; names text[] := '{}';
begin
    for name in select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('held', 'closure') loop
        execute 'select exists (select from ' || name || ')' into filled;
        if filled then names := names || name; end if;
    end loop;
    if names <> '{}' then execute 'truncate ' || array_to_string(names, ', ') || ' cascade'; end if;
end $$
"""


@dataclass
class Store:
    """A migrated store that is emptied for each world."""

    url: str = field(repr=False)
    home: Path
    admin_url: str = field(default="", repr=False)
    runs: int = 0

    def empty(self) -> None:
        """As good as new: no row in any table of ours."""
        with database.transaction(self.url) as connection:
            connection.execute(text(_EMPTIED))

    def context(self, landing: Path, on: date, **settings: Any) -> night.NightContext:
        self.runs += 1
        made = Settings(self.home, self.url, str(landing), str(landing.parent / "outbound"), **settings)
        return night.NightContext(
            on,
            f"run-{self.runs}",
            landing,
            landing.parent / "outbound",
            made,
            lambda: datetime(2017, 8, 10, 20, tzinfo=UTC),
        )

    def run(
        self, landing: Path, on: date, after_stage: Callable[[str], None] | None = None, **settings: Any
    ) -> None:
        """One night in this process; `after_stage` is called when each stage has committed."""
        night.run_night(
            self.context(landing, on, **settings),
            lambda stage, _: after_stage(stage) if after_stage else None,
            STAGES,
        )

    def run_all(self, landing: Path, nights: Sequence[date], **settings: Any) -> None:
        for on in nights:
            self.run(landing, on, **settings)

    def query(self, sql: str) -> list[Row]:
        with database.transaction(self.url) as connection:
            return [dict(row) for row in connection.execute(text(sql)).mappings()]

    def execute_unguarded(self, sql: str) -> None:
        """Does by hand, statement by statement, what no stage would and what triggers and keys would refuse."""
        with database.transaction(self.admin_url) as connection:
            connection.execute(text("set local session_replication_role = replica"))
            for statement in sql.split(";"):
                assert connection.execute(text(statement)).rowcount != 0, (
                    f"nothing was touched by {statement}"
                )

    def dump(self) -> dict[str, Counter[tuple[Any, ...]]]:
        """Every row of every view, both sides."""
        views = [f"{schema}.{view}" for schema in SIDES.values() for view in VIEWS]
        return {view: Counter(tuple(row.values()) for row in self._all_of(view)) for view in views}

    def _all_of(self, view: str, where: str = "true") -> list[Row]:
        return self.query(f"select * from {view} where {where}")  # noqa: S608

    def view(self, name: str, sensitive: bool = False) -> list[Row]:
        """A view's rows as the model gives them."""
        schema = SIDES[sensitive]
        if name == "ledger":
            # What is behind a POSTED entry is left open.
            return self.query(
                f"select l.business_date, l.kind, l.amount_pence, case l.kind when 'POSTED' then null else l.reference end "  # noqa: S608
                f"as reference, d.csa_system, d.csa_case_id, d.creditor, d.arrears_status from {schema}.ledger l "
                f"join {schema}.dues d using (due_id)"
            )
        if name in _OF_BOTH_SIDES:
            return [] if sensitive else self.query(_OF_BOTH_SIDES[name])
        rows = self._all_of(f"{schema}.{name}")
        left_out = self._all_of(f"{schema}.exceptions", _NOT_MODELLED)
        if name == "exceptions":
            rows = [
                row for row in rows if row["exception_id"] not in {one["exception_id"] for one in left_out}
            ]
        if name == "work_items":
            rows = [row for row in rows if not row["type"].startswith(_ITEMS_NOT_MODELLED)]
            rows = [
                row
                for row in rows
                if row["subject_reference"] not in {one["exception_id"] for one in left_out}
            ]
        if name == "letters":
            rows = [row for row in rows if not _is_of_closure(row)]
        if name == "nights":
            of_closure = [row for row in self._all_of(f"{schema}.letters") if _is_of_closure(row)]
            for row in rows:
                row["letters_issued"] -= sum(
                    letter["business_date"] == row["business_date"] and letter["status"] == "ISSUED"
                    for letter in of_closure
                )
                row["exceptions_opened"] -= sum(
                    one["business_date"] == row["business_date"] for one in left_out
                )
                row["exceptions_resolved"] -= sum(
                    one["resolved_on"] == row["business_date"] for one in left_out
                )
        if name == "cases":
            registered = {
                row["cms_casegroup_id"]
                for row in self.query("select cms_casegroup_id from held.cms_register")
            }
            shared: dict[str, list[tuple[str, str]]] = {}
            for row in rows:
                shared.setdefault(row["cms_case_id"], []).append((row["csa_system"], row["csa_case_id"]))
            for row in rows:
                row["shared_with"] = sorted(shared[row["cms_case_id"]])
                for column in _NEW_ON_CMS:
                    if (row["origin"] == "ARREARS_ONLY") == (column == "cms_case_id"):
                        row[column] = None
                if row["cms_casegroup_id"] not in registered:
                    row["cms_casegroup_id"] = None
        return rows


def _is_of_closure(letter: Row) -> bool:
    """A letter of closure, or the one that covers it: not in the model."""
    return (letter["covers_letter_id"] or letter["letter_id"]).startswith(_OF_CLOSURE)


def _settled(view: str, rows: list[Row]) -> list[Row]:
    """Rows without what the contract leaves open: where two paying parents are named, whose case owner it goes to; what
    a subject that is no parent is called."""
    if view != "exceptions":
        return rows
    torn = {row["casegroup_id"] for row in rows if row["rule_code"] == "case_casegroup_conflict"}
    parents = ("PAYING_PARENT", "RECEIVING_PARENT")
    rows = [row if row["subject"] in parents else row | {"subject": None} for row in rows]
    return [row | {"route": None, "case_owner": None} if row["casegroup_id"] in torn else row for row in rows]


def differences(store: Store, model: Any, views: Sequence[str] = tuple(COMPARED)) -> list[str]:
    """Every row that only one of the two has, in words; empty when they agree."""
    found = []
    for sensitive, schema in SIDES.items():
        for view in views:
            columns = COMPARED[view]
            theirs, ours = (
                Counter(
                    tuple(str(row[column]) for column in columns)
                    for row in _settled(view, source.view(view, sensitive))
                )
                for source in (store, model)
            )
            for who, only in (("pipeline", theirs - ours), ("model", ours - theirs)):
                found += [
                    f"{schema}.{view}: only the {who} has {dict(zip(columns, row, strict=True))}"
                    for row in sorted(only)
                ]
    return found
