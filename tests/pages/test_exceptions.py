"""The pages of exceptions, driven as a team leader and a caseworker would (B48-B52, R10, R26, R38; [22]-[28]).

Belongs here: what the pages show and do. Does not belong here: what an entry mends, what is refused in general
(``integration/test_exceptions_worked.py``, ``test_forms.py``).
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import unquote

import openpyxl
import pytest
from playwright.sync_api import Browser

from case_closure.desk import exceptions_shown, replaying
from case_closure.domain.texts import printable
from case_closure.store import database, kept
from case_closure.store.listing import SORTS
from case_closure.store.shown import exceptions as listed
from case_closure.store.shown.exceptions import ORDINARY, Filter
from case_closure.store.shown.reading import reading
from case_closure.web.rendering import segment
from tests.pages.conftest import HOSTILE, HOSTILE_NIGHT
from tests.support.desk import PREFIX, Client, Desk, sign_in

RULE = "method_of_payment_invalid"
NOT_RESOLVED = "status <> 'RESOLVED'"


def ids(desk: Desk, where: str = NOT_RESOLVED, order: str = "business_date, exception_id") -> list[str]:
    query = f"select exception_id from reporting.exceptions e where {where} order by {order}"  # noqa: S608
    rows = desk.installation.query(query)
    return [row["exception_id"] for row in rows]


def seals(tried: str) -> list[str]:
    """What the page that says what an entry will do has its form bring back, of what is held."""
    return re.findall(r'name="seen" value="([^"]+)"', tried)


def links(page: str) -> list[str]:
    """Where the rows of a list go, in their order."""
    return re.findall(
        r'<th scope="row" class="govuk-table__header"><a class="govuk-link" href="/desk(/exceptions/[^"]+)"',
        page,
    )


def one(desk: Desk, exception_id: str, schema: str = "reporting") -> dict[str, Any]:
    return next(
        row for row in desk.installation.view("exceptions", schema) if row["exception_id"] == exception_id
    )


def pick(desk: Desk, exception_id: str) -> str:
    """What the box of a row says: the exception, as of its last event."""
    (row,) = desk.installation.query(
        "select max(event_number) as version from reporting.exception_history where exception_id = %s",
        exception_id,
    )
    return f"{row['version']} {exception_id}"


def path_of(exception_id: str) -> str:
    return f"/exceptions/{segment(exception_id)}"


# --- many


@pytest.mark.parametrize(("sort", "descending"), [*itertools.product(SORTS, (False, True))])
def test_B48_every_exception_is_on_one_page_in_any_order_either_way(
    desk: Desk, sort: str, descending: bool
) -> None:
    """Page by page, by key: none twice, none left out."""
    order = {"oldest": "business_date, exception_id", "rule": "rule_code, business_date, exception_id",
             "casegroup": "coalesce(casegroup_id, ''), exception_id"}[sort]  # fmt: skip
    for status, where in (("", NOT_RESOLVED), ("ALL", "true")):
        found: list[str] = []
        after: list[str] | None = []
        with reading(desk.installation.url, "team_leader") as connection:
            while after is not None:
                page = listed.exceptions_page(
                    connection, Filter(status=status), side=ORDINARY, on=None, sort=sort, descending=descending, after=after,
                    most=4,
                )  # fmt: skip
                found += [row["exception_id"] for row in page.rows]
                after = page.following
        expected = ids(desk, where, order)
        assert len(found) > 8
        assert found == (expected[::-1] if descending else expected)


def test_B48_filters_stand_in_the_address_and_each_does_what_it_says(desk: Desk) -> None:
    first = one(desk, ids(desk, f"{NOT_RESOLVED} and casegroup_id is not null and csa_system is not null")[0])
    asked = {
        "rule": (first["rule_code"], "rule_code = '{}' and status <> 'RESOLVED'"),
        "system": (first["csa_system"], "csa_system = '{}' and status <> 'RESOLVED'"),
        "casegroup": (first["casegroup_id"], "casegroup_id = '{}' and status <> 'RESOLVED'"),
        "route": ("CASE_OWNER", "route = '{}' and status <> 'RESOLVED'"),
        "severity": ("WARNING", "severity = '{}' and status <> 'RESOLVED'"),
        "status": ("RESOLVED", "status = '{}'"),
        "to": (listed.NOBODY, "allocated_to is null and status <> 'RESOLVED' and '{}' <> ''"),
        "age": ("0", "business_date = date '2017-08-14' and status <> 'RESOLVED' and '{}' <> ''"),
    }
    for name, (value, where) in asked.items():
        page = desk.client().get("/exceptions", **{name: value, "rows": "200"}).text
        assert links(page) == [path_of(row) for row in ids(desk, where.format(value))], name
    assert "No exception is like that" in desk.client().get("/exceptions", casegroup="nothing such").text
    assert links(desk.client().get("/exceptions", after=["not a date", "x"]).text), (
        "an address written by hand"
    )


def test_R10_many_are_given_to_somebody_at_once_and_each_refusal_is_named(worked_on: Desk) -> None:
    """[25], and its acts."""
    client = worked_on.client("team_leader")
    gone, stale, *rest = ids(worked_on, f"{NOT_RESOLVED} and severity = 'HOLD'")[:5]
    picked = [pick(worked_on, each) for each in (gone, stale, *rest)]
    assert (
        client.post("/exceptions/allocate", {"pick": picked[1], "to": "dora"}, page="/exceptions").status_code
        == 303
    )
    resolved = "status = 'RESOLVED', resolved_on = last_seen_on, allocated_to = null"
    worked_on.installation.execute(
        f"update closure.exceptions set {resolved} where exception_id = $${gone}$$"  # noqa: S608
    )
    page = client.post(
        "/exceptions/allocate", {"on_page": picked, "all": "1", "to": "emil"}, page="/exceptions"
    ).text
    assert "3 allocated, 2 refused" in page
    assert f"{gone}: it is resolved" in unescape(page)
    assert f"{stale}: anna was quicker (allocated meanwhile)" in unescape(page)
    assert {one(worked_on, each)["allocated_to"] for each in rest} == {"emil"}
    assert one(worked_on, stale)["allocated_to"] == "dora"
    acts = worked_on.installation.query(
        "select acted_by, acted_as, reference, before, after from closure.acts where action = 'allocate_exceptions'"
    )
    assert {act["reference"] for act in acts} == {stale, *rest}
    assert {(act["acted_by"], act["acted_as"]) for act in acts} == {("anna", "team_leader")}
    assert {act["after"]["allocated_to"] for act in acts if act["reference"] in rest} == {"emil"}
    nobodys = {"status": "OPEN", "allocated_to": None}
    assert [act["before"] for act in acts if act["reference"] in rest] == [nobodys] * len(rest)
    assert links(client.get("/exceptions", to="emil").text) == [
        path_of(each) for each in ids(worked_on, "allocated_to = 'emil'")
    ]
    assert worked_on.client("caseworker").get("/exceptions").text.count('name="pick"') == 0
    nothing = client.post("/exceptions/allocate", {"to": "emil"}, page="/exceptions")
    assert (nothing.status_code, "Tick at least one" in nothing.text) == (400, True)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_B48_what_is_filtered_is_taken_away_as_text_that_is_no_formula(desk: Desk, kind: str) -> None:
    answer = desk.client("analyst").post(
        "/exceptions/download", {"kind": kind, "was_status": "ALL"}, page="/exceptions"
    )
    assert answer.headers["content-disposition"].startswith("attachment;")
    if kind == "csv":
        head, *rows = list(csv.reader(io.StringIO(answer.text)))
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content))["exceptions"]
        head, *rows = [[str(cell or "").replace(" 00:00:00", "") for cell in row] for row in sheet.values]
        head = [name.replace(" ", "_") for name in head]
    place = head.index("exception_id")
    expected = [printable(each) for each in ids(desk, "true")]
    assert [row[place].removeprefix("'") for row in rows] == expected
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+@") or "\u202e" in cell]
    (act,) = desk.installation.query(
        "select acted_by, after from closure.acts where action = 'download_exceptions' and reference = %s",
        kind,
    )
    assert act == {"acted_by": "anna", "after": {"status": "ALL"}}


def test_a_file_of_more_than_goes_into_one_is_refused_in_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(exceptions_shown.MOST_ROWS, "csv", 3)
    answer = desk.client("analyst").post("/exceptions/download", {"kind": "csv"}, page="/exceptions")
    assert (answer.status_code, "Narrow the filter" in answer.text) == (400, True)


# --- by cause


def causes_by_hand(desk: Desk) -> dict[tuple[str, str | None, Any], tuple[int, int, int]]:
    """Exceptions, casegroups and pence held of each rule, field and value that several share; alone ones under None."""
    rows = desk.installation.query(
        "select c.rule_code, c.field, c.casegroup_id, c.original from closure.exceptions c join reporting.exceptions e "
        "using (exception_id) where c.status <> 'RESOLVED' and c.severity = 'HOLD'"
    )
    held = {
        row["casegroup_id"]: row["held_pence"]
        for row in desk.installation.query("select * from closure.casegroups")
    }
    groups = defaultdict(list)
    for row in rows:
        kept = json.loads(row["original"])
        given = (kept[0] if isinstance(kept, list) else kept).get(row["field"])
        groups[row["rule_code"], row["field"], str(given) if given is not None else None].append(
            row["casegroup_id"]
        )
    lines: dict[tuple[str, str | None, Any], list[str | None]] = defaultdict(list)
    for (rule, field, given), casegroups in groups.items():
        own = len(casegroups) > 1 or given is None or not given.strip()
        lines[rule, field, (given,) if own else None] += casegroups
    return {
        key: (len(found), len(set(found) - {None}), sum(held.get(each, 0) for each in set(found) - {None}))
        for key, found in lines.items()
    }  # fmt: skip


def test_B52_causes_are_what_exceptions_have_in_common_with_the_pounds_each_holds(desk: Desk) -> None:
    found = desk.installation.view("exception_causes")
    expected = causes_by_hand(desk)
    assert sorted((row["exceptions"], row["casegroups"], row["held_pence"]) for row in found) == sorted(
        expected.values()
    )
    assert [key for key in expected if key[2]], "some value is shared"
    page = desk.client().get("/exceptions/causes").text
    assert page.count("<tr") - 1 == len(found)
    most = max(row["held_pence"] for row in found)
    assert f"£{most // 100:,}.{most % 100:02d}" in page


def test_B52_causes_stand_as_they_were_until_a_night_or_a_replay_is_closed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one is at work nobody waits for them to be counted: beside a night that took longer than a page may."""
    before = desk.client().get("/exceptions/causes").text
    assert "As at the close of the night of" in before
    counted: list[str] = []
    monkeypatch.setattr(kept, "count", lambda _, kind: counted.append(kind))
    monkeypatch.setattr(listed, "causes", lambda *_, **__: counted.append("for a page"))
    assert desk.client().get("/exceptions/causes").text == before
    assert counted == []


def test_R26_a_cause_is_shown_only_where_its_exception_is(desk: Desk) -> None:
    """Also where it became somebody's who is sensitive after it was counted, and the list of them is the same."""
    assert RULE in desk.client().get("/exceptions/causes").text
    with database.rolled_back(desk.installation.url) as connection:
        assert (found := listed.kept_causes(connection))
        assert found[1]
        connection.exec_driver_sql(
            "update closure.exceptions set casegroup_id = null, csa_case_id = null, sensitive = true, "
            "subject_reference = exception_id"
        )
        assert listed.kept_causes(connection) == (found[0], [])


def test_B52_all_of_a_cause_are_entered_on_at_once(worked_on: Desk) -> None:
    """As tried: what it will do is said before anything is kept."""
    causes = worked_on.installation.view("exception_causes")
    shared = next(row for row in causes if row["rule_code"] == RULE and row["value"] == HOSTILE)
    client = worked_on.client("caseworker")
    listed_alike = links(client.get("/exceptions", cause=shared["exception_id"], rows="200").text)
    alike = [each for each in ids(worked_on) if path_of(each) in listed_alike]
    assert len(alike) == len(listed_alike) == shared["exceptions"] == 2
    form = f"/exceptions/causes/{segment(shared['exception_id'])}"
    before = worked_on.installation.everything()
    entered = {"cause": shared["exception_id"], "field": "method_of_payment", "new": "CARD", "source": "CS2"}
    tried = client.post("/exceptions/try", entered, page=form).text
    assert "Closes 2, 0 stay open, £20.00 would be posted" in tried
    assert worked_on.installation.everything() == before
    picks = [unquote(unescape(each)) for each in re.findall(r'name="pick" value="([^"]+)"', tried)]
    assert sorted(each.partition(" ")[2] for each in picks) == sorted(alike)
    done = client.post("/exceptions/keep", {**entered, "pick": picks, "seen": seals(tried)}, page=form).text
    assert "What was entered is kept" in done
    entered_on = [
        row for row in worked_on.installation.view("exception_history") if row["event"] == "ENTERED"
    ]
    assert {row["exception_id"] for row in entered_on} >= set(alike)


def test_B49_what_an_extract_changed_after_it_was_tried_is_looked_at_again(worked_on: Desk) -> None:
    number = ids(worked_on, "rule_code = 'nino_invalid' and casegroup_id = 'G-HOSTILE'")[0]
    form = {"field": "nino", "new": "AB123456C", "source": "CIS", "pick": pick(worked_on, number)}
    client = worked_on.client("caseworker")
    seen = seals(client.post("/exceptions/try", form, page=path_of(number)).text)
    assert [one for one in seen if "bad" in one] == []
    worked_on.installation.execute("update held.csa_parties set nino = 'worse' where nino = 'bad'")
    for brought in (seen, [], ["nonsense"]):
        answer = client.post("/exceptions/keep", {**form, "seen": brought}, page=path_of(number))
        assert answer.status_code == 400
        assert "what is held has changed since you saw what this would do" in answer.text
    assert not worked_on.installation.query("select from held.resolutions where entered_by = 'anna'")


def test_B49_what_is_entered_is_an_act_and_what_is_personal_in_it_is_masked(worked_on: Desk) -> None:
    number = ids(worked_on, "rule_code = 'nino_invalid' and casegroup_id = 'G-HOSTILE'")[0]
    form = {"field": "nino", "new": "AB123456C", "source": "CIS", "pick": pick(worked_on, number)}
    client = worked_on.client("caseworker")
    tried = client.post("/exceptions/try", form, page=path_of(number)).text
    answer = client.post("/exceptions/keep", {**form, "seen": seals(tried)}, page=path_of(number))
    assert answer.headers["location"] == f"/desk{path_of(number)}"
    (act,) = worked_on.installation.query("select * from closure.acts where action = 'enter_on_exceptions'")
    assert (act["acted_by"], act["acted_as"], act["reference"]) == ("anna", "caseworker", number)
    assert "AB123456C" not in str(act)
    assert act["after"]["nino"].endswith("56C")
    assert "entered by anna" in worked_on.client("caseworker").get(path_of(number)).text


# --- one


def test_B49_one_is_shown_as_it_came_masked_with_what_is_wrong_and_what_to_do(desk: Desk) -> None:
    person = ids(desk, "rule_code = 'nino_invalid' and casegroup_id = 'G-HOSTILE'")[0]
    page = desk.client("caseworker").get(path_of(person)).text
    original = json.loads(
        desk.installation.query("select original from closure.exceptions where exception_id = %s", person)[0][
            "original"
        ]
    )
    assert original["surname"] == HOSTILE
    assert "alert" not in page, "a surname is hidden"
    assert original["date_of_birth"] not in page
    for name in original:
        assert f'<span class="desk-code">{name}</span>' in page
    for words in ("Where to look", "What to do", "What happened to it", "opened", "look here"):
        assert words in page


def test_B49_every_exception_there_is_has_its_page_whatever_characters_are_in_its_number(desk: Desk) -> None:
    # One a rule, and every hostile one.
    first = "exception_id = (select min(exception_id) from reporting.exceptions o where o.rule_code = e.rule_code)"
    numbers = ids(desk, f"({first}) or exception_id ~ '/'")
    assert [each for each in numbers if "/" in each and "'" in each and "\u202e" in each], "a hostile one"
    client = desk.client()
    for each in numbers:
        answer = client.get(path_of(each))
        assert answer.status_code == 200, each
        assert "The record as it came" in answer.text
    assert client.get("/exceptions/nobody").status_code == 404


def test_B49_the_second_of_two_people_is_refused_and_sees_both_versions(worked_on: Desk) -> None:
    number = ids(worked_on, f"{NOT_RESOLVED} and rule_code = '{RULE}'")[0]
    form = {"field": "method_of_payment", "new": "CARD", "source": "CS2", "pick": pick(worked_on, number)}
    first, second = worked_on.client("team_leader"), worked_on.client("caseworker", name="ben")
    first.post("/exceptions/allocate", {"pick": form["pick"], "to": "cleo"}, page=path_of(number))
    for where in ("/exceptions/try", "/exceptions/keep"):
        answer = second.post(where, form, page=path_of(number))
        assert answer.status_code == 409
        for words in (
            "Somebody was quicker",
            "As you saw it",
            "As it stands",
            "cleo",
            "allocated by anna",
            "CARD",
        ):
            assert words in answer.text, words
    assert not worked_on.installation.query("select from held.resolutions where entered_by = 'ben'")


def test_R26_sensitive_ones_are_there_for_whoever_may_see_them_and_for_nobody_else(worked_on: Desk) -> None:
    number = ids(worked_on, f"{NOT_RESOLVED} and casegroup_id is not null and severity = 'HOLD'")[0]
    casegroup = one(worked_on, number)["casegroup_id"]
    worked_on.installation.execute(
        f"insert into closure.sensitive_casegroups values ($${casegroup}$$, '{HOSTILE_NIGHT}')"  # noqa: S608
    )

    def shown(client: Client) -> tuple[int, bool, bool]:
        ordinary, sensitive = (
            client.get("/exceptions", rows="200", side=side).text for side in ("", "sensitive")
        )
        return (
            client.get(path_of(number)).status_code, path_of(number) in links(ordinary), path_of(number) in links(sensitive),
        )  # fmt: skip

    assert shown(worked_on.client("team_leader")) == (404, False, False)
    assert shown(worked_on.client("team_leader", "sensitive")) == (200, False, True)
    causes = worked_on.client("team_leader", "sensitive").get("/exceptions/causes", side="sensitive").text
    assert one(worked_on, number, "sensitive")["rule_code"] in causes
    entered = {"pick": f"1 {number}", "field": "nino", "new": "AB123456C", "source": "CIS"}
    refused = worked_on.client("team_leader", "sensitive").post(
        "/exceptions/keep", entered, page="/exceptions"
    )
    assert (refused.status_code, "there is no such exception" in refused.text) == (400, True)


# --- as a new user would


@pytest.fixture
def served(worked_on: Desk) -> Iterator[tuple[Desk, str]]:
    with worked_on.served() as address:
        yield worked_on, address


def test_B49_from_the_reports_own_words_an_exception_is_cleared_in_five_clicks(
    browser: Browser, served: tuple[Desk, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report of the night names the rule and the case; what is clicked from there on is counted."""
    desk, address = served
    monkeypatch.setattr(replaying, "PATIENCE_SECONDS", 240.0)  # the machine may be busy with other tests
    exception = one(
        desk, ids(desk, f"{NOT_RESOLVED} and rule_code = '{RULE}'", "business_date desc, exception_id")[0]
    )
    report = (
        desk.installation.folder / "outbound" / str(HOSTILE_NIGHT) / "exceptions_report.html"
    ).read_text()
    assert RULE in report
    context = browser.new_context()
    context.set_default_timeout(240_000)
    sign_in(context, address, "caseworker", name="ben")
    page = context.new_page()
    page.goto(f"{address}/")
    clicks = 0

    def click(role: Any, name: str) -> None:
        nonlocal clicks
        page.get_by_role(role, name=name).first.click()
        clicks += 1

    click("link", "Exceptions")
    page.select_option("#rule", RULE)
    click("button", "Show these")
    page.locator(f'a[href$="{path_of(exception["exception_id"])}"]').click()
    clicks += 1
    page.fill("#new", "CARD")
    page.fill("#source", "CS2")
    click("button", "See what it will do")
    assert "Closes 1, 0 stay open, £10.00 would be posted" in page.inner_text("#foretold")
    click("button", "Keep it and have it judged now")
    assert page.inner_text("h1") == "It is closed", page.inner_text("main")
    assert clicks == 5
    assert one(desk, exception["exception_id"])["status"] == "RESOLVED"
    done = desk.installation.query("select action, acted_by, acted_as from closure.acts order by act_number")
    assert [tuple(act.values()) for act in done] == [
        ("enter_on_exceptions", "ben", "caseworker"), ("replay_exceptions", "ben", "caseworker"),
    ]  # fmt: skip
    context.close()


def test_27_a_replay_by_an_operator_who_sees_no_exceptions_is_answered_by_the_night(
    clients_worked_on: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "PATIENCE_SECONDS", 240.0)
    (found, *_) = ids(clients_worked_on)
    operator = clients_worked_on.client("operator")
    answer = operator.post("/exceptions/replay", {"id": found}, page="/nights")
    assert answer.status_code == 303
    assert re.fullmatch(r".*/nights/\d{4}-\d\d-\d\d", answer.headers["location"])
    assert found not in operator.get(answer.headers["location"].removeprefix(PREFIX)).text
    done = clients_worked_on.installation.query("select action, acted_as from closure.acts")
    assert [tuple(act.values()) for act in done] == [("replay_exceptions", "operator")]
