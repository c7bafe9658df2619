"""Letters: finding one, what it said as a file, sent again, a further write-off to confirm (B12-B18, B45, [29])."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from case_closure.domain.letters import reference
from tests.pages.conftest import HOSTILE
from tests.pages.test_casegroups import number_of_letter, text_of
from tests.support import pdf
from tests.support.desk import Client, Desk

NEXT = date(2017, 8, 12)


def listed(client: Client, **parameters: str) -> set[str]:
    """Code and casegroup of each letter that is listed."""
    numbers = re.findall(
        r'href="/desk/letters/(CMSL[^"]+)">[^<]+</a></th>', client.get("/letters", **parameters).text
    )
    return {"-".join(number.split("-")[:2]) for number in numbers}


def test_letters_are_listed_by_night_casegroup_code_and_status(clients: Desk) -> None:
    client = clients.client("analyst")
    assert {"CMSL6301-G7", "CMSL6302-G7"} <= listed(client) == listed(client, on="2017-08-11")
    assert {"CMSL6301-G1", "CMSL6302-G1"} <= listed(client, casegroup="G1")
    assert listed(client, casegroup="G1", code="CMSL6301") == {"CMSL6301-G1"}
    assert listed(client, on="2017-08-10", code="CMSL6302", status="ISSUED") == {"CMSL6302-G1", "CMSL6302-G5"}
    assert listed(client, casegroup="G1", status="SUPPRESSED") == set()
    assert listed(client, casegroup="secret") == set()
    assert client.get("/letters", on="yesterday").status_code == 400


def test_a_letter_is_found_by_what_a_client_reads_out(clients: Desk) -> None:
    client, letter = clients.client("caseworker"), number_of_letter(clients, "CMSL6301", "G1")
    quoted = reference(letter)
    page = client.post("/letters", {"quoted": f" {quoted[:4].lower()} {quoted[4:]}"}, page="/letters").text
    assert re.findall(r'href="/desk/letters/([^"]+)">', page) == [letter]
    slip = quoted[:-1] + ("2" if quoted[-1] != "2" else "3")
    assert (
        "is not a reference as letters have it"
        in client.post("/letters", {"quoted": slip}, page="/letters").text
    )
    other = reference("another letter")
    assert (
        "There is no letter with that reference"
        in client.post("/letters", {"quoted": other}, page="/letters").text
    )


def test_a_letter_says_what_it_said_then_and_that_it_was_read_is_on_record(clients_worked_on: Desk) -> None:
    store, client = clients_worked_on.installation, clients_worked_on.client("caseworker")
    letter = number_of_letter(clients_worked_on, "CMSL6302", "G1")
    # What has come in since is not what was said.
    store.execute("update held.csa_parties set surname = 'Newname'")
    answer = client.post(f"/letters/{letter}/read", {}, page=f"/letters/{letter}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="CMSL6302-{reference(letter)}.pdf"'
    assert answer.headers["cache-control"] == "no-store"
    said = " ".join(pdf.pages(answer.content))
    assert "Walker" in said
    assert "£10.00" in said
    assert "Newname" not in said
    (act,) = store.view("acts")
    assert (act["action"], act["about"], act["reference"], act["casegroup_id"]) == (
        "read_letter",
        "LETTER",
        letter,
        "G1",
    )
    assert "anna as caseworker: read letter" in text_of(client.get(f"/letters/{letter}").text)
    assert client.get(f"/letters/{letter}/read").status_code in (
        404,
        405,
    )  # to read it is an act, never a link


def test_who_may_not_read_letters_is_offered_no_form_and_refused(clients: Desk) -> None:
    letter = number_of_letter(clients, "CMSL6302", "G1")
    analyst = clients.client("analyst")
    assert "Read the letter" not in analyst.get(f"/letters/{letter}").text
    for what in ("read", "again"):
        assert analyst.post(f"/letters/{letter}/{what}", {}, page="/letters").status_code == 403
    assert "Send it again" not in clients.client("auditor").get(f"/letters/{letter}").text


def test_a_letter_is_sent_again_once_and_the_second_is_told_by_whom(clients_worked_on: Desk) -> None:
    store = clients_worked_on.installation
    anna, ben = clients_worked_on.client("caseworker"), clients_worked_on.client("team_leader", name="ben")
    letter = number_of_letter(clients_worked_on, "CMSL6302", "G1")
    sent = anna.post(f"/letters/{letter}/again", {}, page=f"/letters/{letter}")
    assert (sent.status_code, sent.headers["location"]) == (303, f"/desk/letters/{letter}")
    refused = ben.post(f"/letters/{letter}/again", {}, page="/letters")
    assert refused.status_code == 400
    assert "was asked for by anna on 2017-08-14" in refused.text
    assert "anna asked at 14 Aug 2017" in ben.get(f"/letters/{letter}").text
    (act,) = store.view("acts")
    assert (act["acted_by"], act["action"], act["reference"]) == ("anna", "send_letters_again", letter)
    store.night(NEXT)
    assert "CMSL6313-G1" in listed(anna, on=str(NEXT))
    assert "CMSL6313" in anna.get(f"/letters/{letter}").text


def test_29_B45_a_further_write_off_is_asked_for_from_its_item_with_dates(clients_worked_on: Desk) -> None:
    """[29]: from not after to; an open item; once."""
    store, client = clients_worked_on.installation, clients_worked_on.client("caseworker")
    (where,) = re.findall(r'href="/desk(/letters/confirm[^"]+)"', client.get("/casegroups/G5").text)
    assert where == "/letters/confirm?casegroup=G5&amp;system=CSCS&amp;case=A"
    asked_for = client.get("/letters/confirm", casegroup="G5", system="CSCS", case="A")
    assert "Ask for the letter" in asked_for.text
    fields: dict[str, Any] = {"casegroup": "G5", "system": "CSCS", "case": "A"}
    for from_on, to_on, words in (
        ("2012-01-02", "2012-01-01", "must not be after"), ("2012-02-30", "2012-03-01", "a day that there is"),
        ("", "", "a day that there is"), (HOSTILE, "2012-01-01", "a day that there is"),
    ):  # fmt: skip
        answer = client.post(
            "/letters/confirm", fields | {"from_on": from_on, "to_on": to_on}, page="/letters"
        )
        assert answer.status_code == 400
        assert words in answer.text
    dates = {"from_on": "2010-01-01", "to_on": "2012-03-31"}
    other = client.post("/letters/confirm", fields | dates | {"case": "B"}, page="/letters")
    assert "There is no open CONFIRM_WRITE_OFF item" in text_of(other.text)
    assert store.view("acts") == []
    said = client.post("/letters/confirm", fields | dates, page="/letters")
    assert "2010-01-01 to 2012-03-31, goes out with the next night" in said.text
    assert "was asked for by anna" in client.post("/letters/confirm", fields | dates, page="/letters").text
    (act,) = store.view("acts")
    assert (act["action"], act["reference"], act["casegroup_id"], act["after"]) == (
        "confirm_write_offs", "CSCS-A", "G5", dates,
    )  # fmt: skip
    store.night(NEXT)
    (letter,) = (row for row in store.view("letters") if row["code"] == "CMSL6300")
    assert (letter["from_on"], letter["to_on"]) == (date(2010, 1, 1), date(2012, 3, 31))


def test_R26_a_letter_of_a_casegroup_that_became_sensitive_is_there_with_the_role_alone(
    clients_worked_on: Desk,
) -> None:
    letter = number_of_letter(clients_worked_on, "CMSL6302", "G1")
    clients_worked_on.installation.execute(
        "insert into closure.sensitive_casegroups (casegroup_id, business_date) values ('G1', '2017-08-11')"
    )
    ordinary, wide = clients_worked_on.client(), clients_worked_on.client("caseworker", "sensitive")
    none = ordinary.get("/letters/none")
    assert (ordinary.get(f"/letters/{letter}").status_code, ordinary.get(f"/letters/{letter}").text) == (
        404,
        none.text,
    )
    for what in ("read", "again"):
        assert ordinary.post(f"/letters/{letter}/{what}", {}, page="/letters").status_code == 404
    for client, found in ((ordinary, "0 found"), (wide, "1 found")):
        assert found in text_of(client.post("/letters", {"quoted": reference(letter)}, page="/letters").text)
    assert wide.post(f"/letters/{letter}/read", {}, page=f"/letters/{letter}").content.startswith(b"%PDF")
    assert wide.post(f"/letters/{letter}/again", {}, page="/letters").status_code == 400
    assert clients_worked_on.installation.view("acts") == []


@pytest.mark.parametrize("letter", ["none", "CMSL6301", "x/y/z"])
def test_a_letter_that_there_is_not_is_no_page(clients: Desk, letter: str) -> None:
    assert clients.client().get(f"/letters/{letter}").status_code == 404
