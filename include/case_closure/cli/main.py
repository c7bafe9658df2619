"""`case-closure`: the command line.

Belongs here: which commands there are, and what becomes of an error. Does not belong here: a command (a module a noun).

What a command needs is imported when it is run, so that `--help` answers at once and `nightly` does not load the gates in two
processes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer
from typer.main import get_command

from case_closure.cli import (
    airflow,
    casegroup,
    criteria,
    exceptions,
    failing,
    landing,
    letters,
    ltr,
    night,
    reconciliation,
    store,
    sweep,
    terminal,
)
from case_closure.refusals import Refused

app = typer.Typer(
    help="Financial transition of closed CSA cases to CMS, a night at a time.",
    epilog="CASE_CLOSURE_HOME (default ./var) holds the database, Airflow, landing and outbound.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for noun in (
    night,
    landing,
    store,
    airflow,
    exceptions,
    casegroup,
    reconciliation,
    letters,
    criteria,
    ltr,
    sweep,
):
    app.add_typer(noun.app)  # in this order they are listed


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code, and leaves with 2 when it cannot be told what is asked.

    A mistake of the person's or of the data's ends in words, not in a trace: all that refuses is caught here, and nowhere else.
    """
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        return terminal.fail("Stopped. The same command takes up where it was.")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: `... | head`
        return 0
    except Refused as refused:
        return failing.fail(str(refused))
    except Exception as error:
        reason = failing.fault_of_the_machine(error)
        if reason is None:
            raise
        return failing.fail(reason)


def _run(arguments: Sequence[str]) -> int:
    """Not by calling ``app``, which would answer an interrupt and a closed pipe itself."""
    command = get_command(app)
    try:
        with command.make_context("case-closure", list(arguments)) as context:
            code: int | None = command.invoke(context)
            return code or 0
    except typer.Exit as done:  # --help has been shown
        raise SystemExit(done.exit_code) from None
    except typer.TyperException as wrong:
        asked = getattr(wrong, "ctx", None)
        usage = f"{asked.get_usage()}\n'{asked.command_path} --help' says what each is.\n" if asked else ""
        terminal.fail(usage + wrong.format_message())
        raise SystemExit(wrong.exit_code) from None
