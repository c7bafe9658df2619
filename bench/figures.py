"""What is measured: each figure runs both of its sides one after the other and returns rows of the table.

Belongs here: which run is held against which, and the goals. Does not belong here: arithmetic (`results`), words for the
reader of the table (`docs/bench.md`).
"""

from __future__ import annotations

import json
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench import book, changing, floor
from bench import casework as working
from bench import debts as judging
from bench import pages as clicking
from bench import payments as paying
from bench import selection as selecting
from bench.results import Row, compared, exponent
from case_closure.settings import Settings
from case_closure.store import database
from tests.support.airflow_up import until
from tests.support.home import REPOSITORY, Home
from tests.support.installation import Installation

NIGHT = "2017-08-10"
EMPTY_NIGHT = "2017-08-11"
TEN_CHANGED_NIGHT = "2017-08-12"  # not the first night of a week, which asks the money law of the whole book
GIB = 1024**3
LARGE = 500_000  # from here on a figure is measured once, unless asked otherwise
THE_BOOK = 1_200_000  # the size the finance goals are set at
STRESS = 120_000
ORDINARY = 20_000
SAMPLE = 100_000
DEBTS = 163_000
FIFTY_THOUSAND_LETTERS = 34_000  # casegroups whose night has that many
WARMING = 500
NOOP = REPOSITORY / "tests" / "integration" / "noop"

# Against the COPY of its rows, imports included.
_FINANCE_GOALS = {120_000: 2.65, THE_BOOK: 1.64}

# Two thousand four hundred a second.
_A_THOUSAND_LETTERS = 0.42

CLEAN: dict[str, Any] = {"fault_rate": 0.0}


def answer(home: Home, what: str, url: str, **arguments: Any) -> dict[str, Any]:
    """What `bench.child` answers, run in a process of its own in that home."""
    printed = home.run(["-m", "bench.child", what, json.dumps(arguments)], home.environment(url))
    told: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return told


@dataclass
class Bench:
    """One run of the bench: its home, its sizes, and samples made once."""

    home: Home
    sizes: list[int]
    repeat: int | None
    say: Callable[[str], None]
    night_casegroups: int = ORDINARY
    stress_casegroups: int = STRESS
    sample_casegroups: int = SAMPLE
    book_casegroups: int = THE_BOOK
    letters_casegroups: int = FIFTY_THOUSAND_LETTERS
    debts: int = DEBTS
    _landings: dict[str, Path] = field(default_factory=dict)
    _runs: int = 0

    def times(self, casegroups: int) -> range:
        return range(self.repeat or (1 if casegroups >= LARGE else 3))

    def warm_up(self) -> None:
        """A small night, not measured: what every process loads is compiled then, and the server has worked."""
        self.say("warming up")
        with self.home.store() as url:
            self.night(self.landing(WARMING), url)

    def landing(self, casegroups: int, **how: Any) -> Path:
        """The landing zone of one night of that size."""
        name = "-".join([str(casegroups), *(f"{key}-{value}" for key, value in how.items())])
        if name not in self._landings:
            out = self.home.folder / "landings" / name
            self.say(f"  making a sample of {casegroups:,} casegroups {how or ''}")
            answer(self.home, "sample", "", out=str(out), on=NIGHT, casegroups=casegroups, **how)
            self._landings[name] = out
        return self._landings[name]

    def forget_landings(self) -> None:
        """Take the samples away again: a large one is not needed by the next figure."""
        shutil.rmtree(self.home.folder / "landings", ignore_errors=True)
        self._landings.clear()

    def night(self, landing: Path, url: str, *, on: str = NIGHT, load_gates: bool = True) -> dict[str, Any]:
        """One night in a process of its own; the answer of `bench.child`, with its whole seconds."""
        self._runs += 1
        self.home.checkpoint()
        done = answer(
            self.home,
            "night",
            url,
            landing=str(landing),
            on=on,
            run_id=f"bench-{self._runs}",
            load_gates=load_gates,
        )
        whole = done["import_seconds"] + done["night_seconds"]
        stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in done["stages"].items())
        self.say(
            f"  night {done['night_seconds']:.2f} s + import {done['import_seconds']:.2f} s, "
            f"{done['cpu_seconds']:.1f} s of CPU ({stages})"
        )
        return {**done, "whole_seconds": whole}


# --- the finance path -------------------------------------------------------------------------------------


def finance(bench: Bench) -> Iterator[Row]:
    """A first night with all gates on against its rows by COPY; how cost and memory grow."""
    costs: dict[int, float] = {}
    memory: dict[int, tuple[int, int]] = {}
    for size in bench.sizes:
        nights, floors, served = [], [], 0
        landing = bench.landing(size)
        for _ in bench.times(size):
            done, took, most = _night_and_floor(bench, landing)
            nights.append(done)
            floors.append(took)
            served = max(served, most)
        goal = _FINANCE_GOALS.get(size)
        whole, work = ([done[what] for done in nights] for what in ("whole_seconds", "night_seconds"))
        yield compared(f"finance path, {size:,} casegroups, imports included", whole, floors, goal)
        yield compared(f"finance path, {size:,} casegroups, imports apart", work, floors)
        costs[size] = statistics.median(work)
        memory[size] = max(done["peak_bytes"] for done in nights), served
        bench.forget_landings()
    if len(costs) > 1:
        yield Row(
            "growth of the night's cost, imports apart", exponent([*costs], [*costs.values()]), "n^", 1.05
        )
        last = [*costs][-2:]
        between = f"growth from {last[0]:,} to {last[1]:,} alone"
        # The goal holds here too: a small night's fixed cost flatters the fit over all sizes.
        yield Row(between, exponent(last, [costs[size] for size in last]), "n^", 1.05)
    for size, (ours, server) in memory.items():
        yield Row(f"most memory of a process of the night, {size:,} casegroups", ours / GIB, "GiB", 1.0)
        yield Row(f"most memory of a process of PostgreSQL, {size:,} casegroups", server / GIB, "GiB", 3.0)


def _night_and_floor(bench: Bench, landing: Path) -> tuple[dict[str, Any], float, int]:
    """The night, the seconds of its floor, and the most memory of a server's process during the night."""
    home = bench.home
    files = home.server_folder("floor")
    with home.store() as url:
        with home.watched() as most:
            done = bench.night(landing, url)
        rows = floor.take_out(url, files)
        shape = floor.shape(url)
    with home.store() as url:
        if floor.shape(url) != shape:
            raise floor.NotTheSame("the floor's tables, keys and indexes are not those the night filled")
        took = floor.put_in(url, files, rows)
    shutil.rmtree(files, ignore_errors=True)
    bench.say(f"  floor {took:.2f} s for {sum(rows.values()):,} rows of {len(rows)} tables")
    return done, took, most[0]


# --- by hand ----------------------------------------------------------------------------------------------


def peer(bench: Bench) -> Iterator[Row]:
    """The same night by hand, which stores the contract's rows alone; and what the product stores a casegroup and a second."""
    for size in bench.sizes:
        landing = bench.landing(size)
        nights, by_hand, stored = [], [], dict[str, float]()
        for _ in bench.times(size):
            with bench.home.store() as url:
                wal = bench.home.wal_bytes()
                nights.append(bench.night(landing, url))
                wal = bench.home.wal_bytes() - wal
                stored = _stored(url) | {"wal": wal}
                bench.home.checkpoint()
                by_hand.append(answer(bench.home, "peer", url, landing=str(landing), on=NIGHT))
            if by_hand[-1]["differences"]:
                raise floor.NotTheSame(
                    "\n".join(["The peer's rows are not the night's:", *by_hand[-1]["differences"]])
                )
            bench.say(
                f"  by hand {by_hand[-1]['seconds']:.2f} s + import {by_hand[-1]['import_seconds']:.2f} s"
            )
        bench.forget_landings()
        told = f"finance path, {size:,} casegroups, against polars by hand"
        whole = [done["seconds"] + done["import_seconds"] for done in by_hand]
        with_imports, apart = _PEER_GOALS.get(size, (None, None))
        yield compared(
            f"{told}, imports included", [done["whole_seconds"] for done in nights], whole, with_imports
        )
        work = [done["seconds"] for done in by_hand]
        yield compared(f"{told}, imports apart", [done["night_seconds"] for done in nights], work, apart)
        yield Row(f"stored a casegroup, indexes included, {size:,}", stored["bytes"] / size / 1000, "KB", 2.4)
        took = statistics.median(done["night_seconds"] for done in nights)
        yield Row(f"dues posted a second, {size:,} casegroups; at least 25,000", stored["dues"] / took, "")
        yield Row(
            f"written to the log a due, {size:,} casegroups", stored["wal"] / stored["dues"] / 1000, "KB"
        )


# With and without imports, by casegroups.
_PEER_GOALS = {20_000: (4.0, 3.0), 120_000: (3.0, 2.7), THE_BOOK: (2.5, 2.5)}
_STORED = """
    select (select sum(pg_total_relation_size(c.oid)) from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname in ('held', 'closure') and c.relkind = 'r')::bigint as bytes,
           (select count(*) from closure.dues) as dues
"""


def _stored(url: str) -> dict[str, float]:
    with database.transaction(url) as connection:
        return dict(connection.exec_driver_sql(_STORED).mappings().one())


# --- a bad file, and the same again -----------------------------------------------------------------------


def bad(bench: Bench) -> Iterator[Row]:
    """A file in which every row is bad against a clean one."""
    size = bench.stress_casegroups
    kinds: dict[str, dict[str, Any]] = {
        "every balance and parent": {"all_bad": True},
        "every parent": {"all_bad": "parties"},
        "every balance": {"all_bad": "balances"},
    }
    clean: list[float] = []
    seconds_by_kind: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in bench.times(size):
        clean.append(_fresh(bench, bench.landing(size, **CLEAN)))
        for kind, how in kinds.items():
            seconds_by_kind[kind].append(_fresh(bench, bench.landing(size, fault_rate=0.0, **how)))
    bench.forget_landings()
    for kind, seconds in seconds_by_kind.items():
        yield compared(f"{kind} bad, {size:,} casegroups, against clean", seconds, clean, 3.0)


def _fresh(bench: Bench, landing: Path) -> float:
    with bench.home.store() as url:
        return float(bench.night(landing, url)["night_seconds"])


def rerun(bench: Bench) -> Iterator[Row]:
    """The same night once more on the same files, whole processes, against its first run."""
    size = bench.stress_casegroups
    landing, first, again = bench.landing(size), [], []
    for _ in bench.times(size):
        with bench.home.store() as url:
            # As a person's command does it: Great Expectations is loaded by a night that has something to judge.
            first.append(bench.night(landing, url, load_gates=False)["whole_seconds"])
            again.append(bench.night(landing, url, load_gates=False)["whole_seconds"])
    bench.forget_landings()
    yield compared(f"unchanged rerun, {size:,} casegroups, against the first run", again, first, 0.1)


def quiet(bench: Bench) -> Iterator[Row]:
    """What a night costs that brings nothing, or ten casegroups, in a full book that has lived through a night."""
    size, few = bench.book_casegroups, bench.home.folder / "few"
    landing = bench.landing(size)
    with bench.home.store() as url:
        bench.night(landing, url)
        book.vacuum(url)
        changing.land(landing, few, NIGHT, EMPTY_NIGHT, 0)
        changing.land(landing, few, NIGHT, TEN_CHANGED_NIGHT, 10)
        bench.forget_landings()
        empty = bench.night(few, url, on=EMPTY_NIGHT)["night_seconds"]
        ten = bench.night(few, url, on=TEN_CHANGED_NIGHT)["night_seconds"]
    yield Row(f"an empty night in a book of {size:,} casegroups, imports apart", empty, "s")
    yield Row("a night with ten changed casegroups in the same, imports apart", ten, "s", 3.0)


# --- through Airflow --------------------------------------------------------------------------------------


def dag(bench: Bench) -> Iterator[Row]:
    """`case-closure nightly`, the whole command, against the same command whose stages do nothing."""
    size, home = bench.night_casegroups, bench.home
    landing, warming = bench.landing(size), bench.landing(WARMING)
    real, idle, said = list[float](), list[float](), list[float]()
    nothing = {"PYTHONPATH": str(NOOP), "NOOP_NIGHT_RECORD": str(home.folder / "noop.jsonl")}
    with home.store() as url:
        # Not measured: Airflow's own database is made here, and its modules are compiled.
        _nightly(bench, warming, url, **nothing)
        _nightly(bench, warming, url)
    for _ in bench.times(size):
        # Each on a store of its own: what does nothing tells of the same stages.
        with home.store() as url:
            idle.append(_nightly(bench, landing, url, **nothing)[0])
        with home.store() as url:
            home.checkpoint()
            whole, out = _nightly(bench, landing, url)
            real.append(whole - out)
            said.append(out)
            bench.say(f"  {_stages(url)}")
        bench.say(
            f"  through Airflow {whole:.2f} s, {out:.2f} s of it going out; doing nothing {idle[-1]:.2f} s"
        )
    bench.forget_landings()
    figure = f"a night of {size:,} through its DAG, what goes out apart, against stages that do nothing"
    yield compared(figure, real, idle, 1.6)
    yield Row(
        f"what goes out of that night: its letters, reports and files, {size:,} casegroups",
        statistics.median(said),
        "s",
    )


def _stages(url: str) -> str:
    """Each stage of the night with its seconds, in words."""
    query = """
        select stage, extract(epoch from max(ended_at) - min(started_at))::float from closure.night_stages
        group by stage order by min(number)
    """
    with database.transaction(url) as connection:
        return ", ".join(f"{stage} {took:.1f}" for stage, took in connection.exec_driver_sql(query))


_GOING_OUT = """
    select coalesce(extract(epoch from max(ended_at) - min(started_at)), 0)::float as seconds
    from closure.night_stages where stage = 'write_out'
"""


def _nightly(bench: Bench, landing: Path, url: str, **more: str) -> tuple[float, float]:
    """The seconds of the whole command, and of its stage write_out as the store has it."""
    environment = bench.home.environment(url, **more)
    arguments = ["-m", "case_closure.cli", "nightly", "--date", NIGHT, "--landing", str(landing)]
    began = time.perf_counter()
    bench.home.run(arguments, environment)
    took = time.perf_counter() - began
    with database.transaction(url) as connection:
        return took, float(connection.exec_driver_sql(_GOING_OUT).scalar_one())


# --- on several machines ----------------------------------------------------------------------------------


def workers(bench: Bench) -> Iterator[Row]:
    """The finance path of a night by two Celery workers, a process each, against one; the server on the same cores.

    From the plan of its first stage to the end of its last, as Airflow ran them. What goes out is not waited for.
    """
    from tests.support.celery_up import CeleryUp

    size, home, seconds = bench.book_casegroups, bench.home, dict[int, float]()
    landing = bench.landing(size)
    used: dict[int, str] = {}
    for count in (1, 2):
        with home.store() as url:
            (home.folder / "landing").symlink_to(landing)
            store = Installation(url, home.folder, Settings.from_environment().partition_casegroups)
            celery = CeleryUp(store, home.folder / f"celery-{count}", count, processes=1)
            try:
                home.checkpoint()
                busy = _CpuSeconds(home)
                # By its field, and not as the run of that date: Airflow's own database is one for both.
                by_hand = {"logical_date": None, "conf": {"business_date": NIGHT}}
                run = celery.up.client.post("/api/v2/dags/nightly/dagRuns", by_hand)["dag_run_id"]
                until(lambda: store.query(_FINANCE_ENDED), 3600)  # noqa: B023
                (took,) = store.query(_FINANCE_SECONDS)
                seconds[count] = float(took["seconds"])
                used[count] = busy.told()
                # What goes out would be taken up by the next workers, and their night would stand behind it.
                celery.up.client.patch(f"/api/v2/dags/nightly/dagRuns/{run}", {"state": "failed"})
            finally:
                celery.stop()
            (home.folder / "landing").unlink()
        bench.say(f"  {count} worker(s) {seconds[count]:.1f} s; {used[count]}")
    bench.forget_landings()
    yield compared(
        f"finance path by one Celery worker, {size:,} casegroups, against two; at least 1.25 x",
        [seconds[1]],
        [seconds[2]],
    )


_FINANCE_ENDED = "select from closure.night_stages where stage = 'decide_next_action' and outcome = 'ENDED'"
_FINANCE_SECONDS = """
    select extract(epoch from max(ended_at) filter (where stage = 'decide_next_action')
                              - min(started_at) filter (where stage = 'receive_balances')) as seconds
    from closure.night_stages
"""


class _CpuSeconds:
    """What the server's processes and all others of this machine have used since it was made."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._began = self._now()

    def _now(self) -> tuple[float, float]:
        times = psutil.cpu_times()
        own = self._home.postmaster().cpu_times()
        return own.user + own.system + own.children_user + own.children_system, times.user + times.system

    def told(self) -> str:
        """In words. Processes of the server that are still connected are counted with the others."""
        server, all_of_them = (now - then for now, then in zip(self._now(), self._began, strict=True))
        return f"{all_of_them:.0f} s of CPU, {server:.0f} s of it by sessions of the server that have ended"


# --- the sample -------------------------------------------------------------------------------------------


def sample(bench: Bench) -> Iterator[Row]:
    """`case-closure sample`, the whole command."""
    size, seconds = bench.sample_casegroups, []
    for measured in (False, *(True for _ in bench.times(size))):
        out = bench.home.folder / "landings" / "timed"
        shutil.rmtree(out, ignore_errors=True)
        casegroups = size if measured else WARMING
        arguments = ["sample", "--out", str(out), "--from", NIGHT, "--casegroups", str(casegroups)]
        began = time.perf_counter()
        bench.home.run(["-m", "case_closure.cli", *arguments], bench.home.environment(""))
        if measured:
            seconds.append(time.perf_counter() - began)
            bench.say(f"  sample {seconds[-1]:.2f} s")
    bench.forget_landings()
    yield Row(f"sample of {size:,} casegroups", statistics.median(seconds), "s", 30.0)


# --- tranche selection ------------------------------------------------------------------------------------


def selection(bench: Bench) -> Iterator[Row]:
    """A night's selection of a tranche out of the whole book against a plain SELECT of the rows it selected."""
    size, ours, plain = bench.book_casegroups, [], []
    with bench.home.store() as url:
        bench.say(f"  making a book of {size:,} casegroups")
        cases = selecting.fill(url, size)
        selecting.select(url)  # not measured: the server has read the book once
        for _ in range(bench.repeat or 5):
            selecting.forget(url)
            bench.home.checkpoint()
            selected, took = selecting.select(url)
            ours.append(took)
            found, took = selecting.plain(url)
            plain.append(took)
            bench.say(f"  selected {selected:,} of {cases:,} cases {ours[-1]:.3f} s, SELECT {took:.3f} s")
            if found != selected:
                raise floor.NotTheSame(f"{selected} cases were selected, the plain SELECT has {found}")
    figure = f"{selected:,} cases selected out of {size:,} casegroups, against a SELECT of them"
    yield compared(figure, ours, plain, 3.0)


# --- payments ---------------------------------------------------------------------------------------------


def payments(bench: Bench) -> Iterator[Row]:
    """A peak day's receipts matched and allocated against the whole book, against plain SQL that makes the same rows."""
    size, ours, plain = bench.book_casegroups, [], []
    with bench.home.store() as url:
        bench.say(f"  making a book of {size:,} casegroups")
        paying.fill(url, size)
        for measured in (False, *(True for _ in bench.times(size))):
            bench.home.checkpoint()
            rows, took = paying.plain(url)
            paying.forget(url)
            bench.home.checkpoint()
            made, ours_took = paying.allocate(url)
            paying.forget(url)
            if made != rows:
                raise floor.NotTheSame(f"the stage made {made}, plain SQL {rows}")
            bench.say(f"  stage {ours_took:.2f} s, plain SQL {took:.2f} s for {sum(rows.values()):,} rows")
            if measured:  # not the first: the server has read the book once, and the gates have judged
                ours.append(ours_took)
                plain.append(took)
    yield compared(
        f"{paying.RECEIPTS:,} receipts against {size:,} casegroups, against plain SQL", ours, plain, 3.0
    )


# --- debts through the nine rules ----------------------------------------------------------------------------


def debts(bench: Bench) -> Iterator[Row]:
    """As many debts as were waiting at once (NAO 2017), from their landed file to the judgement of each, against reading and
    holding them."""
    size, home = bench.debts, bench.home
    landing = home.folder / "landings" / "debts"
    ours, floors = [], []
    file = judging.land(landing, size)
    for measured in (False, *(True for _ in bench.times(size))):
        with home.store() as url:
            judging.fill(url, size)
            home.checkpoint()
            judged, seconds = judging.judge(url, landing, home.folder)
        with home.store() as url:
            home.checkpoint()
            took = judging.read_and_hold(url, file)
        if judged != size:
            raise floor.NotTheSame(f"{judged} debts were judged, {size} were landed")
        if measured:  # once before, for what is loaded and compiled
            ours.append(sum(seconds[stage] for stage in ("receive_extract", "judge_debts")))
            floors.append(took)
            told = ", ".join(f"{stage} {spent:.2f}" for stage, spent in seconds.items())
            bench.say(f"  {told}; read and held {took:.2f} s")
    bench.forget_landings()
    yield compared(
        f"{size:,} debts through the nine rules, against reading and holding them", ours, floors, 3.0
    )


# --- the reconciliation -----------------------------------------------------------------------------------


def reconciliation(bench: Bench) -> Iterator[Row]:
    """A whole book as it was known on a past night, workbook and all, against a plain full outer join of both sides."""
    size, home = bench.book_casegroups, bench.home
    ours, floors, most, served = [], [], 0, 0
    with home.store() as url:
        bench.say(f"  filling a book of {size:,} casegroups")
        made = book.fill(url, size)
        bench.say(f"  {made:,} amounts")
        for _ in bench.times(size):
            home.checkpoint()
            floors.append(book.full_outer_join(url))
            home.checkpoint()
            with home.watched() as server:
                done = answer(
                    home, "reconcile", url, on=book.ON.isoformat(), out=str(home.folder / "book.xlsx")
                )
            ours.append(done["seconds"])
            most, served = max(most, done["peak_bytes"]), max(served, server[0])
            bench.say(
                f"  reconciled in {ours[-1]:.2f} s, the join {floors[-1]:.2f} s; {done['said'][-1].strip()}"
            )
    yield compared(
        f"reconciliation of a book of {size:,} casegroups, against a full outer join", ours, floors
    )
    yield Row(f"most memory of the reconciling process, {size:,} casegroups", most / GIB, "GiB")
    yield Row(f"most memory of a process of PostgreSQL, reconciling {size:,} casegroups", served / GIB, "GiB")


# --- the pages --------------------------------------------------------------------------------------------


def pages(bench: Bench) -> Iterator[Row]:
    """Every page over a book with a twelfth of its casegroups in exception: by itself, twenty people at once, beside a night."""
    size, night_size = bench.book_casegroups, bench.night_casegroups
    landing = bench.landing(size, fault_rate=0.085)
    with bench.home.store() as url:
        bench.night(landing, url)
        later = bench.home.folder / "landings" / "later"
        answer(bench.home, "sample", "", out=str(later), on=_LATER, casegroups=night_size, seed=2)
        environment = bench.home.environment(url)
        with clicking.served(url, environment) as desk:
            alone = clicking.one_by_one(desk, bench.repeat or clicking.TIMES)
            for page, seconds in alone.items():
                bench.say(f"  {page}: median {statistics.median(seconds):.3f} s")
            quiet, errors = clicking.all_at_once(desk, clicking.PEOPLE, clicking.for_a_minute())
            ended = threading.Event()
            with ThreadPoolExecutor(1) as pool:
                night = pool.submit(
                    answer, bench.home, "night", url, landing=str(later), on=_LATER, run_id="bench-beside"
                )
                night.add_done_callback(lambda _: ended.set())
                busy, more = clicking.all_at_once(desk, clicking.PEOPLE, ended)
                night.result()
        yield from _clicked(bench, alone, quiet, busy, errors + more)
        yield from _casework(bench, url)
    bench.forget_landings()


def _clicked(
    bench: Bench,
    alone: dict[str, list[float]],
    quiet: list[float],
    busy: list[float],
    errors: list[str],
) -> Iterator[Row]:
    told = f"{bench.book_casegroups:,} casegroups"
    slowest = max(alone, key=lambda page: statistics.median(alone[page]))
    yield Row(
        f"slowest page's median in the server, {told}: {_short(slowest)}",
        statistics.median(alone[slowest]),
        "s",
        0.2,
    )
    for page, seconds in sorted(alone.items()):
        yield Row(f"page {_short(page)}, {told}, 95th percentile", clicking.percentile(seconds), "s", 0.5)
    yield Row(
        f"{clicking.PEOPLE} people for a minute, {len(quiet):,} clicks, 95th percentile",
        clicking.percentile(quiet),
        "s",
        1.0,
    )
    yield Row("clicks that were no page", len(errors), "", 0)
    yield Row(
        f"the same while a night of {bench.night_casegroups:,} runs, {len(busy):,} clicks, against without",
        clicking.percentile(busy) / clicking.percentile(quiet), goal=2.0,
    )  # fmt: skip


def _casework(bench: Bench, url: str) -> Iterator[Row]:
    """A casegroup shown, an entry tried out and kept, an exception replayed, in the same book; imports apart."""
    folder, where = bench.home.folder / "casework", f"in a book of {bench.book_casegroups:,} casegroups"
    working.hold(url, folder)
    shown = [working.show(url, one) for one in working.some(url, 21)]
    worked = [working.work(url, folder, group) for group in working.HELD]
    # The first of each warms up.
    entered, replayed, written = (statistics.median(seconds[1:]) for seconds in zip(*worked, strict=True))
    bench.say(f"  shown in {max(shown[1:]):.3f} s at most, entered and replayed in {worked}")
    yield Row(f"one casegroup shown, {where}", statistics.median(shown[1:]), "s", 0.3)
    yield Row(f"an entry tried out and kept, {where}", entered, "s", 2.0)
    yield Row(f"one casegroup replayed, {where}", replayed, "s", 2.0)
    yield Row("of it, the night's folder written anew, with the reports of the whole book", written, "s")


_LATER = "2017-08-11"


def _short(page: str) -> str:
    return page if len(page) <= 60 else f"{page[:57]}..."


# --- letters ----------------------------------------------------------------------------------------------


def letters(bench: Bench) -> Iterator[Row]:
    """The letters of a night of about 50,000, from the store to their PDF and index, against their words as bare paragraphs."""
    size, home = bench.letters_casegroups, bench.home
    workers = Settings.from_environment().workers
    landing, ours, plain, done = bench.landing(size, **CLEAN), list[float](), list[float](), dict[str, Any]()
    with home.store() as url:
        bench.night(landing, url)
        for _ in bench.times(size):
            out = home.folder / "letters"
            out.mkdir()
            home.checkpoint()
            done = answer(home, "letters", url, on=NIGHT, out=str(out), workers=workers)
            plain.append(answer(home, "plain_letters", url, on=NIGHT, workers=workers)["seconds"])
            ours.append(done["seconds"])
            shutil.rmtree(out)
            bench.say(
                f"  {done['letters']:,} letters, {done['letters'] / ours[-1]:,.0f} a second; as paragraphs {plain[-1]:.1f} s"
            )
    bench.forget_landings()
    count = done["letters"]
    yield compared(
        f"{count:,} letters on {done['pages']:,} pages, against their words as bare paragraphs",
        ours,
        plain,
        3.0,
    )
    yield Row("a thousand letters", statistics.median(ours) / count * 1000, "s", _A_THOUSAND_LETTERS)
    yield Row("most memory of a process that typesets letters", done["peak_bytes"] / GIB, "GiB", 1.0)
    yield Row("most memory of the process that reads them", done["own_peak_bytes"] / GIB, "GiB", 1.0)


FIGURES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "finance": finance,
    "peer": peer,
    "bad": bad,
    "rerun": rerun,
    "quiet": quiet,
    "dag": dag,
    "workers": workers,
    "sample": sample,
    "selection": selection,
    "payments": payments,
    "debts": debts,
    "reconciliation": reconciliation,
    "letters": letters,
    "pages": pages,
}
