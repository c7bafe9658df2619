"""The sample played night after night, worked on as README says: every code that the product gives its records is seen in it.

Belongs here: that nothing of ``domain.codes`` and of the lists of the landed files is missing; README's commands on an exception
and a payment. Does not belong here: what is planted and what must be found (`tests/unit/test_sample_faults.py`).
"""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from case_closure import sample
from case_closure.cli.main import main
from case_closure.desk import exceptions, letters
from case_closure.domain import codes, debt_rules
from case_closure.domain.permissions import whoever_has_the_shell
from case_closure.gates import engine
from case_closure.sweeps import stuck
from case_closure.tables.landed import CORRECTION_REASONS
from tests.support import plain_gate
from tests.support.installation import Databases, Installation

# Three nights, and the machine may do much else.
pytestmark = [pytest.mark.usefixtures("plain_letters"), pytest.mark.timeout(1200)]

FIRST, SECOND, THIRD = NIGHTS = tuple(date(2017, 8, 10) + timedelta(days=night) for night in range(3))
AT = datetime(2017, 8, 11, 12, tzinfo=UTC)

# Where each list of `domain.codes` is seen.
SEEN = {
    "OUTCOMES": ("casegroup_outcomes", "outcome"), "ORIGINS": ("cases", "origin"), "REGIONS": ("cases", "maintenance_region"),
    "SEVERITIES": ("exceptions", "severity"), "EXCEPTION_STATUSES": ("exceptions", "status"),
    "EXCEPTION_EVENTS": ("exception_history", "event"), "CHANNELS": ("exceptions", "channel"),
    "ROUTES": ("work_items", "route"), "WORK_ITEM_TYPES": ("work_items", "type"), "WORK_ITEM_STATUSES": ("work_items", "status"),
    "LETTER_CODES": ("letters", "code"), "RECIPIENT_ROLES": ("letters", "recipient_role"),
    "LETTER_STATUSES": ("letters", "status"), "UNSENT_REASONS": ("letters", "reason"),
    "PAYMENT_SOURCES": ("payments", "source"), "JOURNEYS": ("end_liability", "journey"),
    "PAYMENT_STATUSES": ("payments", "status"), "DECISIONS": ("applications", "decision"),
}  # fmt: skip
# What no extract can bring about, and what does.
ELSEWHERE: dict[str, set[str] | None] = {
    "EXCEPTION_EVENTS": {"REOPENED"},  # an extract that is landed again
    "DELIVERY_CHANNELS": None, "DELIVERY_STATES": None,  # sending letters
    "STAGE_OUTCOMES": None,  # a night that fails
    "CRITERIA_STATES": None,  # approving a change of criteria
    "NOTICE_CAUSES": None,  # of files, whose rows are read by other systems
}  # fmt: skip


@pytest.fixture(scope="module")
def played(database_server: Databases) -> Iterator[tuple[Installation, dict[str, str]]]:
    """The nights that `make nightly` makes, and between them what only a person does: README's five minutes, letters by hand.

    Besides, what each command of README said. The gates are judged by plain pandas and parts are large, to be quick.
    """
    with (
        database_server.installation(partition_casegroups=1_000) as made,
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setattr(engine, "run", plain_gate.run)
        sample.generate(made.landing, FIRST, len(NIGHTS), 2_000, seed=1)
        made.run(FIRST)
        said = as_in_readme(made)
        open_ids = [row["exception_id"] for row in made.view("exceptions") if row["status"] == "OPEN"]
        leader = whoever_has_the_shell("leader.one")
        exceptions.allocate(made.url, open_ids[:1], to="caseworker.one", by=leader, at=AT)
        made.run(SECOND)
        asked = next(
            row
            for row in made.view("work_items")
            if (row["type"], row["status"]) == ("CONFIRM_WRITE_OFF", "OPEN")
        )
        _by_hand(made, asked)
        made.run(THIRD)
        yield made, said


@pytest.fixture
def three_nights(played: tuple[Installation, dict[str, str]]) -> Installation:
    return played[0]


def as_in_readme(made: Installation) -> dict[str, str]:
    """Type what README has a reader type about exceptions and casegroups after the first night; what each command said."""
    settings = made.settings
    at_home = {
        "HOME": str(settings.home),
        "DATABASE_URL": made.url,
        "LANDING": settings.landing,
        "OUTBOUND": settings.outbound,
    }
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = readme[readme.index("Clear an exception.") : readme.index("So is a client who calls")]
    values: dict[str, str] = {}
    said: dict[str, str] = {}

    def answer(typed: str) -> str:
        words = shlex.split(re.sub(r"\$([A-Z]+)", lambda name: values[name[1]], typed), comments=True)
        if words[0] == "echo":
            return words[1]
        assert words[0] == ".venv/bin/case-closure", typed
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = main(words[1:])
        said[" ".join(words[1:3])] = out.getvalue()
        assert code == 0, (typed, out.getvalue())
        return out.getvalue()

    with pytest.MonkeyPatch.context() as patched:
        for name, value in at_home.items():
            patched.setenv(f"CASE_CLOSURE_{name}", value)
        for line in re.findall(r"^    (.*)$", block, re.MULTILINE):
            if into := re.fullmatch(r"([A-Z]+)=\$\((.*)\)", line):
                command, *pipes = into[2].split(" | ")
                values[into[1]] = piped(answer(command), pipes)
            else:
                answer(line)
    return said


def piped(text: str, pipes: list[str]) -> str:
    """What these filters of README make of a command's answer."""
    for pipe in pipes:
        run = subprocess.run(shlex.split(pipe), input=text, capture_output=True, text=True, check=True)
        text = run.stdout
    return text.strip()


def _by_hand(made: Installation, asked: dict[str, Any]) -> None:
    names = ("casegroup_id", "csa_system", "csa_case_id")
    case = {name: asked[name] for name in names}
    letters.confirm_write_off(
        made.url, **case, from_on=FIRST, to_on=THIRD, by=whoever_has_the_shell("caseworker.two"), at=AT
    )
    sent = next(
        row for row in made.view("letters") if row["status"] == "ISSUED" and row["covers_letter_id"] is None
    )
    letters.reissue(made.url, sent["letter_id"], by=whoever_has_the_shell("caseworker.two"), at=AT)


def seen(made: Installation, view: str, *columns: str) -> set[tuple[str, ...]]:
    """What stands in these columns, on either side."""
    names = ", ".join(columns)
    rows = made.query(
        f"select distinct {names} from reporting.{view} union select distinct {names} from sensitive.{view}"  # noqa: S608
    )
    return {tuple(row.values()) for row in rows}


def lists() -> dict[str, tuple[str, ...]]:
    """Every list of values of `domain.codes`."""
    return {name: value for name, value in vars(codes).items() if name.isupper() and isinstance(value, tuple)}


def test_every_list_of_codes_is_looked_for_in_the_sample() -> None:
    """A new list is told where it is seen, or why it cannot be."""
    assert SEEN.keys() | ELSEWHERE.keys() == lists().keys()


def test_every_code_occurs_in_the_sample(three_nights: Installation) -> None:
    """[40]: work items of every type, STUCK by the sweep that comes later; and everything else that has a list."""
    stuck.sweep(three_nights.settings, THIRD + timedelta(days=29))
    missing = {
        name: sorted(
            set(values) - (ELSEWHERE.get(name) or set()) - {one for (one,) in seen(three_nights, *SEEN[name])}
        )
        for name, values in lists().items()
        if name in SEEN
    }
    assert {name: codes for name, codes in missing.items() if codes} == {}


def test_B48_B49_B59_readmes_five_minutes_clear_an_exception_and_see_a_payment_pay_its_dues(
    played: tuple[Installation, dict[str, str]],
) -> None:
    """[24]-[28], [31]: as it is typed there, on the sample."""
    made, said = played
    assert (
        ": closes\n1 of 1 close; 0 casegroups complete; 0 pence would be posted, "
        in said["exceptions resolve"]
    )
    events = [line.split()[1] for line in said["exceptions history"].splitlines()]
    assert events == ["OPENED", "ALLOCATED", "ENTERED", "RESOLVED"]
    assert said["exceptions replay"].rstrip().endswith(": closed")
    told = said["casegroup show"].splitlines()
    assert "TRANSITION_COMPLETE, ARREARS_ADDED" in told[0]
    outstanding = int(told[-1].removeprefix("outstanding "))
    (group,) = re.findall(r"casegroup (\S+):", told[0])
    dues = [row for row in made.view("dues") if row["casegroup_id"] == group]
    assert sum(row["allocated_pence"] for row in dues) > 0
    assert sum(row["amount_pence"] - row["allocated_pence"] for row in dues) == outstanding


def test_B59_B61_payments_of_both_sources_stand_everywhere_a_payment_can(three_nights: Installation) -> None:
    """[16]-[20], [39]"""
    everywhere = set(itertools.product(codes.PAYMENT_SOURCES, codes.PAYMENT_STATUSES))
    assert seen(three_nights, "payments", "source", "status") == everywhere


def test_B55_corrections_of_every_reason_are_applied_and_refused(three_nights: Installation) -> None:
    """[2], [9], [10], [14], [41]: also one that adds a due, and one that settles a changed balance (R20, R28)."""
    everyone = set(itertools.product(("APPLIED", "REFUSED"), CORRECTION_REASONS))
    assert seen(three_nights, "corrections", "status", "reason") == everyone
    assert [row for row in three_nights.view("dues") if row["posted_pence"] == 0 and row["amount_pence"] > 0]
    changed = [
        row
        for row in three_nights.view("exceptions")
        if row["rule_code"] == "balance_changed_after_completion"
    ]
    assert {row["status"] for row in changed} == {"OPEN", "RESOLVED"}


def test_B62_B63_B71_orders_cover_dues_and_each_rule_takes_something(three_nights: Installation) -> None:
    """[33], [36], [43]: but the ninth, which is off unless it is configured."""
    orders = {row["action_id"] for row in three_nights.view("enforcement_dues")}
    assert orders
    results = seen(three_nights, "debt_rule_results", "rule_name", "result")
    took = {name for name, result in results if result != "NONE"}
    assert took == {rule.name for rule in debt_rules.RULES[:8]}
    assert {result for _, result in results} == set(debt_rules.RESULTS)


def test_B51_R27_reports_of_both_channels_are_cleared_by_their_date_by_a_row_and_by_an_entry(
    three_nights: Installation,
) -> None:
    """[21]"""
    rows = [row for row in three_nights.view("exceptions") if row["rule_code"] == "exception_reported"]
    assert {(row["channel"], row["status"]) for row in rows} >= {
        ("OFFLINE_REPORT", "RESOLVED"),
        ("CSA_CASEWORKER", "RESOLVED"),
    }
    assert "OPEN" in {row["status"] for row in rows}
    entered = {
        row["exception_id"] for row in three_nights.view("exception_history") if row["event"] == "ENTERED"
    }
    resolved = {row["exception_id"] for row in rows if row["status"] == "RESOLVED"}
    assert resolved & entered
    assert resolved - entered


def test_R21_the_nights_of_the_sample_hold_the_money_law(three_nights: Installation) -> None:
    """Every night succeeded, and of each due what is outstanding is what all its entries come to."""
    assert set(three_nights.night_status().values()) == {"SUCCESS"}
    below = three_nights.query("select due_id from reporting.ledger group by 1 having sum(amount_pence) < 0")
    assert below == []
