"""What may stand behind a command on the command line, and what is said of what may not.

Belongs here: how a word becomes a date, a count, a choice. Does not belong here: which command takes which; whether what was
asked may be done (``desk``, ``night``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import typer


def noun(help: str = "") -> typer.Typer:
    """A word of the command line under which commands stand; without ``help``: commands that stand by themselves."""
    return typer.Typer(help=help or None, short_help=help or None)


def command(under: typer.Typer, name: str, help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function a command. ``help`` is given as the short one too, which would else be cut in a list of commands."""
    return under.command(name, help=help, short_help=help)


# --- what an option or argument holds ---------------------------------------------------------------


def day(name: str, help: str) -> Any:
    return typer.Option(name, parser=_day, metavar="D", help=help)


def words(name: str, metavar: str, help: str) -> Any:
    """What somebody types to be kept: on one line, and not nothing."""
    return typer.Option(name, parser=_words, metavar=metavar, help=help)


def text(name: str, metavar: str, help: str) -> Any:
    return typer.Option(name, metavar=metavar, help=help)


def count(name: str, help: str) -> Any:
    return typer.Option(name, parser=_count, metavar="N", help=help, show_default=False)


def number(name: str, help: str) -> Any:
    return typer.Option(name, parser=_number, metavar="N", help=help, show_default=False)


def flag(name: str, help: str) -> Any:
    return typer.Option(name, help=help)


def choice(name: str, choices: tuple[str, ...], help: str) -> Any:
    """One of these, in capitals or not where they are in capitals."""

    def parse(given: str) -> str:
        meant = given.upper() if all(one.isupper() for one in choices) else given
        if meant not in choices:
            raise typer.BadParameter(f"expected one of {', '.join(choices)}, found '{given}'")
        return meant

    return typer.Option(name, parser=parse, metavar="|".join(choices), help=help)


def rule(name: str, help: str) -> Any:
    return typer.Option(name, parser=_rule, metavar="R", help=help)


def file(name: str, metavar: str, help: str) -> Any:
    return typer.Option(
        name, metavar=metavar, help=help, readable=False
    )  # whoever reads it says what is wrong


def given(metavar: str, help: str = "") -> Any:
    """An argument without a name of its own."""
    return typer.Argument(metavar=metavar, help=help, readable=False)


def _day(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise typer.BadParameter(f"expected a date such as 2017-08-10, found '{given}'") from None


def _words(given: str) -> str:
    said = " ".join("".join(one if one.isprintable() else " " for one in given).split())
    if not said:
        raise typer.BadParameter("expected words, found nothing")
    return said


def _rule(given: str) -> str:
    from difflib import get_close_matches

    from case_closure.domain.rules import RULES

    if given in RULES:
        return given
    meant = get_close_matches(given, RULES) or sorted(RULES)
    raise typer.BadParameter(f"there is no rule '{given}'; there is {', '.join(meant)}")


def _count(given: str | int) -> int:
    try:
        number = int(given)
    except ValueError:
        number = 0
    if number < 1:
        raise typer.BadParameter(f"expected a whole number from 1 up, found '{given}'")
    return number


def _number(given: str | int) -> int:
    try:
        return int(given)
    except ValueError:
        raise typer.BadParameter(f"expected a whole number, found '{given}'") from None
