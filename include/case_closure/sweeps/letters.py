"""Sending letters: each once, and none lost.

Belongs here: what is done when a letter goes out, and when it does not. Does not belong here: ways out
(``outbound.sending``), their rows (``store.deliveries``), what letters say.

A letter is sent from CREATED alone, and is committed as SENDING before anything leaves. What a later run finds
SENDING, because a process was killed or no answer came, is asked for on the other side before it is sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from case_closure.outbound.letters.typesetting import LetterNotSet, Typesetter
from case_closure.outbound.sending import ChannelRefused, LetterRefused, Sender, TryLater, Unsure, sender
from case_closure.settings import Settings
from case_closure.store import database, deliveries, letter_contents

# Longer than any request still under way can take.
STUCK_AFTER = timedelta(minutes=10)
# Notify forgets a letter after a week, and then cannot say whether it had it.
FORGOTTEN_AFTER = timedelta(days=6)
MOST_ATTEMPTS = 20
# One letter without an answer may be that letter's trouble; this many on end are the other side's.
SILENCES_ON_END = 5


@dataclass
class Sending:
    """What a run of sending came to. ``words``: why it ended early, if it did."""

    sent: int = 0
    failed: int = 0
    unsure: int = 0
    words: str | None = None


def send(settings: Settings, clock: Callable[[], datetime]) -> Sending:
    """``send_due`` by the channel that is set."""
    way_out = sender(settings.letters_channel, settings.notify_api_key, settings.notify_url)
    return send_due(settings.store_url, way_out, clock)


def send_due(url: str, way_out: Sender, clock: Callable[[], datetime]) -> Sending:
    """Send every letter that waits, once. Run it again at any time: only one run works at a time, a second does nothing.

    What was stuck is settled first, then what waits is sent in the order of letter_id. A letter the other side
    refuses is FAILED with the reason. Raises ChannelRefused when it takes none from us; all that wait go on waiting.
    """
    try:
        with database.lock(url, database.SENDING_LOCK):
            return _Run(url, way_out, clock).all()
    except database.LockTaken:
        return Sending(words="Another run is sending letters now.")


def try_again(url: str, letter_id: str) -> bool:
    """A letter that failed waits again, its cause mended; the other side is asked for it first. False when it had not failed."""
    with database.transaction(url) as connection:
        return deliveries.try_again(connection, letter_id)


class _Run:
    def __init__(self, url: str, way_out: Sender, clock: Callable[[], datetime]) -> None:
        self._url, self._way_out, self._clock = url, way_out, clock
        self._done = Sending()
        self._typesetter: Typesetter | None = None
        self._silences = 0

    def all(self) -> Sending:
        with database.transaction(self._url) as connection:
            deliveries.list_missed(connection, self._way_out.channel)
        try:
            self._settle_stuck()
            refused = list(self._way_out.refused())
            with database.transaction(self._url) as connection:
                self._done.failed += deliveries.refused(connection, refused)
            self._send_waiting()
        except (TryLater, Unsure) as stop:
            self._done.words = str(stop)
        return self._done

    def _settle_stuck(self) -> None:
        """Each letter some process left SENDING: sent if the other side has it, else it waits again."""
        after = ""
        while True:
            now = self._clock()
            with database.transaction(self._url) as connection:
                stuck = deliveries.stuck(connection, self._way_out.channel, now - STUCK_AFTER, after)
            if stuck is None:
                return
            after = stuck.letter_id
            try:
                self._settle(stuck, now)
            except Unsure as silence:
                self._silent(silence)

    def _silent(self, silence: Unsure) -> None:
        """Go on with the next letter, unless the other side has been silent for too many on end."""
        self._done.unsure += 1
        self._silences += 1
        if self._silences >= SILENCES_ON_END:
            raise silence

    def _settle(self, stuck: deliveries.Delivery, now: datetime) -> None:
        found = self._way_out.find(stuck.letter_id)
        self._silences = 0
        with database.transaction(self._url) as connection:
            if found is not None:
                deliveries.sent(connection, stuck, found.reference, now)
                self._done.sent += 1
            elif stuck.attempted_at is not None and stuck.attempted_at < now - FORGOTTEN_AFTER:
                self._done.failed += 1
                deliveries.failed(
                    connection,
                    stuck,
                    f"Sending was begun on {stuck.attempted_at:%Y-%m-%d} and nothing answered; too long ago to ask "
                    "whether it was taken. Ask GOV.UK Notify, then try it again or leave it.",
                )
            elif stuck.attempts >= MOST_ATTEMPTS:
                self._done.failed += 1
                deliveries.failed(
                    connection, stuck, f"Tried {stuck.attempts} times without an answer. Try it again."
                )
            else:
                deliveries.waits(connection, stuck, None)

    def _send_waiting(self) -> None:
        after = ""
        while True:
            with database.transaction(self._url) as connection:
                delivery = deliveries.claim(connection, self._way_out.channel, self._clock(), after)
            if delivery is None:
                return
            after = delivery.letter_id
            self._send(delivery)

    def _send(self, delivery: deliveries.Delivery) -> None:
        """One letter, committed as SENDING before anything leaves."""
        try:
            taken = self._way_out.find(delivery.letter_id) if delivery.attempts > 1 else None
            if taken is None:
                taken = self._way_out.send(delivery.letter_id, self._pdf(delivery))
        except (LetterRefused, LetterNotSet) as refusal:
            self._done.failed += 1
            with database.transaction(self._url) as connection:
                deliveries.failed(connection, delivery, str(refusal))
        except (TryLater, ChannelRefused) as stop:
            with database.transaction(self._url) as connection:
                deliveries.waits(connection, delivery, str(stop))
            raise
        except Unsure as silence:
            with database.transaction(self._url) as connection:
                deliveries.unsure(connection, delivery, str(silence))
            self._silent(silence)
        else:
            self._silences = 0
            self._done.sent += 1
            with database.transaction(self._url) as connection:
                deliveries.sent(connection, delivery, taken.reference, self._clock())

    def _pdf(self, delivery: deliveries.Delivery) -> bytes:
        """The letter alone, from what it said when its night was written."""
        with database.transaction(self._url) as connection:
            content = letter_contents.content_of(connection, delivery.letter_id)
        self._typesetter = self._typesetter or Typesetter()
        return self._typesetter.pdf([content], delivery.business_date)[0]
