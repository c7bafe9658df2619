"""Who is let in where: every route, every role, and nobody (R26). The routes are the application's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from case_closure.desk import letters, payments, people
from case_closure.desk.acting import NotAllowed
from case_closure.domain.permissions import ACTIONS, ROLES, Actor, views_of, whoever_has_the_shell
from case_closure.settings import Settings
from case_closure.store.shown import nights as shown_nights
from case_closure.web import access, app
from case_closure.web.pages import nights
from tests.support.desk import AT, PREFIX, Desk, address_of

ASKED = sorted(access.ROUTES)


def test_every_route_of_the_application_has_a_line_in_the_table_and_every_line_a_route(desk: Desk) -> None:
    assert app.routes_of(desk.pages) == set(access.ROUTES)
    assert set(access.ROUTES.values()) <= {*ACTIONS, access.SIGNED_IN, access.ANYBODY}


# By hand, so that neither table is only as wide as it says itself: which roles each route lets in.
EVERYBODY = "analyst caseworker team_leader control_group operator auditor"
READERS, WORKERS = "analyst caseworker team_leader auditor", "caseworker team_leader"
LET_IN = {
    f"{EVERYBODY} sensitive": ["GET /", "GET /static/{name}"],
    EVERYBODY: ["GET /nights", "GET /nights/{business_date}", "GET /runs/{dag_id}/{run_id}"],
    READERS: [
        "GET /exceptions", "GET /exceptions/causes", "GET /exceptions/{exception_id:path}", "POST /exceptions/download",
        "GET /casegroups", "POST /casegroups", "GET /casegroups/{casegroup_id:path}",
        "GET /casegroups/{casegroup_id:path}/rows/{file}/{key:path}", "GET /payments", "POST /payments", "GET /payments/{number}",
        "GET /letters", "POST /letters", "GET /letters/{letter_id:path}",
    ],
    f"{READERS} operator": ["GET /reconciliation", "POST /reconciliation/workbook"],
    f"{READERS} control_group": ["GET /tranches", "GET /tranches/criteria"],
    f"{WORKERS} auditor": ["POST /casegroups/{casegroup_id:path}/person", "POST /letters/{letter_id:path}/read"],
    f"{WORKERS} operator": ["POST /exceptions/replay", "POST /casegroups/{casegroup_id:path}/ltr"],
    WORKERS: [
        "GET /exceptions/causes/{exception_id:path}", "POST /exceptions/try", "POST /exceptions/keep",
        "POST /payments/{number}/try", "POST /payments/{number}/keep", "GET /letters/confirm", "POST /letters/confirm",
        "POST /letters/{letter_id:path}/again",
    ],
    "team_leader auditor": ["GET /acts"], "team_leader": ["POST /exceptions/allocate"],
    "analyst control_group": ["GET /tranches/propose", "POST /tranches/preview", "POST /tranches/propose"],
    "control_group": ["POST /tranches/decide"], "analyst": ["POST /reconciliation/sign-off"], "operator": ["POST /nights/skip"],
}  # fmt: skip


def test_whoever_may_send_a_form_may_see_what_answers_it_but_for_two_of_an_operators() -> None:
    """Else what was asked for is done, and answered with a refusal. An operator's replay is answered by the night, an operator
    issues LTRs by command."""
    beyond = {}
    for (method, path), what in access.ROUTES.items():
        sees = access.ROUTES.get(("GET", f"/{path.split('/')[1]}"))
        if method == "POST" and sees in ACTIONS and (more := ACTIONS[what].roles - ACTIONS[sees].roles):
            beyond[path] = more
    operators = {"operator"}
    assert beyond == {"/exceptions/replay": operators, "/casegroups/{casegroup_id:path}/ltr": operators}


def test_who_is_let_in_where_is_what_was_agreed_route_by_route() -> None:
    agreed = {route: set(roles.split()) for roles, routes in LET_IN.items() for route in routes}
    found = {
        f"{method} {path}": {
            role for role in ROLES
            if what == access.ANYBODY or access.let_in(Actor("anna", frozenset({role})), what)
        }
        for (method, path), what in access.ROUTES.items()
    }  # fmt: skip
    assert found == agreed
    look = {path for (_, path), what in access.ROUTES.items() if what == access.ANYBODY}
    assert look == {"/static/{name}"}
    assert [role for role in ROLES if Actor("anna", frozenset({role})).may("see_sensitive")] == ["sensitive"]
    assert not whoever_has_the_shell("anna").may("see_sensitive")


@pytest.mark.parametrize(
    ("role", "views"),
    [
        ("operator", """nights night_history night_stages rule_results kept_outcomes reconciliation reconciliation_totals
            reconciliation_breaks reconciliation_sign_offs write_off_tie_out kept_reconciliation kept_breaks"""),
        ("control_group", """nights night_history night_stages rule_results kept_outcomes tranche_criteria tranche_selections
            programme programme_months kept_programme"""),
        ("sensitive", ""),
    ],
)  # fmt: skip
def test_who_runs_nights_or_approves_criteria_reads_no_view_of_records(role: str, views: str) -> None:
    assert views_of(role) == set(views.split())


def test_there_is_no_way_in_beside_the_routes(desk: Desk) -> None:
    assert [route for route in desk.pages.routes if not isinstance(route, APIRoute)] == []
    for path in (
        "/docs",
        "/openapi.json",
        "/redoc",
        "/static/app.py",
        "/static/../app.py",
        "/static/%2e%2e%2fapp.py",
        "/static/",
    ):
        assert desk.nobody().get(path).status_code == 404, path


def test_the_desk_does_not_start_with_a_route_that_has_no_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = APIRouter()
    stray.add_api_route("/stray", lambda: "", methods=["GET"])
    monkeypatch.setattr(nights, "router", stray)
    with pytest.raises(access.UnknownRoute, match="/stray"):
        Desk(desk.installation)


def test_nor_does_it_start_where_a_line_has_no_route() -> None:
    routes = set(access.ROUTES)
    access.check_complete(routes)
    for other in (routes | {("GET", "/stray")}, routes - {("GET", "/acts")}):
        with pytest.raises(access.UnknownRoute):
            access.check_complete(other)


@pytest.mark.parametrize(("method", "path"), ASKED)
def test_nobody_is_let_in_anywhere_but_to_the_look(desk: Desk, method: str, path: str) -> None:
    client, where = desk.nobody(), address_of(path, desk.installation)
    answer = client.get(where) if method == "GET" else client.post(where, {})
    if access.ROUTES[method, path] == access.ANYBODY:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 401
        assert "You are not signed in" in answer.text
        assert "/auth/login/" in answer.text


@pytest.mark.parametrize(("method", "path"), ASKED)
@pytest.mark.parametrize("role", ["", *ROLES])
def test_each_role_is_let_in_where_the_table_says_and_told_whose_it_is_elsewhere(
    desk: Desk, method: str, path: str, role: str
) -> None:
    what, where = access.ROUTES[method, path], address_of(path, desk.installation)
    client = desk.client(role)
    answer = client.get(where) if method == "GET" else client.post(where, {})
    allowed = what == access.ANYBODY or (
        bool(role) if what == access.SIGNED_IN else role in ACTIONS[what].roles
    )
    if not allowed:
        assert answer.status_code == 403
        assert "This is not for your role" in answer.text
    elif method == "GET":
        assert answer.status_code == 200
    else:  # let in, and then refused as a form: it has no token
        assert answer.status_code == 400
        assert "This form was not made for you" in answer.text


@pytest.mark.parametrize(("method", "path"), ASKED)
def test_every_answer_carries_what_keeps_others_out(desk: Desk, method: str, path: str) -> None:
    client = desk.client()
    for answer in (client.get(address_of(path, desk.installation)), desk.nobody().get(path)):
        headers = answer.headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == (
            "max-age=3600" if "/static/" in path and answer.status_code == 200 else "no-store"
        )


def test_a_person_sees_the_pages_they_may_go_to_and_no_others(desk: Desk) -> None:
    for role in ROLES:
        page = desk.client(role).get("/").text
        for _, path, action in access.PAGES:
            there = f'href="{PREFIX}{path}"' in page
            assert there == (("GET", path) in access.ROUTES and role in ACTIONS[action].roles), (role, path)


def test_the_role_as_which_one_acts_is_the_first_that_may() -> None:
    both = Actor("anna", frozenset({"team_leader", "caseworker"}))
    assert both.may("allocate_exceptions")
    assert not Actor("ben", frozenset({"caseworker"})).may("allocate_exceptions")
    assert not Actor("ben", frozenset({"no such role"})).may("see_nights")


@pytest.mark.parametrize(
    "ask",
    [
        lambda asked, by: people.unmask(
            asked.store_url, "secret", "CS2", "S", "PAYING_PARENT", reason="why", by=by, at=AT, apart=True
        ),
        lambda asked, by: letters.read(asked.store_url, "L", by=by, at=AT, apart=True),
        lambda asked, by: payments.enter(
            asked, "P", payments.Entry("passed_to", "him", "phone"), version="", by=by, at=AT, apart=True
        ),
    ],
)  # fmt: skip
def test_R26_the_desk_itself_refuses_what_is_sensitive_to_whoever_may_not_see_it(
    clients: Desk, ask: Callable[[Settings, Actor], object]
) -> None:
    """Whatever side a page says."""
    with pytest.raises(NotAllowed, match="may not see nationally sensitive casegroups"):
        ask(clients.installation.settings, Actor("ben", frozenset({"caseworker"})))


def test_what_fails_here_is_told_in_words_and_the_log_names_no_record(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_it(*_: object) -> None:
        raise ValueError("Siân O'Brien, AB123456C")

    monkeypatch.setattr(shown_nights, "nights_page", break_it)
    answer = desk.client().get("/nights")
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.text
    for text in (answer.text, caplog.text):
        assert "O'Brien" not in text
        assert "AB123456C" not in text
        assert "Traceback" not in text


def test_an_address_that_cannot_be_read_is_answered_in_words(desk: Desk) -> None:
    assert desk.client().get("/nights/not-a-date").status_code == 400
    assert desk.client().get("/nights/1999-01-01").status_code == 404
    assert desk.client().get("/no/such/page").status_code == 404
