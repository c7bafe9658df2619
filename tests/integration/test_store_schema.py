"""The store's shape: what migrations make is what the metadata says, and every view says what it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from importlib import import_module

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, text

from case_closure.refusals import Refused
from case_closure.store import database
from case_closure.store.schema import views
from case_closure.store.schema.tables import metadata
from tests.support.builders import case
from tests.support.installation import Databases, Installation
from tests.support.older import make_older

# contract.md, 'What can be read', the views of the night's finance.
CONTRACT = {
    "casegroup_outcomes": "business_date casegroup_id outcome reason received_pence posted_pence completed_on",
    "dues": "due_id business_date casegroup_id cms_casegroup_id cms_case_id csa_system csa_case_id scheme creditor "
    "arrears_status amount_pence posted_pence arrears_from arrears_to allocated_pence",
    "payments": "csa_receipt_reference business_date csa_system amount_pence casegroup_id status allocated_pence source "
    "allocated_on",
    "ledger": "entry_id business_date due_id kind amount_pence reason reference",
    "cases": "cms_case_id cms_casegroup_id casegroup_id csa_system csa_case_id scheme origin created_on maintenance_region "
    "method_of_payment benefit_code",
    "exceptions": "exception_id business_date stage rule_code severity csa_system csa_case_id casegroup_id subject field "
    "value message route case_owner status allocated_to last_seen_on resolved_on channel subject_reference",  # [38]
    # [22]
    "exception_history": "exception_id event_number business_date event by_what by_whom detail channel",
    "credits": "business_date csa_system csa_case_id creditor arrears_status amount_pence",
    "work_items": "work_item_id business_date type casegroup_id csa_system csa_case_id subject_reference route status detail",
    "letters": "letter_id business_date code recipient_role party_id casegroup_id csa_system csa_case_id status reason "
    "covers_letter_id total_pence clerical_issued_on from_on to_on",
    "corrections": "correction_id business_date csa_system csa_case_id casegroup_id creditor arrears_status old_amount_pence "
    "new_amount_pence reason requested_by offline_calculation due_id status",
    "reconciliation": "business_date csa_system csa_case_id creditor arrears_status left_csa_pence received_pence posted_pence "
    "held_pence credit_pence break_type",
    "end_liability": "casegroup_id csa_system csa_case_id tranche_id journey selected_on led became_reactive_on",
    "applications": "application_id casegroup_id t_date effective_date decision",
    "ltrs": "ltr_id business_date ltr_type csa_system casegroup_id application_id t_date issued_by acknowledged_on outcome",
    "records": "record_id kind casegroup_id csa_system csa_case_id reference recorded_on recorded_by detail",
    "enforcement": "action_id business_date casegroup_id csa_system csa_case_id action_type ongoing in_force reference court "
    "granted_on amount_pence period_from period_to",
    "enforcement_dues": "action_id due_id",
    "debt_rule_results": "business_date csa_system csa_case_id casegroup_id rule_number rule_name version result before_pence "
    "written_off_pence after_pence",
    "final_balances": "business_date csa_system csa_case_id creditor arrears_status debt_pence written_off_pence final_pence",
    "nights": "business_date extract_id started_at finished_at status casegroups_received received_pence posted_pence held_pence "
    "exceptions_opened exceptions_resolved letters_issued",
}


def test_migrations_make_what_the_metadata_says(installation: Installation) -> None:
    """What `alembic check` would say."""
    with database.transaction(installation.url) as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _: kind != "schema" or name in ("held", "closure"),
                "version_table_schema": "public",
                "version_table": "case_closure_version",
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        assert compare_metadata(context, metadata) == []


def test_migrating_a_store_that_is_up_to_date_changes_nothing(installation: Installation) -> None:
    before = installation.query("select oid from pg_class where relkind = 'v' order by oid")
    database.migrate(installation.url)
    assert installation.query("select oid from pg_class where relkind = 'v' order by oid") == before


def test_values_that_an_earlier_version_stored_half_hidden_are_hidden_whole_by_the_upgrade(
    installation: Installation,
) -> None:
    revision = import_module("case_closure.store.schema.migrations.versions.0007_values_hidden_whole")
    stored = {
        "short": ("surname", "Ng", '{"surname": "Ng"}', "******"),
        "shape": ("nino", "******56A", '{"nino": "GB123456A"}', "******56A"),
        "spaced": ("nino", "*********6 A", '[{"nino": "gb 12 34 56 a"},{"nino": null}]', "******56A"),
        "no NINO": ("nino", "******56A", '{"nino": "A1B2C356A"}', "******"),
        "name for an amount": ("value", "Cox,5.00", '{"value": "Cox,5.00"}', "******"),
        "amount": ("value", "5.0", '{"value": "5.0"}', "5.0"),
        "no value": ("surname", None, '{"surname": null}', None),
        "not personal": ("scheme", "2012", '{"scheme": NaN}', "2012"),
    }
    with database.transaction(installation.url) as connection:
        for name, (field, value, original, _) in stored.items():
            connection.execute(
                text(
                    "insert into closure.exceptions (exception_id, business_date, stage, rule_code, severity, subject, field, "
                    "subject_reference, value, message, status, last_seen_on, original, sensitive) "
                    "values (:name, '2017-08-10', 's', 'r', 'HOLD', 'CASE', :field, :name, :value, "
                    "'m', 'OPEN', '2017-08-10', :original, false)"
                ),
                {"name": name, "field": field, "value": value, "original": original},
            )
        with Operations.context(MigrationContext.configure(connection)):
            revision.upgrade()
    shown = {
        row["exception_id"]: row["value"]
        for row in installation.query("select exception_id, value from closure.exceptions")
    }
    assert shown == {name: after for name, (*_, after) in stored.items()}


def test_views_that_are_not_this_versions_are_made_anew(installation: Installation) -> None:
    """An older release left other views behind: they hold no data, so they are replaced."""
    installation.execute("drop view reporting.dues; comment on schema closure is 'views of long ago'")
    database.migrate(installation.url)
    assert installation.view("dues") == []


@pytest.mark.parametrize("schema", ["reporting", "sensitive"])
def test_each_view_has_the_contracts_columns_in_order(installation: Installation, schema: str) -> None:
    columns = installation.query(
        "select table_name, string_agg(column_name, ' ' order by ordinal_position) as names "
        "from information_schema.columns where table_schema = %s group by 1",
        schema,
    )
    found = {row["table_name"]: row["names"] for row in columns}
    assert {name: found[name] for name in CONTRACT} == CONTRACT
    assert set(found) == {view.name for view in views.VIEWS}


def test_every_view_and_every_column_of_it_is_commented(installation: Installation) -> None:
    """contract: 'commented (COMMENT ON)'."""
    silent = installation.query(
        """
        select c.relname, a.attname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum >= 0 and not a.attisdropped
        where n.nspname in ('reporting', 'sensitive') and c.relkind = 'v'
          and coalesce(col_description(c.oid, a.attnum), '') = ''
        union
        select c.relname, null from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname in ('reporting', 'sensitive') and c.relkind = 'v' and coalesce(obj_description(c.oid), '') = ''
        """
    )
    assert silent == []


def test_money_is_whole_pence_in_every_table_and_view(installation: Installation) -> None:
    """int64, never float or numeric."""
    kinds = installation.query(
        "select distinct data_type from information_schema.columns where column_name like '%%_pence' "
        "and table_schema in ('held', 'closure', 'reporting', 'sensitive')"
    )
    assert kinds == [{"data_type": "bigint"}]


def test_a_due_cannot_be_stored_twice_nor_an_entry_without_its_due(installation: Installation) -> None:
    """R6: what must be unique across nights has a key of its own."""
    keys = installation.query(
        "select conrelid::regclass::text as t, pg_get_constraintdef(oid) as d from pg_constraint "
        "where connamespace = 'closure'::regnamespace and contype in ('p', 'f')"
    )
    found = {(row["t"], row["d"]) for row in keys}
    assert ("closure.dues", "PRIMARY KEY (due_id)") in found
    assert ("closure.ledger", "PRIMARY KEY (entry_id)") in found
    assert ("closure.ledger", "FOREIGN KEY (due_id) REFERENCES closure.dues(due_id)") in found
    assert ("closure.letters", "PRIMARY KEY (letter_id)") in found


# --- what the server itself refuses


def _a_due(*values: str, system: str = "csa_system") -> str:
    """A due more of the case that has one: creditor, status, posted_pence and reference, as SQL."""
    return (
        "insert into closure.dues (due_id, business_date, casegroup_id, cms_casegroup_id, cms_case_id, csa_system, csa_case_id, "  # noqa: S608
        "creditor, arrears_status, posted_pence, reference) select 'x', business_date, casegroup_id, cms_casegroup_id, "
        f"cms_case_id, {system}, csa_case_id, {', '.join(values)} from closure.dues"
    )


_AN_ENTRY = "insert into closure.ledger select 'x', business_date, due_id,"
REFUSED = {
    # The money law, in every bucket.
    "update closure.positions set held_pence = held_pence + 1": "positions_law_ck",
    "update closure.positions set posted_pence = -1, held_pence = 1001": "positions_signs_ck",
    "update closure.positions set credit_pence = 1, posted_pence = posted_pence - 1": "positions_signs_ck",
    "insert into closure.position_history select casegroup_id, csa_system, csa_case_id, creditor, arrears_status, 1, 0, 0, 0, "
    "business_date, null, business_date, business_date from closure.positions": "position_history_law_ck",
    _a_due("'RP'", "'SUSPENDED'", "-1", "null"): "dues_posted_ck",
    _a_due("'RP'", "'SUSPENDED'", "0", "'the balance it would mirror'"): "dues_posted_ck",
    _a_due("'RP'", "'SUSPENDED'", "0", "null"): "only a correction adds a due",
    # Of each due, posted + corrections - allocated is never below nothing (R29).
    f"{_AN_ENTRY} 'CORRECTION', -1000, null, 'C2' from closure.dues": "there would be -1 pence outstanding",
    f"{_AN_ENTRY} 'ALLOCATION', -1000, null, 'P1' from closure.dues": "there would be -1 pence outstanding",
    f"{_AN_ENTRY} 'ALLOCATION', 1, null, 'P1' from closure.dues": "ledger_allocation_ck",
    # Several in one statement are added up.
    "insert into closure.ledger select 'x' || n, business_date, due_id, 'ALLOCATION', -500, null, 'P' || n from closure.dues, "
    "generate_series(1, 2) n": "there would be -1 pence outstanding",
    # A correction is applied once, whatever it would make of it ([15]).
    f"{_AN_ENTRY} 'CORRECTION', 0, null, 'C1' from closure.dues": "ledger_correction_ix",
    # A due is posted once, and an entry is of a due.
    "insert into closure.dues select * from closure.dues": "dues_pk",
    "insert into closure.ledger values ('x', '2017-08-10', 'no due', 'CORRECTION', 1, null, 'C9')": "ledger_due_id_fk",
    "insert into closure.ledger select 'x', business_date, due_id, 'POSTED', 1, null, 'B' from closure.dues": "ledger_kind_ck",
    # Values outside their lists.
    _a_due("'SOS'", "'ACTIVE'", "1", "null"): "dues_creditor_ck",
    _a_due("'RP'", "'PAUSED'", "1", "null"): "dues_arrears_status_ck",
    _a_due("'RP'", "'SUSPENDED'", "1", "null", system="'CMS'"): "dues_csa_system_ck",
    "update closure.positions set creditor = 'SOS'": "positions_creditor_ck",
    "update closure.casegroups set outcome = 'DONE'": "casegroups_outcome_ck",
    "update closure.cms_cases set origin = 'NEW'": "cms_cases_origin_ck",
    "update closure.cms_cases set maintenance_region = 'WALES'": "cms_cases_maintenance_region_ck",
    "update closure.exceptions set severity = 'BAD'": "exceptions_severity_ck",
    "update closure.exceptions set status = 'DONE', resolved_on = null": "exceptions_status_ck",
    "update closure.exceptions set channel = 'POST'": "exceptions_channel_ck",
    "update closure.exceptions set route = 'NOBODY'": "exceptions_route_ck",
    "update closure.work_items set type = 'OTHER'": "work_items_type_ck",
    "update closure.work_items set status = 'DONE'": "work_items_status_ck",
    "update closure.letters set code = 'CMSL6399'": "letters_code_ck",
    "update closure.letters set status = 'SENT', reason = 'DLO'": "letters_status_ck",
    "update closure.letters set status = 'NOT_ISSUED', reason = 'LOST'": "letters_reason_ck",
    "update closure.letters set recipient_role = 'CHILD'": "letters_recipient_role_ck",
    "update closure.nights set status = 'DONE'": "nights_status_ck",
    # What cannot be true together.
    "update closure.letters set reason = 'DLO'": "letters_reason_given_ck",
    "update closure.letters set status = 'NOT_ISSUED'": "letters_reason_given_ck",
    "update closure.exceptions set status = 'RESOLVED'": "exceptions_resolved_ck",
    "update closure.exceptions set status = 'RESOLVED', resolved_on = business_date - 1": "exceptions_resolved_ck",
}  # fmt: skip


@pytest.fixture(scope="module")
def filled(database_server: Databases) -> Iterator[Installation]:
    """A night with a due, an exception, a letter and a journey, and a correction of the due."""
    with database_server.installation() as made:
        made.night(date(2017, 8, 10), case("A"), case("B", "G2", child=False))
        made.execute(
            "insert into closure.ledger "
            "select due_id || '-CORRECTION-C1', business_date, due_id, 'CORRECTION', -1, 'ERROR', 'C1' from closure.dues"
        )
        yield made


@pytest.mark.parametrize("statement", REFUSED, ids=lambda statement: statement[:70])
def test_the_server_refuses_what_no_stage_would_do(filled: Installation, statement: str) -> None:
    before = filled.everything()
    with pytest.raises(psycopg.errors.IntegrityError, match=REFUSED[statement]):
        filled.execute(statement)
    assert filled.everything() == before


@pytest.mark.parametrize("change", ["update closure.{0} set {1} = {1}", "delete from closure.{0}"])
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("ledger", "amount_pence"), ("dues", "posted_pence"), ("payment_events", "status"), ("journey_moves", "cause"),
        ("exception_events", "event"), ("night_history", "reason"), ("position_history", "received_pence"),
        ("reconciliation_sign_offs", "remarks"),
    ],
)  # fmt: skip
def test_rows_that_are_only_added_to_are_neither_changed_nor_taken_away(
    filled: Installation, change: str, table: str, column: str
) -> None:
    """Also where no row would be touched: the statement itself is refused, in words."""
    with pytest.raises(
        psycopg.errors.IntegrityError, match=rf"of closure\.{table} is refused: its rows are only ever added"
    ):
        filled.execute(change.format(table, column))


def test_every_list_and_law_of_the_tables_is_one_the_server_knows(installation: Installation) -> None:
    """What the metadata says and what the migrations have made are the same."""
    made = installation.query(
        "select conname as name, pg_get_constraintdef(oid) as law from pg_constraint "
        "where connamespace = 'closure'::regnamespace and contype = 'c'"
    )
    said = {
        str(one.name): str(one.sqltext)
        for table in metadata.tables.values()
        for one in table.constraints
        if isinstance(one, CheckConstraint)
    }
    assert {row["name"] for row in made} == set(said)
    for row in made:
        assert set(re.findall("'([^']*)'", row["law"])) == set(re.findall("'([^']*)'", said[row["name"]])), (
            row["name"]
        )


def test_a_store_that_breaks_a_law_is_not_brought_to_this_version_and_the_refusal_says_where(
    database_server: Databases,
) -> None:
    with database_server.installation() as old:
        old.night(date(2017, 8, 10), case("A"), case("B", "G2", child=False))
        with database.transaction(old.url) as connection:
            make_older(connection, "0022")
        entries = old.query("select entry_id, kind, amount_pence, reference from closure.ledger")
        assert entries == [
            {"entry_id": "CS2-A-RP-ACTIVE-POSTED", "kind": "POSTED", "amount_pence": 1000, "reference": "B-A"}
        ]
        old.execute("update closure.positions set held_pence = held_pence + 1 where csa_case_id = 'B'")
        with pytest.raises(Refused, match=r"1 rows of closure\.positions break 'positions_law_ck'"):
            database.migrate(old.url)
        old.execute("update closure.positions set held_pence = held_pence - 1 where csa_case_id = 'B'")
        database.migrate(old.url)
        assert old.query("select count(*) as entries from closure.ledger") == [{"entries": 0}]
        assert [row["reference"] for row in old.view("ledger")] == ["B-A"]
