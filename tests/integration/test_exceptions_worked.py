"""Exceptions worked to their end by people: allocated, entered on, replayed, their history (B48-B52, B69; [21]-[28], [38]).

Belongs here: what needs a store, the commands as they are typed, and nights before and after. Does not belong here: what a report
or an entry is for (`tests/unit/test_reported_exceptions.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from case_closure.cli.main import main
from case_closure.desk import exceptions
from case_closure.desk.exceptions import Entry
from case_closure.domain.permissions import whoever_has_the_shell as someone
from case_closure.night.context import NightContext
from case_closure.store import database
from case_closure.store import exceptions as listed
from case_closure.store.nights import NightRefused
from tests.support.builders import ON, Row, case, nino_of
from tests.support.debt_builders import debt
from tests.support.installation import Databases, Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

FIRST, SECOND, THIRD = ON, date(2017, 8, 11), date(2017, 8, 12)
AT = datetime(2017, 8, 10, 12, tzinfo=UTC)
REPORT: Row = {"report_id": "REP1", "casegroup_id": "reported", "channel": "OFFLINE_REPORT", "stage": "ADD_ARREARS",
               "reported_by": "csa.one", "reported_on": FIRST}  # fmt: skip
NO_NINO: Row = {"nino": None}
KNOWN: Row = {"nino": "AB123456A"}


@pytest.fixture(scope="module")
def first_night(database_server: Databases) -> Iterator[Installation]:
    """One night; each casegroup is called as what is wrong with it."""
    with database_server.installation() as made:
        shared: Row = {"receiving_parent_id": "RP-shared", "receiver": NO_NINO, "receiver_cis": KNOWN}
        made.night(
            FIRST,
            case("reported", "reported"), case("here", "here", **shared), case("there", "there", **shared),
            case("held", "held", case_status="OPEN"), case("method", "method", method_of_payment="CHEQUE"),
            case("method2", "method2", method_of_payment="CHEQUE", owes={"rp_active": 250}),
            case("total", "total", balance_row={"total_pence": 7}),
            case("refused", "refused", scheme="2012"), case("childless", "childless", child=False),
            case("secret", "secret", nationally_sensitive=True, balance_row={"total_pence": 7}),
            reported_exceptions=[REPORT],
        )  # fmt: skip
        yield made


@pytest.fixture
def worked(database_server: Databases, first_night: Installation) -> Iterator[Installation]:
    database.forget(first_night.url)
    with database_server.installation(first_night) as made:
        yield made


def id_of(worked: Installation, rule: str, casegroup: str, schema: str = "reporting") -> str:
    (row,) = [row for row in worked.view("exceptions", schema)
              if (row["rule_code"], row["casegroup_id"]) == (rule, casegroup)]  # fmt: skip
    return str(row["exception_id"])


def told(worked: Installation, exception_id: str) -> list[tuple[str, str | None]]:
    rows = [row for row in worked.view("exception_history") if row["exception_id"] == exception_id]
    return [(row["event"], row["by_whom"]) for row in sorted(rows, key=lambda row: row["event_number"])]


def status(worked: Installation, exception_id: str) -> str:
    (row,) = [row for row in worked.view("exceptions") if row["exception_id"] == exception_id]
    return str(row["status"])


def message_of(worked: Installation, exception_id: str) -> str:
    (row,) = [row for row in worked.view("exceptions") if row["exception_id"] == exception_id]
    return str(row["message"])


def resolve(worked: Installation, *entries: Entry, **how: Any) -> exceptions.Told:
    return exceptions.resolve(worked.settings, entries, source="CS2", by=someone("worker.one"), at=AT, **how)


def replay(worked: Installation, *exception_ids: str) -> list[str]:
    def context(on: date) -> NightContext:
        return worked.context(on, "replay")

    return exceptions.replay(
        worked.settings,
        exception_ids,
        by=someone("worker.one"),
        at=AT,
        context=context,
        progress=lambda *_: None,
    )


def allocate(worked: Installation, *exception_ids: str, to: str, by: str) -> exceptions.Told:
    return exceptions.allocate(worked.url, exception_ids, to=to, by=someone(by), at=AT)


def test_B51_R27_a_report_is_an_exception_with_its_own_stage_channel_and_reference(
    worked: Installation,
) -> None:
    """[7] [21] [38]; it clears by the day it says though nothing else of its casegroup is landed, and the casegroup goes on."""
    row = next(row for row in worked.view("exceptions") if row["rule_code"] == "exception_reported")
    assert (row["stage"], row["channel"], row["subject"], row["subject_reference"]) == (
        "ADD_ARREARS", "OFFLINE_REPORT", "REPORT", "REP1",
    )  # fmt: skip
    assert worked.outcomes()["reported"] == ("EXCEPTION", "exception_reported")
    later = REPORT | {"report_id": "REP2", "casegroup_id": "nobody's", "reported_on": THIRD}
    worked.night(SECOND, reported_exceptions=[REPORT | {"cleared_on": THIRD}, later])
    assert worked.outcomes()["reported"] == ("EXCEPTION", "exception_reported")
    worked.night(THIRD)
    assert worked.outcomes()["reported"] == ("TRANSITION_COMPLETE", "ARREARS_ADDED")
    assert told(worked, row["exception_id"]) == [("OPENED", None), ("RESOLVED", None)]
    assert ("exception_reported", None) in worked.open_rules(), "the other began that day by its date alone"


def test_B49_R27_an_entry_clears_a_report_and_stands_when_it_is_sent_again_as_it_was(
    worked: Installation,
) -> None:
    """[21] [22] [26]"""
    number = id_of(worked, "exception_reported", "reported")
    assert not resolve(worked, Entry(number, "cleared_on", "2017-08-11")).refused
    worked.night(SECOND, reported_exceptions=[REPORT])
    assert worked.outcomes()["reported"] == ("TRANSITION_COMPLETE", "ARREARS_ADDED")
    assert told(worked, number) == [("OPENED", None), ("ENTERED", "worker.one"), ("RESOLVED", None)]


def test_R10_allocating_assigns_the_record_and_each_refusal_is_named(worked: Installation) -> None:
    """[25]: again to another: reallocated; to the same: nothing. It stays allocated when it is seen again."""
    number, other = (
        id_of(worked, "child_missing", "childless"),
        id_of(worked, "exception_reported", "reported"),
    )
    secret = id_of(worked, "balance_total_mismatch", "secret", "sensitive")
    first = allocate(worked, number, "nobody", secret, other, to="one", by="leader")
    assert len(first.done) == 2
    assert [line.split(":")[0] for line in first.refused] == ["nobody", secret], (
        "R26: of a sensitive one nothing is known"
    )
    again = allocate(worked, number, to="one", by="leader")
    assert (again.refused, "already" in again.done[0]) == ([], True)
    allocate(worked, number, to="two", by="leader.two")
    worked.night(SECOND)
    assert status(worked, number) == "ALLOCATED"
    assert told(worked, number) == [("OPENED", None), ("ALLOCATED", "leader"), ("ALLOCATED", "leader.two")]
    worked.night(THIRD, reported_exceptions=[REPORT | {"cleared_on": THIRD}])
    (line,) = allocate(worked, other, to="one", by="leader").refused
    assert "resolved" in line


def test_B49_two_who_work_on_one_exception_at_once_are_told_of_each_other(worked: Installation) -> None:
    number = id_of(worked, "child_missing", "childless")
    answers: list[exceptions.Told] = []
    with psycopg.connect(worked.url.replace("+psycopg", "")) as quicker:
        quicker.execute(
            "update closure.exceptions set status = 'ALLOCATED', allocated_to = 'one' where exception_id = %s",
            [number],
        )
        quicker.execute(
            "insert into closure.exception_events (exception_id, event_number, business_date, event, by_what, by_whom) "
            "values (%s, 2, %s, 'ALLOCATED', 'one', 'leader.one')", [number, FIRST],
        )  # fmt: skip
        slower = threading.Thread(
            target=lambda: answers.append(allocate(worked, number, to="two", by="leader.two"))
        )
        slower.start()
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        while slower.is_alive() and not worked.query(waiting)[0]["count"]:
            pass
        quicker.commit()
        slower.join()
    (line,) = answers[0].refused
    assert "leader.one was quicker" in line
    assert told(worked, number)[1:] == [("ALLOCATED", "leader.one")]


def test_B49_an_entry_says_what_it_will_do_before_it_is_kept_and_changes_no_status(
    worked: Installation,
) -> None:
    """[22] [26]: one for a person mends them on whichever case they stand."""
    here, there = (id_of(worked, "nino_missing", group) for group in ("here", "there"))
    seen = worked.everything()
    only_said = resolve(worked, Entry(here, "nino", "AB123456A"), keep=False)
    assert worked.everything() == seen
    said = resolve(worked, Entry(here, "nino", "AB123456A"))
    assert said.done == only_said.done[:-1]
    assert [f"{one}: closes" for one in sorted([here, there])] == said.done[:2]
    assert "2 of 2 close; 2 casegroups complete; 2000 pence would be posted" in said.done[-1]
    assert (status(worked, here), worked.outcomes()["here"][0]) == ("OPEN", "EXCEPTION")
    worked.night(SECOND)
    assert (status(worked, here), status(worked, there)) == ("RESOLVED", "RESOLVED")
    assert told(worked, there) == [("OPENED", None), ("ENTERED", "worker.one"), ("RESOLVED", None)]
    assert worked.outcomes()["here"] == ("TRANSITION_COMPLETE", "ARREARS_ADDED")


def test_B49_what_did_not_mend_it_is_told_with_why_and_a_retaken_extract_does_not_take_it(
    worked: Installation,
) -> None:
    """[22] NOT_MENDED, once an entry; what a command entered goes with no extract."""
    number = id_of(worked, "balance_total_mismatch", "total")
    said = resolve(worked, Entry(number, "total_pence", "8", old="7"))
    assert said.done[0].startswith(f"{number}: stays open: ")
    worked.land(SECOND, case("new", "new"), extract_id="DW-2")
    worked.run(SECOND, without="close_night")
    worked.land(SECOND, case("newer", "newer"), extract_id="DW-2b")
    worked.run(SECOND)
    assert told(worked, number) == [("OPENED", None), ("ENTERED", "worker.one"), ("NOT_MENDED", None)]
    assert [row["new_value"] for row in worked.query("select new_value from held.resolutions")] == ["8"]
    (why,) = [row["detail"] for row in worked.view("exception_history") if row["event"] == "NOT_MENDED"]
    assert "sum of the nine" in why
    resolve(worked, Entry(number, "total_pence", "1000"))
    worked.night(THIRD)
    assert status(worked, number) == "RESOLVED"


def test_B49_what_cannot_be_entered_is_refused_by_name_and_the_others_are_entered(
    worked: Installation, tmp_path: Path
) -> None:
    """[26]"""
    method, total = (
        id_of(worked, "method_of_payment_invalid", "method"),
        id_of(worked, "balance_total_mismatch", "total"),
    )
    listed = tmp_path / "entries.csv"
    listed.write_text(
        "exception_id,field,new_value,old_value\n"
        f"nobody,nino,x,\n{method},method_of_payment,CASH,\n{method},no_such_field,x,\n{total},total_pence,1000,8\n"
        f"{total},total_pence,ten,7\n{total},total_pence,1000,7\n"
    )
    said = resolve(worked, *exceptions.read_entries(listed))
    reasons = (
        "no such exception",
        "DIRECT_DEBIT",
        "has no field",
        "no whole number",
        "does not hold what --old says, but 7",
    )
    for reason in reasons:
        assert sum(reason in line for line in said.refused) == 1, (reason, said.refused)
    assert len(said.refused) == len(reasons)
    kept = worked.query("select entity, field, old_value, new_value, business_date from held.resolutions")
    assert kept == [
        {
            "entity": "BALANCE",
            "field": "total_pence",
            "old_value": "7",
            "new_value": "1000",
            "business_date": FIRST,
        }
    ]


def test_B49_one_wrong_value_is_one_line_and_is_mended_for_all_at_once(worked: Installation) -> None:
    """[24] [26]: by cause, with what it holds up; values masked where personal."""
    (cause,) = [
        one for one in exceptions.causes(worked.url) if one["rule_code"] == "method_of_payment_invalid"
    ]
    assert (cause["value"], cause["exceptions"], cause["casegroups"], cause["held_pence"]) == (
        "CHEQUE",
        2,
        2,
        1250,
    )
    assert not [one for one in exceptions.causes(worked.url) if "secret" in str(one)], "R26"
    both = exceptions.chosen(worked.url, cause=cause["exception_id"])
    said = resolve(worked, *(Entry(one, "method_of_payment", "CARD") for one in both))
    assert "2 of 2 close; 2 casegroups complete; 1250 pence would be posted" in said.done[-1]


def test_R21_a_replay_judges_at_once_dated_the_latest_night(worked: Installation) -> None:
    """[27]: as its rerun would, its folder written anew; also a case row that was refused that night."""
    refused, unknown = (
        id_of(worked, "case_enum_invalid", "refused"),
        id_of(worked, "balance_case_unknown", "refused"),
    )
    held = id_of(worked, "child_missing", "childless")
    said = resolve(worked, Entry(refused, "scheme", "2003"), Entry(held, "scheme", "1993"))
    assert f"{refused}: closes" in said.done
    folder = worked.folder / "outbound" / FIRST.isoformat()
    before = (folder / "manifest.json").read_bytes()
    lines = replay(worked, refused, unknown, held)
    assert lines[:2] == [f"{refused}: closed", f"{unknown}: closed"]
    assert lines[2].startswith(f"{held}: open: ")
    assert (folder / "manifest.json").read_bytes() != before
    assert worked.outcomes()["refused"] == ("TRANSITION_COMPLETE", "ARREARS_ADDED")
    assert {row["business_date"] for row in worked.view("exception_history")} == {FIRST}
    assert told(worked, held) == [("OPENED", None), ("ENTERED", "worker.one"), ("NOT_MENDED", None)]
    figures = worked.view("nights")
    assert figures[0]["exceptions_resolved"] == 2
    again = worked.everything()
    open_ids = {row["exception_id"] for row in worked.view("exceptions") if row["status"] != "RESOLVED"}
    # None named: all with an open exception.
    assert {line.rpartition(": open: ")[0] for line in replay(worked)} == open_ids
    acts = "reporting.acts"  # that it was asked for stands there
    assert {**worked.everything(), acts: []} == {**again, acts: []}
    worked.night(SECOND)
    assert worked.night_status()[SECOND] == "SUCCESS"


def test_27_a_replay_is_the_rerun_of_the_latest_night_alone_and_says_why_what_stays_open_does(
    worked: Installation,
) -> None:
    """[27]: dated that night, whose folder is written anew; of an earlier night nothing is."""
    worked.night(SECOND, case("later", "later"))
    folders = [worked.folder / "outbound" / on.isoformat() / "manifest.json" for on in (FIRST, SECOND)]
    before = [folder.read_bytes() for folder in folders]
    total, childless = (
        id_of(worked, "balance_total_mismatch", "total"),
        id_of(worked, "child_missing", "childless"),
    )
    resolve(worked, Entry(total, "total_pence", "1000"))
    closed, stays = replay(worked, total, childless)
    assert closed == f"{total}: closed"
    assert stays == f"{childless}: open: {message_of(worked, childless)}"
    assert [folder.read_bytes() == was for folder, was in zip(folders, before, strict=True)] == [True, False]
    assert {row["csa_case_id"]: row["business_date"] for row in worked.view("dues")}["total"] == SECOND


@pytest.fixture
def typed_at(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Of an installation: what a command says, and how it ends."""

    def at(store: Installation) -> Any:
        monkeypatch.setenv("CASE_CLOSURE_DATABASE_URL", store.url)
        monkeypatch.setenv("CASE_CLOSURE_HOME", str(store.folder / "home"))
        monkeypatch.setenv("CASE_CLOSURE_LANDING", str(store.landing))
        monkeypatch.setenv("CASE_CLOSURE_OUTBOUND", str(store.folder / "outbound"))

        def run(*words: str) -> tuple[int, str]:
            code = main(["exceptions", *words])
            said = capsys.readouterr()
            return code, said.out + said.err

        return run

    return at


@pytest.fixture
def typed(worked: Installation, typed_at: Any) -> Any:
    """What a command says there, and how it ends."""
    return typed_at(worked)


def test_B48_the_commands_and_how_they_end(worked: Installation, typed: Any) -> None:
    """[23]-[28]: exit codes, and what is refused while a night is open."""
    number = id_of(worked, "child_missing", "childless")
    assert typed("allocate", number, "--to", "one", "--by", "leader")[0] == 0
    assert typed("allocate", number, "--to", "one", "--by", "leader")[0] == 0
    assert typed("allocate", number, "--to", " ", "--by", "leader")[0] == 1
    assert typed("allocate", number, "--to", "two", "--by", " ")[0] == 1
    assert typed("allocate", "nobody", "--to", "one", "--by", "leader")[0] == 1
    code, said = typed("list", "--allocated-to", "one", "--wide")
    assert (code, number in said, "1 exception" in said, "secret" in typed("list")[1]) == (
        0,
        True,
        True,
        False,
    )
    code, said = typed("causes")
    assert (code, "12.50" in said, "CHEQUE" in said) == (0, True, True)
    entry = ("--field", "total_pence", "--new", "1000", "--source", "CS2", "--by", "one")
    total = id_of(worked, "balance_total_mismatch", "total")
    assert typed("resolve", total, *entry, "--dry-run")[0] == 0
    assert typed("resolve", total, *entry, "--old", "9")[0] == 1
    assert typed("resolve", "nobody", *entry)[0] == 1
    assert typed("resolve", total, *entry, "--old", "7")[0] == 0
    assert typed("history", "nobody")[0] == 1
    code, said = typed("history", total)
    assert (code, len(said.splitlines()), "worker" in said or "one" in said) == (0, 2, True)
    assert [line.split()[1] for line in said.splitlines()] == ["OPENED", "ENTERED"]
    assert typed("replay", "nobody")[0] == 1
    code, said = typed("replay", total)
    assert (code, said.strip()) == (0, f"{total}: closed")
    worked.execute("update closure.nights set status = 'OPEN'")
    for words in (
        ("allocate", number, "--to", "two", "--by", "leader"),
        ("resolve", number, *entry),
        ("replay",),
    ):
        code, said = typed(*words)
        assert (code, "is open" in said) == (1, True)
    with pytest.raises(NightRefused):
        allocate(worked, number, to="two", by="leader")


def test_R10_the_server_refuses_an_allocated_exception_that_nobody_has(worked: Installation) -> None:
    """[25]"""
    with pytest.raises(psycopg.errors.CheckViolation):
        worked.execute("update closure.exceptions set status = 'ALLOCATED'")


def test_R10_an_allocated_exception_is_an_open_one_in_every_other_respect(installation: Installation) -> None:
    """[25]: of a case, a balance, a payment, a correction, a debt, a row and a report: it holds, is replayed and entered on, is
    seen again and not opened again, and is resolved by what mends it."""
    refused = {"record_id": "R1", "kind": "GATEWAY", "casegroup_id": "case"}
    report = REPORT | {"casegroup_id": "nobody's", "cleared_on": THIRD}
    correction: Row = {"correction_id": "C1", "csa_system": "CS2", "csa_case_id": "late", "creditor": "RP", "reason": "ERROR",
                       "arrears_status": "ACTIVE", "new_amount_pence": 5, "requested_by": "Pat"}  # fmt: skip
    installation.night(
        FIRST, case("case", "case", child=False), case("balance", "balance", balance_row={"total_pence": 7}),
        case("late", "late", case_status="OPEN", closed_reason=None),
        payments={"CS2": [(nino_of("PP-new"), "Alex", "Walker", "REC1", "4.00")]}, corrections=[correction],
        csa_debts=[debt("new")], records=[refused], reported_exceptions=[report],
    )  # fmt: skip
    rules = {row["rule_code"]: row["exception_id"] for row in installation.view("exceptions")}
    assert rules.keys() == {
        "child_missing", "balance_total_mismatch", "payment_owner_unknown", "correction_due_unknown", "debt_case_unknown",
        "row_invalid", "exception_reported",
    }  # fmt: skip
    assert allocate(installation, *rules.values(), to="one", by="leader").refused == []
    outcomes = installation.outcomes()
    assert {line.partition(": ")[0] for line in replay(installation)} == set(rules.values())
    said = resolve(installation, Entry(rules["balance_total_mismatch"], "total_pence", "1000"), keep=False)
    assert said.done[0] == f"{rules['balance_total_mismatch']}: closes"
    installation.night(SECOND)
    assert {row["status"] for row in installation.view("exceptions")} == {"ALLOCATED"}
    assert len(installation.view("exceptions")) == len(rules)
    assert installation.outcomes() == outcomes
    installation.night(
        THIRD, case("case", "case"), case("balance", "balance"), case("late", "late"), case("new", "new"),
        records=[refused | {"recorded_by": "Pat"}],
    )  # fmt: skip
    assert {row["rule_code"]: row["status"] for row in installation.view("exceptions")} == dict.fromkeys(
        rules, "RESOLVED"
    )


def test_B48_the_list_says_those_that_are_asked_for_the_oldest_first(
    worked: Installation, typed: Any
) -> None:
    """[24]: by date, rule, state, route and who has them; each alone leaves out what it does not name."""
    childless, total = (
        id_of(worked, "child_missing", "childless"),
        id_of(worked, "balance_total_mismatch", "total"),
    )
    owned = case(
        "owned",
        "owned",
        child=False,
        on_cms={"receiving_parent_nino": nino_of("RP-other"), "case_owner": "owner.one"},
    )
    worked.night(SECOND, owned, case("total", "total"))
    allocate(worked, childless, to="one", by="leader")
    late = id_of(worked, "child_missing", "owned")

    def listed(*asked: str) -> list[str]:
        code, said = typed("list", "--wide", *asked)
        assert code == 0
        everyone = [row["exception_id"] for row in worked.view("exceptions")]
        lines = [[one for one in everyone if one in line.split()] for line in said.splitlines()]
        return [one for line in lines for one in line]

    assert listed("--rule", "child_missing") == [childless, late], "oldest first"
    assert listed("--date", f"{SECOND}") == [late]
    assert listed("--status", "RESOLVED") == [total]
    assert listed("--status", "ALLOCATED") == listed("--allocated-to", "one") == [childless]
    assert listed("--route", "CASE_OWNER") == [late]
    assert listed("--rule", "child_missing", "--route", "FT_TEAM", "--status", "OPEN") == []
    assert len(listed()) == len(worked.view("exceptions"))


def test_B49_what_no_entry_mends_is_refused_and_nothing_of_it_is_kept(
    installation: Installation, typed_at: Any
) -> None:
    """[26]: refused rows, what is resolved, and an entry that its payment is in no state for ([5], [17]); one that fits says
    what it will do."""
    nobody = ("AB999999A", "Alex", "Nobody", "REC1", "4.00")
    installation.night(
        FIRST, case("A"), case("B", "G2", balance_row={"total_pence": 7}),
        payments={"CS2": [nobody, ("x", "x", "x", "REC2", "x")]},
        corrections=[{
            "correction_id": "C1", "csa_system": "CS2", "csa_case_id": "A", "creditor": "RP", "arrears_status": "DEFERRED",
            "new_amount_pence": 5, "reason": "ERROR", "requested_by": "one",
        }], csa_debts=[debt("A") | {"total_pence": 1}],
        csa_actions=[{"csa_action_id": "A1", "csa_system": "CS2", "csa_case_id": "A", "action_type": "QUARREL"}],
    )  # fmt: skip
    installation.night(SECOND, case("B", "G2"))
    ids = {row["rule_code"]: row["exception_id"] for row in installation.view("exceptions")}
    paid = ids.pop("payment_owner_unknown")
    assert ids.keys() == {
        "balance_total_mismatch", "payment_malformed", "correction_due_unknown", "debt_total_mismatch", "row_invalid",
    }  # fmt: skip
    for rule, number in ids.items():
        (line,) = resolve(installation, Entry(number, "casegroup_id", "G1")).refused
        assert (
            line == f"{number}: it is resolved"
            if rule == "balance_total_mismatch"
            else f"no entry mends {rule}" in line
        )
    for name, value in (
        ("manual_allocation", "true"),
        ("casegroup_id", "of nobody"),
        ("passed_to", ""),
        ("nino", "AB123456A"),
    ):
        said = resolve(installation, Entry(paid, name, value))
        assert (len(said.refused), said.done) == (1, []), (name, value)
    assert installation.query("select count(*) as rows from held.resolutions") == [{"rows": 0}]
    run = typed_at(installation)
    assert (
        run(
            "resolve",
            paid,
            "--field",
            "casegroup_id",
            "--new",
            "of nobody",
            "--source",
            "phone",
            "--by",
            "one",
        )[0]
        == 1
    )
    before = installation.everything()
    only_said = resolve(installation, Entry(paid, "casegroup_id", "G1"), keep=False)
    assert only_said.refused == []
    assert only_said.done[:-1] == [
        f"{paid}: closes", "1 of 1 close; 0 casegroups complete; 0 pence would be posted, 400 allocated",
    ]  # fmt: skip
    assert (
        resolve(installation, Entry(paid, "passed_to", "the payer"), keep=False)
        .done[-2]
        .endswith("0 allocated")
    )
    assert installation.everything() == before


def test_B49_an_entry_that_completes_a_casegroup_says_what_was_held_for_it(
    installation: Installation,
) -> None:
    """[18], [26]: the pence that would be posted, and those of payments that dues would take; a report's entry is tried too."""
    held = (nino_of("PP-G1"), "Alex", "Walker", "REC1", "4.00")
    installation.night(
        FIRST, case("A"), payments={"CS2": [held]}, reported_exceptions=[REPORT | {"casegroup_id": "G1"}]
    )
    (number,) = [row["exception_id"] for row in installation.view("exceptions")]
    said = resolve(installation, Entry(number, "cleared_on", f"{FIRST}"), keep=False)
    assert said.done[:-1] == [
        f"{number}: closes", "1 of 1 close; 1 casegroups complete; 1000 pence would be posted, 400 allocated",
    ]  # fmt: skip
    later = resolve(installation, Entry(number, "cleared_on", f"{THIRD}"), keep=False)
    assert later.done[0].startswith(f"{number}: stays open: ")
    assert "0 of 1 close; 0 casegroups complete; 0 pence would be posted, 0 allocated" in later.done


def test_B49_before_any_night_has_succeeded_nothing_is_entered_or_replayed(
    installation: Installation, typed_at: Any
) -> None:
    """[26], [27]: exit 1, in words."""
    run = typed_at(installation)
    code, said = run("resolve", "E1", "--field", "nino", "--new", "x", "--source", "CS2", "--by", "one")
    assert (code, "No night has succeeded yet" in said) == (1, True)
    code, said = run("replay")
    assert (code, "No night has succeeded yet" in said) == (1, True)


def test_R30_an_entry_on_a_payment_counts_in_a_replay_and_never_twice(installation: Installation) -> None:
    """[17], [26], [27]: whose the money is was found out; the payment is released at once, and the next night changes nothing."""
    nobody = ("AB999999A", "Alex", "Nobody", "REC1", "4.00")
    installation.night(FIRST, case("A"), payments={"CS2": [nobody]})
    (unknown,) = [row["exception_id"] for row in installation.view("exceptions")]
    told = exceptions.resolve(
        installation.settings,
        [Entry(unknown, "casegroup_id", "G1")],
        source="phone",
        by=someone("Pat"),
        at=AT,
    )
    assert told.refused == []
    assert told.done[0] == f"{unknown}: closes"
    assert told.done[1].endswith("0 pence would be posted, 400 allocated")
    (line,) = replay(installation, unknown)
    assert "closed" in line
    (paid,) = installation.view("payments")
    assert (paid["status"], paid["casegroup_id"], paid["allocated_pence"]) == ("ALLOCATED", "G1", 400)
    before = installation.everything()
    installation.night(SECOND)
    changed = {name for name, rows in installation.everything().items() if rows != before[name]}
    assert {name.partition(".")[2] for name in changed} <= {
        "nights",
        "night_history",
        "night_stages",
        "rule_results",
        "kept_reconciliation",  # of the latest night
    }


def test_27_casegroups_of_the_same_people_are_found_by_their_people_and_not_among_all(
    first_night: Installation,
) -> None:
    """All cases were read for it: a second, in a book of 1.2 million."""
    with database.rolled_back(first_night.url) as connection:
        connection.exec_driver_sql("set local enable_seqscan = off")
        assert listed.casegroups_of_the_same_people(connection, ["here"]) == ["here", "there"]
        fetched, cases = connection.exec_driver_sql(
            "select seq_tup_read + coalesce(idx_tup_fetch, 0), (select count(*) from held.csa_cases) "
            "from pg_stat_xact_user_tables where relname = 'csa_cases'"
        ).one()
    assert 0 < fetched < cases


def test_28_the_history_is_of_that_exception_alone(installation: Installation) -> None:
    """Others of its rule have theirs."""
    nameless: dict[str, Any] = {"payer": {"surname": None}, "payer_cis": {"surname": "Walker"}}
    installation.night(FIRST, case("A", "G1", **nameless), case("B", "G2", **nameless))
    found = installation.query(
        "select exception_id from reporting.exceptions where rule_code = 'surname_missing'"
    )
    assert [len(exceptions.history(installation.url, row["exception_id"])) for row in found] == [1, 1]
