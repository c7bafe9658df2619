"""Sending: each letter once, and none lost, whatever the other side answers and whenever a process is killed.

Against a real store and a stand-in for GOV.UK Notify that really takes what it says it took.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from case_closure.domain.letters import reference
from case_closure.night import lettering
from case_closure.outbound.letters.typesetting import Typesetter
from case_closure.outbound.sending import ChannelRefused, PrintHouse, Sender, sender
from case_closure.store import database, deliveries
from case_closure.sweeps import letters as letter_sending
from tests.support import letters, notify, pdf
from tests.support.installation import Databases, Installation
from tests.support.kill.sending import POINTS

ROOT = Path(__file__).parents[2]
ON = letters.ON
BEGAN = datetime(2017, 8, 11, 1, tzinfo=UTC)
IDS = [f"CMSL6302-G{number}-CS2-A-P1-{ON}" for number in range(1, 5)]


@pytest.fixture(scope="module")
def installed(database_server: Databases) -> Iterator[Installation]:
    with database_server.installation() as made:
        yield made


@dataclass
class Post:
    """A store whose night has four written letters, the other side, and a clock that is set by hand."""

    store: Installation
    other_side: notify.Notify
    now: datetime = field(default=BEGAN)

    @property
    def way_out(self) -> Sender:
        return sender("notify", notify.API_KEY, self.other_side.url)

    def published(self, channel: str = "notify") -> int:
        settings = self.store.settings.from_environment({"CASE_CLOSURE_LETTERS_CHANNEL": channel})
        with database.transaction(self.store.url) as connection:
            return lettering.published(connection, ON, settings, self.now)

    def send(self, way_out: Sender | None = None) -> letter_sending.Sending:
        return letter_sending.send_due(self.store.url, way_out or self.way_out, lambda: self.now)

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def states(self) -> dict[str, tuple[str, int]]:
        rows = self.store.query("select letter_id, state, attempts from closure.letter_deliveries order by 1")
        return {row["letter_id"]: (row["state"], row["attempts"]) for row in rows}

    def row(self, letter_id: str) -> dict[str, Any]:
        (row,) = self.store.query("select * from closure.letter_deliveries where letter_id = %s", letter_id)
        return row


@pytest.fixture
def post(installed: Installation) -> Iterator[Post]:
    emptied = [
        "letters",
        "letter_contents",
        "letter_deliveries",
        "nights",
        "casegroups",
        "sensitive_casegroups",
    ]
    installed.execute(f"truncate {', '.join(f'closure.{table}' for table in emptied)}")
    installed.query(
        "insert into closure.nights (business_date, status, run_id, started_at, succeeded) "
        "values (%s, 'SUCCESS', 'r', '2017-08-10', true) returning 1",
        ON,
    )
    with database.transaction(installed.url) as connection:
        for number, letter_id in enumerate(IDS, start=1):
            content = letters.as_json(letters.letter("CMSL6302", f"G{number}-CS2-A-P1"))
            connection.exec_driver_sql(
                "insert into closure.letters (letter_id, business_date, code, recipient_role, party_id, casegroup_id, status) "
                "values (%s, %s, 'CMSL6302', 'RECEIVING_PARENT', 'P1', %s, 'ISSUED')",
                (letter_id, ON, f"G{number}"),
            )
            connection.exec_driver_sql(
                "insert into closure.letter_contents (letter_id, business_date, content) values (%s, %s, %s)",
                (letter_id, ON, content),
            )
    with notify.running() as other_side:
        yield Post(installed, other_side)


def test_every_letter_goes_once_under_its_number_as_the_page_that_was_written(post: Post) -> None:
    assert post.published() == 4
    assert set(post.states().values()) == {("CREATED", 0)}
    assert post.send() == letter_sending.Sending(sent=4)
    assert post.other_side.references == IDS
    assert post.send() == letter_sending.Sending()
    row = post.row(IDS[0])
    assert (row["state"], row["sent_at"], row["provider_reference"]) == (
        "SENT",
        BEGAN,
        post.other_side.taken[0]["id"],
    )
    (page,) = pdf.pages(post.other_side.pdf(IDS[0]))
    assert f"Reference {reference(IDS[0])} Page 1 of 1" in page
    alone, _ = Typesetter().pdf([letters.as_json(letters.letter("CMSL6302", "G1-CS2-A-P1"))], ON)
    assert post.other_side.pdf(IDS[0]) == alone


def test_for_a_print_house_a_letter_is_sent_when_its_folder_is_published(post: Post) -> None:
    post.published("print")
    assert set(post.states().values()) == {("SENT", 0)}
    assert post.row(IDS[0])["sent_at"] == BEGAN
    assert post.send(PrintHouse()) == letter_sending.Sending()
    post.published("notify")
    assert post.send() == letter_sending.Sending()  # what went one way does not go another
    assert post.other_side.taken == []


def test_publishing_again_lists_nothing_twice(post: Post) -> None:
    post.published()
    post.send()
    assert post.published() == 0
    assert post.send() == letter_sending.Sending()
    assert post.other_side.references == IDS


def test_a_night_killed_between_writing_and_listing_loses_no_letter(post: Post) -> None:
    """'A fault between rendering and sending loses and repeats nothing': what was written and never listed is found."""
    assert post.send() == letter_sending.Sending(sent=4)
    assert post.other_side.references == IDS


def test_nothing_of_a_night_that_has_not_succeeded_is_sent(post: Post) -> None:
    """Its folder may not be out yet."""
    post.store.execute("update closure.nights set succeeded = false, status = 'OPEN'")
    assert post.send() == letter_sending.Sending()


def test_R26_a_letter_whose_casegroup_has_become_sensitive_is_not_sent(post: Post) -> None:
    post.published()
    post.store.execute("insert into closure.sensitive_casegroups values ('G2', '2017-08-11')")
    post.send()
    assert post.other_side.references == [IDS[0], *IDS[2:]]
    assert post.states()[IDS[1]] == ("CREATED", 0)


@pytest.mark.parametrize("answer", ["rate", "day"])
def test_429_stops_the_run_and_the_next_goes_on_with_attempts_counted(post: Post, answer: str) -> None:
    post.other_side.answers = [None, answer]
    done = post.send()
    assert (done.sent, done.failed) == (1, 0)
    assert "asks to wait (429)" in (done.words or "")
    assert list(post.states().values()) == [("SENT", 1), ("CREATED", 1), ("CREATED", 0), ("CREATED", 0)]
    assert "asks to wait" in post.row(IDS[1])["last_error"]
    post.later(hours=1)
    assert post.send() == letter_sending.Sending(sent=3)
    assert post.states()[IDS[1]] == ("SENT", 2)
    assert post.other_side.references == IDS


@pytest.mark.parametrize("answer", ["internal", "away", "lost answer", "late error"])
def test_5xx_or_no_answer_is_asked_for_before_it_is_sent_again(post: Post, answer: str) -> None:
    """The answers on which a letter was taken, and those on which it was not, look the same."""
    post.other_side.answers = [answer]
    assert post.send() == letter_sending.Sending(sent=3, unsure=1)
    assert post.states()[IDS[0]] == ("SENDING", 1)
    assert post.send() == letter_sending.Sending()  # perhaps it is still on its way
    post.later(minutes=11)
    assert post.send() == letter_sending.Sending(sent=1)
    assert post.states()[IDS[0]] == ("SENT", 1 if answer in ("lost answer", "late error") else 2)
    assert sorted(post.other_side.references) == IDS


def test_when_the_other_side_is_silent_for_too_long_the_run_ends_and_nothing_is_lost(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letter_sending, "SILENCES_ON_END", 3)
    post.other_side.answers = ["away"] * 3
    done = post.send()
    assert (done.sent, done.unsure) == (0, 3)
    assert "did not answer plainly (503)" in (done.words or "")
    assert list(post.states().values()) == [("SENDING", 1)] * 3 + [("CREATED", 0)]
    post.later(minutes=11)
    post.other_side.deaf = True
    assert "did not answer" in (post.send().words or "")
    post.other_side.deaf = False
    assert post.send() == letter_sending.Sending(sent=4)
    assert sorted(post.other_side.references) == IDS


def test_a_letter_that_is_refused_fails_alone_with_the_reason_and_may_be_tried_again(post: Post) -> None:
    post.other_side.answers = [None, "not a pdf"]
    assert post.send() == letter_sending.Sending(sent=3, failed=1)
    row = post.row(IDS[1])
    assert (row["state"], row["attempts"]) == ("FAILED", 1)
    assert row["last_error"].startswith(
        "GOV.UK Notify refused the letter: Letter content is not a valid PDF."
    )
    assert post.send() == letter_sending.Sending()
    assert letter_sending.try_again(post.store.url, IDS[1])
    assert not letter_sending.try_again(post.store.url, IDS[0])
    assert post.send() == letter_sending.Sending(sent=1)
    assert sorted(post.other_side.references) == IDS


@pytest.mark.parametrize("answer", ["key", "clock", "trial", "team key"])
def test_403_fails_the_run_and_no_letter(post: Post, answer: str) -> None:
    post.other_side.answers = [None, answer]
    with pytest.raises(ChannelRefused, match="they wait"):
        post.send()
    assert [state for state, _ in post.states().values()] == ["SENT", "CREATED", "CREATED", "CREATED"]
    assert post.send() == letter_sending.Sending(sent=3)
    assert post.other_side.references == IDS


def test_a_duplicate_is_a_success(post: Post) -> None:
    """409: somebody sent it before our first attempt, as from a store that was restored from a backup."""
    post.send()
    post.store.execute("truncate closure.letter_deliveries")
    post.other_side.refuses_duplicates = True
    assert post.send() == letter_sending.Sending(sent=4)
    assert post.row(IDS[2])["provider_reference"] == post.other_side.taken[2]["id"]
    assert post.other_side.references == IDS


def test_a_letter_refused_afterwards_is_no_longer_sent(post: Post) -> None:
    """Notify looks into the PDF after it has said 201."""
    post.send()
    post.other_side.taken[3]["status"] = "validation-failed"
    assert post.send() == letter_sending.Sending(failed=1)
    assert post.states()[IDS[3]] == ("FAILED", 1)
    assert post.send() == letter_sending.Sending()
    letter_sending.try_again(post.store.url, IDS[3])
    assert post.send().sent == 1
    assert post.other_side.references == [*IDS, IDS[3]]  # the first was never printed


def test_a_letter_that_cannot_be_typeset_fails_alone_and_is_named(post: Post) -> None:
    post.store.query(
        "update closure.letter_contents set content = %s where letter_id = %s returning 1",
        json.dumps({"id": IDS[0], "copy": None}), IDS[0],
    )  # fmt: skip
    assert post.send() == letter_sending.Sending(sent=3, failed=1)
    assert f"could not be typeset: {IDS[0]}." in post.row(IDS[0])["last_error"]


def test_a_letter_nobody_can_be_asked_about_any_more_is_put_to_a_person(post: Post) -> None:
    post.other_side.answers = ["internal"]
    post.send()
    post.later(days=7)
    assert post.send() == letter_sending.Sending(failed=1)
    assert "too long ago to ask whether it was taken" in post.row(IDS[0])["last_error"]
    assert IDS[0] not in post.other_side.references


def test_a_letter_that_is_never_answered_is_put_to_a_person(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letter_sending, "MOST_ATTEMPTS", 2)
    for _ in range(3):
        post.other_side.answers = ["internal"]
        post.send()
        post.later(minutes=11)
    row = post.row(IDS[0])
    assert (row["state"], row["attempts"], row["last_error"]) == (
        "FAILED",
        2,
        "Tried 2 times without an answer. Try it again.",
    )


def test_two_runs_at_once_do_no_harm(post: Post) -> None:
    with database.lock(post.store.url, database.SENDING_LOCK):
        assert post.send() == letter_sending.Sending(words="Another run is sending letters now.")
    assert post.other_side.taken == []


def test_what_another_process_has_done_meanwhile_stands(post: Post) -> None:
    """An answer that comes after a later run has settled the letter changes nothing."""
    post.published()
    with database.transaction(post.store.url) as connection:
        slow = deliveries.claim(connection, "notify", post.now, "")
    assert slow is not None
    post.later(minutes=11)
    post.send()
    before = post.row(IDS[0])
    assert before["state"] == "SENT"
    with database.transaction(post.store.url) as connection:
        deliveries.failed(connection, slow, "too late")
        deliveries.waits(connection, slow, "too late")
    assert post.row(IDS[0]) == before


# --- killed


@pytest.fixture(scope="module")
def forks() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.kill.sending"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    yield process
    process.communicate(timeout=30)


@pytest.mark.parametrize("point", POINTS)
def test_a_process_killed_on_the_way_loses_no_letter_and_sends_none_twice(
    post: Post, forks: subprocess.Popen[str], point: str
) -> None:
    """Between claiming and typesetting, between typesetting and sending, between the other side's word and our commit."""
    assert forks.stdin is not None
    assert forks.stdout is not None
    job = {
        "url": post.store.url, "notify": post.other_side.url, "key": notify.API_KEY, "kill_at": point, "letter_id": IDS[1],
        "at": post.now.isoformat(),
    }  # fmt: skip
    forks.stdin.write(json.dumps(job) + "\n")
    forks.stdin.flush()
    assert json.loads(forks.stdout.readline()) == signal.SIGKILL
    assert [state for state, _ in post.states().values()] == ["SENT", "SENDING", "CREATED", "CREATED"]
    assert post.send() == letter_sending.Sending(sent=2)
    post.later(minutes=11)
    assert post.send() == letter_sending.Sending(sent=1)
    assert sorted(post.other_side.references) == IDS
    assert {state for state, _ in post.states().values()} == {"SENT"}
