"""What a person reads on the terminal."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from case_closure.cli import main as cli
from case_closure.cli import night, terminal
from case_closure.domain.rules import RULES
from case_closure.local.progress import Event

NAMES = ("business_date", "rule_code", "casegroup_id", "csa_system", "csa_case_id", "subject", "field", "value", "status",
         "route", "exception_id", "message")  # fmt: skip


def rows(casegroup_id: str) -> list[dict[str, Any]]:
    """An exception of every rule, its values as long as they come."""
    of_one = ("2017-08-10", "", casegroup_id, "CSCS", "1000000023", "RECEIVING_PARENT", "date_of_birth", "hidden",
              "ALLOCATED", "CASE_OWNER", "an-id-of-seventy-characters-" + "x" * 50)  # fmt: skip
    return [
        dict(
            zip(
                NAMES,
                (
                    *of_one,
                    "What to do, in a sentence that is longer than a line of the terminal, so that it has to be wrapped there",
                ),
                strict=True,
            )
        )
        | {"rule_code": rule}
        for rule in RULES
    ]


@pytest.mark.parametrize("casegroup_id", ["G0000002", "G" * 60, "G\x1b[31m\n" * 9])
def test_exceptions_are_listed_within_100_columns_and_wide_on_request(
    capsys: pytest.CaptureFixture[str], casegroup_id: str
) -> None:
    terminal.print_exceptions(rows(casegroup_id))
    narrow = capsys.readouterr().out
    assert max(map(len, narrow.splitlines())) <= 100
    assert all(rule in narrow for rule in RULES)
    assert "\x1b" not in narrow
    terminal.print_exceptions(rows(casegroup_id), wide=True)
    assert "an-id-of-seventy-characters-" + "x" * 50 in capsys.readouterr().out


def test_the_last_line_of_a_night_says_how_long_where_and_what_changed() -> None:
    figures: dict[str, int | str] = {
        "rows_held": 1430,
        "casegroups_changed": 145,
        "dues": 84,
        "letters_prepared": 0,
        "status": "SUCCESS",
    }
    assert terminal.last_line(date(2017, 8, 10), 70.2, figures, "/out/2017-08-10") == (
        "Night of 2017-08-10 done in 1 min 10 s; what goes out is in /out/2017-08-10; "
        "changed: 1,430 rows taken in, 145 casegroups changed, 84 dues posted."
    )
    assert terminal.last_line(date(2017, 8, 10), 9.4, {}, "/out").endswith(
        "done in 9 s; what goes out is in /out; changed: nothing."
    )


def test_why_a_night_failed_is_the_next_line_and_the_last_one_with_whom_to_call(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """While Airflow is still ending the run nothing more is said; then nothing is said twice."""
    monkeypatch.setenv("CASE_CLOSURE_HOME", str(tmp_path))
    monkeypatch.setenv("CASE_CLOSURE_CALL", "duty desk,\n020 7946 0000")

    def run(settings: Any, night_of: Any, landing: Any, outbound: Any, show: Any) -> str:
        show(Event("verify_landing", "failed", reason="no manifest.json"))
        said = capfd.readouterr()
        assert said.out.splitlines()[-1].split() == ["verify_landing", "FAILED"]
        assert said.err.splitlines() == ["no manifest.json", "Whom to call: duty desk, 020 7946 0000"]
        return "no manifest.json"

    monkeypatch.setattr(night, "_through_airflow", run)
    assert cli.main(["nightly", "--date", "2017-08-10"]) == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("there", ["a file in it", "a file"])
def test_a_sample_is_not_written_over_what_is_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, there: str
) -> None:
    out = tmp_path / "landing"
    if there == "a file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "mine").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    words = ("--out", str(out), "--from", "2017-08-10", "--casegroups", "20")
    assert cli.main(["sample", *words]) == 1
    assert "is there already" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_remarks_without_a_signature_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["reconcile", "--date", "2017-08-10", "--remarks", "as agreed"]) == 1
    assert "--sign-off NAME" in capsys.readouterr().err


def test_a_full_disk_ends_any_command_in_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CASE_CLOSURE_HOME", str(tmp_path / "home"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/srv/var/logs/x.log")

    monkeypatch.setattr(night, "_through_airflow", full)
    assert cli.main(["nightly", "--date", "2017-08-10"]) == 1
    assert "No space is left on the disk of /srv/var/logs/x.log" in capsys.readouterr().err
