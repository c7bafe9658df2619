"""`casegroup show`: a caseworker's whole answer on the telephone, whose pence add up ([31])."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from case_closure.cli import main as cli
from case_closure.desk import casegroups
from case_closure.store import casegroup_events, database
from tests.support.builders import balance, case, nino_of, party
from tests.support.closure_builders import application, open_case
from tests.support.installation import Databases, Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

FIRST, SECOND = date(2017, 8, 10), date(2017, 8, 11)


@pytest.fixture(scope="module")
def store(database_server: Databases) -> Iterator[Installation]:
    """Two nights: an exception that is mended, then dues; a credit beside them; others that are not asked for."""
    with database_server.installation() as made:
        owes = {"rp_active": 1000, "ni_sos_deferred": 50, "gb_sos_active": -7}
        made.night(
            FIRST, case("A", owes=owes, payer={"surname": None}, payer_cis={"surname": "Walker"}),
            case("B", owes={"rp_active": 300}),
            case("Z", "G2"), case("S", "secret", nationally_sensitive=True), open_case("waits", "G3", no_balance=True),
            open_case("R", "G4", no_balance=True),
            cms_applications=[application("AP1", FIRST, named_paying_parent_nino=open_case("R", "G4").payer["nino"])],  # type: ignore[index]
        )  # fmt: skip
        debt = {name: value for name, value in balance("R", "G4", {"rp_active": 500}).items()
                if name not in ("balance_id", "casegroup_id")}  # fmt: skip
        debt |= {"pp_no_estate": False, "no_further_action_told": True, "ima_pence": 120, "part_payment_accepted_pence": 0,
                 "duplicate_liability_pence": 0}  # fmt: skip
        paid = (nino_of("PP-G2"), "Alex", "Walker", "REC9", "4.00")
        made.night(SECOND, csa_debts=[debt], csa_parties=[party("PP-G1")], payments={"CS2": [paid]})
        # As corrections and payments will have left them.
        for entry, kind, on, pence, reference in (
            ("1", "CORRECTION", SECOND, -100, "COR1"), ("2", "CORRECTION", SECOND, 30, "COR2"),
            ("3", "ALLOCATION", SECOND, -430, "REC1"),
        ):  # fmt: skip
            made.query(
                "insert into closure.ledger (entry_id, business_date, due_id, kind, amount_pence, reason, reference) "
                "values (%s, %s, 'CS2-A-RP-ACTIVE', %s, %s, null, %s) returning 1",
                entry, on, kind, pence, reference,
            )  # fmt: skip
        yield made


@pytest.fixture
def shell(store: Installation, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.setenv("CASE_CLOSURE_DATABASE_URL", store.url)
    return lambda *words: cli.main(["casegroup", "show", *words])


def test_31_everything_of_it_in_order_of_date_and_its_pence_add_up_to_what_is_outstanding(
    store: Installation, shell: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell("G1", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"casegroup_id", "outcome", "events", "outstanding_pence"}
    assert (told["casegroup_id"], told["outcome"]) == ("G1", "TRANSITION_COMPLETE")
    events = told["events"]
    assert all(set(event) == {"business_date", "kind", "reference", "pence"} for event in events)
    assert [event["business_date"] for event in events] == sorted(event["business_date"] for event in events)
    money = [(event["business_date"], event["kind"], event["reference"], event["pence"]) for event in events
             if event["pence"] is not None]  # fmt: skip
    assert money == [
        (str(FIRST), "BALANCE", "B-A", 1043), (str(FIRST), "BALANCE", "B-B", 300),
        (str(SECOND), "DUE", "CS2-A-NI_SOS-DEFERRED", 50), (str(SECOND), "DUE", "CS2-A-RP-ACTIVE", 1000),
        (str(SECOND), "DUE", "CS2-B-RP-ACTIVE", 300),
        (str(SECOND), "CORRECTION", "COR1", -100), (str(SECOND), "CORRECTION", "COR2", 30),
        (str(SECOND), "ALLOCATION", "REC1", -430),
        (str(SECOND), "LETTER", f"CMSL6301-G1---PP-G1-{SECOND}", 1350),
        (str(SECOND), "LETTER", f"CMSL6302-G1-CS2-A-RP-A-{SECOND}", 1050),
        (str(SECOND), "LETTER", f"CMSL6302-G1-CS2-B-RP-B-{SECOND}", 300),
    ]  # fmt: skip
    account = [pence for _, kind, _, pence in money if kind in ("DUE", "CORRECTION", "ALLOCATION")]
    assert told["outstanding_pence"] == sum(account) == 850
    of_view = {
        kind: {row[key] for row in store.view(view) if row["casegroup_id"] == "G1"}
        for kind, view, key in (
            ("EXCEPTION", "exceptions", "exception_id"),
            ("ITEM", "work_items", "work_item_id"),
        )
    }
    for kind, references in of_view.items():
        assert {event["reference"] for event in events if event["kind"] == kind} == references
        assert references


def test_31_the_last_line_is_what_is_outstanding(
    shell: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell("G1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "casegroup G1: TRANSITION_COMPLETE, ARREARS_ADDED"
    assert lines[-1] == "outstanding 850"
    assert [line for line in lines if "REC1" in line] == [
        f"{SECOND}  ALLOCATION   -430  REC1  CS2-A-RP-ACTIVE  (outstanding 850)"
    ]


def test_31_moves_of_its_closure_are_told_too(
    shell: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell("G4", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["outcome"] is None
    assert ("MOVE", "1-REACTIVE") in {(event["kind"], event["reference"]) for event in told["events"]}
    assert told["outstanding_pence"] == 0


def test_31_B71_so_is_what_each_of_the_nine_rules_took(
    shell: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell("G4", "--json") == 0
    rules = [event for event in json.loads(capsys.readouterr().out)["events"] if event["kind"] == "RULE"]
    assert [(event["reference"], event["pence"]) for event in rules] == [
        (f"CS2-R-{number}", {5: 120, 6: 380}.get(number, 0)) for number in range(1, 10)
    ]


def test_31_a_payment_is_told_and_counts_once_by_what_dues_took_of_it(
    shell: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell("G2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    paid = [
        (event["kind"], event["business_date"], event["pence"])
        for event in told["events"]
        if event["reference"] == "REC9"
    ]
    assert paid == [("PAYMENT", str(SECOND), 400), ("ALLOCATION", str(SECOND), -400)]
    assert told["outstanding_pence"] == 600


def test_31_one_of_which_nothing_happened_yet_is_known(
    shell: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell("G3") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "outstanding 0"


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["words", "json"])
def test_31_R26_one_that_is_not_there_and_one_that_is_sensitive_are_refused_in_the_same_words(
    shell: Callable[..., int], capsys: pytest.CaptureFixture[str], form: tuple[str, ...]
) -> None:
    said = []
    for name in ("nobody", "secret"):
        assert shell(name, *form) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        said.append(captured.err.replace(name, "X"))
    assert said[0] == said[1]
    assert said[0].startswith("There is no casegroup X, or it is not for everybody to see.")


def test_31_an_arrival_of_a_balance_that_was_replaced_is_told_too(
    store: Installation, database_server: Databases
) -> None:
    """A balance sent again as it was is no arrival (R20)."""
    database.forget(store.url)
    with database_server.installation(copy_of=store) as made:
        made.night(date(2017, 8, 14), csa_balances=[
            balance("B", "G1", {"rp_active": 300}), balance("A", "G1", {"rp_active": 2**62, "rp_deferred": 2**62},
                                                            balance_id="B2", total_pence=0)])  # fmt: skip
        arrivals = [event[:4] for event in casegroups.show(made.url, "G1").events if event.kind == "BALANCE"]
    assert arrivals == [
        (FIRST, "BALANCE", "B-A", 1043), (FIRST, "BALANCE", "B-B", 300), (date(2017, 8, 14), "BALANCE", "B2", 2**63 - 1),
    ]  # fmt: skip


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every step of it, but for what is worked out only of a row that names neither casegroup nor case."""
    if plan.get("Subplan Name") == "CTE names":
        return
    yield plan
    for below in plan.get("Plans", []):
        yield from scans(below)


@pytest.mark.parametrize("kind", casegroup_events.EVENTS)
def test_31_each_kind_is_found_by_an_index_however_large_the_book(store: Installation, kind: str) -> None:
    """Where PostgreSQL is told that reading a whole table costs too much, it still reads none of the book."""
    with database.rolled_back(store.url) as connection:
        connection.exec_driver_sql("set local enable_seqscan = off")
        asked = casegroup_events.EVENTS[kind].replace(":casegroup_id", "'G1'").replace(":due_ids", "'{D1}'")
        query = "explain (format json) " + asked
        (told,) = connection.exec_driver_sql(query.replace("%", "%%")).scalar_one()
    whole = {one["Relation Name"] for one in scans(told["Plan"]) if one["Node Type"] == "Seq Scan"}
    assert whole <= {"sensitive_casegroups", "refused_rows"}, "these are few, and looked up as a whole"


def test_R26_how_few_are_sensitive_is_known_from_the_night_that_makes_them_so(store: Installation) -> None:
    """Else the views look for what is theirs in the whole book: half a second for each question about one casegroup."""
    query = "select reltuples from pg_class where oid = 'closure.sensitive_casegroups'::regclass"
    assert [row["reltuples"] for row in store.query(query)] == [1]
