"""Tranches, as the control group and an analyst use them: how far it is, and criteria proposed, looked at, decided (B6, B8)."""

from __future__ import annotations

import re
import time
from concurrent.futures import wait

import pytest

from case_closure.desk import figures
from case_closure.store import database, kept
from tests.support.desk import AT, Desk

FORM = {
    "tranche_id": "T77", "ocr_reference": "OCR-77", "reason": "a pilot", "segments": ["1", "2"], "csa_systems": ["CS2"],
    "case_types": ["ONGOING"], "max_cases": "10", "notice_days": "180", "reminder_days": "", "valid_from": "2017-08-15",
    "valid_to": "",
}  # fmt: skip


def once(page: str) -> str:
    found = re.search(r'name="once" value="([0-9a-f]{32})"', page)
    assert found is not None
    return found[1]


def acts(desk: Desk) -> list[tuple[str, str, str, str]]:
    rows = desk.installation.query(
        "select acted_by, acted_as, action, reference, after from reporting.acts order by act_number"
    )
    return [
        (row["acted_by"], row["acted_as"], row["action"], f"{row['reference']} {row['after'].get('state')}")
        for row in rows
    ]


def test_R26_how_far_sensitive_cases_are_is_on_a_page_for_their_role_alone(clients: Desk) -> None:
    (row,) = clients.installation.view("programme", "sensitive")
    assert (row["tranche_id"], row["cases"], row["clerical_cases"]) == (None, 1, 1)
    page = clients.client("analyst", "sensitive").get("/tranches", apart="true").text
    assert re.search(r"in no tranche</th><td [^>]+>1</td>", page)
    ordinary = clients.client("analyst")
    assert ordinary.get("/tranches", apart="true").status_code == 404
    assert "apart=true" not in ordinary.get("/tranches").text


def test_B6_criteria_are_proposed_by_one_and_approved_by_another(worked_on: Desk) -> None:
    analyst = worked_on.client("analyst", name="anna")
    carl, anna = (worked_on.client("control_group", name=name) for name in ("carl", "anna"))
    form = {**FORM, "once": once(analyst.get("/tranches/propose").text)}

    seen = analyst.post("/tranches/preview", form, page="/tranches/propose")
    assert seen.status_code == 200
    assert "Tranche T77 on 2017-08-15" in seen.text
    assert "indicative arrears" in seen.text
    assert acts(worked_on) == [], "to look changes nothing"

    for _ in range(2):  # sent twice, kept once
        kept_one = analyst.post("/tranches/propose", form, page="/tranches/propose")
        assert kept_one.status_code == 303
    where = kept_one.headers["location"].removeprefix("/desk")
    assert "T77, version 1" in carl.get("/tranches").text

    assert "You proposed this" in anna.get(where).text
    answer = {"tranche_id": "T77", "version": "1", "answer": "approve", "comment": "agreed"}
    own = anna.post("/tranches/decide", answer, page="/tranches/propose")
    assert own.status_code == 400
    assert "proposed it and may not approve it" in own.text
    # An approval that is not accepted is an answer: what was proposed is refused, and is proposed again.
    assert (
        analyst.post("/tranches/propose", form | {"once": "0" * 32}, page="/tranches/propose").status_code
        == 303
    )
    answer |= {"version": "2"}
    assert carl.post("/tranches/decide", answer, page=where).status_code == 303
    (row,) = worked_on.installation.query(
        "select * from reporting.tranche_criteria where tranche_id = 'T77' and in_force"
    )
    assert (row["version"], row["state"], row["authorised_by"], row["comment"]) == (
        2,
        "APPROVED",
        "carl",
        "agreed",
    )
    assert row["authorised_on"] == AT.date()
    assert acts(worked_on) == [
        ("anna", "analyst", "propose_criteria", "T77 PROPOSED"), ("anna", "control_group", "approve_criteria", "T77 REFUSED"),
        ("anna", "analyst", "propose_criteria", "T77 PROPOSED"), ("carl", "control_group", "approve_criteria", "T77 APPROVED"),
    ]  # fmt: skip


def test_the_second_of_two_who_decide_is_told_what_the_first_did(worked_on: Desk) -> None:
    analyst = worked_on.client("analyst", name="anna")
    carl, dora = (worked_on.client("control_group", name=name) for name in ("carl", "dora"))
    analyst.post("/tranches/propose", FORM | {"once": "1" * 32}, page="/tranches/propose")
    where = "/tranches/criteria?tranche=T77"
    fields = {"token": dora.token(where), "tranche_id": "T77", "version": "1", "answer": "approve"}
    assert (
        carl.post("/tranches/decide", {**fields, "token": carl.token(where), "answer": "refuse"}).status_code
        == 303
    )
    late = dora.post("/tranches/decide", fields)
    assert late.status_code == 400
    assert "decided meanwhile: refused by carl" in late.text


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"notice_days": "0"}, "notice_days: expected a whole number from 1"),
        ({"segments": ["9"]}, "segments"),
        ({"max_cases": "many"}, "max_cases"),
        ({"once": "x"}, "without the number it was made with"),
        ({"tranche_id": ""}, "tranche_id"),
    ],
)
def test_a_form_that_cannot_be_is_refused_in_words_and_nothing_kept(
    desk: Desk, wrong: dict[str, object], says: str
) -> None:
    answer = desk.client().post(
        "/tranches/propose", {**FORM, "once": "2" * 32, **wrong}, page="/tranches/propose"
    )
    assert answer.status_code == 400
    assert says in answer.text
    assert desk.installation.query("select * from reporting.tranche_criteria where tranche_id = 'T77'") == []


def test_B8_figures_are_counted_after_each_night_and_agree_with_the_views(desk: Desk) -> None:
    page = desk.client("control_group").get("/tranches").text
    (total,) = desk.installation.query(
        "select sum(cases)::int as cases, sum(transitioned_cases)::int as complete from reporting.programme"
    )
    assert f"<b>{total['cases']:,}</b>cases held" in page
    assert f"<b>{total['complete']:,}</b>transition complete" in page
    with database.transaction(desk.installation.url) as connection:
        there = kept.find(connection, "programme")
        assert there is not None
        assert there.is_new
        # Another list of sensitive casegroups, and what was counted is nobody's to see (R42).
        connection.exec_driver_sql(
            "insert into closure.sensitive_casegroups values ('G0000001', '2017-08-14')"
        )
        assert kept.find(connection, "programme") is None
        (row,) = connection.exec_driver_sql(
            "select content from reporting.kept_programme where kind = 'programme'"
        ).all()
        assert row == (None,)
        connection.rollback()
    assert figures.bring_up_to_date(desk.installation.url, ["programme"]) == set()


def test_nobody_is_kept_waiting_for_figures_that_take_long(
    worked_on: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has those of before sees them at once, and that newer ones are being counted (B8)."""
    url, look = worked_on.installation.url, worked_on.client("control_group").get
    assert "being counted" not in look("/tranches").text
    slowly = kept.COUNTED["programme"] + ", pg_sleep(3)"
    monkeypatch.setitem(kept.COUNTED, "programme", slowly.replace("*", "programme.*"))
    monkeypatch.setattr(figures, "WAITS_SECONDS", 0.1)
    with database.transaction(url) as connection:
        connection.exec_driver_sql("update closure.kept_figures set night_stage = 0 where kind = 'programme'")
    began = time.monotonic()
    page = look("/tranches").text
    assert time.monotonic() - began < 3
    assert "Nights since then are being counted; these figures stand until they are." in page
    assert "cases held" in page
    with database.transaction(url) as connection:
        connection.exec_driver_sql("delete from closure.kept_figures where kind = 'programme'")
    assert "open this page again" in look("/tranches").text
    monkeypatch.setattr(figures, "WAITS_SECONDS", 60.0)
    assert figures.bring_up_to_date(url, ["programme"]) == set()
    assert "cases held" in look("/tranches").text
    # What took long is known to: the next who asks does not wait for it at all.
    monkeypatch.setattr(figures, "WAITS_SECONDS", 2.0)
    with database.transaction(url) as connection:
        connection.exec_driver_sql("update closure.kept_figures set night_stage = 0 where kind = 'programme'")
    began = time.monotonic()
    assert figures.bring_up_to_date(url, ["programme"]) == {"programme"}
    assert time.monotonic() - began < 1
    wait(figures._counting.values())
