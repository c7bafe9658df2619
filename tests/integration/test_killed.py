"""A night that is killed: after a restart the same command finishes it; nothing posted twice, nothing lost (R21, R7).

The night that is killed is the second of two, so that it mends, completes, changes and adds. However it was killed, all
views then equal those of a night that never was.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from case_closure.local import embedded
from case_closure.night import run as night
from case_closure.store import database
from tests.support.builders import ALL_NINE, Case, Row, balance, case, nino_of
from tests.support.debt_builders import debt
from tests.support.installation import Databases, Installation

ROOT = Path(__file__).parents[2]
FIRST, SECOND, THIRD = date(2017, 8, 10), date(2017, 8, 11), date(2017, 8, 14)
AGENT = {
    "representative_name": "R",
    "representative_address_line_1": "1 Low Road",
    "representative_postcode": "LS1 4AP",
}
OPEN: dict[str, Any] = {
    "case_status": "OPEN", "closed_reason": None, "liability_end_date": None, "case_type": "ONGOING", "segment": 1,
}  # fmt: skip
CRITERIA: Row = {
    "tranche_id": "T1", "ocr_reference": "OCR-1", "authorised_by": "Control Group", "authorised_on": "2017-08-01",
    "reason": None, "segments": [1], "csa_systems": ["CS2"], "case_types": ["ONGOING"], "max_cases": 2, "notice_days": 180,
    "reminder_days": None, "valid_from": "2017-08-11", "valid_to": None,
}  # fmt: skip
PARTS_OF = 3
BOTH_SIDES = ("judge_debts", "decide_next_action", "apply_corrections", "allocate_payments", "refer_actions")

# Each point is two nights, and the machine may do much else.
pytestmark = pytest.mark.timeout(1200)


def first_night() -> list[Case]:
    return [
        case("A", "G1"), case("B", "G2", child=False), case("C", "G3", case_status="OPEN"),
        case("D", "G4", owes={"rp_active": -5}, case_status="OPEN"), case("E", "G5", partially_clerical=True),
        case("F", "G6", nationally_sensitive=True), case("H", "G8", scheme="2012"), case("P", "G14"),
    ]  # fmt: skip


def paid(
    casegroup: str, reference: str, value: str, surname: str = "Walker"
) -> tuple[str, str, str, str, str]:
    return (nino_of(f"PP-{casegroup}"), "Alex", surname, reference, value)


def collected(reference: str, case_id: str, pence: int) -> Row:
    return {"dca_reference": reference, "agency": "Agency", "csa_system": "CS2", "csa_case_id": case_id,
            "amount_pence": pence, "received_on": FIRST}  # fmt: skip


def first_money() -> dict[str, Any]:
    """What waits after the first night: money held, flagged, in suspense; a report that holds, an order not yet ongoing."""
    return {
        "payments": {"CS2": [paid("G2", "R2", "4.00"), paid("G1", "R4", "1.00", "Other")]},
        "dca_payments": [collected("D1", "B", 200), collected("D2", "I", 300)],
        "enforcement_actions": [order(ongoing=False)], "csa_debts": [debt("A"), debt("B")],
        "reported_exceptions": [{"report_id": "REP1", "casegroup_id": "G14", "channel": "OFFLINE_REPORT",
                                 "stage": "ADD_ARREARS", "reported_by": "csa.one", "reported_on": FIRST}],
    }  # fmt: skip


def order(*, ongoing: bool) -> Row:
    return {"action_id": "E1", "csa_system": "CS2", "csa_case_id": "A", "action_type": "LIABILITY_ORDER", "ongoing": ongoing,
            "in_force": True, "amount_pence": 1000}  # fmt: skip


def correction(number: int, case_id: str, amount: int, **over: Any) -> Row:
    return {"correction_id": f"C{number}", "csa_system": "CS2", "csa_case_id": case_id, "creditor": "RP",
            "arrears_status": "ACTIVE", "new_amount_pence": amount, "reason": "ERROR", "requested_by": "one"} | over  # fmt: skip


def entered(number: int, entity: str, about: str, name: str, value: str) -> Row:
    return {"resolution_id": f"R{number}", "csa_system": None, "csa_case_id": about, "entity": entity, "field": name,
            "new_value": value, "source_system": "phone", "entered_by": "one", "entered_on": SECOND}  # fmt: skip


def second_money() -> dict[str, Any]:
    """Money that finds its dues; corrections applied, refused and one that settles a changed balance (R20); an added due;
    actions; debts judged anew and refused; rows refused alone."""
    action: Row = {
        "csa_action_id": "A1",
        "csa_system": "CS2",
        "csa_case_id": "A",
        "action_type": "APPEAL",
        "notified_by": "one",
    }
    return {
        "payments": {"CS2": [paid("G1", "R3", "0.30"), paid("G9", "R5", "2.00"), paid("G1", "bad", "1")]},
        "dca_payments": [collected("D3", "I", 10), collected("D3", "I", 10)],
        "corrections": [
            correction(1, "A", 1), correction(2, "J", 50, creditor="GB_SOS", reason="OFFLINE_REPORT"),
            correction(3, "B", 5, arrears_status="SUSPENDED"), correction(4, "B", -1), correction(5, "B", 900),
        ],
        "csa_actions": [action, action | {"csa_action_id": "A2", "action_type": "QUARREL"}],
        "enforcement_actions": [order(ongoing=True)],
        "csa_debts": [debt("A", rp_active=7), debt("C", no_further_action_told=True), debt("Z")],
        "resolutions": [
            entered(2, "PAYMENT", "R4", "passed_to", "the payer"), entered(3, "REPORT", "REP1", "cleared_on", f"{SECOND}"),
        ],
    }  # fmt: skip


def second_night() -> tuple[list[Case], dict[str, Any]]:
    """The cases, and the rows of other files by name."""
    cases = [
        case("A", "G1", owes={"rp_active": 1}),
        case("B", "G2"),
        case("C", "G3"),
        case("D", "G4", owes={"rp_active": -6}),
        case("I", "G7", owes=ALL_NINE, receiver=AGENT),
        case("J", "G7", owes={"ni_sos_active": 4, "rp_active": -4}),
        case("K", "G9", balance_row={"total_pence": 1}),
        case("L", "G10", method_of_payment=None),
        case("M", "G11", csa_case_id=None),
        case("N", "G12", owes=None, payer=AGENT, **OPEN),
        case("O", "G13", owes=None, **OPEN),
    ]
    applied: Row = {"application_id": "AP1", "received_on": FIRST, "eligible": True, "applicant_says_csa": False,
                    "applicant_nino": nino_of("RP-O"), "named_paying_parent_nino": nino_of("PP-G13")}  # fmt: skip
    failed = {"csa_system": "CS2", "csa_case_id": "C", "failure_code": "F", "failed_on": SECOND}
    mended: Row = {"resolution_id": "R1", "csa_system": "CS2", "csa_case_id": "H", "entity": "CASE", "field": "scheme",
                   "old_value": "2012", "new_value": "2003", "source_system": "CS2", "entered_by": "one",
                   "entered_on": SECOND}  # fmt: skip
    money = second_money()
    return cases, money | {
        "closure_failures": [failed], "resolutions": [mended, *money["resolutions"]],
        "clerical_balances": [balance("E", "G5", {"rp_active": 3})], "cms_applications": [applied],
    }  # fmt: skip


class Forks:
    """The process whose forks are killed."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.kill.forks"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    def run(self, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(jobs) + "\n")
        self.process.stdin.flush()
        answer: list[dict[str, Any]] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    made = Forks()
    yield made
    assert made.process.stdin is not None
    made.process.stdin.close()
    assert made.process.wait(timeout=30) == 0


def job(installation: Installation, kill_at: int | str | None, workers: int = 1) -> dict[str, Any]:
    return {
        "url": installation.url, "home": str(installation.settings.home), "landing": str(installation.landing),
        "outbound": str(installation.folder / "outbound"),
        "partition_casegroups": PARTS_OF, "on": SECOND.isoformat(), "kill_at": kill_at, "workers": workers,
    }  # fmt: skip


@pytest.fixture(scope="module")
def ready(database_server: Databases) -> Iterator[Installation]:
    """The store after the first night, with the second landed: what every kill starts from a copy of."""
    with database_server.installation() as made:
        made.night(FIRST, *first_night(), **first_money())
        cases, more = second_night()
        made.land(SECOND, *cases, **more)
        (made.landing / "criteria.json").write_text(json.dumps([CRITERIA]))
        database.forget(made.url)
        yield made


@pytest.fixture(scope="module")
def never_killed(
    database_server: Databases, ready: Installation, forks: Forks
) -> tuple[dict[str, list[str]], list[str]]:
    """All views after the second night, and the points it passes."""
    with database_server.installation(copy_of=ready) as whole:
        (answer,) = forks.run([job(whole, None)])
        assert answer["error"] is None, answer["error"]
        return whole.everything(), answer["passed"]


def chosen(points: list[str]) -> list[int]:
    """Both sides of each commit of a part and of the stages around a transition, before the last commit of every stage (after it
    the next one begins), and some COPYs and parts handed on between them."""
    wanted: set[int] = set()
    for name in night.STAGES:
        first, last = points.index(f"stage {name} begins"), points.index(f"stage {name} ends")
        commits = [number for number in range(first, last) if points[number] == "before commit"]
        if name in BOTH_SIDES:
            wanted |= {
                number
                for commit in commits
                for number in (commit, commit + 1)
                if points[number].endswith("commit")
            }
        else:
            wanted.add(commits[-1])
        if points[last - 1] != "after commit":
            wanted.add(last)
    wanted |= {
        points.index(f"copy into closure.{table}") for table in ("dues", "letters", "work_items", "positions")
    }
    wanted.add(points.index("part handed on") + 3)
    return sorted(wanted)


def test_the_night_passes_every_stage_and_several_commits_of_parts(
    never_killed: tuple[dict[str, list[str]], list[str]],
) -> None:
    """What is killed below is worth killing: all stages, several parts, and every kind of row."""
    views, points = never_killed
    assert [point for point in points if point.endswith("begins")] == [
        f"stage {name} begins" for name in night.STAGES
    ]
    decided = points[
        points.index("stage decide_next_action begins") : points.index("stage decide_next_action ends")
    ]
    assert decided.count("before commit") >= 4
    for view in (
        "dues",
        "ledger",
        "cases",
        "exceptions",
        "work_items",
        "letters",
        "credits",
        "exception_history",
        "next_actions",
        "end_liability",
        "journeys",
        "tranche_selections",
        "ltrs",
        "payments",
        "corrections",
        "debt_rule_results",
    ):
        assert any("8, 11)" in row for row in views[f"reporting.{view}"]), view
    assert "REACTIVE" in "".join(views["reporting.applications"])


def assert_it_still_finishes(
    database_server: Databases, ready: Installation, forks: Forks, whole: dict[str, list[str]], points: list[str],
    at: list[int],
) -> None:  # fmt: skip
    """Killed at each of these points, the same command finishes the night as if nothing had been."""
    with database_server.installations(len(at), copy_of=ready) as copies:
        answers = forks.run([job(copy, number) for copy, number in zip(copies, at, strict=True)])
        for number, copy, answer in zip(at, copies, answers, strict=True):
            where = f"killed at {number}, {points[number]}"
            assert answer["signal"] == signal.SIGKILL, where
            assert answer["error"] is None, f"{where}: {answer['error']}"
            assert copy.everything() == whole, where


def test_killed_in_stages_and_on_both_sides_of_commits(
    database_server: Databases,
    ready: Installation,
    forks: Forks,
    never_killed: tuple[dict[str, list[str]], list[str]],
) -> None:
    """Every twenty-second of them, both sides of the first commit that stores casegroups, between corrections and what they
    settle, and before money reaches dues; `make soak` has them all."""
    whole, points = never_killed
    begins, ends = (points.index(f"stage decide_next_action {when}") for when in ("begins", "ends"))
    stored = [number for number in chosen(points) if begins < number < ends and "commit" in points[number]]
    assert len(stored) >= 8
    corrected, settled = commits_of(points, "apply_corrections")[-2:]
    paid_at = commits_of(points, "allocate_payments")[-1]
    assert corrected < settled, "what was corrected is stored before what it settles is judged again"
    assert_it_still_finishes(
        database_server, ready, forks, whole, points,
        sorted({*chosen(points)[::22], *stored[:2], corrected + 1, paid_at}),
    )  # fmt: skip


def commits_of(points: list[str], stage: str) -> list[int]:
    """Where that stage is before a commit."""
    first, last = points.index(f"stage {stage} begins"), points.index(f"stage {stage} ends")
    return [number for number in range(first, last) if points[number] == "before commit"]


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_soak_killed_at_each_stage_and_on_both_sides_of_each_commit(
    database_server: Databases,
    ready: Installation,
    forks: Forks,
    never_killed: tuple[dict[str, list[str]], list[str]],
) -> None:
    whole, points = never_killed
    assert len(chosen(points)) > 25
    assert_it_still_finishes(database_server, ready, forks, whole, points, chosen(points))


def test_killed_while_parts_are_worked_on_side_by_side(
    database_server: Databases,
    ready: Installation,
    forks: Forks,
    never_killed: tuple[dict[str, list[str]], list[str]],
) -> None:
    """The parent killed among its workers, and a worker killed among its siblings: that fails the stage in plain words."""
    whole, _ = never_killed
    with database_server.installations(2, copy_of=ready) as (parent, worker):
        answers = forks.run(
            [
                job(parent, "stage decide_next_action ends", workers=2),
                job(worker, "copy into closure.dues", workers=2),
            ]
        )
        assert (answers[0]["signal"], answers[1]["signal"]) == (signal.SIGKILL, None)
        assert "worker" in answers[1]["failed"]
        for copy, answer in zip((parent, worker), answers, strict=True):
            assert answer["error"] is None, answer["error"]
            assert copy.everything() == whole


def test_killed_again_and_again_it_still_finishes(
    database_server: Databases,
    ready: Installation,
    forks: Forks,
    never_killed: tuple[dict[str, list[str]], list[str]],
) -> None:
    """Kill upon kill, each of the run that was to mend the one before."""
    whole, points = never_killed
    commits = [number for number, point in enumerate(points) if point == "after commit"]
    with database_server.installation(copy_of=ready) as copy:
        kills = 0
        for number in commits[4 :: len(commits) // 5]:
            (answer,) = forks.run([job(copy, number) | {"once": True}])
            if answer["signal"] is None:
                break  # a run that goes on has fewer commits left than a first one: it finished before this one
            assert answer["signal"] == signal.SIGKILL
            kills += 1
        assert kills >= 3, "too few kills to show anything"
        (answer,) = forks.run([job(copy, None)])
        assert answer["error"] is None, answer["error"]
        assert copy.everything() == whole


def test_a_killed_night_blocks_a_later_one_until_it_is_finished(
    database_server: Databases,
    ready: Installation,
    forks: Forks,
    never_killed: tuple[dict[str, list[str]], list[str]],
) -> None:
    _, points = never_killed
    with database_server.installation(copy_of=ready) as copy:
        half = points.index("stage post_dues begins")
        (answer,) = forks.run([job(copy, half) | {"once": True}])
        assert answer["signal"] == signal.SIGKILL
        copy.land(THIRD, case("Z", "G20"))
        with pytest.raises(night.NightRefused, match=r"2017-08-11 is still open \(run run-2017-08-11"):
            copy.run(THIRD)


def test_the_database_server_killed_mid_night_comes_back_and_the_same_command_finishes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 of PostgreSQL itself in the middle of a transaction that has written: in one stage, and then in another."""
    server = embedded.ensure_running(home)
    installation = Installation(server.url(embedded.STORE), home)
    landed = [case("A", "G1"), case("B", "G2", child=False), case("C", "G3", owes=ALL_NINE)]
    installation.land(FIRST, *landed)
    for stage in ("receive_balances", "decide_next_action"):
        with monkeypatch.context() as patched:
            killed = kill_server_in(stage, home, patched)
            with pytest.raises(Exception, match=r"connection|terminat|server closed|Operational"):
                installation.run(FIRST)
        assert len(killed) == 1, stage
        database.forget(installation.url)
        again = embedded.ensure_running(home)
        assert again.url(embedded.STORE) == installation.url
    installation.run(FIRST)
    assert installation.outcomes() == {
        "G1": ("TRANSITION_COMPLETE", "ARREARS_ADDED"), "G2": ("EXCEPTION", "child_missing"),
        "G3": ("TRANSITION_COMPLETE", "ARREARS_ADDED"),
    }  # fmt: skip
    assert sum(installation.dues().values()) == 1000 + sum(ALL_NINE.values())
    assert len(installation.view("ledger")) == 10
    database.forget(installation.url)


def kill_server_in(stage: str, home: Path, patched: pytest.MonkeyPatch) -> list[int]:
    """From now on the server is killed in the first transaction of that stage, once; returns whom that killed."""
    enter = database.transaction
    running: list[str] = []
    killed: list[int] = []
    stage_of = night.stage_of

    def watched(name: str) -> Any:
        if name == stage:
            running.append(name)
        return stage_of(name)

    @contextlib.contextmanager
    def transaction(url: str) -> Iterator[Any]:
        with enter(url) as connection:
            yield connection
            if running and not killed:
                killed.append(_kill_server(home))

    patched.setattr(night, "stage_of", watched)
    patched.setattr(database, "transaction", transaction)
    return killed


def _kill_server(home: Path) -> int:
    """SIGKILL to the postmaster; its children notice and go."""
    process = int((home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(process, signal.SIGKILL)
    time.sleep(0.2)
    return process
