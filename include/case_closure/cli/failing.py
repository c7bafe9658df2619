"""What is said when a command did not do what was asked: why, and whom to call.

Belongs here: these last words. Does not belong here: a reason of its own; it comes from whoever refused, or from the machine.
"""

from __future__ import annotations

import contextlib

from case_closure.cli import terminal
from case_closure.settings import Settings, SettingsInvalid


def fail(reason: str) -> int:
    """Says why, and whom to call if that is set; the exit code."""
    with contextlib.suppress(SettingsInvalid):
        if call := Settings.from_environment().call:
            reason = f"{reason.rstrip()}\nWhom to call: {call}"
    return terminal.fail(reason)


def fault_of_the_machine(error: Exception) -> str | None:
    """A fault of the machine in words; None for any other error."""
    from case_closure.night import faults

    with contextlib.suppress(SettingsInvalid):
        return faults.in_words(error, Settings.from_environment())
    return None
