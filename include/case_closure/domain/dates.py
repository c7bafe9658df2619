"""Dates the rulings turn on.

Belongs here: completed years, ages that are not plausible. Not: calendars of runs, clocks.
"""

from __future__ import annotations

from datetime import date

YOUNGEST_PARENT_YEARS = 12
OLDEST_PARENT_YEARS = 110


def years_before(on: date, years: int) -> date:
    """The same day ``years`` earlier; for 29 February in a common year, 28 February.

    Somebody born on 29 February completes a year on 1 March of a common year, so for a 28 February
    the latest birthday that has completed the years is still 28 February.
    """
    try:
        return on.replace(year=on.year - years)
    except ValueError:
        return on.replace(year=on.year - years, day=28)


def plausible_birth_dates(on: date) -> tuple[date, date]:
    """First and last birth date with 12 to 110 completed years on the date given, both included."""
    latest = years_before(on, YOUNGEST_PARENT_YEARS)
    after_earliest = years_before(on, OLDEST_PARENT_YEARS + 1)
    return date.fromordinal(after_earliest.toordinal() + 1), latest
