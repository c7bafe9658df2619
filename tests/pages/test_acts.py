"""Who did what: found by person, by what was done, by casegroup and by day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from case_closure.desk import acting
from case_closure.domain.permissions import Actor
from case_closure.store import database
from tests.support.desk import Desk

LEADER = Actor("lena", frozenset({"team_leader"}))
ANALYST = Actor("anna", frozenset({"analyst"}))
AT = datetime(2017, 8, 14, 9, tzinfo=UTC)


@pytest.fixture
def acted(worked_on: Desk) -> Desk:
    with database.transaction(worked_on.installation.url) as connection:
        for n in range(60):
            given = acting.Act(
                "EXCEPTION", f"E{n:03}", "G1", {"allocated_to": None}, {"allocated_to": f"<b>c{n}</b>"}
            )
            acting.record(connection, LEADER, "allocate_exceptions", [given], at=AT + timedelta(minutes=n))
        proposed = acting.Act("TRANCHE", "T77", after={"version": 1}, reason="a pilot")
        acting.record(connection, ANALYST, "propose_criteria", [proposed], at=AT - timedelta(days=2))
    return worked_on


def test_acts_are_found_and_told_with_what_was_before_and_after(acted: Desk) -> None:
    auditor = acted.client("auditor")
    page = auditor.get("/acts").text
    assert page.index("E059") < page.index("E058"), "the latest first"
    assert "&lt;b&gt;c59&lt;/b&gt;" in page
    assert "E009" not in page, "fifty at a time"
    further = page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    second = auditor.get(further.removeprefix("/desk")).text
    assert "E009" in second
    assert "T77" in second
    for filtered in (
        {"by": "anna"},
        {"action": "propose_criteria"},
        {"first": "2017-08-12", "last": "2017-08-12"},
    ):
        page = auditor.get("/acts", **filtered).text
        assert "T77" in page, filtered
        assert "E0" not in page, filtered
    assert "Nothing that was done here fits this" in auditor.get("/acts", casegroup="G2").text
    assert "E059" in auditor.get("/acts", casegroup="G1").text
    assert auditor.get("/acts", first="yesterday").status_code == 400


def test_R26_what_was_done_on_a_sensitive_casegroup_is_in_no_ordinary_list(acted: Desk) -> None:
    acted.installation.execute("insert into closure.sensitive_casegroups values ('G1', '2017-08-14')")
    page = acted.client("auditor").get("/acts").text
    assert "E059" not in page
    assert "T77" in page
