"""What may be set, what it is when it is not, and the words for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from case_closure.settings import Settings, SettingsInvalid


def test_without_any_setting_everything_lies_in_var() -> None:
    settings = Settings.from_environment({})
    here = Path.cwd() / "var"
    assert settings == Settings(
        home=here, database_url=None, landing=str(here / "landing"), outbound=str(here / "outbound")
    )
    assert settings.balance_implausible_pence == 100_000_000  # 1,000,000.00 GBP


def test_no_home_is_needed_where_a_database_and_both_folders_are_given() -> None:
    three = {
        "CASE_CLOSURE_DATABASE_URL": "postgresql://u:p@db/cc",
        "CASE_CLOSURE_LANDING": "s3://extracts",
        "CASE_CLOSURE_OUTBOUND": "/srv/outbound",
    }
    assert Settings.from_environment(three).home is None
    assert Settings.from_environment(three | {"CASE_CLOSURE_HOME": "/srv/home"}).home == Path("/srv/home")
    for one in three:
        assert Settings.from_environment(three | {one: " "}).home == Path.cwd() / "var"
    # What a machine keeps for itself lies where it lay.
    assert Settings.from_environment(three).own_home == Path.cwd() / "var"


def test_landing_may_be_an_object_store() -> None:
    settings = Settings.from_environment({"CASE_CLOSURE_LANDING": "s3://extracts/nightly"})
    assert settings.landing == "s3://extracts/nightly"


def test_a_relative_folder_is_taken_from_where_the_person_is() -> None:
    settings = Settings.from_environment({"CASE_CLOSURE_OUTBOUND": "out"})
    assert settings.outbound == str(Path.cwd() / "out")


def test_R23_the_ninth_rule_is_off_unless_it_is_set() -> None:
    assert Settings.from_environment({}).low_value_pence is None
    assert Settings.from_environment({"CASE_CLOSURE_LOW_VALUE_PENCE": " 6500 "}).low_value_pence == 6500


def test_letters_go_to_a_print_house_unless_another_way_is_set() -> None:
    assert Settings.from_environment({}).letters_channel == "print"
    key = f"live-{'1' * 36}-{'2' * 36}"
    settings = Settings.from_environment(
        {
            "CASE_CLOSURE_LETTERS_CHANNEL": " Notify",
            "CASE_CLOSURE_NOTIFY_API_KEY": key,
            "CASE_CLOSURE_NOTIFY_URL": "http://localhost",
        }
    )
    assert (settings.letters_channel, settings.notify_api_key, settings.notify_url) == (
        "notify",
        key,
        "http://localhost",
    )
    assert key not in repr(settings)


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("CASE_CLOSURE_LETTERS_CHANNEL", "pigeon", "expected one of print, notify, found 'pigeon'"),
        ("CASE_CLOSURE_NOTIFY_API_KEY", "hunter2", "expected an API key as GOV.UK Notify gives it"),
    ],
)
def test_a_way_for_letters_that_is_none_is_refused(name: str, given: str, says: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"{name}: {says}") as refused:
        Settings.from_environment({name: given})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("given", ["postgres://h/d", "postgresql://h/d", "postgresql+psycopg://h/d"])
def test_the_driver_is_always_named(given: str) -> None:
    settings = Settings.from_environment({"CASE_CLOSURE_DATABASE_URL": given})
    assert settings.database_url == "postgresql+psycopg://h/d"


@pytest.mark.parametrize(
    "given", ["mysql://me:secret@h/d", "postgresql+asyncpg://h/d", "h:5432/d", "postgresql://"]
)
def test_another_database_is_refused_without_quoting_its_password(given: str) -> None:
    with pytest.raises(SettingsInvalid, match="CASE_CLOSURE_DATABASE_URL: expected") as refused:
        Settings.from_environment({"CASE_CLOSURE_DATABASE_URL": given})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("CASE_CLOSURE_BALANCE_LIMIT_PENCE", "1e6", "a whole number from 1 up (pence), found '1e6'"),
        ("CASE_CLOSURE_BALANCE_LIMIT_PENCE", "0", "a whole number from 1 up (pence), found 0"),
        ("CASE_CLOSURE_LOW_VALUE_PENCE", "-1", "a whole number from 0 up (pence), found -1"),
        ("CASE_CLOSURE_PARTITION_CASEGROUPS", "-1", "a whole number from 1 up (casegroups), found -1"),
        (
            "CASE_CLOSURE_PORT",
            "65536",
            "a whole number from 0 to 65535 (a port, 0 for any free one), found 65536",
        ),
    ],
)
def test_a_number_out_of_bounds_is_refused_by_name(name: str, given: str, expected: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        Settings.from_environment({name: given})
    assert str(refused.value) == f"{name}: expected {expected}."


def test_B6_the_control_group_is_user_names_with_or_without_their_numbers_in_airflow() -> None:
    settings = Settings.from_environment({"CASE_CLOSURE_CONTROL_GROUP": " anna:3, ben "})
    assert settings.control_group == (("anna", "3"), ("ben", None))


@pytest.mark.parametrize("given", ["anna,anna", ":3", "anna,:"])
def test_a_control_group_that_names_nobody_or_somebody_twice_is_refused(given: str) -> None:
    with pytest.raises(SettingsInvalid, match="CASE_CLOSURE_CONTROL_GROUP: expected user names"):
        Settings.from_environment({"CASE_CLOSURE_CONTROL_GROUP": given})


def test_R36_stuck_is_28_days_unless_set() -> None:
    assert Settings.from_environment({}).stuck_days == 28
    assert Settings.from_environment({"CASE_CLOSURE_STUCK_DAYS": "7"}).stuck_days == 7
    with pytest.raises(
        SettingsInvalid, match=r"CASE_CLOSURE_STUCK_DAYS: expected a whole number from 0.*found 'soon'"
    ):
        Settings.from_environment({"CASE_CLOSURE_STUCK_DAYS": "soon"})
