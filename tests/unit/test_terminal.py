"""What reaches the terminal: our words, and what came from outside as what it is."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from case_closure.cli import main as cli
from case_closure.cli import terminal
from case_closure.landing.writing import write_night
from case_closure.local.progress import Event

HOSTILE = "x\x1b[2J\nnight SUCCESS\r\x9b1A\u202eSSECCUS\u2028"


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert all(line.isprintable() for line in (out + err).split("\n")), "nothing steers the terminal"
    return out + err


def test_a_line_stays_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say(f"casegroup {HOSTILE}")
    terminal.show(Event("verify_landing", "ended", 1.0, {"extract": HOSTILE, "rows": 3}))
    assert len(printed(capsys).splitlines()) == 2


def test_a_reason_keeps_our_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert terminal.fail("first\n  second \x1b[31m") == 1
    assert printed(capsys) == "first\n  second <U+001B>[31m\n"


def test_an_exception_is_listed_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    names = (
        "business_date",
        "rule_code",
        "casegroup_id",
        "csa_system",
        "csa_case_id",
        "subject",
        "field",
        "value",
        "status",
    )
    row = dict.fromkeys((*names, "route", "exception_id", "message", "allocated_to", "case_owner"), HOSTILE)
    terminal.print_exceptions([row])
    assert not [line for line in printed(capsys).splitlines() if line.startswith("night SUCCESS")]


def test_check_prints_an_extract_and_a_folder_that_would_pass_for_a_success_as_what_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASE_CLOSURE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "x\nnight SUCCESS\x1b[2J" / "2017-08-10"
    write_night(folder, date(2017, 8, 10), "DW-1", {}, {})
    assert cli.main(["check", str(folder)]) == 0
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"extract_id": HOSTILE}))
    assert cli.main(["check", str(folder)]) == 1
    words = printed(capsys)
    assert "<U+001B>[2J" in words
    assert not [line for line in words.splitlines() if line.startswith("night SUCCESS")]
