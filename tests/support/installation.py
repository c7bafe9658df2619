"""An installation as a test holds it: a store of its own on a real PostgreSQL, a landing zone, and its views as rows.

Belongs here: landing nights, running them in process, reading what stands. Does not belong here: what ought to stand.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa

from case_closure.landing.writing import PaymentLine, write_night
from case_closure.local import embedded
from case_closure.night import run as night
from case_closure.settings import Settings
from case_closure.store import database, reconciliation, roles
from case_closure.store.schema.views import SCHEMAS, VIEWS
from tests.support.builders import LIMIT, Case, Row, landed

_TEMPLATE = "migrated"
# Times on the clock differ between two runs, and how often something was begun; nothing else may.
_CLOCK = {
    "nights": ("started_at", "finished_at"),
    "tranche_criteria": ("recorded_at", "decided_at"),
    "letter_deliveries": ("sent_at",),
    "numbered_payments": ("payment_number",),
    "balances": ("extract_number",),
}


@dataclass
class Installation:
    """One store and its folders."""

    url: str
    folder: Path
    partition_casegroups: int = 100

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def settings(self) -> Settings:
        return Settings(
            home=self.folder / "home", database_url=self.url, landing=str(self.landing), outbound=str(self.folder / "outbound"),
            partition_casegroups=self.partition_casegroups, workers=1,
        )  # fmt: skip

    def land(
        self,
        on: date,
        *cases: Case,
        extract_id: str = "DW-1",
        payments: dict[str, list[PaymentLine]] | None = None,
        **more: list[Row],
    ) -> Path:
        """Write that night's folder, as a sender should; `payments` by CSA system."""
        folder = self.landing / on.isoformat()
        write_night(folder, on, extract_id, landed(cases, **more), payments)
        return folder

    def context(self, on: date, run_id: str = "run-1") -> night.NightContext:
        clock = itertools.count(1)
        return night.NightContext(
            on, run_id, self.landing, self.folder / "outbound", self.settings,
            lambda: datetime(2017, 1, 1, second=next(clock) % 60, tzinfo=UTC),
        )  # fmt: skip

    def run(self, on: date, run_id: str = "run-1", *, without: str | None = None) -> dict[str, night.Summary]:
        """The night, all stages in this process, or all but one."""
        told: dict[str, night.Summary] = {}
        stages = [stage for stage in night.STAGES if stage != without]
        night.run_night(self.context(on, run_id), told.__setitem__, stages)
        return told

    def night(self, on: date, *cases: Case, **more: Any) -> dict[str, night.Summary]:
        """Land and run."""
        self.land(on, *cases, extract_id=f"DW-{on}", **more)
        return self.run(on)

    def query(self, query: str, *values: Any) -> list[Row]:
        """In the pool that nights in this process use: a session of its own would first read what the server knows of its tables,
        which takes longer than most questions."""
        try:
            return self._asked(query, values)
        except psycopg.OperationalError:
            database.forget(self.url)  # its server may be another by now
            return self._asked(query, values)

    def _asked(self, query: str, values: tuple[Any, ...]) -> list[Row]:
        with database.transaction(self.url) as connection:
            cursor = database.raw(connection).execute(query, values, prepare=False)
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
            connection.execute(statement)

    def view(self, name: str, schema: str = "reporting") -> list[Row]:
        return self.query(f"select * from {schema}.{name}")  # noqa: S608

    def outcomes(self, schema: str = "reporting") -> dict[str, tuple[str, str]]:
        return {
            row["casegroup_id"]: (row["outcome"], row["reason"])
            for row in self.view("casegroup_outcomes", schema)
        }

    def open_rules(self) -> set[tuple[str, str | None]]:
        """(rule, case) of every exception that is not resolved."""
        return {
            (row["rule_code"], row["csa_case_id"])
            for row in self.view("exceptions")
            if row["status"] != "RESOLVED"
        }

    def dues(self) -> dict[str, int]:
        return {row["due_id"]: row["amount_pence"] for row in self.view("dues")}

    def night_status(self) -> dict[date, str]:
        return {row["business_date"]: row["status"] for row in self.view("nights")}

    def everything(self) -> dict[str, list[str]]:
        """Every row of every view of both schemas, but for times on the clock and what a night went through before it ended."""
        found: dict[str, list[str]] = {}
        with database.transaction(self.url) as connection:
            driver = database.raw(connection)
            for schema, view in itertools.product(SCHEMAS, VIEWS):
                if view.name in ("night_history", "night_stages", "payment_events"):
                    continue
                columns = [name for name in view.columns if name not in _CLOCK.get(view.name, ())]
                rows = driver.execute(f"select {', '.join(columns)} from {schema}.{view.name}", prepare=False)  # noqa: S608
                found[f"{schema}.{view.name}"] = sorted(
                    str(dict(zip(columns, row, strict=True))) for row in rows
                )
        return found

    def sent_out(self, on: date) -> dict[str, bytes]:
        """The files of that night's outbound folder, by their names in it."""
        folder = self.folder / "outbound" / on.isoformat()
        return {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }


def assert_the_same_stands(found: Installation, expected: Installation, *nights: date) -> None:
    """The same rows in every view of both schemas, and the same bytes sent out on each of these nights, some of them at all."""
    rows, as_expected = found.everything(), expected.everything()
    differing = {
        view: (sorted(set(rows[view]) - set(of_it))[:3], sorted(set(of_it) - set(rows[view]))[:3])
        for view, of_it in as_expected.items()
        if rows[view] != of_it
    }
    assert not differing, f"found alone, expected alone: {differing}"
    for on in nights:
        assert len(expected.sent_out(on)) > 5
        assert found.sent_out(on) == expected.sent_out(on)


def as_administrator(server: embedded.Server, statement: str) -> None:
    with psycopg.connect(server.admin_url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(statement)


def wait_for_no_disk(server: embedded.Server) -> None:
    """Processes are killed in tests, machines are not: waiting for the disk would only make them slow."""
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        as_administrator(server, f"alter system set {setting} = off")
    as_administrator(server, "select pg_reload_conf()")


@dataclass
class Databases:
    """Stores on one server, each a copy of a migrated one."""

    server: embedded.Server
    home: Path
    made: Iterator[int]

    @classmethod
    def on(cls, server: embedded.Server, home: Path) -> Databases:
        databases = cls(server, home, itertools.count(1))
        wait_for_no_disk(server)
        databases._admin(f"create database {_TEMPLATE}")
        database.migrate(server.admin_url(_TEMPLATE))
        database.forget(server.admin_url(_TEMPLATE))
        return databases

    def _admin(self, statement: str) -> None:
        as_administrator(self.server, statement)

    def make_store(self) -> None:
        """The server's own store, made anew: that of the login which nights work as, and migrated."""
        self._admin(f"drop database if exists {embedded.STORE} with (force)")
        self._admin(f"create database {embedded.STORE} template {_TEMPLATE} owner {roles.OWNER}")
        database.migrate(self.server.url(embedded.STORE))

    @contextlib.contextmanager
    def installation(self, copy_of: Installation | None = None, **over: Any) -> Iterator[Installation]:
        """A store of its own, gone afterwards; with `copy_of`, what that one holds and has landed."""
        name = f"store_{next(self.made)}"
        if copy_of:
            database.forget(copy_of.url)  # a database is not copied while anybody is connected to it
        # Its files as they are: by way of the log, as servers do by default, takes half as long again.
        self._admin(
            f"create database {name} template {copy_of.url.rpartition('/')[2] if copy_of else _TEMPLATE} strategy file_copy"
        )
        folder = self.home / name
        if copy_of:
            shutil.copytree(copy_of.folder, folder)
        else:
            folder.mkdir()
        made = replace(Installation(self.server.admin_url(name), folder), **over)
        try:
            yield made
        finally:
            database.forget(made.url)
            self._admin(f"drop database {name} with (force)")
            shutil.rmtree(folder)

    @contextlib.contextmanager
    def installations(self, count: int, copy_of: Installation) -> Iterator[list[Installation]]:
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(self.installation(copy_of)) for _ in range(count)]


def known(installation: Installation, on: date, *, sensitive: bool = False) -> dict[str, pa.Table]:
    """The reconciliation of that store as it was known at the end of that night."""
    with database.transaction(installation.url) as connection:
        return reconciliation.reconstruct(connection, on, implausible_pence=LIMIT, sensitive=sensitive)
