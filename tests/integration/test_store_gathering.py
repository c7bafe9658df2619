"""Each query that gathers frames, on a store in which every column of every table holds its own name: what comes back under a
name must be the column of that name, or what its expression makes of others.

Of two columns of one type that changed places, in a select list or in a COPY, neither would hold its own name any more.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from case_closure.store import (
    actions,
    applications,
    casegroups,
    corrections,
    database,
    debts,
    journeys,
    payments,
    row_exceptions,
    sensitive,
    tranches,
)
from case_closure.store.database import Connection
from case_closure.tables import handed
from tests.support.builders import ON
from tests.support.installation import Databases, Installation


def _number(name: str) -> int:
    return zlib.crc32(name.encode()) % 10_000


def _value(name: str, kind: str) -> Any:
    """What a column of that name holds: its name, as far as its type can say it."""
    if kind == "date":
        return date(2000, 1, 1) + timedelta(_number(name) % 5_000)
    if kind in ("bigint", "integer", "smallint"):
        return _number(name)
    if kind.startswith("timestamp"):
        return ON
    if kind == "boolean":
        return True
    return name if kind == "text" else None


# What a query asks of a row besides that it is there: it is in the joins by other names, or of a kind.
_OVER: dict[str, list[dict[str, Any]]] = {
    "held.csa_parties": [
        {"party_id": "paying_parent_id"},
        {"party_id": "receiving_parent_id", "nino": "AB123456B"},
    ],
    "held.resolutions": [{"entity": "PAYING_PARENT"}],
    "held.csa_balances": [{"is_latest": True, "is_new": True}],
    "closure.refused_rows": [
        {
            "file_name": "csa_cases",
            "rule_codes": ["rule"],
            "fields": ["field"],
            "answered_on": None,
            "business_date": ON,
        },
        {"file_name": "records", "rule_codes": ["rule_code"], "fields": ["field"], "answered_on": None},
    ],
    "closure.work_items": [
        {"type": "ADD_CORRECT_ARREARS", "subject_reference": None},
        {"type": "LOOKUP_DIFFERS", "subject_reference": "subject_reference", "work_item_id": "other"},
    ],
    "closure.letters": [
        {"code": "CMSL6303", "letter_id": "first"},
        {"business_date": ON, "recipient_role": "REPRESENTATIVE", "status": "SUPPRESSED"},
    ],
    "closure.exceptions": [
        {"stage": "take_applications", "original": "{}"},
        {"stage": "payments", "exception_id": "of_payments", "rule_code": "of_payments", "original": "{}"},
        {"stage": "receive_extract", "exception_id": "of_rows", "rule_code": "row_invalid", "original": "{}"},
    ],
    "held.cms_applications": [{"business_date": ON, "changed_on": ON, "application_id": "tonights"}],
    "closure.nights": [
        {"business_date": _value("business_date", "date"), "extract_order": 1},
        {"business_date": _value("completed_on", "date"), "extract_order": 2},
    ],
    "closure.payments": [{"status": "HELD", "source": "CSA", "reference": "csa_receipt_reference"}],
    "held.ltr_responses": [{"changed_on": ON}],
    "closure.ledger": [{"kind": "CORRECTION"}],
    "held.clerical_letters": [{"changed_on": ON}],
}
_TABLES = (
    "held.csa_cases", "held.csa_parties", "held.csa_balances", "held.csa_children", "held.inhibits", "held.closure_failures",
    "held.resolutions", "held.cis_persons", "held.cms_register", "held.cms_applications", "held.ltr_responses",
    "held.clerical_letters", "held.corrections", "closure.casegroups", "closure.positions", "closure.dues", "closure.exceptions",
    "closure.cms_cases", "closure.work_items", "closure.letters", "closure.end_liability", "closure.journeys", "closure.ltrs",
    "closure.applications", "closure.refused_rows", "closure.sensitive_casegroups", "closure.nights",
    "held.csa_payments", "held.csa_actions", "held.enforcement_actions", "held.reported_exceptions", "held.dca_payments",
    "closure.payments", "closure.ledger", "held.csa_debts",
)  # fmt: skip
_KEY = "csa_system/csa_case_id"


@pytest.fixture(scope="module")
def named(database_server: Databases) -> Iterator[Installation]:
    """A store of one row a table, or of those in ``_OVER``; what may stand in a column is not asked."""
    with (
        database_server.installation() as made,
        psycopg.connect(made.url.replace("+psycopg", ""), autocommit=True) as connection,
    ):
        connection.execute("set session_replication_role = replica")
        for table in _TABLES:
            for (check,) in connection.execute(
                "select conname from pg_constraint where conrelid = %s::regclass and contype = 'c'", [table]
            ).fetchall():
                connection.execute(f'alter table {table} drop constraint "{check}"')
            columns = connection.execute(
                "select column_name, data_type from information_schema.columns "
                "where table_schema || '.' || table_name = %s and is_generated = 'NEVER'", [table],
            ).fetchall()  # fmt: skip
            for over in _OVER.get(table, [{}]):
                row = {name: _value(name, kind) for name, kind in columns} | over
                row = {name: value for name, value in row.items() if value is not None}
                marks = ", ".join(["%s"] * len(row))
                connection.execute(
                    f"insert into {table} ({', '.join(row)}) values ({marks})",  # noqa: S608
                    list(row.values()),
                )
        yield made


Asked = tuple[pa.Schema, Callable[[Connection], Any], dict[str, Any]]


def _of(ask: Callable[[casegroups.Gather], pa.Table]) -> Callable[[Connection], pa.Table]:
    return lambda connection: ask(casegroups.Gather(connection, ["casegroup_id"]))


def _payers(by: casegroups.Gather) -> pa.Table:
    by.register(["paying_parent_matched_on"])
    return by.payer_casegroups()


PARENTS = ["paying_parent_id", "receiving_parent_id"]
ASKED: dict[str, Asked] = {
    "judged": (handed.CASEGROUP_IDS, _of(lambda by: by.judged()), {}),
    "cases": (handed.CASES, _of(lambda by: by.cases()), {}),
    "balances": (handed.BALANCES, _of(lambda by: by.balances("csa_balances")), {"row_casegroup_id": "casegroup_id"}),
    "inhibits": (handed.INHIBITS, _of(lambda by: by.inhibits()), {}),
    "closure_failures": (handed.CLOSURE_FAILURES, _of(lambda by: by.closure_failures()), {}),
    "reported_exceptions": (handed.REPORTED_EXCEPTIONS, _of(lambda by: by.reported_exceptions()), {}),
    "resolutions": (handed.RESOLUTIONS, _of(lambda by: by.resolutions()), {"entity": "PAYING_PARENT"}),
    "entered_for": (
        handed.ENTERED_FOR_PEOPLE, _of(lambda by: by.entered_for(PARENTS)), {"entity": "PAYING_PARENT"},
    ),
    "standing": (handed.CASEGROUPS, _of(lambda by: by.standing()), {}),
    "positions": (handed.POSITIONS, _of(lambda by: by.positions()), {}),
    "dues_now": (
        handed.DUES_NOW, _of(lambda by: by.dues_now()),
        {"case_key": _KEY, "amount_pence": _number("posted_pence") + _number("amount_pence")},
    ),
    "open_exceptions": (handed.OPEN_EXCEPTIONS, _of(lambda by: by.open_exceptions()), {"exception_id": None, "rule_code": None}),
    "cms_cases": (
        handed.CMS_CASES_STANDING, _of(lambda by: by.cms_cases()),
        {"case_key": _KEY, "parents": "casegroup_id/paying_parent_id/receiving_parent_id"},
    ),
    "balances_accepted": (handed.BALANCES_ACCEPTED, _of(lambda by: by.balances_accepted()), {"case_key": _KEY}),
    "completed_periods": (handed.COMPLETED_PERIODS, _of(lambda by: by.completed_periods()), {"case_key": _KEY}),
    "payer_casegroups": (handed.PAYER_CASEGROUPS, _of(_payers), {"matched_on": "paying_parent_matched_on"}),
    "children": (handed.CASE_KEYS, _of(lambda by: by.children()), {"case_key": _KEY}),
    "parties": (handed.PARTIES, _of(lambda by: by.parties(PARENTS[:1])), {"party_id": "paying_parent_id"}),
    "cis": (handed.CIS_PERSONS, _of(lambda by: by.cis(["NINO"])), {"matched_on": "NINO"}),
    "register": (
        handed.CMS_REGISTER, _of(lambda by: by.register(["PAYING_P"])),
        {"pp_nino": "PAYING_PARENT_NINO", "rp_nino": "RECEIVING_PARENT_NINO", "pp_matched_on": "PAYING_P",
         "rp_matched_on": "RECEIVIN"},
    ),
    "routes": (handed.ROUTES, _of(lambda by: by.routes()), {}),
    "covering_letters": (handed.LETTER_IDS, _of(lambda by: by.covering_letters(ON)), {}),
    "clerical_items": (
        handed.CLERICAL_ITEMS, _of(lambda by: by.clerical_items()), {"type": "ADD_CORRECT_ARREARS", "case_key": _KEY},
    ),
    "refused": (
        handed.REFUSED_ROWS, _of(lambda by: by.refused()), {"rule_codes": '["rule"]', "fields": '["field"]', "told": "[]"},
    ),
}  # fmt: skip


def _expected(shape: pa.Schema, over: dict[str, Any]) -> dict[str, Any]:
    kinds = {pa.string(): "text", pa.date32(): "date", pa.int64(): "bigint", pa.bool_(): "boolean"}
    return {field.name: _value(field.name, kinds[field.type]) for field in shape} | over


@pytest.mark.parametrize("name", ASKED)
def test_what_comes_back_under_a_name_is_the_column_of_that_name(named: Installation, name: str) -> None:
    shape, ask, over = ASKED[name]
    with database.transaction(named.url) as connection:
        table = ask(connection)
    assert table.schema.equals(shape)
    assert table.num_rows
    for row in table.to_pylist():
        asked = {column: None for column, value in over.items() if value is None}
        assert row | asked == _expected(shape, over)


def _plain(frame: Any) -> list[dict[str, Any]]:
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [
        {name: value.date() if hasattr(value, "date") else value for name, value in row.items()}
        for row in rows
    ]


def test_journeys_gather_each_column_under_its_name(named: Installation) -> None:
    with database.transaction(named.url) as connection:
        held = journeys.gather(connection, ["casegroup_id"])
        answers = journeys.answers(connection, ON)
    assert _plain(held.end_liability) == [_expected(handed.STAMPS, {})]
    assert _plain(held.journeys) == [_expected(handed.JOURNEYS_STANDING, {})]
    assert _plain(held.letters) == [_expected(handed.LETTERS_SENT, {"code": "CMSL6303"})]
    assert _plain(answers.clerical_letters) == [_expected(handed.CLERICAL_LETTERS, {})]
    assert _plain(answers.suppressed) == [_expected(handed.LETTERS_SUPPRESSED, {})]


def test_applications_gather_each_column_under_its_name(named: Installation) -> None:
    with database.transaction(named.url) as connection:
        tonight = applications.tonight(connection, ON)
        there = applications.standing(connection, *map(_series, ("casegroup_id", "subject_reference")))
    assert _plain(tonight.applications) == [
        _expected(handed.APPLICATIONS_MADE, {"application_id": "tonights", "business_date": ON})
    ]
    assert _plain(tonight.ltr_responses) == [_expected(handed.LTR_RESPONSES, {})]
    assert _plain(tonight.ltrs) == [_expected(handed.LTRS_SENT, {})]
    assert _plain(there.cases) == [_expected(handed.CASES_THERE, {"case_key": _KEY})]
    assert _plain(there.end_liability) == [_expected(handed.STAMPS_THERE, {"case_key": _KEY})]
    assert _plain(there.earlier) == [_expected(handed.APPLICATIONS_EARLIER, {})]
    assert _plain(there.look_ups) == [_expected(handed.LOOK_UPS, {"type": "LOOKUP_DIFFERS"})]
    assert _plain(there.open_exceptions) == [_expected(handed.OPEN_EXCEPTIONS, {})]


def test_payments_and_tranches_gather_each_column_under_its_name(named: Installation) -> None:
    on = _value("business_date", "date")
    with database.transaction(named.url) as connection:
        paid = payments.receipts(connection, on, own=False, rerun=False)
        waits = payments.standing(connection, on, _series("casegroup_id"), own=False, rerun=False)
        owed = payments.dues(connection, _series("casegroup_id"))
        corrected = corrections.gather(connection, on, own=True)
        before = row_exceptions.before(connection, "payments", _series("casegroup_id"))
        refused = sensitive.refusals(connection).to_pylist()
        concerned = tranches.concerned(connection, _value("changed_on", "date"))
    tonights = {"payment_id": None, "stood": None, "is_first": False}
    assert _plain(paid.csa_receipts) == [_expected(handed.CSA_RECEIPTS, tonights | {"row_value": "value"})]
    assert _plain(paid.dca_receipts) == [_expected(handed.DCA_RECEIPTS, tonights)]
    stored = {"status": "HELD", "source": "CSA", "reference": "csa_receipt_reference"}
    assert _plain(paid.firsts) == [
        _expected(handed.PAYMENTS_FIRST, {name: stored[name] for name in ("source", "reference")})
    ]
    assert _plain(paid.stored) == [_expected(handed.PAYMENT_IDS, {})]
    assert _plain(paid.payers) == [_expected(handed.PAYERS_BY_NAME, {"party_id": "paying_parent_id"})]
    assert _plain(waits.payments) == [_expected(handed.PAYMENTS, stored)]
    assert _plain(waits.casegroups) == [_expected(handed.CASEGROUPS_COMPLETED, {})]
    assert _plain(owed) == [
        _expected(
            handed.DUES_OUTSTANDING,
            {"outstanding_pence": _number("posted_pence") + _number("amount_pence")},
        )
    ]
    assert _plain(corrected.corrections) == [_expected(handed.CORRECTIONS, {})]
    posted = _number("posted_pence")
    assert _plain(corrected.dues) == [
        _expected(
            handed.DUES_TO_CORRECT,
            {"case_key": _KEY, "amount_pence": posted + _number("amount_pence"), "allocated_pence": 0},
        )
    ]
    (of_case,) = _plain(corrected.cases)
    unknown = {
        "postcode": None,
        "country": None,
        "cms_case_id": "cms_case_id",
        "paying_parent_matched_on": None,
    }
    assert of_case | unknown == _expected(
        handed.CASES_TO_CORRECT,
        {"case_key": _KEY, "completed": True, "recorded": True} | unknown,
    )
    assert _plain(before.open_exceptions) == [
        _expected(handed.EXCEPTIONS_SEEN, {"exception_id": "of_payments", "rule_code": "of_payments"})
    ]
    assert all(row == _expected(handed.SENSITIVE_REFUSALS, {}) for row in refused)
    assert concerned.empty


def test_actions_and_refused_rows_gather_each_column_under_its_name(named: Installation) -> None:
    on = _value("business_date", "date")
    with database.transaction(named.url) as connection:
        began = actions.tonight(connection, on)
        rows = actions.refused_rows(connection, on)
        refused = actions.refused(connection, on, rows, began)
    assert _plain(began.csa_actions) == [_expected(handed.CSA_ACTIONS, {})]
    assert _plain(began.enforcement_actions) == [_expected(handed.ENFORCEMENT_ACTIONS, {})]
    assert _plain(rows) == [_expected(handed.ROWS_UNANSWERED, {"file_name": "records", "sensitive": False})]
    assert _plain(refused.open_exceptions) == [
        _expected(
            handed.ROW_EXCEPTIONS,
            {"exception_id": "of_rows", "rule_code": "row_invalid", "answered_tonight": False},
        )
    ]
    assert _plain(refused.routes) == [_expected(handed.ROUTES, {})]


def test_debts_gather_each_column_under_its_name(named: Installation) -> None:
    with database.transaction(named.url) as connection:
        assert debts.plan(connection, _value("changed_on", "date"), rerun=False, late=True) == 1
        tonight = debts.Slice(connection, 0, 1).gather()
    assert _plain(tonight.debts) == [_expected(handed.DEBTS, {"case_held": True, "unchanged": False})]
    assert _expected(handed.PEOPLE_WHO_DIED, {"party_id": "paying_parent_id"}) in _plain(tonight.people)
    assert _plain(tonight.cis_deaths) == [
        {"matched_on": "NINO", "died_on": _value("date_of_death", "date")},
    ]


def _series(value: str) -> Any:
    import pandas as pd

    return pd.Series([value], dtype="str")
