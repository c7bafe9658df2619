"""Sends letters in processes that are killed on purpose: one parent imports everything once, each run is a fork of it.

Reads jobs as lines of JSON on standard input, answers each with the signal that ended it, or null. Belongs here:
where sending can be killed. Does not belong here: what must be true afterwards. The product knows nothing of this.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from case_closure.outbound.sending import Sender, Sent, sender
from case_closure.sweeps import letters as letter_sending

POINTS = ("claimed", "typeset", "taken")


class Doomed:
    """A way out on whose way the process is killed, at the letter given."""

    channel = "notify"

    def __init__(self, way_out: Sender, kill_at: str, letter_id: str) -> None:
        self._way_out, self._kill_at, self._letter_id = way_out, kill_at, letter_id

    def pass_by(self, point: str, letter_id: str) -> None:
        if (point, letter_id) == (self._kill_at, self._letter_id):
            os.kill(os.getpid(), signal.SIGKILL)

    def send(self, letter_id: str, pdf: bytes) -> Sent:
        self.pass_by("typeset", letter_id)
        sent = self._way_out.send(letter_id, pdf)
        self.pass_by("taken", letter_id)
        return sent

    def find(self, letter_id: str) -> Sent | None:
        return self._way_out.find(letter_id)

    def refused(self) -> Iterator[tuple[str, str]]:
        return self._way_out.refused()


def _run(job: dict[str, Any]) -> None:
    doomed = Doomed(sender("notify", job["key"], job["notify"]), job["kill_at"], job["letter_id"])
    typeset = letter_sending._Run._pdf

    def claimed(self: Any, delivery: Any) -> bytes:
        doomed.pass_by("claimed", delivery.letter_id)
        return typeset(self, delivery)

    letter_sending._Run._pdf = claimed  # type: ignore[method-assign]
    letter_sending.send_due(job["url"], doomed, lambda: datetime.fromisoformat(job["at"]))


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if not child:
            try:
                _run(json.loads(line))
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        print(json.dumps(os.WTERMSIG(status) if os.WIFSIGNALED(status) else None), flush=True)
