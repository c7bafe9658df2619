"""Payments that wait for a person: the lists, one payment, letting go, passing on, the flag; two at once (R25, R30, R31)."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from case_closure.store.shown import payments, reading
from tests.pages.conftest import HOSTILE
from tests.pages.test_casegroups import text_of
from tests.support.desk import Client, Desk

NEXT = date(2017, 8, 12)


def number_of(asked: Desk, reference: str, schema: str = "reporting") -> int:
    query = f"select payment_number from {schema}.numbered_payments where csa_receipt_reference = %s"  # noqa: S608
    return int(asked.installation.query(query, reference)[0]["payment_number"])


def listed(client: Client, **parameters: Any) -> list[str]:
    """The references that a list has, in order."""
    return re.findall(
        r'href="/desk/payments/\d+">([^<]+)</a></th>', client.get("/payments", **parameters).text
    )


def entry(client: Client, number: int, field: str, value: str, **over: str) -> dict[str, str]:
    """A form as the page of the payment has it."""
    version = re.findall(r'name="version" value="([^"]*)"', client.get(f"/payments/{number}").text)[0]
    return {"field": field, "value": value, "source": "rang the payer", "version": version} | over


def send(client: Client, number: int, how: str, fields: dict[str, str]) -> Any:
    return client.post(f"/payments/{number}/{how}", fields, page="/payments")


@pytest.mark.parametrize(
    ("parameters", "references"),
    [
        ({}, ["RLOST"]), ({"status": "FLAGGED"}, ["DFLAG"]), ({"status": "HELD"}, ["RHELD"]), ({"status": "SURPLUS"}, ["RMORE"]),
        ({"status": "HELD", "source": "DCA"}, []), ({"status": "FLAGGED", "source": "DCA"}, ["DFLAG"]),
    ],
)  # fmt: skip
def test_B60_B61_what_waits_for_a_person_is_listed_by_where_it_stands(
    clients: Desk, parameters: dict[str, str], references: list[str]
) -> None:
    assert listed(clients.client("caseworker"), **parameters) == references


@pytest.mark.parametrize(
    "parameters", [{"status": "ALLOCATED"}, {"status": HOSTILE}, {"source": HOSTILE}, {"apart": "true"}]
)
def test_a_list_that_there_is_not_or_not_for_everybody_is_no_page(
    clients: Desk, parameters: dict[str, str]
) -> None:
    assert clients.client().get("/payments", **parameters).status_code == 404


def test_a_list_goes_on_by_key_and_no_address_has_a_reference(
    clients_worked_on: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients_worked_on.installation.execute(
        "update closure.payments set status = 'SUSPENSE', casegroup_id = null, allocated_on = null, allocated_pence = 0"
    )
    wanted = reading.page_of
    monkeypatch.setattr(payments, "page_of", lambda *args, **more: wanted(*args, **more, most=2))
    client, after, seen = clients_worked_on.client(), "", []
    for _ in range(3):
        page = client.get("/payments", after=after).text if after else client.get("/payments").text
        seen += re.findall(r'href="/desk/payments/\d+">([^<]+)</a></th>', page)
        assert "RLOST" not in " ".join(re.findall(r'(?:href|action)="([^"]+)"', page))
        after = (re.findall(r"after=(\d+)", page) or [""])[-1]
        if not after:
            break
    assert sorted(seen) == ["DFLAG", "RHELD", "RLOST", "RMORE", "RPAID"]


def test_a_payment_is_found_by_its_reference_and_shows_what_it_paid_and_where_it_came_from(
    clients: Desk,
) -> None:
    client = clients.client("auditor")
    page = client.post("/payments", {"reference": "RPAID"}, page="/payments").text
    (where,) = re.findall(r'href="/desk(/payments/\d+)"', page)
    said = text_of(client.get(where).text)
    for words in (
        "Payment RPAID allocated", "CS2-A-RP-ACTIVE 10 August 2017 £4.00", "File csa_payments_CS2.csv",
        "Row 1 Line of the file 2",
        "nino ******56C", "surname ******", "csa_receipt_reference RPAID",
    ):  # fmt: skip
        assert words in said, words
    assert "O’Brien-Lloyd" not in said
    assert "Enter what you found out" not in said  # an auditor changes nothing
    assert (
        text_of(client.post("/payments", {"reference": HOSTILE}, page="/payments").text).count("0 found") == 1
    )


@pytest.mark.parametrize("number", ["0", "999999", "-1", "9" * 30])
def test_a_payment_that_there_is_not_is_no_page(clients: Desk, number: str) -> None:
    assert clients.client().get(f"/payments/{number}").status_code == 404


def test_17_what_will_happen_is_said_before_it_is_kept_and_the_next_night_does_it(
    clients_worked_on: Desk,
) -> None:
    """[17], [18]: released, its exception and item close, and what is owed takes it; two persons at once: one wins."""
    store = clients_worked_on.installation
    anna, ben = clients_worked_on.client("caseworker"), clients_worked_on.client("team_leader", name="ben")
    number = number_of(clients_worked_on, "RLOST")
    fields = entry(anna, number, "casegroup_id", "G1")
    bens = entry(ben, number, "passed_to", "the payer")
    said = text_of(send(anna, number, "try", fields).text)
    assert "With the next night it is casegroup G1's; its exception and item close." in said
    assert "£5.00 goes to the due CS2-A-RP-ACTIVE" in said
    assert store.query("select count(*) as n from held.resolutions")[0]["n"] == 0
    assert store.view("acts") == []
    kept = send(anna, number, "keep", fields)
    assert (kept.status_code, kept.headers["location"]) == (303, f"/desk/payments/{number}")
    refused = send(ben, number, "keep", bens)
    assert refused.status_code == 400
    assert "Somebody was quicker" in refused.text
    assert "anna entered casegroup id G1" in refused.text
    assert "SUSPENSE" in refused.text
    # Looked at again: it is in no state for another entry.
    assert (
        "in no state for that" in send(ben, number, "keep", entry(ben, number, "passed_to", "the payer")).text
    )
    assert "Entered, and waiting for the next night" in ben.get(f"/payments/{number}").text
    (act,) = store.view("acts")
    assert (act["acted_by"], act["action"], act["about"], act["reference"], act["casegroup_id"]) == (
        "anna", "enter_on_payments", "PAYMENT", str(number), "G1",
    )  # fmt: skip
    assert (act["before"], act["reason"]) == ({"status": "SUSPENSE"}, "rang the payer")
    events = [
        row["event"] for row in store.view("exception_history") if "payment_name" in row["exception_id"]
    ]
    assert sorted(events) == ["ENTERED", "OPENED"]
    store.night(NEXT)
    (payment,) = (row for row in store.view("payments") if row["csa_receipt_reference"] == "RLOST")
    assert (payment["status"], payment["casegroup_id"], payment["allocated_pence"]) == (
        "ALLOCATED", "G1", 500,
    )  # fmt: skip
    assert "payment_name_mismatch" not in {rule for rule, _ in store.open_rules()}
    assert "Enter what you found out" not in anna.get(f"/payments/{number}").text


def test_17_R30_money_that_is_not_ours_is_passed_on_and_to_whom_is_in_no_act(clients_worked_on: Desk) -> None:
    store, client = clients_worked_on.installation, clients_worked_on.client("caseworker")
    number = number_of(clients_worked_on, "RLOST")
    fields = entry(client, number, "passed_to", "Ms Payer, 2 High Street")
    assert "it is passed on to Ms Payer" in send(client, number, "try", fields).text
    assert send(client, number, "keep", fields).status_code == 303
    assert "High Street" not in str(store.view("acts"))
    store.night(NEXT)
    assert "Passed on to Ms Payer, 2 High Street" in text_of(client.get(f"/payments/{number}").text)


def test_20_R31_the_flag_is_set_and_cleared_and_what_waits_says_so(clients_worked_on: Desk) -> None:
    """[20]: 'true' makes a HELD one FLAGGED, 'false' a FLAGGED one HELD."""
    store, client = clients_worked_on.installation, clients_worked_on.client("team_leader")
    for reference, value, words in (
        ("RHELD", "true", "With the next night it is flagged"),
        ("DFLAG", "false", "The casegroup is not complete: it is held until that is so."),
    ):
        number = number_of(clients_worked_on, reference)
        fields = entry(client, number, "manual_allocation", value)
        assert words in text_of(send(client, number, "try", fields).text)
        assert send(client, number, "keep", fields).status_code == 303
    store.night(NEXT)
    stand = {row["csa_receipt_reference"]: row["status"] for row in store.view("payments")}
    assert (stand["RHELD"], stand["DFLAG"]) == ("FLAGGED", "HELD")


@pytest.mark.parametrize(
    ("reference", "over", "words"),
    [
        ("RLOST", {"value": "none such"}, "No case of casegroup none such is held"),
        ("RLOST", {"value": "secret"}, "No case of casegroup secret is held, or it is not for everybody to see"),  # R26
        ("RLOST", {"value": " "}, "casegroup_id cannot be empty"),
        ("RLOST", {"source": " "}, "Say what is entered and where it was found"),
        ("RLOST", {"source": "x" * 201}, "in at most 200 characters"),
        ("RLOST", {"value": "x" * 201}, "in at most 200 characters"),
        ("RLOST", {"field": "status", "value": "ALLOCATED"}, "PAYMENT has no field"),
        ("RLOST", {"field": "manual_allocation", "value": "true"}, "in no state for that"),
        ("RHELD", {"field": "manual_allocation", "value": "perhaps"}, "neither true nor false"),
        ("RMORE", {}, "in no state for that"),
        ("RLOST", {"version": "0-0"}, "Somebody was quicker"),
        ("RLOST", {"version": HOSTILE}, "Somebody was quicker"),
        ("RLOST", {"value": HOSTILE}, "is not for everybody to see"),
    ],
)  # fmt: skip
def test_5_what_no_night_would_take_in_is_refused_in_words_and_nothing_is_kept(
    clients: Desk, reference: str, over: dict[str, str], words: str
) -> None:
    client, number = clients.client("caseworker"), number_of(clients, reference)
    seen = entry(client, number_of(clients, "RLOST"), "casegroup_id", "G1")
    if reference != "RLOST":
        page = client.get(f"/payments/{number}").text
        seen["version"] = (
            re.findall(r'name="version" value="([^"]*)"', page) or [f"{_last(clients, number)}-0"]
        )[0]
    answer = send(client, number, "keep", seen | over)
    assert answer.status_code == 400
    assert words in text_of(answer.text)
    assert clients.installation.query("select count(*) as n from held.resolutions")[0]["n"] == 0
    assert clients.installation.view("acts") == []


def _last(asked: Desk, number: int) -> int:
    query = (
        "select max(event_number) as n from reporting.payment_events where payment_id = "
        "(select payment_id from reporting.payment_events where event_number = %s)"
    )
    return int(asked.installation.query(query, number)[0]["n"])


def test_R26_a_payment_of_a_sensitive_casegroup_is_there_with_the_role_alone(clients_worked_on: Desk) -> None:
    store = clients_worked_on.installation
    store.execute(
        "insert into closure.sensitive_casegroups (casegroup_id, business_date) values ('G2', '2017-08-11')"
    )
    number = number_of(clients_worked_on, "RHELD", "sensitive")
    ordinary, wide = clients_worked_on.client(), clients_worked_on.client("caseworker", "sensitive")
    assert ordinary.get(f"/payments/{number}").status_code == 404
    fields = {"field": "manual_allocation", "value": "true", "source": "x", "version": f"{number}-0"}
    assert send(ordinary, number, "keep", fields).status_code == 404
    assert listed(ordinary, status="HELD") == []
    assert listed(wide, status="HELD", apart="true") == ["RHELD"]
    assert "0 found" in text_of(ordinary.post("/payments", {"reference": "RHELD"}, page="/payments").text)
    assert "1 found" in text_of(wide.post("/payments", {"reference": "RHELD"}, page="/payments").text)
    assert send(wide, number, "keep", fields).status_code == 303
    assert store.view("acts") == []


def test_nothing_is_entered_while_a_night_is_open(clients_worked_on: Desk) -> None:
    """[23] One at a time."""
    client, number = clients_worked_on.client("caseworker"), number_of(clients_worked_on, "RLOST")
    fields = entry(client, number, "casegroup_id", "G1")
    clients_worked_on.installation.execute(
        "update closure.nights set status = 'OPEN' where business_date = '2017-08-11'"
    )
    answer = send(client, number, "keep", fields)
    assert answer.status_code == 400
    assert "Nothing was entered" in answer.text
