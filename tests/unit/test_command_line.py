"""What may be typed, and what is said of what may not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from case_closure.cli import main as cli
from case_closure.cli import night
from case_closure.refusals import Refused


def commands(of: Any = None, *words: str) -> Iterator[tuple[str, ...]]:
    """The words of every command, and of every noun above one."""
    of = of or get_command(cli.app)
    yield words
    for name, command in getattr(of, "commands", {}).items():
        yield from commands(command, *words, name)


def said_on_leaving(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out + said.err


def test_every_command_there_was_is_there() -> None:
    assert [" ".join(words) for words in commands()] == [
        "", "nightly", "night", "night skip", "sample", "check", "database-url", "readers", "readers add", "up", "down",
        "exceptions", "exceptions list", "exceptions causes", "exceptions allocate", "exceptions resolve", "exceptions replay",
        "exceptions history", "casegroup", "casegroup show", "reconcile", "letters", "letters find",
        "letters confirm-write-off", "letters reissue", "letters send", "letters try-again", "criteria", "criteria load",
        "tranche", "tranche preview", "ltr", "ltr issue", "sweep",
    ]  # fmt: skip


@pytest.mark.parametrize("words", [*commands()], ids=" ".join)
@pytest.mark.parametrize("asked", ["--help", "-h"])
def test_help_is_plain_text_within_100_columns_and_cuts_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], asked: str
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, said = said_on_leaving(capsys, *words, asked)
    assert code == 0
    assert max(map(len, said.splitlines())) <= 100
    assert said.isascii()
    # A command may take several numbers, which is how that is written.
    assert "..." not in said.partition("\n")[2].replace("ID ...", "ID")


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "Missing command"),
        ("nightlies", "No such command 'nightlies'"),
        ("night", "Missing command"),
        ("nightly", "Missing option '--date'"),
        ("nightly --date 10.8.2017", "'--date': expected a date such as 2017-08-10, found '10.8.2017'"),
        ("nightly --date 2017-08-10 --land x", "No such option: --land"),
        ("check", "Missing argument 'DIR'"),
        ("check one two", "unexpected extra argument"),
        ("sample --out x --from 2017-08-10 --nights 0", "'--nights': expected a whole number from 1 up, found '0'"),
        ("sample --out x --from 2017-08-10 --seed one", "'--seed': expected a whole number, found 'one'"),
        ("exceptions list --rule nino_mising", "there is no rule 'nino_mising'; there is nino_missing"),
        ("exceptions list --status odd", "expected one of OPEN, ALLOCATED, RESOLVED, found 'odd'"),
        ("ltr issue --type ltr9 --system CS2 --application A --user B", "expected one of LTR1, LTR2, LTR3"),
        ("letters find", "Missing argument 'REFERENCE'"),
        ("database-url --as \x1b[31m", "found '<U+001B>[31m'"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_ends_in_words_and_exit_2(
    capsys: pytest.CaptureFixture[str], typed: str, why: str
) -> None:
    code, said = said_on_leaving(capsys, *typed.split(" ") if typed else ())
    assert code == 2
    assert why in said
    assert "Traceback" not in said
    assert said.isascii()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Refused("the reconciliation was not signed"), ["the reconciliation was not signed", "Whom to call: duty desk"]),
        (KeyboardInterrupt(), ["Stopped. The same command takes up where it was."]),
    ],
)  # fmt: skip
def test_whatever_a_command_refuses_ends_it_in_words_and_exit_1(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    error: BaseException,
    words: list[str],
) -> None:
    monkeypatch.setenv("CASE_CLOSURE_HOME", str(tmp_path))
    monkeypatch.setenv("CASE_CLOSURE_CALL", "duty desk")

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(night, "_through_airflow", refuse)
    assert cli.main(["nightly", "--date", "2017-08-10"]) == 1
    assert capsys.readouterr().err.splitlines() == words


def test_a_mistake_of_the_programs_keeps_its_trace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CASE_CLOSURE_HOME", str(tmp_path))
    monkeypatch.setattr(night, "_through_airflow", lambda *_: dict[str, str]()["mistake"])
    with pytest.raises(KeyError, match="mistake"):
        cli.main(["nightly", "--date", "2017-08-10"])


def test_help_loads_nothing_heavy() -> None:
    heavy = (
        "pandas",
        "pyarrow",
        "numpy",
        "sqlalchemy",
        "psycopg",
        "great_expectations",
        "airflow",
        "pydantic",
    )
    asked = "import sys, json, case_closure.cli.main; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert [name for name in json.loads(done.stdout) if name.startswith(heavy)] == []
