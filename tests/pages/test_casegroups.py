"""Finding a casegroup, its record in one line of time, an amount's line of the extract, particulars for a reason (R26, [31])."""

from __future__ import annotations

import re
import shutil
from datetime import date
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest

from case_closure.desk import casegroups as desk
from case_closure.desk import people
from case_closure.domain.letters import reference
from case_closure.domain.permissions import Actor
from tests.pages.conftest import HOSTILE, NIGHTS
from tests.support.builders import nino_of
from tests.support.closure_builders import application, open_case
from tests.support.desk import AT, Desk

PERSONAL = ("O’Brien-Lloyd", "AB123456C", "AB123456", "01130000001")


def text_of(page: str) -> str:
    """What a page says, on one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])))


def found_by(asked: Desk, *roles: str, **terms: str) -> list[str]:
    """The casegroups that a search lists."""
    page = asked.client(*roles).post("/casegroups", terms, page="/casegroups")
    assert page.status_code == 200, text_of(page.text)
    return re.findall(r'href="/desk/casegroups/([^"]+)"', page.text)


def number_of_letter(asked: Desk, code: str, casegroup: str) -> str:
    query = "select letter_id from reporting.letters where code = %s and casegroup_id = %s order by 1 limit 1"
    return str(asked.installation.query(query, code, casegroup)[0]["letter_id"])


@pytest.mark.parametrize(
    ("terms", "casegroups"),
    [
        ({"casegroup_id": "G1"}, ["G1"]),
        ({"csa_case_id": "B"}, ["G1"]),
        ({"csa_case_id": "A"}, ["G1", "G5"]),
        ({"nino": "ab 12 34 56 d"}, ["G1"]),  # another suffix is the same number (R18)
        ({"nino": "AB123456"}, ["G1"]),
        ({"surname": "OBRIEN LLOYD"}, ["G1"]),  # as R19 has names
        ({"surname": "o'brien lloyd", "forenames": "Sian"}, ["G1"]),
        ({"surname": "O’Brien-Lloyd", "forenames": "Śian"}, ["G1"]),
        ({"surname": "O’Brien-Lloyd", "forenames": "Alex"}, []),
        ({"payment": "RPAID"}, ["G1"]),
        ({"payment": "DFLAG"}, ["G2"]),
        ({"surname": "Walker", "csa_case_id": "W"}, ["G2"]),
        ({"surname": "Walker", "nino": "AB123456"}, ["G1"]),  # the receiving parents
        ({"nino": "ZZ000000"}, []),
        ({"casegroup_id": "no such"}, []),
    ],
)
def test_a_casegroup_is_found_by_what_a_client_says(
    clients: Desk, terms: dict[str, str], casegroups: list[str]
) -> None:
    assert found_by(clients, **terms) == casegroups


def test_a_casegroup_is_found_by_the_reference_on_a_letter(clients: Desk) -> None:
    letter = number_of_letter(clients, "CMSL6302", "G1")
    assert found_by(clients, letter=reference(letter).lower()) == ["G1"]
    assert found_by(clients, letter=letter) == ["G1"]


def test_what_is_looked_for_is_in_no_address_and_what_is_found_is_masked(clients: Desk) -> None:
    client = clients.client("caseworker")
    answer = client.post("/casegroups", {"nino": "AB123456C"}, page="/casegroups")
    assert "******56C" in answer.text
    answer = client.post("/casegroups", {"csa_case_id": "B"}, page="/casegroups")
    assert "location" not in answer.headers
    assert [one for one in PERSONAL if one in answer.text] == []
    # What somebody puts into an address is not looked for.
    assert "found" not in text_of(client.get("/casegroups", nino="AB123456C").text)


@pytest.mark.parametrize(
    "terms", [{}, {"forenames": "Alex"}, {"nino": "AB12"}, {"nino": "AB12345%"}, {"nino": HOSTILE}]
)
def test_too_little_to_look_for_is_refused_in_words(clients: Desk, terms: dict[str, str]) -> None:
    answer = clients.client().post("/casegroups", terms, page="/casegroups")
    assert answer.status_code == 400
    assert "Nothing was looked for" in answer.text


def test_a_name_that_too_many_have_is_refused_unless_something_narrows_it(
    clients: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "MOST_FOUND", 2)
    answer = clients.client().post("/casegroups", {"surname": "Walker"}, page="/casegroups")
    assert "More people have that name" in answer.text
    assert found_by(clients, surname="Walker", csa_case_id="C") == ["G7"]


def test_31_all_of_it_stands_in_order_of_date_and_the_pence_add_up(clients: Desk) -> None:
    said = text_of(clients.client("auditor").get("/casegroups/G1").text)
    for words in (
        "£13.43 received", "£13.50 posted as dues", "£0.00 held", "£4.00 paid of the dues", "£9.20 outstanding",
        "Together £13.43 £13.50 £0.00 -£0.07", "Together £13.50 £13.20 £4.00 £9.20",
        "COR1 CS2-B-RP-ACTIVE error -£0.30 £9.20",
    ):  # fmt: skip
        assert words in said, words
    dates = re.findall(
        r"(1[01] August 2017) (?:balance|due|payment|allocation|correction|letter|item|case|action)", said
    )
    assert dates == sorted(dates)
    assert {"10 August 2017", "11 August 2017"} == set(dates)
    assert [one for one in PERSONAL if one in said] == []


def test_from_every_amount_one_link_leads_to_the_line_of_the_extract_and_back(clients: Desk) -> None:
    client = clients.client("analyst")
    rows = set(re.findall(r'href="/desk(/casegroups/G1/rows/[^"]+)"', client.get("/casegroups/G1").text))
    assert rows == {
        "/casegroups/G1/rows/csa_balances/2017-08-10/1/1", "/casegroups/G1/rows/csa_balances/2017-08-10/1/2",
        "/casegroups/G1/rows/corrections/COR1",
    }  # fmt: skip
    page = client.get("/casegroups/G1/rows/csa_balances/2017-08-10/1/1").text
    said = text_of(page)
    assert "File csa_balances.parquet Landed for 10 August 2017" in said
    assert "The row as it stands in the file" in said
    assert (
        "receiving parent, collectable now £10.00 posted as a due: CS2-A-RP-ACTIVE , £10.00 on 10 August 2017 £6.00"
        in said
    )
    assert "-£0.07 a credit: listed, not transferred" in said
    assert re.search(r"SHA-256 of the file [0-9a-f]{64} ", said)
    assert 'href="/desk/casegroups/G1"' in page
    said = text_of(client.get("/casegroups/G1/rows/corrections/COR1").text)
    assert "File corrections.parquet Landed for 11 August 2017 Extract DW-2017-08-11 Row 1" in said
    assert "new_amount_pence £2.70" in said
    said = text_of(client.get("/casegroups/G2/rows/csa_debts/2017-08-11/CS2/W").text)
    assert "ima_pence £1.20" in said
    assert "INTERIM_ASSESSMENT" in said


@pytest.mark.parametrize(
    "place",
    [
        "csa_balances/2017-08-10/1/99", "csa_balances/2017-08-10/2/1", "csa_balances/2017-08-10/1/3",  # none; another's
        "csa_balances/x/1/1", "csa_balances/2017-08-10/1", "csa_balances/2017-08-10/-1/1", "csa_parties/PP-G1",
        "corrections/none", "csa_debts/2017-08-11/CS2/W", "csa_debts/nothing", f"corrections/{quote(HOSTILE)}",
    ],
)  # fmt: skip
def test_a_row_that_is_not_there_or_another_casegroups_is_no_page(clients: Desk, place: str) -> None:
    assert clients.client().get(f"/casegroups/G1/rows/{place}").status_code == 404


def test_R21_when_the_file_has_gone_or_is_another_the_page_says_so_and_shows_what_was_taken_in(
    clients_worked_on: Desk,
) -> None:
    where = "/casegroups/G1/rows/csa_balances/2017-08-10/1/1"
    folder = clients_worked_on.installation.landing / NIGHTS[0].isoformat()
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text() + " ")
    said = text_of(clients_worked_on.client().get(where).text)
    assert "another extract of that date has landed since" in said
    assert "The row as it was taken in" in said
    assert "rp_active_pence £10.00" in said
    shutil.rmtree(folder)
    assert "The folder has gone" in text_of(clients_worked_on.client().get(where).text)


def test_particulars_are_shown_whole_for_a_reason_that_stays_on_the_record(clients_worked_on: Desk) -> None:
    client = clients_worked_on.client("caseworker")
    asked = {"whose": "CS2/PAYING_PARENT/A", "reason": "Rang about a letter"}
    answer = client.post("/casegroups/G1/person", asked, page="/casegroups/G1")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    said = text_of(answer.text)
    for personal in ("Siân", "O’Brien-Lloyd", "AB123456C", "01130000001", "1 High Street"):
        assert personal in said
    (act,) = clients_worked_on.installation.view("acts")
    assert (act["acted_by"], act["acted_as"], act["action"], act["about"]) == (
        "anna",
        "caseworker",
        "unmask_person",
        "PERSON",
    )
    assert (act["reference"], act["casegroup_id"], act["reason"]) == ("PP-G1", "G1", "Rang about a letter")
    assert "anna as caseworker: unmask person person PP-G1 (Rang about a letter)" in text_of(
        client.get("/casegroups/G1").text
    )


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"whose": "CS2/PAYING_PARENT/A", "reason": " "}, 400), ({"whose": "CS2/PAYING_PARENT/A", "reason": "x" * 501}, 400),
        ({"whose": "CS2/PAYING_PARENT/C", "reason": "why"}, 404), ({"whose": "CS2/CHILD/A", "reason": "why"}, 404),
        ({"whose": HOSTILE, "reason": "why"}, 404), ({"reason": "why"}, 404),
    ],
)  # fmt: skip
def test_without_a_reason_or_for_anothers_parent_nothing_is_shown_or_kept(
    clients: Desk, fields: dict[str, Any], status: int
) -> None:
    answer = clients.client().post("/casegroups/G1/person", fields, page="/casegroups/G1")
    assert answer.status_code == status
    assert "AB123456C" not in answer.text
    assert clients.installation.view("acts") == []


def test_who_may_not_see_particulars_is_offered_no_form_and_refused(clients: Desk) -> None:
    client = clients.client("analyst")
    assert "particulars" not in client.get("/casegroups/G1").text
    answer = client.post(
        "/casegroups/G1/person", {"whose": "CS2/PAYING_PARENT/A", "reason": "why"}, page="/casegroups"
    )
    assert answer.status_code == 403


def test_R26_a_sensitive_casegroup_is_there_only_with_the_role_and_else_as_what_is_not_there(
    clients_worked_on: Desk,
) -> None:
    ordinary, wide = clients_worked_on.client(), clients_worked_on.client("caseworker", "sensitive")
    none, row = ordinary.get("/casegroups/none").text, "/rows/csa_balances/2017-08-10/1/4"
    for where in ("/casegroups/secret", f"/casegroups/secret{row}"):
        answer = ordinary.get(where)
        assert (answer.status_code, answer.text) == (404, none)
    for terms in ({"casegroup_id": "secret"}, {"csa_case_id": "S"}, {"surname": "OBRIEN LLOYD"}):
        assert "secret" not in found_by(clients_worked_on, **terms)
        assert "secret" in found_by(clients_worked_on, "caseworker", "sensitive", **terms)
    whose = {"whose": "CS2/PAYING_PARENT/S", "reason": "why"}
    assert ordinary.post("/casegroups/secret/person", whose, page="/casegroups").status_code == 404
    page = wide.get("/casegroups/secret").text
    assert "nationally sensitive" in page
    (its_row,) = re.findall(r'href="/desk(/casegroups/secret/rows/[^"]+)"', page)
    assert "£9.00" in wide.get(its_row).text
    assert ordinary.get(its_row).status_code == 404
    assert "OBRIEN LLOYD" in wide.post("/casegroups/secret/person", whose, page="/casegroups").text
    assert clients_worked_on.installation.view("acts") == []
    (act,) = clients_worked_on.installation.view("acts", "sensitive")
    assert act["casegroup_id"] == "secret"
    # Nor is it shown by a page that has its side wrong.
    url, anna = clients_worked_on.installation.url, Actor("anna", frozenset({"caseworker", "sensitive"}))
    for casegroup_id, case_id, apart in (("secret", "S", False), ("G1", "A", True)):
        assert (
            people.unmask(
                url, casegroup_id, "CS2", case_id, "PAYING_PARENT", reason="why", by=anna, at=AT, apart=apart
            )
            is None
        )


def test_an_address_with_what_no_text_has_is_no_page(clients: Desk) -> None:
    for where in (
        "/casegroups/%00",
        "/letters?casegroup=%00",
        "/letters/a%00",
        "/casegroups/G1/rows/corrections/%00",
    ):
        assert clients.client().client.get(f"/desk{where}").status_code == 404, where


def test_numbers_that_are_no_words_are_shown_as_text_and_led_to(desk: Desk) -> None:
    client = desk.client()
    page = client.get("/casegroups/" + quote(f"G{HOSTILE}", safe="")).text
    assert "<script>alert" not in page
    assert "\u202e" not in page
    rows = re.findall(r'href="/desk(/casegroups/[^"]+/rows/[^"]+)"', page)
    assert rows
    assert client.get(unescape(rows[0])).status_code == 200


# --- what people do from it


APPLIED = date(2017, 8, 16)


@pytest.fixture
def applied_for(worked_on: Desk) -> Desk:
    """An application names the paying parent of G-APPLIED, whose case is open; a correction of it is refused."""
    named = {"applicant_nino": nino_of("RP-OPEN"), "named_paying_parent_nino": nino_of("PP-G-APPLIED")}
    too_low = {
        "correction_id": "too-low", "csa_system": "CS2", "csa_case_id": "OPEN", "creditor": "RP", "arrears_status": "ACTIVE",
        "new_amount_pence": -1, "reason": "ERROR", "requested_by": "Pat",
    }  # fmt: skip
    worked_on.installation.night(
        APPLIED, open_case("OPEN", "G-APPLIED"), cms_applications=[application("AP/1", APPLIED, **named)],
        corrections=[too_low],
    )  # fmt: skip
    return worked_on


def test_B26_a_request_is_issued_by_hand_for_an_application_and_once(applied_for: Desk) -> None:
    caseworker, here = applied_for.client("caseworker", name="carla"), "/casegroups/G-APPLIED"
    fields = {"application": quote("AP/1"), "type": "LTR2", "system": "CS2"}
    assert "/ltr" not in applied_for.client("auditor").get(here).text
    assert caseworker.post(f"{here}/ltr", fields, page=here).headers["location"] == f"/desk{here}"
    assert "LTR2-CS2-AP/1 waits for the next night" in text_of(caseworker.get(here).text)
    (issued,) = applied_for.installation.query(
        "select issued_by from reporting.ltrs where ltr_id = 'LTR2-CS2-AP/1'"
    )
    assert issued["issued_by"] == "carla"
    for wrong, words in (
        ({}, "LTR2-CS2-AP/1 was issued already, by carla"),
        ({"type": "LTR9"}, "There is no request of the type LTR9"),
        ({"type": HOSTILE}, "There is no request of the type"),
        ({"system": "CCD"}, "CCD holds no case of casegroup G-APPLIED"),
    ):
        refused = caseworker.post(f"{here}/ltr", fields | wrong, page=here)
        assert (refused.status_code, words in text_of(refused.text)) == (400, True), text_of(refused.text)
    # An application that does not name it is not there; who may not see casegroups does it from a shell.
    assert caseworker.post(f"{here}/ltr", fields | {"application": "no such"}, page=here).status_code == 404
    operator = applied_for.client("operator")
    token = re.findall(r'name="token" value="([^"]+)"', operator.get("/nights").text)[0]
    assert operator.post(f"{here}/ltr", fields | {"token": token, "type": "LTR3"}).status_code == 403


def test_applications_and_corrections_that_were_refused_stand_in_the_line_of_time(applied_for: Desk) -> None:
    page = applied_for.client("caseworker").get("/casegroups/G-APPLIED").text
    assert "application AP/1 reactive received 2017-08-16 T-Date 2017-09-23" in text_of(page)
    assert "correction refused too-low" in text_of(page)
    assert re.search(r'href="/desk/exceptions/[^"]+">too-low<', page)
