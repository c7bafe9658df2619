"""Completed years, which birth dates a parent can have (12 to 110 of them); the day from which a reminder is due."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from case_closure.domain.dates import NightDates, plausible_birth_dates, reminder_from, years_before


def completed_years(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


@pytest.mark.parametrize(
    "on",
    [
        date(2017, 8, 10),
        date(2016, 2, 29),
        date(2017, 2, 28),
        date(2017, 3, 1),
        date(2018, 12, 31),
        date(2018, 1, 1),
    ],
)
def test_a_parent_has_12_to_110_completed_years(on: date) -> None:
    first, last = plausible_birth_dates(NightDates.in_turn(on))
    assert completed_years(last, on) == 12
    assert completed_years(last + timedelta(1), on) == 11
    assert completed_years(first, on) == 110
    assert completed_years(first - timedelta(1), on) == 111


def test_the_twelfth_birthday_counts_and_the_day_before_does_not() -> None:
    assert plausible_birth_dates(NightDates.in_turn(date(2017, 8, 10))) == (
        date(1906, 8, 11),
        date(2005, 8, 10),
    )


def test_someone_born_on_29_february_completes_a_year_on_1_march_of_a_common_year() -> None:
    assert plausible_birth_dates(NightDates.in_turn(date(2016, 2, 28)))[1] == date(2004, 2, 28)
    assert plausible_birth_dates(NightDates.in_turn(date(2017, 2, 28)))[1] == date(2005, 2, 28)
    assert date(2004, 2, 29) <= plausible_birth_dates(NightDates.in_turn(date(2016, 2, 29)))[1]
    born = date(1908, 2, 29)
    assert plausible_birth_dates(NightDates.in_turn(date(2019, 2, 28)))[0] <= born
    assert plausible_birth_dates(NightDates.in_turn(date(2019, 3, 1)))[0] > born


@pytest.mark.parametrize(
    ("on", "years", "day"),
    [
        (date(2016, 2, 29), 1, date(2015, 2, 28)),
        (date(2016, 2, 29), 4, date(2012, 2, 29)),
        (date(2017, 2, 28), 1, date(2016, 2, 28)),
    ],
)
def test_years_before_29_february(on: date, years: int, day: date) -> None:
    assert years_before(on, years) == day


@pytest.mark.parametrize(
    ("led", "days", "first"),
    [
        (date(2018, 2, 6), None, date(2018, 1, 6)),
        (date(2018, 3, 31), None, date(2018, 2, 28)),  # a shorter month: its last day
        (date(2016, 3, 31), None, date(2016, 2, 29)),
        (date(2016, 3, 29), None, date(2016, 2, 29)),
        (date(2017, 7, 31), None, date(2017, 6, 30)),
        (date(2018, 1, 15), None, date(2017, 12, 15)),
        (date(2018, 2, 6), 31, date(2018, 1, 6)),
        (date(2016, 3, 1), 1, date(2016, 2, 29)),
        (date(2018, 2, 6), 0, date(2018, 2, 6)),
    ],
)
def test_B12_the_reminder_is_due_a_month_before_the_led_or_the_days_given(
    led: date, days: int | None, first: date
) -> None:
    assert reminder_from(led, days) == first
