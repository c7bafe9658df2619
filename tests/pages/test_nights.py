"""The page of the nights: how each went, what it came to, and what to do when it is red (B8, R21, R22)."""

from __future__ import annotations

from tests.pages.conftest import HOSTILE_NIGHT, NIGHTS
from tests.support.builders import case
from tests.support.desk import Desk


def test_the_nights_are_listed_with_their_figures_the_latest_first(desk: Desk) -> None:
    page = desk.client("operator").get("/nights").text
    places = [page.index(f"/nights/{on}") for on in (HOSTILE_NIGHT, *reversed(NIGHTS))]
    assert places == sorted(places)


def test_a_night_shows_its_stages_figures_outcomes_rules_and_files(desk: Desk) -> None:
    night = desk.installation.query("select * from reporting.nights where business_date = %s", NIGHTS[1])[0]
    page = desk.client("operator").get(f"/nights/{NIGHTS[1]}").text
    for pence in (night["received_pence"], night["posted_pence"], night["held_pence"]):
        assert f"£{abs(pence) // 100:,}.{abs(pence) % 100:02d}" in page
    for words in (
        "check money law",
        "close night",
        "csa_balances.parquet",
        "exceptions_report.csv",
        "10 August 2017",
    ):
        assert words in page
    counted = desk.installation.query(
        "select count(*) as casegroups from reporting.casegroup_outcomes where business_date = %s "
        "and outcome = 'TRANSITION_COMPLETE' and reason = 'ARREARS_ADDED'", NIGHTS[1],
    )[0]  # fmt: skip
    assert (
        f'>arrears added</td>\n      <td class="govuk-table__cell desk-number">{counted["casegroups"]}</td>'
        in page
    )


def test_the_bridge_adds_up(desk: Desk) -> None:
    page = desk.client("operator").get(f"/nights/{NIGHTS[1]}").text
    assert "Held before: £" in page
    assert "Held after: £" in page


def test_R22_a_rejected_night_says_why_and_what_to_do(worked_on: Desk) -> None:
    on = HOSTILE_NIGHT.replace(day=15)
    folder = worked_on.installation.land(on, case("H9", "G9"), extract_id="DW-bad")
    with (folder / "csa_cases.parquet").open("ab") as file:
        file.write(b"x")
    try:
        worked_on.installation.run(on)
    except Exception as error:
        said = str(error)
    page = worked_on.client("operator").get(f"/nights/{on}").text
    assert "The extract was rejected; nothing of it was applied" in page
    assert "csa_cases.parquet" in said
    assert "csa_cases.parquet" in page.split("What to do.")[0]
    assert "land the folder of this date again" in page
    assert f"case-closure night skip --date {on}" in page
    assert "Have this night skipped" in page

    # R40: an operator has it skipped, with a reason; nobody else is offered to, and no reason is none.
    for role in ("analyst", "team_leader", "auditor"):
        assert "/nights/skip" not in worked_on.client(role).get(f"/nights/{on}").text
    operator, here = worked_on.client("operator", name="olga"), f"/nights/{on}"
    refused = operator.post("/nights/skip", {"night": str(on), "reason": " "}, page=here)
    assert refused.status_code == 400
    assert f"Say why the night of {on} will not be" in refused.text
    assert (
        operator.post("/nights/skip", {"night": str(on), "reason": "sent twice"}, page=here).status_code
        == 303
    )
    page = operator.get(here).text
    assert "Skipped: sent twice" in page
    assert "Have this night skipped" not in page
    (act,) = worked_on.installation.query(
        "select * from reporting.acts where action = 'skip_nights' and reference = %s", str(on)
    )
    assert (act["acted_by"], act["acted_as"], act["reason"]) == ("olga", "operator", "sent twice")


def test_R40_a_night_that_was_never_run_is_skipped_from_the_list_and_one_that_succeeded_is_not(
    worked_on: Desk,
) -> None:
    on = HOSTILE_NIGHT.replace(day=28)
    operator = worked_on.client("operator")
    kept = operator.post("/nights/skip", {"night": str(on), "reason": "bank holiday"}, page="/nights")
    assert kept.headers["location"].endswith(f"/nights/{on}")
    refused = operator.post("/nights/skip", {"night": str(NIGHTS[0]), "reason": "x"}, page="/nights")
    assert refused.status_code == 400
    assert f"The night of {NIGHTS[0]} was not skipped: it succeeded" in refused.text
    assert "No night is named" in operator.post("/nights/skip", {"reason": "x"}, page="/nights").text


def test_a_run_of_airflows_is_shown_as_its_night_and_one_of_no_night_says_so(desk: Desk) -> None:
    client = desk.client("operator")
    assert "Night of 14 August 2017" in client.get("/runs/nightly/run-1").text
    assert "This run is of no night yet" in client.get("/runs/nightly/manual__of-no-night").text


def test_an_operator_sees_no_link_to_records(desk: Desk) -> None:
    assert "/exceptions?rule=" not in desk.client("operator").get(f"/nights/{NIGHTS[0]}").text
