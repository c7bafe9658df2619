"""Many nights, each killed at random moments and run again: `python -m tests.simulation.soak`.

Two stores live through the same nights of one sample. In the calm one each night is run once. In the rough one the
night's process is killed (and now and then the database's, too), run again until it is through, and sometimes once more
after that. Nights come late in both, the same ones. After each night the rough store must hold the money law, counted
from what people read, and show exactly what the calm one shows.

Belongs here: the plan, the killing, the comparing. Does not belong here: what a night should come to (`tests`).
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyarrow.types as pt

from case_closure import sample
from case_closure.domain.money import BUCKETS
from case_closure.gates import engine, suites  # noqa: F401  likewise
from case_closure.night import run as shell
from case_closure.settings import Settings
from case_closure.store import database
from case_closure.store.schema import views
from tests.support.home import Home, MeasuringFailed, new_home

FIRST = date(2017, 8, 10)
SIDES = ("reporting", "sensitive")
_CLOCK = {
    "nights": ("started_at", "finished_at"),
    "tranche_criteria": ("recorded_at", "decided_at"),
    "letter_deliveries": ("sent_at",),
    "numbered_payments": ("payment_number",),
    "balances": ("extract_number",),
}  # what may differ between two stores
# What differs before a night has ended, and is meant to.
_GONE_THROUGH = ("night_history", "night_stages", "payment_events")
_PATIENCE_SECONDS = 60.0
_REFUSED = 3


class Broken(Exception):
    """What must hold does not; the message says after which night, what and where."""


@dataclass(frozen=True)
class Planned:
    """One night of the plan. ``kills``: when, as shares of the time the calm run took."""

    on: date
    late: bool
    kills: tuple[float, ...]
    with_server: bool
    twice: bool


def plan(nights: int, seed: int) -> list[Planned]:
    """What happens on which night; the same for the same arguments.

    Of five nights two go through unharmed, the others are killed one to three times; every sixth kill takes the database
    along. One night in seven is run late, after one or two later ones; one in four is run twice.
    """
    dice = random.Random(seed)
    order = [
        (place + (dice.choice((1.5, 2.5)) if dice.random() < 1 / 7 else 0.0), place)
        for place in range(nights)
    ]
    made, latest = [], -1
    for _, place in sorted(order):
        count = dice.choices((0, 1, 2, 3), (8, 7, 3, 2))[0]
        # A little over 1: the night may also be killed when it has closed and is only ending.
        kills = tuple(dice.uniform(0, 1.02) for _ in range(count))
        on = FIRST + timedelta(days=place)
        made.append(Planned(on, place < latest, kills, dice.random() < 1 / 6, dice.random() < 1 / 4))
        latest = max(latest, place)
    return made


# --- running and killing ----------------------------------------------------------------------------------


@dataclass
class Store:
    """One of the two: its database, its own work folder, and runs counted."""

    name: str
    url: str
    home: Path
    landing: Path
    partition: int
    runs: int = 0

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.stage = self.home / "stage"

    def start(self, on: date, run_id: str | None = None) -> int:
        """The night in a process of its own, forked so that nothing is loaded again; its number."""
        self.runs += 1
        run = run_id or f"{self.name}-{self.runs}"
        self.stage.write_text("starting")
        database.forget_inherited(self.url)
        sys.stdout.flush()
        child = os.fork()
        if child:
            return child
        code = 1
        try:
            settings = Settings(
                self.home,
                self.url,
                str(self.landing),
                str(self.home / "outbound"),
                partition_casegroups=self.partition,
            )
            context = shell.NightContext(
                on, run, self.landing, self.home / "outbound", settings, lambda: datetime.now(UTC)
            )
            self.stage.write_text(shell.STAGES[0])
            shell.run_night(context, lambda stage, _: self._went_on(stage))
            code = 0
        except shell.NightRefused as refused:
            (self.home / "refused").write_text(str(refused))
            code = _REFUSED
        except BaseException:
            (self.home / "error").write_text(traceback.format_exc())
        finally:
            os._exit(code)

    def _went_on(self, ended: str) -> None:
        self.stage.write_text((*shell.STAGES, "ended")[shell.STAGES.index(ended) + 1])

    def through(self, on: date, run_id: str | None = None) -> float:
        """The night run to its end; its seconds. Refused is tried again for a while: a killed one's lock goes in a moment.

        Raises Broken when it fails or stays refused.
        """
        patience = time.monotonic() + _PATIENCE_SECONDS
        while True:
            began = time.perf_counter()
            _, status = os.waitpid(self.start(on, run_id), 0)
            took = time.perf_counter() - began
            if self._succeeded(on, status, patience):
                return took

    def killed(self, on: date, after_seconds: float, run_id: str | None = None) -> str:
        """The night started, and killed when that time is over; the stage it was in, 'ended' if it was through before.

        Raises Broken like :meth:`through`.
        """
        patience = time.monotonic() + _PATIENCE_SECONDS
        while True:
            child, began = self.start(on, run_id), time.monotonic()
            status = None
            while status is None and time.monotonic() < began + after_seconds:
                gone, found = os.waitpid(child, os.WNOHANG)
                status = found if gone else None
                time.sleep(0.002)
            if status is None:
                stage = self.stage.read_text()
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                return stage
            if self._succeeded(on, status, patience):
                return "ended"

    def _succeeded(self, on: date, status: int, patience: float) -> bool:
        """Whether a night that ended by itself is through; False when it was refused and may be tried again."""
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            return True
        said = self.home / ("refused" if code == _REFUSED else "error")
        words = said.read_text() if said.exists() else f"it ended with code {code}"
        if code != _REFUSED:
            raise Broken(f"night of {on} ({self.name}) failed: {words}")
        if time.monotonic() > patience:
            raise Broken(f"night of {on} ({self.name}) stays refused: {words}")
        time.sleep(0.2)
        return False


def _kill_server(home: Home, store_urls: Sequence[str]) -> None:
    """The database's processes killed at once, and started again."""
    postmaster = home.postmaster()
    everyone = [postmaster, *postmaster.children()]
    for process in everyone:
        with contextlib.suppress(Exception):
            process.kill()
    for process in everyone:
        with contextlib.suppress(Exception):
            process.wait(30)
    for url in store_urls:
        database.forget(url)
    home.restart()


# --- what must hold ---------------------------------------------------------------------------------------


def money_law(url: str, landing: Path, nights: Sequence[date]) -> list[str]:
    """Where the money law is broken in what people read, both sides, in words; empty when it holds."""
    found = []
    with database.transaction(url) as connection:
        for side in SIDES:
            for law, query in _LAWS.items():
                rows = connection.exec_driver_sql(
                    query.replace("{key}", _KEY).replace("{side}", side) + " limit 5"
                ).all()
                found += [f"{side}: {law}: {' '.join(map(str, row))}" for row in rows]
        both = " union all ".join(
            f"select business_date, received_pence, status from {side}.nights"  # noqa: S608
            for side in SIDES
        )
        summed = connection.exec_driver_sql(
            f"select business_date, sum(received_pence)::numeric, min(status), max(status) from ({both}) n group by 1"  # noqa: S608
        ).all()
    told = {row[0]: (int(row[1]), row[2], row[3]) for row in summed}
    for on in nights:
        expected = (landed_pence(landing / on.isoformat()), "SUCCESS", "SUCCESS")
        if told.get(on) != expected:
            found.append(f"night of {on}: expected {expected}, found {told.get(on)}")
    found += [
        f"night of {on}: it was never run, and stands as {told[on]}" for on in told.keys() - set(nights)
    ]
    return found


@functools.cache
def landed_pence(folder: Path) -> int:
    """The nine buckets of every balance in a landed folder, added up from the files themselves."""
    columns = [bucket.column for bucket in BUCKETS]
    total = 0
    for name in ("csa_balances", "clerical_balances"):
        path = folder / f"{name}.parquet"
        if path.exists():
            table = pq.read_table(path, columns=columns)
            assert all(pt.is_int64(field.type) for field in table.schema), "money is int64 pence"
            total += sum(pence or 0 for column in table.columns for pence in column.to_pylist())
    return total


_KEY = "csa_system, csa_case_id, creditor, arrears_status"
_LAWS = {
    "received = posted + held + credits": """
        select {key}, received_pence, posted_pence, held_pence, credit_pence from {side}.reconciliation
        where received_pence::numeric <> posted_pence::numeric + held_pence + credit_pence""",
    "posted = the dues of the bucket": """
        select {key}, r.posted, d.posted
        from (select {key}, sum(posted_pence) as posted from {side}.reconciliation where posted_pence <> 0 group by {key}) r
        full join (select {key}, sum(posted_pence) as posted from {side}.dues where posted_pence > 0 group by {key}) d
            using ({key})
        where r.posted is distinct from d.posted""",
    "credits = the credits of the bucket": """
        select {key}, r.credit, c.credit
        from (select coalesce(csa_system, '') as csa_system, coalesce(csa_case_id, '') as csa_case_id, creditor,
                     arrears_status, sum(credit_pence) as credit
              from {side}.reconciliation where credit_pence <> 0 group by 1, 2, 3, 4) r
        full join (select coalesce(csa_system, '') as csa_system, coalesce(csa_case_id, '') as csa_case_id, creditor,
                          arrears_status, sum(amount_pence) as credit from {side}.credits group by 1, 2, 3, 4) c using ({key})
        where r.credit is distinct from c.credit or c.credit >= 0""",
    "posted of a casegroup = its dues": """
        select casegroup_id, o.posted, d.posted
        from (select casegroup_id, sum(posted_pence) as posted from {side}.casegroup_outcomes where posted_pence <> 0
              group by 1) o
        full join (select casegroup_id, sum(posted_pence) as posted from {side}.dues where posted_pence > 0
                   group by 1) d using (casegroup_id)
        where o.posted is distinct from d.posted""",
    "received of the casegroups = received of the buckets": """
        select 'all', o.received, r.received
        from (select coalesce(sum(received_pence), 0) as received from {side}.casegroup_outcomes) o
        cross join (select coalesce(sum(received_pence), 0) as received from {side}.reconciliation) r
        cross join (select coalesce(sum(p.held_pence), 0) as since from closure.positions p
                    join closure.casegroups g using (casegroup_id)
                    where g.completed_on is not null and ('{side}' = 'sensitive') = exists (
                        select from closure.sensitive_casegroups s where s.casegroup_id = g.casegroup_id)) c
        where o.received + c.since <> r.received""",
    "a due has one POSTED entry of its amount, none where a correction added it, and is what its ledger says": """
        select d.due_id, d.posted_pence, d.amount_pence, l.posted, l.amount, l.allocated
        from {side}.dues d left join (
            select due_id, count(*) filter (where kind = 'POSTED') as entries,
                   sum(amount_pence) filter (where kind = 'POSTED') as posted,
                   sum(amount_pence) filter (where kind in ('POSTED', 'CORRECTION')) as amount,
                   coalesce(sum(abs(amount_pence)) filter (where kind = 'ALLOCATION'), 0) as allocated
            from {side}.ledger group by due_id) l using (due_id)
        where d.posted_pence < 0 or d.amount_pence < 0 or l.entries is distinct from (d.posted_pence > 0)::int
           or coalesce(l.posted, 0) is distinct from d.posted_pence or l.amount is distinct from d.amount_pence
           or l.allocated > l.amount""",
    "every ledger entry is of a due": """
        select entry_id, l.due_id from {side}.ledger l left join {side}.dues d using (due_id) where d.due_id is null""",
}


def differences(one: str, other: str) -> Iterator[str]:
    """What two stores show otherwise, view by view, both sides: the rows only one of them has."""
    for side in SIDES:
        for view in views.VIEWS:
            if view.name in _GONE_THROUGH or digest(one, side, view) == digest(other, side, view):
                continue
            query = _shown(side, view)
            mine, theirs = Counter(_rows(one, query)), Counter(_rows(other, query))
            for which, only in (("calm", mine - theirs), ("rough", theirs - mine)):
                shown = "; ".join(str(row) for row in [*only][:3])
                yield f"{side}.{view.name}: {sum(only.values())} rows in the {which} store alone: {shown}"


def digest(url: str, side: str, view: views.View) -> list[tuple[Any, ...]]:
    """How many rows, and all of them summed up in one text, but for times on the clock."""
    query = _shown(side, view)
    return _rows(url, f"select count(*), md5(string_agg(v::text, '' order by v::text)) from ({query}) v")  # noqa: S608


def _shown(side: str, view: views.View) -> str:
    columns = ", ".join(name for name in view.columns if name not in _CLOCK.get(view.name, ()))
    return f"select {columns} from {side}.{view.name}"  # noqa: S608


def _rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with database.transaction(url) as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query.replace("%", "%%"))]


# --- the soak ---------------------------------------------------------------------------------------------


def soak(home: Home, asked: argparse.Namespace) -> Counter[str]:
    """Every night of the plan, or as many as there is time for; how often what happened. Raises Broken."""
    landing = home.folder / "landing"
    began = time.monotonic()
    sample.generate(
        landing, FIRST, casegroups=asked.casegroups, nights=asked.nights, seed=asked.seed, fault_rate=0.1
    )
    _say(
        f"{asked.casegroups:,} casegroups over {asked.nights} nights, made in {time.monotonic() - began:.0f} s; seed {asked.seed}"
    )
    until = time.monotonic() + asked.minutes * 60
    happened: Counter[str] = Counter()
    dice = random.Random(asked.seed + 1)
    done: list[date] = []
    with home.store() as calm_url, home.store() as rough_url:
        calm, rough = (
            Store(name, url, home.folder / name, landing, asked.partition)
            for name, url in (("calm", calm_url), ("rough", rough_url))
        )
        for number, planned in enumerate(plan(asked.nights, asked.seed), 1):
            if time.monotonic() > until:
                _say(f"Time is over after {len(done)} of {asked.nights} nights")
                break
            took = calm.through(planned.on)
            stages = []
            for place, share in enumerate(planned.kills):
                # The same run goes on, as when Airflow tries again, or another takes over, as when a person does.
                stages.append(
                    rough.killed(planned.on, share * took, dice.choice((None, f"again-{planned.on}")))
                )
                happened[
                    f"killed in {stages[-1]}" if stages[-1] != "ended" else "ended before it was killed"
                ] += 1
                if planned.with_server and place == len(planned.kills) - 1:
                    _kill_server(home, (calm_url, rough_url))
                    stages[-1] += " and the database too"
                    happened["database killed"] += 1
            rough.through(planned.on, f"again-{planned.on}" if dice.random() < 0.5 else None)
            if planned.twice:
                rough.through(planned.on)
                happened["run twice"] += 1
            happened["late"] += planned.late
            happened["nights"] += 1
            done.append(planned.on)
            _say(
                f"{number:3} night of {planned.on}{', late' if planned.late else ''}: {took:.1f} s"
                f"{'; killed in ' + ', '.join(stages) if stages else ''}{'; run twice' if planned.twice else ''}"
            )
            wrong = money_law(rough_url, landing, done) + list(differences(calm_url, rough_url))
            if wrong:
                raise Broken(
                    f"After the night of {planned.on} (seed {asked.seed}):\n  " + "\n  ".join(wrong[:20])
                )
        for url in (calm_url, rough_url):
            database.forget(url)
    return happened


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything held after every night, 1 otherwise."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with new_home(asked.home) as home:
            happened = soak(home, asked)
    except (Broken, MeasuringFailed) as failure:
        print(failure, file=sys.stderr)
        return 1
    for what, count in sorted(happened.items()):
        _say(f"  {what:32} {count:5}")
    _say("After each night the money law held and every view was as without a kill")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation.soak", description="Many nights, killed and run again."
    )
    parser.add_argument("--nights", type=int, default=30, metavar="N", help="how many nights (30)")
    parser.add_argument(
        "--casegroups", type=int, default=6_000, metavar="N", help="of all nights together (6000)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another sample and other kills (1)")
    parser.add_argument(
        "--minutes", type=float, default=20.0, metavar="M", help="no further night after this time (20)"
    )
    parser.add_argument(
        "--partition",
        type=int,
        default=700,
        metavar="N",
        help="casegroups at a time, so that there are parts",
    )
    parser.add_argument(
        "--home", type=Path, metavar="DIR", help="an empty folder to work in (a temporary one)"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
