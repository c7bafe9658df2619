"""Dates the rulings turn on.

Belongs here: completed years, ages that are not plausible, the 38 days, when a reminder is due. Not: calendars of
runs, clocks.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

# R1: calendar days, the day of receipt is day 0; no shift for weekends.
REACTIVE_DAYS = 38

YOUNGEST_PARENT_YEARS = 12
OLDEST_PARENT_YEARS = 110


@dataclass(frozen=True)
class NightDates:
    """The two dates a night is judged by: what holds on either of them holds (R39).

    ``own``: its business date. ``latest``: the latest business date there is anything known of; another only for a night
    that is run late.
    """

    own: date
    latest: date

    @classmethod
    def in_turn(cls, on: date) -> NightDates:
        """Those of a night that nothing later is known of: one and the same."""
        return cls(on, on)

    @property
    def late(self) -> bool:
        """Whether the night is run late."""
        return self.latest > self.own


def years_before(on: date, years: int) -> date:
    """The same day ``years`` earlier; for 29 February in a common year, 28 February.

    Somebody born on 29 February completes a year on 1 March of a common year, so for a 28 February
    the latest birthday that has completed the years is still 28 February.
    """
    try:
        return on.replace(year=on.year - years)
    except ValueError:
        return on.replace(year=on.year - years, day=28)


def plausible_birth_dates(dates: NightDates) -> tuple[date, date]:
    """First and last birth date with 12 to 110 completed years on both of a night's dates, both included."""
    youngest = years_before(dates.own, YOUNGEST_PARENT_YEARS)
    after_oldest = years_before(dates.latest, OLDEST_PARENT_YEARS + 1)
    return after_oldest + timedelta(days=1), youngest


def t_date(received_on: date) -> date:
    """The day liability ends after an application: received + 38 calendar days (B22, R1)."""
    return received_on + timedelta(days=REACTIVE_DAYS)


def day_after(day: date) -> date:
    """The effective date of an application, after the T-Date or the LED (B22, R2)."""
    return day + timedelta(days=1)


def month_before(day: date) -> date:
    """The same day of the month before, or that month's last day where it has none: 31 March gives 28 or 29 February."""
    year, month = (day.year - 1, 12) if day.month == 1 else (day.year, day.month - 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def reminder_from(led: date, reminder_days: int | None) -> date:
    """The first day on which the reminder of an end liability date is due; a month before unless days are given."""
    return month_before(led) if reminder_days is None else led - timedelta(days=reminder_days)
