"""The reconciliation, as an analyst uses it: breaks found, the workbook taken along, the figures signed (B54)."""

from __future__ import annotations

import io

import openpyxl

from case_closure.domain.money import pounds
from tests.support.desk import Desk


def test_B54_what_the_page_says_is_what_the_views_say(desk: Desk) -> None:
    page = desk.client("auditor").get("/reconciliation").text
    added = "select count(*)::int as n, sum(difference_pence) as pence from reporting."
    (breaks,) = desk.installation.query(added + "reconciliation_breaks")
    assert desk.installation.query(added + "kept_breaks") == [breaks]
    assert breaks["n"] > 0
    assert "Tie-out with CSA" in page
    assert "By CSA’s ledger" in page
    assert "as at the end of the night of 14 August 2017" in page
    assert "Sign off as" not in page, "an auditor changes nothing"


def test_breaks_are_filtered_and_paged_by_key(desk: Desk) -> None:
    client = desk.client("analyst")
    rows = desk.installation.query("select * from reporting.kept_breaks order by break_number")
    first = rows[0]
    page = client.get("/reconciliation", cause=first["cause"], system=first["csa_system"]).text
    assert first["csa_case_id"] in page
    assert "No break fits this" in client.get("/reconciliation", casegroup="no such").text
    beyond = client.get("/reconciliation", after=str(rows[-1]["break_number"])).text
    assert "No break fits this" in beyond
    assert client.get("/reconciliation", after="nonsense").status_code == 400


def test_the_workbook_of_any_night_is_an_attachment(desk: Desk) -> None:
    answer = desk.client("auditor").post(
        "/reconciliation/workbook", {"night": "2017-08-10"}, page="/reconciliation"
    )
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="reconciliation-2017-08-10.xlsx"'
    assert "breaks" in openpyxl.load_workbook(io.BytesIO(answer.content)).sheetnames
    before_all = desk.client().post(
        "/reconciliation/workbook", {"night": "1999-01-01"}, page="/reconciliation"
    )
    assert (before_all.status_code, "No night up to 1999-01-01" in before_all.text) == (400, True)


def test_R26_sensitive_casegroups_are_reconciled_on_a_page_for_their_role_alone(clients: Desk) -> None:
    rows = clients.installation.view("reconciliation", "sensitive")
    assert [row["csa_case_id"] for row in rows] == ["S"]
    page = clients.client("auditor", "sensitive").get("/reconciliation", apart="true").text
    received = f"<b>£{pounds(rows[0]['received_pence'])}"
    assert f"{received}</b>received" in page
    assert '<span class="desk-code">S</span>' in page, "its break: nothing of it left CSA"
    ordinary = clients.client("auditor")
    assert ordinary.get("/reconciliation", apart="true").status_code == 404
    assert "apart=true" not in ordinary.get("/reconciliation").text


def test_B54_what_is_signed_is_what_was_seen(worked_on: Desk) -> None:
    analyst = worked_on.client("analyst", name="anna")
    (seen,) = worked_on.installation.query(
        "select content ->> 'breaks_sha256' as sha from reporting.kept_reconciliation"
    )
    form = {"night": "2017-08-14", "seen": seen["sha"], "remarks": "each passed on"}
    other = analyst.post("/reconciliation/sign-off", form | {"seen": "0" * 64}, page="/reconciliation")
    assert (other.status_code, "are others by now" in other.text) == (400, True)
    assert worked_on.installation.query("select * from closure.reconciliation_sign_offs") == []
    signed = analyst.post("/reconciliation/sign-off", form, page="/reconciliation")
    assert (signed.status_code, signed.headers["location"]) == (303, "/desk/reconciliation?signed=1")
    (row,) = worked_on.installation.view("reconciliation_sign_offs")
    assert (row["signed_by"], row["breaks_sha256"], row["remarks"]) == ("anna", seen["sha"], "each passed on")
    (act,) = worked_on.installation.view("acts")
    assert (act["acted_as"], act["action"], act["reference"]) == (
        "analyst",
        "sign_off_reconciliation",
        "2017-08-14",
    )
    assert "each passed on" in analyst.get("/reconciliation").text
