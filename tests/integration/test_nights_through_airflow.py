"""Real nights through a real Airflow: backfilled in date order, cleared, rejected and mended, stage by stage by hand.

The sample's nights, judged and stored as they would be at work, with the scheduler, its workers and the API that
the pages call. One Airflow serves all; tests run in the order written.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from case_closure import sample
from case_closure.local import embedded
from case_closure.local.rest import AirflowClient
from case_closure.night import run as night
from case_closure.store import roles
from tests.support.airflow_up import Up, until
from tests.support.installation import Databases, assert_the_same_stands
from tests.support.installation import Installation as Store

STAGES = list(night.STAGES)
CASEGROUPS = 30

# Five minutes are short on a machine that does much else.
pytestmark = pytest.mark.timeout(1200)


def dates(first: str, count: int) -> list[str]:
    return [(date.fromisoformat(first) + timedelta(days=day)).isoformat() for day in range(count)]


SPRING = dates("2017-03-25", 2)  # the clocks go forward in the night of the second
SUMMER = dates("2017-08-10", 3)
GOOD, SPOILT, WAITING = SUMMER


@pytest.fixture(scope="module")
def store(shared_home: Path) -> Store:
    """The store that Airflow's workers use, and the folders it is given."""
    shared_home.mkdir()
    return Store(embedded.ensure_running(shared_home).url(embedded.STORE), shared_home)


@pytest.fixture(scope="module")
def up(store: Store) -> Iterator[Up]:
    started = Up(
        store.folder, {**os.environ, "CASE_CLOSURE_HOME": str(store.folder), "CASE_CLOSURE_PORT": "0"}
    )
    started.wait_until_swept()
    yield started
    with contextlib.suppress(ProcessLookupError):
        started.process.terminate()
    started.process.wait(60)


def start_afresh(store: Store, first: str, nights: int) -> None:
    """A store that has seen no night, and a population whose first night is this."""
    server = embedded.ensure_running(store.folder)
    with psycopg.connect(server.admin_url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"drop database {embedded.STORE} with (force)")
        connection.execute(f"create database {embedded.STORE} owner {roles.OWNER}")
    sample.generate(store.landing, date.fromisoformat(first), nights, CASEGROUPS, seed=1)


def nights(store: Store) -> dict[str, str]:
    """Status by business date, in the order in which they were begun."""
    rows = sorted(store.view("nights"), key=lambda row: row["started_at"])
    return {row["business_date"].isoformat(): row["status"] for row in rows}


def everything(store: Store) -> Any:
    """Every row of every view, times on the clock included."""
    return store.everything(), sorted(store.view("nights"), key=str)


def damage(folder: Path) -> bytes:
    """One bit of a landed file turns over on its way; returns what the file held."""
    file = folder / "csa_balances.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    return whole


def assert_in_date_order(store: Store, backfilled: list[str]) -> None:
    """All succeeded, each begun when the one before had ended, each from its own extract."""
    assert nights(store) == dict.fromkeys(backfilled, "SUCCESS")
    assert list(nights(store)) == backfilled
    ends = {
        row["business_date"].isoformat(): (row["started_at"], row["finished_at"])
        for row in store.view("nights")
    }
    for earlier, later in pairwise(backfilled):
        assert ends[earlier][1] < ends[later][0]
    assert [row["extract_id"] for row in sorted(store.view("nights"), key=str)] == [
        f"DW-{on}-1" for on in backfilled
    ]
    posted_on = {row["business_date"].isoformat() for row in store.view("dues")}
    assert posted_on <= set(backfilled)
    assert backfilled[0] in posted_on


@pytest.mark.soak
def test_R21_a_backfill_while_the_clocks_change_runs_all_its_dates_in_order(store: Store, up: Up) -> None:
    start_afresh(store, SPRING[0], nights=len(SPRING))
    up.backfill(SPRING[0], SPRING[-1])
    assert [up.run_of(on)["state"] for on in SPRING] == ["success"] * len(SPRING)
    assert_in_date_order(store, SPRING)


def test_R22_a_backfill_goes_on_in_date_order_past_a_rejected_night_that_says_why_and_refuses_the_next_naming_it(
    store: Store, up: Up
) -> None:
    """R21, R22: in the log of the red task, and in `reporting.nights`."""
    start_afresh(store, SUMMER[0], nights=len(SUMMER))
    whole = damage(store.landing / SPOILT)
    up.backfill(SUMMER[0], SUMMER[-1])
    (store.landing / SPOILT / "csa_balances.parquet").write_bytes(whole)

    runs = [up.run_of(on) for on in SUMMER]
    assert [run["state"] for run in runs] == ["success", "failed", "failed"]
    for earlier, later in pairwise(runs):
        assert datetime.fromisoformat(earlier["end_date"]) <= datetime.fromisoformat(later["start_date"])
    assert up.tries(GOOD) == dict.fromkeys(STAGES, 1)
    assert list(up.tries(GOOD)) == STAGES
    assert list(up.tries(SPOILT)) == STAGES[:2]
    assert list(up.tries(WAITING)) == STAGES[:1]
    rejected = up.log_of(SPOILT, "verify_landing")
    for words in (
        f"The night of {SPOILT} failed in verify_landing",
        "csa_balances.parquet: sha256: expected",
        "found",
    ):
        assert words in rejected
    assert "What to do: mend what is named above, then clear this task with everything downstream" in rejected
    refused = " ".join(up.log_of(WAITING, "open_night").split())
    assert f"The night of {WAITING} was not started: the night of {SPOILT} was rejected" in refused
    assert "What to do: do what is said above, then clear this task" in refused

    assert [run["note"].split("\n\n")[0] for run in runs] == [f"Night of {on}" for on in SUMMER]
    assert f"Why it failed: Landing folder {store.landing / SPOILT} is rejected" in runs[1]["note"]
    assert f"Why it failed: The night of {WAITING} was not started" in runs[2]["note"]

    assert nights(store) == {GOOD: "SUCCESS", SPOILT: "REJECTED"}
    (night_row,) = [row for row in store.view("nights") if row["status"] == "REJECTED"]
    figures = [
        name
        for name in night_row
        if name.endswith(("_pence", "_opened", "_resolved", "_issued", "_received"))
    ]
    assert {name: night_row[name] for name in figures} == dict.fromkeys(figures, 0)
    good, spoilt = (f"'business_date': {date.fromisoformat(on)!r}" for on in (GOOD, SPOILT))
    kept = {view: rows for view, rows in store.everything().items() if not view.endswith(".nights")}
    assert any(good in row for rows in kept.values() for row in rows)
    assert [row for rows in kept.values() for row in rows if spoilt in row] == [], "nothing of it was applied"


def test_R22_a_mended_night_goes_through_when_cleared_and_then_the_one_that_waited(
    store: Store, up: Up, database_server: Databases
) -> None:
    """What then stands is what the three nights come to in one process."""
    assert up.clear(SPOILT, "verify_landing") == "success"
    assert up.clear(WAITING, "open_night") == "success"
    assert_in_date_order(store, SUMMER)
    assert [up.run_of(on)["note"] for on in SUMMER] == [f"Night of {on}" for on in SUMMER]
    with database_server.installation() as in_process:
        shutil.copytree(store.landing, in_process.landing)
        three = [date.fromisoformat(on) for on in SUMMER]
        for on in three:
            in_process.run(on)
        assert_the_same_stands(store, in_process, *three)


def test_R21_a_cleared_stage_runs_again_with_what_follows_and_changes_nothing_that_was_right(
    store: Store, up: Up
) -> None:
    before = everything(store)
    tries = up.tries(GOOD)
    assert up.clear(GOOD, "decide_next_action") == "success"
    again = STAGES[STAGES.index("decide_next_action") :]
    assert up.tries(GOOD) == {name: tries[name] + (name in again) for name in STAGES}
    assert everything(store) == before


def test_a_stage_of_a_night_that_is_done_may_be_run_by_hand_and_changes_nothing(store: Store, up: Up) -> None:
    """One that checks and one that sends out: the DAGs of all stages are made alike (tests/dags), and every stage is run by
    hand in test_nights_guard.py."""
    before = everything(store)
    for stage in ("check_money_law", "write_out"):
        dag = f"stage_{stage}"
        body: dict[str, Any] = {"logical_date": None, "conf": {"business_date": WAITING}}
        run = up.client.post(f"/api/v2/dags/{dag}/dagRuns", body)["dag_run_id"]
        assert up.ended(run, dag) == "success", stage
    assert everything(store) == before


def test_R40_a_run_with_nothing_filled_in_is_refused_in_words_and_is_in_nobodys_way(
    store: Store, up: Up
) -> None:
    """Trigger pressed as it stands: the logical date is now, for which nothing was landed; or it was emptied."""
    before = sorted(store.view("nights"), key=str)
    now = datetime.now(UTC).isoformat()
    triggered = {}
    for logical_date, why in ((now, f"Nothing was landed for {now[:10]}"), (None, "Business date filled in")):
        body: dict[str, Any] = {"logical_date": logical_date, "conf": {}}
        triggered[up.client.post("/api/v2/dags/nightly/dagRuns", body)["dag_run_id"]] = why
    for run, why in triggered.items():
        assert up.ended(run) == "failed"
        path = f"/api/v2/dags/nightly/dagRuns/{run}"
        lines = up.client.get(f"{path}/taskInstances/open_night.run/logs/1")["content"]
        assert why in " ".join(" ".join(str(line["event"]).split()) for line in lines)
        assert why in up.client.get(path)["note"]
    assert sorted(store.view("nights"), key=str) == before


# --- criteria under control (B6)


def control_group_member(up: Up, name: str) -> AirflowClient:
    """Another user of the pages, logged in."""
    password = f"{name}-of-the-test"
    person = {"username": name, "email": f"{name}@localhost", "first_name": name, "last_name": "Member"}
    up.client.post("/auth/fab/v1/users", {**person, "password": password, "roles": [{"name": "Op"}]})
    return AirflowClient(up.client.url, name, password)


class Proposal:
    """A run of the approval DAG, from the form to the answer."""

    def __init__(self, client: AirflowClient, **form: Any) -> None:
        self._client = client
        fields = {"ocr_reference": "OCR-7", "reason": "to be tried", "segments": ["1", "2"], "csa_systems": ["CS2"],
                  "case_types": ["ONGOING"], "notice_days": 180}  # fmt: skip
        body: dict[str, Any] = {"logical_date": None, "conf": {**fields, **form}}
        run = client.post("/api/v2/dags/criteria_change/dagRuns", body)["dag_run_id"]
        self.run = f"/api/v2/dags/criteria_change/dagRuns/{run}"

    def shown(self) -> str:
        """What the approver reads, as the pages ask for it: once the task waits, and not before."""
        waiting = f"{self.run}/hitlDetails?state=awaiting_input&response_received=false"
        found = until(lambda: self._client.get(waiting)["hitl_details"])
        return str(found[0]["body"])

    def answer(self, client: AirflowClient, option: str, comment: str = "") -> str:
        """Answers as that user; the state in which the run ends."""
        body = {"chosen_options": [option], "params_input": {"comment": comment}}
        client.patch(f"{self.run}/taskInstances/approve/-1/hitlDetails", body)
        return str(until(lambda: (state := client.get(self.run)["state"]) in ("success", "failed") and state))

    def log(self) -> str:
        lines = self._client.get(f"{self.run}/taskInstances/record/logs/1")["content"]
        return "\n".join(str(line["event"]) for line in lines)


def versions(store: Store) -> list[tuple[Any, ...]]:
    """(version, state, in force, proposer, who decided, authorised by, comment) of tranche T90."""
    rows = [row for row in store.view("tranche_criteria") if row["tranche_id"] == "T90"]
    columns = ("version", "state", "in_force", "recorded_by", "decided_by", "authorised_by", "comment")
    return sorted(tuple(row[name] for name in columns) for row in rows)


def test_B6_a_change_of_criteria_counts_only_when_another_than_its_proposer_approved_it(
    store: Store, up: Up
) -> None:
    ben = control_group_member(up, "ben")
    own, other, amended = (Proposal(up.client, tranche_id="T90", max_cases=cap) for cap in (10, 20, 30))
    assert all("in force: none" in proposal.shown() for proposal in (own, other, amended))
    assert (
        "indicative arrears, letters 0 CMSL6303" in own.shown().replace("\\", "") or "cases of" in own.shown()
    )
    assert [row[:4] for row in versions(store)] == [(n, "PROPOSED", False, "admin") for n in (1, 2, 3)]

    assert own.answer(up.client, "Approve") == "failed"
    for words in ("The criteria of tranche T90 were not changed: refused in record.",
                  "admin proposed it and may not approve it", "What to do: trigger this Dag again"):  # fmt: skip
        assert words in " ".join(own.log().split())
    assert other.answer(ben, "Approve", "as agreed") == "success"
    # The third was made against the state before: what it would replace is no longer in force.
    assert amended.answer(ben, "Reject", "one is enough") == "success"
    why = "not accepted: admin proposed it and may not approve it: another member of the control group must (B6)"
    assert sorted((row[1], *row[4:]) for row in versions(store)) == [
        ("APPROVED", "ben", "ben", "as agreed"),
        ("REFUSED", "admin", None, why),
        ("REFUSED", "ben", None, "one is enough"),
    ]
    assert [row[1] for row in versions(store) if row[2]] == ["APPROVED"]
