"""Sweeps on a real store: what got stuck has one work item, and the first sweep that finds it gone closes it (R36, [30])."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from case_closure.cli import main as cli
from case_closure.desk import nights
from case_closure.domain.permissions import whoever_has_the_shell
from case_closure.gates import engine
from case_closure.landing.rejection import LandingRejected
from case_closure.night import run as night
from case_closure.store import database
from case_closure.sweeps import letters, stuck
from tests.support import plain_gate
from tests.support.builders import Row, case, party
from tests.support.installation import Databases, Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

FIRST = date(2017, 8, 10)
AT = datetime(2017, 8, 11, tzinfo=UTC)
NAMELESS = {"surname": None}
LETTER = f"CMSL6301-fine---PP-fine-{FIRST}"


def after(days: int) -> date:
    return FIRST + timedelta(days=days)


@pytest.fixture(scope="module")
def first_night(database_server: Databases) -> Iterator[Installation]:
    """A night with an exception on each side, a warning, and letters."""
    with database_server.installation() as made, pytest.MonkeyPatch.context() as patched:
        patched.setattr(engine, "run", plain_gate.run)
        made.night(
            FIRST, case("A", "nameless", payer=NAMELESS, payer_cis={"surname": "Walker"}),
            case("S", "secret", payer=NAMELESS, nationally_sensitive=True),
            case("W", "fine", receiver={"nino": "PY123456A"}), closure_failures=[
                {"csa_system": "CS2", "csa_case_id": "S", "failure_code": "F1", "failed_on": FIRST},
            ],
        )  # fmt: skip
        database.forget(made.url)  # a store that somebody is connected to cannot be copied
        yield made


@pytest.fixture
def store(
    first_night: Installation, database_server: Databases, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    monkeypatch.setattr(engine, "run", plain_gate.run)
    with database_server.installation(copy_of=first_night) as copy:
        yield copy


def swept(store: Installation, on: date, **over: Any) -> stuck.Swept:
    return stuck.sweep(replace(store.settings, **over), on)


def items(store: Installation, schema: str = "reporting") -> list[Row]:
    return sorted(
        (row for row in store.view("work_items", schema) if row["type"] == "STUCK"),
        key=lambda row: (row["business_date"], row["work_item_id"]),
    )


def stands(store: Installation) -> list[tuple[str, str]]:
    return [(row["subject_reference"], row["status"]) for row in items(store)]


def test_30_R36_a_hold_exception_open_for_more_than_28_days_has_one_item(store: Installation) -> None:
    swept(store, after(28))
    assert items(store) == items(store, "sensitive") == []
    ((exception,), told) = (
        [row for row in store.view("exceptions") if row["rule_code"] == "surname_missing"],
        swept(store, after(29)),
    )
    (item,) = items(store)
    assert (item["business_date"], item["route"], item["status"]) == (after(29), "FT_TEAM", "OPEN")
    assert (item["casegroup_id"], item["csa_case_id"]) == ("nameless", "A")
    assert item["subject_reference"] == exception["exception_id"]
    # A warning waits for nobody; what is sensitive is stuck on its own side, and no word of it is said here (R26).
    assert {row["subject_reference"] for row in items(store, "sensitive")} == {
        row["exception_id"] for row in store.view("exceptions", "sensitive") if row["severity"] == "HOLD"
    }
    lines = list(told.lines())
    assert "secret" not in str(lines)
    assert lines[-1] == "1 found stuck, 0 gone, 1 open: in the view reporting.work_items, type STUCK."

    before = store.everything()
    for on in (after(29), after(30), after(10)):
        again = swept(store, on)
        assert (again.raised, again.closed, again.open) == ([], [], 1)
    assert store.everything() == before


def test_30_an_exception_that_somebody_has_is_stuck_all_the_same(store: Installation) -> None:
    """[25]: ALLOCATED is an open exception in every other respect."""
    store.execute(
        "update closure.exceptions set status = 'ALLOCATED', allocated_to = 'ann' where rule_code = 'surname_missing'"
    )
    (raised,) = swept(store, after(29)).raised
    assert "surname_missing is open since 2017-08-10, and ann has it" in raised.detail


def test_R36_how_many_days_are_too_many_may_be_set(store: Installation) -> None:
    assert len(swept(store, after(2), stuck_days=1).raised) == 1
    # Once raised it is not gone, because somebody waits for longer.
    assert swept(store, after(3), stuck_days=28).closed == []


def test_30_40_not_the_night_that_mends_it_closes_the_item_but_the_first_sweep_after(
    store: Installation,
) -> None:
    """And if it is back, it has another one."""
    swept(store, after(29))
    (item,) = items(store)
    store.night(after(30), csa_parties=[party("PP-nameless")])
    mended = {
        (row["type"], row["status"]) for row in store.view("work_items") if row["casegroup_id"] == "nameless"
    }
    assert {("MANUAL_HANDLING", "CLOSED"), ("STUCK", "OPEN")} <= mended
    # A sweep of an earlier date closes it too, on no day before it was raised.
    told = swept(store, after(20))
    assert [one.work_item_id for one in told.closed] == [item["work_item_id"]]
    assert stands(store) == [(item["subject_reference"], "CLOSED")]
    (row,) = store.query(
        "select closed_on from closure.work_items where work_item_id = %s", item["work_item_id"]
    )
    assert row["closed_on"] == after(29)

    store.execute(
        "update closure.exceptions set status = 'OPEN', resolved_on = null where rule_code = 'surname_missing'"
    )
    swept(store, after(29))
    assert stands(store) == [(item["subject_reference"], "OPEN")]
    swept(store, after(31))
    assert stands(store) == [(item["subject_reference"], "OPEN")]


def test_30_R40_nights_before_that_did_not_succeed_are_stuck_until_they_do_or_are_skipped(
    store: Installation,
) -> None:
    """A night that stays open is found as well, and stands in no sweep's way ([23])."""
    store.land(after(1))
    (store.landing / after(1).isoformat() / "manifest.json").write_text("{}")
    with pytest.raises(LandingRejected):
        store.run(after(1))
    swept(store, after(1))
    assert items(store) == []
    swept(store, after(2))
    (item,) = items(store)
    assert (item["subject_reference"], item["casegroup_id"], item["business_date"]) == (
        str(after(1)),
        None,
        after(2),
    )
    assert "REJECTED" in item["detail"]
    assert items(store, "sensitive") == []
    nights.skip(store.settings, after(1), reason="never right", by=whoever_has_the_shell("ann"), at=AT)
    swept(store, after(2))
    assert stands(store) == [(str(after(1)), "CLOSED")]

    store.land(after(2))
    night.run_stage("open_night", store.context(after(2)))
    assert [one.subject_reference for one in swept(store, after(3)).raised] == [str(after(2))]
    store.run(after(2), "again")
    assert [one.subject_reference for one in swept(store, after(3)).closed] == [str(after(2))]


def test_30_a_letter_that_could_not_be_sent_is_stuck_at_once_and_again_when_it_fails_again(
    store: Installation,
) -> None:
    fails = "update closure.letter_deliveries set state = 'FAILED', last_error = 'no' where letter_id like 'CMSL6301-fine-%'"
    store.execute(fails)
    swept(store, FIRST)
    (item,) = items(store)
    assert (item["subject_reference"], item["casegroup_id"]) == (LETTER, "fine")
    assert letters.try_again(store.url, LETTER)
    swept(store, after(1))
    assert stands(store) == [(LETTER, "CLOSED")]
    store.execute(fails)
    swept(store, after(2))
    assert stands(store) == [(LETTER, "CLOSED"), (LETTER, "OPEN")]


def test_30_R36_a_payment_held_or_flagged_for_more_than_28_days_is_stuck_and_no_other(
    store: Installation,
) -> None:
    for reference, status, casegroup_id, on in (
        ("REC1", "HELD", "nameless", FIRST), ("DCA1", "FLAGGED", "nameless", FIRST), ("REC2", "HELD", "nameless", after(1)),
        ("REC3", "SUSPENSE", None, FIRST), ("REC4", "HELD", "secret", FIRST),
    ):  # fmt: skip
        store.query(
            "insert into closure.payments (payment_id, source, reference, business_date, extract_number, row_number, csa_system, "
            "amount_pence, is_first, casegroup_id, status, allocated_pence) "
            "values (%s, 'CSA', %s, %s, 1, 1, 'CS2', 1234, true, %s, %s, 0) returning 1",
            f"CSA-{reference}", reference, on, casegroup_id, status,
        )  # fmt: skip
    swept(store, after(29))
    found = [
        (item["subject_reference"], item["casegroup_id"], item["business_date"]) for item in items(store)
    ]
    assert [one for one in found if one[0][:3] in ("REC", "DCA")] == [
        ("DCA1", "nameless", after(29)), ("REC1", "nameless", after(29)),
    ]  # fmt: skip
    assert "REC4" in {item["subject_reference"] for item in items(store, "sensitive")}
    store.execute("update closure.payments set status = 'HELD' where reference = 'DCA1'")
    store.execute(
        "update closure.payments set status = 'PASSED_ON', casegroup_id = null, passed_to = 'the payer' where reference = 'REC1'"
    )
    assert [item.subject_reference for item in swept(store, after(29)).closed] == ["REC1"]


def test_30_the_server_refuses_a_second_open_item_for_one_thing(store: Installation) -> None:
    swept(store, after(29))
    again = (
        "insert into closure.work_items (work_item_id, business_date, type, sensitive, route, status) "
        "select left(work_item_id, -11) || '-2018-01-01', '2018-01-01', type, sensitive, route, '{}' "
        "from closure.work_items where type = 'STUCK' limit 1"
    )
    with pytest.raises(psycopg.errors.UniqueViolation, match="work_items_stuck_ix"):
        store.execute(again.format("OPEN"))
    store.execute(again.format("CLOSED"))


def test_R26_an_item_is_on_the_side_of_what_it_is_about_also_when_that_changes(store: Installation) -> None:
    swept(store, after(29))
    store.night(after(30), case("A", "nameless", payer=NAMELESS, nationally_sensitive=True, no_balance=True))
    assert items(store) == []
    assert {row["casegroup_id"] for row in items(store, "sensitive")} == {"nameless", "secret"}


def test_30_the_command_says_what_it_found(
    store: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CASE_CLOSURE_DATABASE_URL", store.url)
    monkeypatch.setenv("CASE_CLOSURE_STUCK_DAYS", "5")
    assert cli.main(["sweep", "--date", str(after(6))]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"Sweep of {after(6)}: stuck is what waits for more than 5 days."
    assert "surname_missing is open since 2017-08-10, and nobody has it" in said[1]
    assert len(said) == 3
