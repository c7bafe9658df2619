"""Who sees what: nothing of a nationally sensitive casegroup is ordinary (R26, R42), and a reader reads no more than is granted.

One world of two nights. On the first the casegroup HUSHED is ordinary and completes; on the second it has become sensitive, and
each kind of row that is refused by itself quotes it.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from case_closure.desk import reconciliation as reconcile
from case_closure.domain.permissions import whoever_has_the_shell
from case_closure.night import run as night
from case_closure.store import database, nights, roles, sensitive
from case_closure.store.schema.views import SCHEMAS, VIEWS
from tests.support.builders import Row, case, nino_of
from tests.support.debt_builders import debt
from tests.support.installation import Databases, Installation

FIRST, SECOND = date(2017, 8, 10), date(2017, 8, 11)
PAYER, RECEIVER = "PP-HUSHED", "RP-STILL"
# What nobody may find: numbers, people, and what only they are called.
IDENTIFIERS = (
    "HUSHED", "STILL", "QUIET", PAYER, RECEIVER, nino_of(PAYER), nino_of(RECEIVER), "Zyxwvut", "9 Silent Street", "APP-MUTE",
    "PAY-MUTE", "COR-MUTE", "INH-MUTE", "REC-MUTE", "CMSL6301-HUSHED", "ACT-MUTE", "ENF-MUTE", "RES-MUTE", "REP-MUTE",
)  # fmt: skip
SILENT: dict[str, Any] = {"surname": "Zyxwvut", "address_line_1": "9 Silent Street"}


def hushed(**over: Any) -> tuple[Any, ...]:
    """A casegroup of two cases, one of which waits for its first good row until the second night has refused it too."""
    return (case("STILL", "HUSHED", payer=SILENT, receiver=SILENT, **over),)


def refused_rows(letter_id: str) -> dict[str, list[Row]]:
    """A row of each kind that is refused by itself, or belongs to no casegroup by its own columns; each names HUSHED."""
    of_case: Row = {"csa_system": "CS2", "csa_case_id": "STILL"}
    application: Row = {
        "received_on": FIRST, "eligible": True, "applicant_role": "RECEIVING_PARENT", "partner_nino": None,
        "applicant_nino": nino_of(RECEIVER), "named_paying_parent_nino": nino_of("nobody"), "applicant_says_csa": False,
        "paying_parent_says_csa": None, "partner_says_csa": None, "gateway_reference": "GW1",
    }  # fmt: skip
    return {
        "clerical_letters": [
            {"letter_id": letter_id, "issued_on": SECOND},
            {"letter_id": "CMSL6301-HUSHED---PP-HUSHED-2016-01-01", "issued_on": SECOND},
        ],
        "corrections": [
            {"correction_id": "COR-MUTE-1", **of_case, "creditor": "NI_SOS", "arrears_status": "DEFERRED",
             "new_amount_pence": 5, "reason": "ERROR", "requested_by": "Pat"},
            {"correction_id": "COR-MUTE-2", "csa_system": "CS2", "csa_case_id": "QUIET", "creditor": "RP",
             "arrears_status": "ACTIVE", "new_amount_pence": 5, "reason": "ERROR", "requested_by": "Pat"},
        ],
        "inhibits": [
            {"inhibit_id": "INH-MUTE", **of_case, "reason": "r", "set_by": "Pat", "set_by_role": "CASEWORKER", "set_on": FIRST},
            {"inhibit_id": "INH-MUTE-2", "csa_system": "CS2", "csa_case_id": "QUIET", "reason": "r", "set_by": "Pat",
             "set_by_role": "CASEWORKER", "set_on": FIRST},
        ],
        "ltr_responses": [{"ltr_id": "LTR1-CS2-APP-MUTE", "acknowledged_on": SECOND, "outcome": "CLOSED", "detail": None}],
        "cms_applications": [{"application_id": "APP-MUTE", **application}],
        "closure_failures": [{"csa_system": "CS2", "csa_case_id": "QUIET", "failure_code": "F1", "failed_on": SECOND}],
        "csa_debts": [debt("STILL", rp_arrears_decision="WRITE_OFF"), debt("QUIET")],
        "records": [
            {"record_id": "REC-MUTE", "kind": "CSA_CONTACT", "casegroup_id": None, **of_case, "reference": "r",
             "recorded_on": SECOND, "recorded_by": "Pat", "detail": None},
            # Refused as they arrive: by its case, by a casegroup alone, by a case that is not held.
            {"record_id": "REC-MUTE-2", "kind": "X", "casegroup_id": "HUSHED", "recorded_by": "Pat"},
        ],
        "csa_actions": [
            {"csa_action_id": "ACT-MUTE", **of_case, "action_type": "X"},
            {"csa_action_id": "ACT-MUTE-2", **of_case, "action_type": "OTHER"},
        ],
        "enforcement_actions": [
            {"action_id": "ENF-MUTE", "csa_system": "CS2", "csa_case_id": "QUIET", "action_type": "X"},
            {"action_id": "ENF-MUTE-2", "csa_system": "CS2", "csa_case_id": "QUIET", "action_type": "DISTRESS",
             "amount_pence": 1},
        ],
        "resolutions": [
            {"resolution_id": "RES-MUTE", **of_case, "entity": "CASE", "field": "colour", "new_value": "x", "entered_by": "Pat",
             "entered_on": SECOND},
        ],
        "reported_exceptions": [
            {"report_id": "REP-MUTE", "casegroup_id": "HUSHED", "channel": "X", "stage": "CLOSURE", "reported_by": "Pat"},
        ],
    }  # fmt: skip


PAYMENTS = {
    "CS2": [
        (nino_of(PAYER), "Alex", "Other", "PAY-MUTE-name", "1.00"),
        (nino_of(PAYER), "Alex", "Zyxwvut", "PAY-MUTE-malformed", "1.0"),
        (nino_of(RECEIVER), "Alex", "Zyxwvut", "PAY-MUTE-receiver", "2.00"),
        (nino_of(PAYER), "Alex", "Other", "", "3.00"),
    ]
}


@pytest.fixture(scope="module")
def world(database_server: Databases) -> Iterator[Installation]:
    with database_server.installation() as made:
        (made.landing).mkdir(parents=True)
        made.night(FIRST, *hushed(), case("A", "G1"), case("X", "G2", child=False))
        (letter,) = made.query("select letter_id from reporting.letters where csa_case_id = 'STILL'")
        made.night(
            SECOND,
            *hushed(nationally_sensitive=True),
            # Never held, and of no casegroup: the row says so itself.
            case("QUIET", None, nationally_sensitive=True, no_balance=True, child=False, not_received=("payer", "receiver"),
                 paying_parent_id=PAYER, receiving_parent_id=RECEIVER),
            case("A", "G1"), case("X", "G2", child=False),
            payments=PAYMENTS, **refused_rows(letter["letter_id"]),
        )  # fmt: skip
        yield made


def read_out(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file of an outbound folder as text, workbooks and Parquet too; a PDF by its name."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as book:
                yield (
                    path.name,
                    " ".join(book.read(name).decode(errors="replace") for name in book.namelist()),
                )
        elif path.suffix == ".parquet":
            yield path.name, json.dumps(pq.read_table(path).to_pylist(), default=str)
        elif path.is_file():
            yield path.name, path.read_bytes().decode(errors="replace")


@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_R26_no_ordinary_view_says_anything_of_a_sensitive_casegroup(world: Installation, view: str) -> None:
    shown = json.dumps(world.view(view), default=str)
    assert [name for name in IDENTIFIERS if name in shown] == []


def test_R26_nor_does_any_file_that_goes_out(world: Installation) -> None:
    """Those of the night before were written before anybody knew."""
    found = {
        (file, name)
        for file, words in read_out(world.folder / "outbound" / SECOND.isoformat())
        for name in IDENTIFIERS
        if name in words
    }
    assert found == set()


def test_R26_what_is_hidden_is_all_there_for_those_who_may_see_it(world: Installation) -> None:
    """So that the two tests before could fail: each refused row is an exception on the other side."""
    rules = {row["rule_code"] for row in world.view("exceptions", "sensitive")}
    assert {
        "clerical_letter_unknown", "correction_due_unknown", "inhibit_not_authorised", "ltr_unknown", "closure_failed",
        "payment_malformed", "payment_name_mismatch", "payment_owner_unknown", "case_key_missing", "debt_case_unknown",
    } <= rules  # fmt: skip
    assert {row["rule_code"] for row in world.view("exceptions")} == {"child_missing"}
    views = ("work_items", "exception_history", "letters", "dues", "reconciliation", "records")
    for view in (*views, "debt_rule_results", "final_balances", "write_off_tie_out"):
        assert world.view(view, "sensitive")


# A reader's own ways of looking behind a view: each is tried on the rows that the view hides, unless it is a barrier.
_SPY = """
    create function pg_temp.spy(x text) returns boolean language plpgsql cost 0.0000001 as
    $$ begin raise notice '%', x; return true; end $$
"""


def columns_of(view: str) -> list[str]:
    return list(next(one for one in VIEWS if one.name == view).columns)


@pytest.fixture(scope="module")
def reader(world: Installation) -> Iterator[psycopg.Connection[Any]]:
    """Somebody who reads ``reporting``, on a server where readers may make temporary functions."""
    with database.transaction(world.url) as connection:
        roles.make_login(connection, "curious", "let-me-in", sensitive=False)
    world.execute(f"grant temporary on database {world.url.rpartition('/')[2]} to curious")
    address = world.url.replace("+psycopg", "").partition("@")[2]
    with psycopg.connect(f"postgresql://curious:let-me-in@{address}", autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute(_SPY)
        yield connection
    world.execute("drop owned by curious")
    world.execute("drop role curious")


@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_R26_a_function_of_the_readers_own_is_shown_no_hidden_row(
    world: Installation, reader: psycopg.Connection[Any], view: str
) -> None:
    said: list[str] = []

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        said.append(notice.message_primary or "")

    reader.add_notice_handler(hear)
    try:
        for name in columns_of(view):
            reader.execute(f"select count(*) from reporting.{view} where pg_temp.spy({name}::text)")  # noqa: S608
    finally:
        reader.remove_notice_handler(hear)
    assert [name for name in IDENTIFIERS if any(name in words for words in said)] == []


@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_R26_a_cast_that_fails_quotes_no_hidden_value(reader: psycopg.Connection[Any], view: str) -> None:
    said = []
    for name in columns_of(view):
        try:
            reader.execute(f"select count(*) from reporting.{view} where {name}::text::int = 1")  # noqa: S608
        except psycopg.errors.DataError as failed:
            said.append(str(failed))
    assert [name for name in IDENTIFIERS if any(name in words for words in said)] == []


def test_every_view_of_both_schemas_is_a_barrier(world: Installation) -> None:
    open_ones = world.query(
        "select relname from pg_class c join pg_namespace n on n.oid = relnamespace where relkind = 'v' "
        "and nspname = any(%s) and not coalesce('security_barrier=true' = any(reloptions), false)",
        list(SCHEMAS),
    )
    assert open_ones == []


FIGURES = "casegroups_received, received_pence, posted_pence, held_pence, exceptions_opened, exceptions_resolved, letters_issued"


def figures(store: Installation, on: date) -> dict[str, tuple[int, ...]]:
    """A night's figures on each side, in the order of FIGURES."""
    query = "select {} from {}.nights where business_date = %s"
    return {schema: tuple(store.query(query.format(FIGURES, schema), on)[0].values()) for schema in SCHEMAS}


def test_R42_the_figures_of_past_nights_move_with_a_casegroup(installation: Installation) -> None:
    """And back, when a good row says that it is sensitive no longer; on both sides together nothing is lost."""
    others = (case("A", "G1"), case("X", "G2", child=False))
    installation.night(FIRST, *hushed(), *others)
    whole = figures(installation, FIRST)
    assert whole == {"reporting": (3, 3000, 2000, 1000, 1, 0, 4), "sensitive": (0, 0, 0, 0, 0, 0, 0)}
    installation.night(SECOND, *hushed(nationally_sensitive=True), *others)
    assert figures(installation, FIRST) == {
        "reporting": (2, 2000, 1000, 1000, 1, 0, 2),
        "sensitive": (1, 1000, 1000, 0, 0, 0, 2),
    }
    installation.night(date(2017, 8, 12), *hushed(), *others)
    assert figures(installation, FIRST) == whole
    assert installation.outcomes()["HUSHED"] == ("TRANSITION_COMPLETE", "ARREARS_ADDED")


def results(store: Installation, on: date, schema: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Rows judged and failed on that night, by suite and rule."""
    return {
        (row["suite"], row["rule_code"]): (row["judged_rows"], row["failed_rows"])
        for row in store.view("rule_results", schema)
        if row["business_date"] == on
    }


def test_R42_the_rule_results_of_past_nights_move_with_a_casegroup(installation: Installation) -> None:
    """What is left on the ordinary side is what it would be had the casegroup never been; the other side has the rest."""
    others = (case("A", "G1"), case("X", "G2", child=False))
    group = (case("STILL", "HUSHED", child=False, payer=SILENT), case("BAD", "HUSHED", scheme="2012"))
    paid = {"CS2": [(nino_of(PAYER), "Alex", "Other", "PAY-1", "1.00")]}
    correction = {"correction_id": "COR-1", "csa_system": "CS2", "csa_case_id": "A", "creditor": "NI_SOS",
                  "arrears_status": "DEFERRED", "new_amount_pence": 5, "reason": "ERROR", "requested_by": "Pat"}  # fmt: skip
    installation.night(FIRST, *group, *others, payments=paid, corrections=[correction])
    whole = results(installation, FIRST, "reporting")
    assert whole["csa_cases", "case_enum_invalid"] == (4, 1)
    assert whole["csa_payments", "payment_name_mismatch"] == (1, 1)
    assert results(installation, FIRST, "sensitive") == {}
    installation.night(
        SECOND,
        *(case(one.row["csa_case_id"], "HUSHED", nationally_sensitive=True, child=False, payer=SILENT) for one in group),
        *others,
    )  # fmt: skip
    left, hidden = (results(installation, FIRST, schema) for schema in ("reporting", "sensitive"))
    assert left["csa_cases", "case_enum_invalid"] == (2, 0)
    assert left["csa_payments", "payment_name_mismatch"] == (0, 0)
    assert (left["corrections", "correction_due_unknown"], hidden["csa_cases", "case_enum_invalid"]) == (
        (1, 1),
        (2, 1),
    )
    assert {
        key: tuple(map(sum, zip(left[key], hidden.get(key, (0, 0)), strict=True))) for key in left
    } == whole
    of_two = {
        schema: results(installation, SECOND, schema)["csa_balances", "balance_total_mismatch"]
        for schema in SCHEMAS
    }
    assert of_two == {"reporting": (2, 0), "sensitive": (2, 0)}
    installation.night(
        date(2017, 8, 12), *(case(one.row["csa_case_id"], "HUSHED", payer=SILENT) for one in group), *others
    )
    assert results(installation, FIRST, "reporting") == whole
    assert results(installation, FIRST, "sensitive") == {}


def test_R26_rows_of_no_casegroup_are_counted_on_their_side_from_the_start(world: Installation) -> None:
    """Refused payments, corrections, letters: what only names a sensitive person or case is in no ordinary count."""
    ordinary, hidden = (results(world, SECOND, schema) for schema in ("reporting", "sensitive"))
    for suite in ("csa_payments", "corrections", "clerical_letters", "ltr_responses", "cms_applications"):
        assert {counts for (of, _), counts in ordinary.items() if of == suite} == {(0, 0)}, suite
        assert any(judged for (of, _), (judged, _) in hidden.items() if of == suite), suite


def sign_offs(store: Installation) -> dict[str, list[tuple[Any, ...]]]:
    query = "select left_csa_pence, received_pence, posted_pence, held_pence, breaks, breaks_sha256 is not null from {}"
    return {
        schema: [
            tuple(row.values()) for row in store.query(query.format(f"{schema}.reconciliation_sign_offs"))
        ]
        for schema in SCHEMAS
    }


def test_R42_what_was_signed_is_kept_and_what_is_shown_of_it_moves_with_a_casegroup(
    installation: Installation,
) -> None:
    """The record says what a person signed; a reader is shown no penny of who is sensitive now, nor a hash that tells it."""
    others = (case("A", "G1"), case("X", "G2", child=False))
    installation.night(FIRST, *hushed(), *others)
    signer = reconcile.SignOff(whoever_has_the_shell("A. Auditor"), datetime(2017, 8, 10, tzinfo=UTC))
    reconcile.reconcile(
        installation.url, FIRST, None, list[str]().append, implausible_pence=100_000_000, sign_off=signer
    )
    whole = {"reporting": [(0, 3000, 2000, 1000, 3, True)], "sensitive": []}
    assert sign_offs(installation) == whole
    installation.night(SECOND, *hushed(nationally_sensitive=True), *others)
    assert sign_offs(installation) == {"reporting": [(0, 2000, 1000, 1000, 2, False)], "sensitive": []}
    kept = installation.query("select received_pence, breaks from closure.reconciliation_sign_offs")
    assert kept == [{"received_pence": 3000, "breaks": 3}]
    installation.night(date(2017, 8, 12), *hushed(), *others)
    assert sign_offs(installation) == whole


def test_R42_a_sign_off_of_which_no_shares_were_kept_shows_no_figures_once_somebody_became_sensitive(
    installation: Installation,
) -> None:
    installation.night(FIRST, *hushed(), case("A", "G1"))
    signer = reconcile.SignOff(whoever_has_the_shell("A. Auditor"), datetime(2017, 8, 10, tzinfo=UTC))
    reconcile.reconcile(
        installation.url, FIRST, None, list[str]().append, implausible_pence=100_000_000, sign_off=signer
    )
    # As a version before this one left it; the trigger guards it now.
    installation.execute(
        "set session_replication_role = replica; update closure.reconciliation_sign_offs set shares_kept = false"
    )
    assert sign_offs(installation)["reporting"] == [(0, 2000, 2000, 0, 2, True)]
    installation.night(SECOND, *hushed(nationally_sensitive=True))
    assert sign_offs(installation)["reporting"] == [(None, None, None, None, None, False)]


def test_R42_a_late_nights_money_is_in_no_figure_of_a_night_that_had_ended(
    installation: Installation,
) -> None:
    """A figure that stands is not lessened by what came to the hidden casegroup since."""
    installation.night(FIRST, case("A", "G1", child=False), case("S", "HUSHED", nationally_sensitive=True))
    installation.night(date(2017, 8, 12), case("B", "G2", child=False))
    before = figures(installation, date(2017, 8, 12))
    installation.night(
        SECOND,
        case("T", "HUSHED", nationally_sensitive=True, owes={"rp_active": 70_000}, paying_parent_id=PAYER),
    )
    assert figures(installation, date(2017, 8, 12)) == before
    assert figures(installation, SECOND) == {
        "reporting": (0, 0, 0, 2000, 0, 0, 0),
        "sensitive": (1, 70_000, 0, 71_000, 0, 0, 0),
    }


def test_R42_a_refused_row_that_says_sensitive_hides_its_casegroup_until_a_good_row_answers(
    installation: Installation,
) -> None:
    """Doubt is privacy: in views, totals and files, and whatever row of the casegroup it is that was refused."""
    installation.night(FIRST, case("GOOD", "HUSHED", owes={"rp_active": 700}), case("A", "G1"))
    refused = case("STILL", "HUSHED", scheme="2012", nationally_sensitive=True, owes={"rp_active": 900})
    installation.night(SECOND, refused)
    assert {row["casegroup_id"] for row in installation.view("casegroup_outcomes")} == {"G1"}
    for view in VIEWS:
        shown = json.dumps(installation.view(view.name), default=str)
        assert [name for name in ("HUSHED", "STILL", "GOOD") if name in shown] == [], view.name
    assert figures(installation, FIRST)["sensitive"] == (1, 700, 700, 0, 0, 0, 2)
    assert {row["casegroup_id"] for row in installation.view("casegroup_outcomes", "sensitive")} == {"HUSHED"}
    # A row that is refused again answers nothing, whatever it says.
    installation.night(date(2017, 8, 12), case("STILL", "HUSHED", scheme="2012", no_balance=True))
    assert {row["casegroup_id"] for row in installation.view("casegroup_outcomes")} == {"G1"}
    installation.night(date(2017, 8, 13), case("STILL", "HUSHED", no_balance=True))
    assert {row["casegroup_id"] for row in installation.view("casegroup_outcomes")} == {"G1", "HUSHED"}
    assert installation.view("casegroup_outcomes", "sensitive") == []


def test_R26_a_casegroup_is_hidden_from_the_moment_its_extract_is_held(installation: Installation) -> None:
    """Not from when it is judged: whatever is read while a night runs is read of the right side."""
    installation.night(FIRST, *hushed())
    installation.land(SECOND, *hushed(nationally_sensitive=True))
    for stage in night.STAGES[:3]:
        night.run_stage(stage, installation.context(SECOND))
    for view in VIEWS:
        shown = json.dumps(installation.view(view.name), default=str)
        assert [name for name in IDENTIFIERS if name in shown] == [], view.name


@pytest.mark.parametrize(
    ("view", "where"),
    [
        ("dues", "csa_case_id = 'C00077'"), ("dues", "casegroup_id = 'G00077'"), ("dues", "due_id = 'CS2-C00077-RP-ACTIVE'"),
        ("letters", "casegroup_id = 'G00077'"), ("letters", "business_date = '2017-08-10'"),
        ("exceptions", "casegroup_id = 'G00077'"), ("cases", "casegroup_id = 'G00077'"),
        ("end_liability", "casegroup_id = 'G00077'"), ("corrections", "casegroup_id = 'G00077'"),
    ],
)  # fmt: skip
def test_a_barrier_does_not_make_a_question_about_one_case_read_the_book(
    many: Installation, view: str, where: str
) -> None:
    """What PostgreSQL may apply before the barrier (=, <, in on texts, dates and pence) finds its rows by an index."""
    plan = "\n".join(
        str(row["QUERY PLAN"])
        for row in many.query(f"explain select * from reporting.{view} where {where}")  # noqa: S608
    )
    assert "Seq Scan on dues" not in plan, plan
    assert "Seq Scan on ledger" not in plan, plan
    assert "Seq Scan on letters " not in plan, plan
    assert "Seq Scan on exceptions" not in plan, plan
    assert "Seq Scan on cms_cases" not in plan, plan
    assert "Seq Scan on csa_cases" not in plan, plan
    assert "Seq Scan on corrections" not in plan, plan
    assert "Seq Scan on end_liability" not in plan, plan


def test_R42_what_of_past_nights_is_sensitive_is_found_case_by_case(many: Installation) -> None:
    """A set of all cases, made to ask of a few, took most of a second on each page with a night's figures."""
    (told,) = many.query(f"explain (format json) {sensitive.with_names(nights.SENSITIVE_PARTS)}")
    plans, looked_up = [told["QUERY PLAN"][0]["Plan"]], list[bool]()
    while plans:
        plan = plans.pop()
        plans += plan.get("Plans", [])
        if plan.get("Relation Name") == "csa_cases":
            looked_up.append("Index Cond" in plan)
    assert looked_up
    assert all(looked_up)


_MANY = """
    create temporary table c as select lpad(n::text, 5, '0') as n, n as k from generate_series(1, 2000) n;
    insert into held.csa_cases (csa_system, csa_case_id, casegroup_id, nationally_sensitive, business_date, changed_on)
        select 'CS2', 'C' || n, 'G' || n, k % 1000 = 0, '2017-08-10', '2017-08-10' from c;
    insert into closure.sensitive_casegroups select 'G' || n, '2017-08-10' from c where k % 1000 = 0;
    insert into closure.casegroups (casegroup_id, received_pence, posted_pence, held_pence, credit_pence, business_date)
        select 'G' || n, 9, 9, 0, 0, '2017-08-10' from c;
    insert into closure.dues (due_id, business_date, casegroup_id, cms_casegroup_id, cms_case_id, csa_system, csa_case_id,
                              creditor, arrears_status, posted_pence)
        select 'CS2-C' || n || '-RP-ACTIVE', '2017-08-10', 'G' || n, 'x', 'y', 'CS2', 'C' || n, 'RP', 'ACTIVE', 9 from c;
    insert into closure.ledger (entry_id, business_date, due_id, kind, amount_pence)
        select due_id || '-CORRECTION-1', business_date, due_id, 'CORRECTION', -1 from closure.dues;
    insert into held.corrections (correction_id, csa_system, csa_case_id, creditor, arrears_status, new_amount_pence, reason,
                                  business_date, changed_on)
        select 'K' || n, 'CS2', 'C' || n, 'RP', 'ACTIVE', 8, 'ERROR', '2017-08-10', '2017-08-10' from c;
    insert into closure.letters (letter_id, business_date, code, recipient_role, casegroup_id, csa_system, csa_case_id, status)
        select 'L' || n || d, date '2017-07-01' + d, 'CMSL6302', 'RECEIVING_PARENT', 'G' || n, 'CS2', 'C' || n, 'ISSUED'
        from c, generate_series(1, 40) d;
    insert into closure.exceptions (exception_id, business_date, stage, rule_code, severity, casegroup_id, csa_system,
                                    csa_case_id, sensitive, message, status, last_seen_on)
        select 'E' || n, '2017-08-10', 's', 'r', 'HOLD', 'G' || n, 'CS2', 'C' || n, false, 'm', 'OPEN', '2017-08-10' from c;
    insert into closure.cms_cases (csa_system, csa_case_id, casegroup_id, cms_case_id, cms_casegroup_id, origin, created_on)
        select 'CS2', 'C' || n, 'G' || n, 'x', 'y', 'EXISTING', '2017-08-10' from c;
    insert into closure.end_liability (csa_system, csa_case_id, casegroup_id, journey, selected_on, led)
        select 'CS2', 'C' || n, 'G' || n, 'PROACTIVE', '2017-08-10', '2018-01-01' from c;
"""


@pytest.fixture(scope="module")
def many(database_server: Databases) -> Iterator[Installation]:
    """2,000 casegroups as the server has counted them."""
    with database_server.installation() as made:
        made.execute(_MANY)
        with psycopg.connect(made.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("analyze")
        yield made
