"""A date for which nothing was landed is no night, and a night that will never be sent right can be skipped (R40)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from case_closure.cli import main as cli
from case_closure.landing.rejection import LandingRejected
from case_closure.local import stage_run
from case_closure.night import run as night
from tests.support.builders import case
from tests.support.installation import Installation

pytestmark = pytest.mark.usefixtures("plain_letters")

FIRST, SECOND, THIRD = date(2017, 8, 10), date(2017, 8, 11), date(2017, 8, 14)
WHY = ("--reason", "CSA sent  nothing\nbefore the holiday", "--by", "Ann Other")


@pytest.fixture
def command(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command line, on the store of the test."""
    settings = installation.settings
    monkeypatch.setenv("CASE_CLOSURE_HOME", str(settings.home))
    monkeypatch.setenv("CASE_CLOSURE_DATABASE_URL", installation.url)
    monkeypatch.setenv("CASE_CLOSURE_LANDING", settings.landing)
    monkeypatch.setenv("CASE_CLOSURE_OUTBOUND", settings.outbound)
    return lambda *words: cli.main([*words])


def skip(command: Callable[..., int], on: date, *why: str) -> int:
    return command("night", "skip", "--date", on.isoformat(), *(why or WHY))


def reject(installation: Installation, on: date) -> None:
    (installation.land(on, case()) / "manifest.json").write_text("{}")
    with pytest.raises(LandingRejected):
        installation.run(on)


def figures(installation: Installation) -> set[Any]:
    counted = ("_pence", "_received", "_opened", "_resolved", "_issued")
    return {
        value for row in installation.view("nights") for name, value in row.items() if name.endswith(counted)
    }


class Unreadable(type(Path())):  # type: ignore[misc]
    """A landing zone behind a disk that does not answer."""

    def exists(self) -> bool:
        raise PermissionError(13, "Permission denied", str(self))


# --- nothing landed


def test_R40_a_date_for_which_nothing_was_landed_is_refused_before_a_night_is_opened(
    installation: Installation,
) -> None:
    """Where there is no landing zone, no date in it, and another date."""

    def assert_refused(why: str) -> None:
        with pytest.raises(night.NightRefused) as refused:
            installation.run(FIRST)
        for said in ("Nothing was landed for 2017-08-10", str(installation.landing), why):
            assert said in str(refused.value)
        assert installation.view("nights") == []

    assert_refused("no landing zone")
    installation.landing.mkdir(parents=True)
    assert_refused("holds no date at all")
    installation.land(SECOND, case())
    assert_refused("nearest to it: 2017-08-11")
    installation.night(SECOND, case())
    assert installation.night_status() == {SECOND: "SUCCESS"}


@pytest.mark.parametrize("before", ["SUCCESS", "REJECTED", "SKIPPED"])
def test_R40_a_night_whose_folder_is_gone_stays_as_it_was(
    installation: Installation, command: Callable[..., int], before: str
) -> None:
    if before == "SUCCESS":
        installation.night(FIRST, case())
    else:
        reject(installation, FIRST)
    if before == "SKIPPED":
        assert skip(command, FIRST) == 0
    rows = installation.view("nights")
    shutil.rmtree(installation.landing / FIRST.isoformat())
    with pytest.raises(night.NightRefused, match="Nothing was landed"):
        installation.run(FIRST, "again")
    assert installation.view("nights") == rows


def test_R40_a_landing_zone_that_cannot_be_read_opens_no_night_and_says_so(
    installation: Installation,
) -> None:
    installation.land(FIRST, case())
    behind = replace(installation.context(FIRST), landing=Unreadable(installation.landing))
    with pytest.raises(night.NightRefused, match=r"landing zone .* cannot be read \(Permission denied\)"):
        night.run_stage("open_night", behind)
    assert installation.view("nights") == []


def test_R40_the_command_refuses_it_in_words_and_exit_1(
    installation: Installation, command: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    installation.land(SECOND, case())
    assert command("nightly", "--date", "2017-08-10", "--in-process") == 1
    assert (
        capsys.readouterr().err.splitlines()[0].startswith("The night of 2017-08-10 was not begun. Nothing")
    )
    assert installation.view("nights") == []


def test_R40_a_run_with_nothing_filled_in_says_what_to_fill_in() -> None:
    with pytest.raises(ValueError, match=r"Business date.*2017-08-10"):
        stage_run.business_date_of(None, None)


# --- skipped


@pytest.mark.parametrize(
    "before", ["never run", "rejected", "failed before its extract was taken in", "skipped"]
)
def test_R40_a_night_without_an_extract_in_it_is_skipped_and_stands_in_nobodys_way(
    installation: Installation, command: Callable[..., int], before: str
) -> None:
    if before in ("rejected", "skipped"):
        reject(installation, FIRST)
    elif before.startswith("failed"):
        installation.land(FIRST, case())
        night.run_stage("open_night", installation.context(FIRST))
        night.record_failure(installation.context(FIRST), "verify_landing", "the disk is full")
    if before == "skipped":
        assert skip(command, FIRST, "--reason", "not yet", "--by", "Bo") == 0
    assert skip(command, FIRST) == 0
    assert installation.night_status() == {FIRST: "SKIPPED"}
    assert figures(installation) == {0}
    installation.night(SECOND, case())
    assert installation.night_status() == {FIRST: "SKIPPED", SECOND: "SUCCESS"}


def test_R40_a_skipped_night_may_be_run_late_and_who_skipped_it_and_why_is_kept(
    installation: Installation, command: Callable[..., int]
) -> None:
    reject(installation, FIRST)
    skip(command, FIRST)
    installation.night(SECOND, case("B", "G2"))
    installation.night(FIRST, case("A"))
    assert installation.night_status() == {FIRST: "SUCCESS", SECOND: "SUCCESS"}
    assert installation.dues() == {"CS2-A-RP-ACTIVE": 1000, "CS2-B-RP-ACTIVE": 1000}
    attempts = [row for row in installation.view("night_history") if row["business_date"] == FIRST]
    assert [(row["status"], row["by_whom"], row["reason"]) for row in attempts] == [
        ("REJECTED", None, None),
        ("SKIPPED", "Ann Other", "CSA sent nothing before the holiday"),
        ("SUCCESS", None, None),
    ]
    assert all(row["finished_at"] is not None for row in attempts)


def open_it(installation: Installation) -> None:
    installation.land(FIRST, case())
    night.run_stage("open_night", installation.context(FIRST))


def fail_half_way(installation: Installation) -> None:
    installation.land(FIRST, case())
    for stage in night.STAGES[:3]:
        night.run_stage(stage, installation.context(FIRST))
    night.record_failure(installation.context(FIRST), "set_up_cases", "the disk is full")


def reject_after_failing(installation: Installation) -> None:
    fail_half_way(installation)
    reject(installation, FIRST)


def succeed(installation: Installation) -> None:
    installation.night(FIRST, case())


@pytest.mark.parametrize(
    ("bring_about", "why"),
    [
        (open_it, "it is open"),
        (fail_half_way, "failed after its extract was taken in"),
        (reject_after_failing, "was rejected after its extract was taken in"),
        (succeed, "it succeeded"),
    ],
    ids=lambda given: getattr(given, "__name__", None),
)
def test_R40_a_night_that_has_begun_to_change_things_is_not_skipped(
    installation: Installation,
    command: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    bring_about: Any,
    why: str,
) -> None:
    bring_about(installation)
    before = installation.view("nights")
    assert skip(command, FIRST) == 1
    said = capsys.readouterr().err
    assert "The night of 2017-08-10 was not skipped" in said
    assert why in said
    assert installation.view("nights") == before


@pytest.mark.parametrize("blank", ["--reason", "--by"])
def test_R40_a_skip_says_why_and_by_whom(
    installation: Installation, command: Callable[..., int], blank: str
) -> None:
    given = dict(zip(("--reason", "--by"), ("x", "y"), strict=True)) | {blank: " \t "}
    with pytest.raises(SystemExit) as refused:
        skip(command, FIRST, *(word for pair in given.items() for word in pair))
    assert refused.value.code == 2
    assert installation.view("nights") == []


def test_R40_a_skipped_night_is_begun_again_from_its_first_stage_only(
    installation: Installation, command: Callable[..., int]
) -> None:
    reject(installation, FIRST)
    skip(command, FIRST)
    for stage in night.STAGES[1:]:
        with pytest.raises(night.NightRefused, match=r"was skipped\. Start it from its first stage"):
            night.run_stage(stage, installation.context(FIRST, "by-hand"))
        assert installation.night_status() == {FIRST: "SKIPPED"}, stage


def test_R40_another_night_may_be_skipped_while_one_is_open(
    installation: Installation, command: Callable[..., int]
) -> None:
    open_it(installation)
    assert skip(command, THIRD) == 0
    assert installation.night_status() == {FIRST: "OPEN", THIRD: "SKIPPED"}


def test_a_status_that_is_none_is_refused_by_the_server(installation: Installation) -> None:
    succeed(installation)
    with pytest.raises(Exception, match="nights_status_ck"):
        installation.execute("update closure.nights set status = 'DONE'")
    assert installation.night_status() == {FIRST: "SUCCESS"}
