"""When the night runs: each midnight UTC, for the day just ended, never a past date out of turn.

Belongs here: the one timetable of the project. Airflow's own goes back to yesterday on every gap: on the
first evening of a new installation, which has no extract for yesterday, and in the middle of a backfill of
older dates, whose nights it would then meet.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pendulum
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable


class NightlyTimetable(CronDataIntervalTimetable):
    """A data interval from one midnight to the next, UTC, whose start is the logical date and the business
    date.

    A backfill from the 10th to the 12th gives the 10th, 11th and 12th, in winter and in summer. Without
    catchup, yesterday's night is run late only if it directly follows the last one run (the scheduler was
    away at midnight); longer gaps are for a backfill.
    """

    def __init__(self, cron: str = "0 0 * * *", timezone: str = "UTC") -> None:
        super().__init__(cron, timezone)

    @property
    def summary(self) -> str:
        """What the pages show as the schedule."""
        return "midnight UTC"

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """The day of the logical date, as for every other run; Airflow's own takes the day before."""
        day = run_after.in_timezone("UTC").start_of("day")
        return DataInterval(day, day.add(days=1))

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        if not restriction.catchup:
            earliest = pendulum.instance(datetime.now(UTC)).start_of("day")
            yesterday = earliest.subtract(days=1)
            if last_automated_data_interval is not None and last_automated_data_interval.end == yesterday:
                earliest = yesterday
            if restriction.earliest is not None:
                earliest = max(earliest, restriction.earliest)
            restriction = TimeRestriction(earliest, restriction.latest, catchup=True)
        info = super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction
        )
        if info is None or info.data_interval is None:
            return info
        # The pages name a run by when it may start: in the night's last second that is the business date, at
        # midnight it would be the day after.
        return DagRunInfo(
            run_after=info.data_interval.end.subtract(seconds=1), data_interval=info.data_interval
        )


class NightlyTimetablePlugin(AirflowPlugin):
    """Lets the scheduler read a DAG that uses it."""

    name = "nightly_timetable"
    timetables: list[type[NightlyTimetable]] = [NightlyTimetable]  # noqa: RUF012 -- the base asks for a list
