"""`casegroup`: everything of one casegroup.

Belongs here: its arguments, how it is printed. Does not belong here: what there is to tell (``desk.casegroups``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

from case_closure.cli import terminal
from case_closure.cli.arguments import command, flag, given, noun
from case_closure.cli.store import migrated_url

if TYPE_CHECKING:
    from case_closure.desk.casegroups import Story

app = noun()
casegroup = noun("everything that is on record of a casegroup")
app.add_typer(casegroup, name="casegroup")


@command(casegroup, "show", "balances, dues, corrections, payments, letters and all else, in order of date")
def show(
    casegroup_id: Annotated[str, given("ID", "the casegroup")],
    as_json: Annotated[bool, flag("--json", "the same for a program")] = False,
) -> None:
    from case_closure.desk import casegroups

    story = casegroups.show(migrated_url(), casegroup_id)
    if as_json:
        _print_json(story)
    else:
        _print(story)


def _print(story: Story) -> None:
    why = f", {story.reason}" if story.reason else ""
    terminal.say(f"casegroup {story.casegroup_id}: {story.outcome or 'no balance received'}{why}")
    width = max((len(f"{event.pence:,}") for event in story.events if event.pence is not None), default=0)
    standing = 0
    for event in story.events:
        standing += story.adds(event)
        pence = "" if event.pence is None else f"{event.pence:,}"
        stands = f"  (outstanding {standing:,})" if story.adds(event) else ""
        terminal.say(
            f"{event.business_date}  {event.kind:<10}  {pence:>{width}}  {event.reference}  {event.words}{stands}".rstrip()
        )
    terminal.say(f"outstanding {story.outstanding_pence}")


def _print_json(story: Story) -> None:
    told = {
        "casegroup_id": story.casegroup_id,
        "outcome": story.outcome,
        "events": [
            {
                "business_date": event.business_date.isoformat(),
                "kind": event.kind,
                "reference": event.reference,
                "pence": event.pence,
            }
            for event in story.events
        ],
        "outstanding_pence": story.outstanding_pence,
    }
    print(json.dumps(told, indent=2))
