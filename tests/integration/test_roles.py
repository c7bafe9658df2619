"""Who may do what on the server: readers read their schema and nothing else, and what was granted stays granted."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from case_closure.cli import main as cli
from case_closure.domain.permissions import ACTIONS, ANALYST, AUDITOR, ROLES, SENSITIVE, views_of
from case_closure.local import embedded, readers
from case_closure.store import acts, database, roles
from case_closure.store.schema.views import VIEWS
from tests.support.builders import case
from tests.support.installation import Databases, Installation

pytestmark = pytest.mark.usefixtures("plain_letters")


def connected(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


@pytest.fixture(scope="module")
def reader_url(database_server: Databases) -> Iterator[str]:
    """A login that only reads, to a store that no test of it can change."""
    with database_server.installation() as made:
        yield readers.own_url(made.settings, made.url, sensitive=False)


@pytest.fixture
def reader(reader_url: str) -> Iterator[psycopg.Connection[Any]]:
    with connected(reader_url) as connection:
        yield connection


@pytest.mark.parametrize(
    ("statement", "refused"),
    [
        ("select * from sensitive.dues", "permission denied for schema sensitive"),
        ("select * from closure.dues", "permission denied for schema closure"),
        ("select * from closure.sensitive_casegroups", "permission denied for schema closure"),
        ("select * from held.csa_cases", "permission denied for schema held"),
        ("create temporary table t (n int)", "permission denied|read-only"),
        ("create function pg_temp.f() returns int language sql as 'select 1'", "permission denied|read-only"),
        ("create table public.t (n int)", "permission denied|read-only"),
        *(
            (f"select {function}(1128354629, 2)", "permission denied for function")
            for function in ("pg_advisory_lock", "pg_try_advisory_lock", "pg_advisory_xact_lock", "pg_try_advisory_lock_shared")
        ),
        ("select pg_advisory_lock(1128354629::bigint)", "permission denied for function"),
    ],
)  # fmt: skip
def test_a_reader_reads_reporting_and_can_do_nothing_else(
    reader: psycopg.Connection[Any], statement: str, refused: str
) -> None:
    assert reader.execute("select count(*) from reporting.dues").fetchone() == (0,)
    reader.execute("set default_transaction_read_only = off")
    with pytest.raises(psycopg.Error, match=refused):
        reader.execute(statement)


def test_readers_of_one_side_do_not_read_the_other(installation: Installation) -> None:
    url = readers.own_url(installation.settings, installation.url, sensitive=True)
    with connected(url) as connection:
        assert connection.execute("select count(*) from sensitive.dues").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema reporting"):
            connection.execute("select count(*) from reporting.dues")


@pytest.mark.parametrize(("setting", "value"), roles.LIMITS.items())
def test_a_reader_is_limited(reader: psycopg.Connection[Any], setting: str, value: str) -> None:
    assert reader.execute(f"show {setting}").fetchone() == (value,)


def test_nobody_connects_to_the_store_or_to_airflows_database_who_was_not_let_in(
    installation: Installation, reader: psycopg.Connection[Any]
) -> None:
    database.migrate(installation.url)
    installation.execute("create role nobody_yet login password 'x'")
    try:
        rows = installation.query(
            "select has_database_privilege('nobody_yet', current_database(), 'connect') as store, "
            "has_database_privilege('nobody_yet', 'airflow', 'connect') as airflow, "
            "has_database_privilege(%s, 'airflow', 'connect') as reader",
            reader.info.user,
        )
    finally:
        installation.execute("drop role nobody_yet")
    assert rows == [{"store": False, "airflow": False, "reader": False}]


def test_what_was_granted_stays_granted_when_views_are_made_anew(installation: Installation) -> None:
    """Also to others than our own roles: a view, a schema."""
    url = readers.own_url(installation.settings, installation.url, sensitive=False)
    installation.execute(
        "create role auditor; grant usage on schema sensitive to auditor; grant select on sensitive.dues to auditor"
    )
    try:
        installation.execute("comment on schema closure is 'views of long ago'")
        database.migrate(installation.url)
        with connected(url) as connection:
            assert connection.execute("select count(*) from reporting.dues").fetchone() == (0,)
        granted = "select has_table_privilege('auditor', 'sensitive.dues', 'select') as dues, " \
            "has_table_privilege('auditor', 'sensitive.ledger', 'select') as ledger, " \
            "has_schema_privilege('auditor', 'sensitive', 'usage') as usage"  # fmt: skip
        assert installation.query(granted) == [{"dues": True, "ledger": False, "usage": True}]
    finally:
        installation.execute("drop owned by auditor; drop role auditor")


_READER, _ANALYST = roles.READER, acts.login_role(ANALYST)


@pytest.mark.parametrize(
    ("undone", "mended"),
    [
        (
            f"revoke select on reporting.dues from {_READER}",  # noqa: S608
            f"has_table_privilege('{_READER}', 'reporting.dues', 'select')",
        ),
        (f"revoke usage on schema reporting from {_READER}", f"has_schema_privilege('{_READER}', 'reporting', 'usage')"),
        (
            f"revoke select on reporting.dues from {_ANALYST}",  # noqa: S608
            f"has_table_privilege('{_ANALYST}', 'reporting.dues', 'select')",
        ),
        (f"grant select on sensitive.dues to {_ANALYST}", f"not has_table_privilege('{_ANALYST}', 'sensitive.dues', 'select')"),
        (
            f"revoke execute on function desk.propose_criteria(timestamptz, text, jsonb) from {_ANALYST}",
            f"has_function_privilege('{_ANALYST}', 'desk.propose_criteria(timestamptz, text, jsonb)', 'execute')",
        ),
        (f"revoke usage on schema desk from {_ANALYST}", f"has_schema_privilege('{_ANALYST}', 'desk', 'usage')"),
        (f"revoke {_ANALYST} from {roles.APPLICATION}", f"pg_has_role('{roles.APPLICATION}', '{_ANALYST}', 'usage')"),
        (
            f"revoke insert on public.case_closure_version from {roles.OWNER}",
            f"has_table_privilege('{roles.OWNER}', 'public.case_closure_version', 'insert')",
        ),
        (
            "alter view reporting.dues owner to current_user",
            f"exists (select from pg_views where schemaname = 'reporting' and viewname = 'dues' and viewowner = '{roles.OWNER}')",
        ),
        (
            "do $$ begin execute 'grant connect on database ' || current_database() || ' to public'; end $$",
            "not exists (select from pg_database, aclexplode(datacl) a where datname = current_database() and a.grantee = 0)",
        ),
    ],
)  # fmt: skip
def test_the_next_night_mends_what_was_undone_of_who_may_do_what_and_nothing_that_stands(
    installation: Installation, undone: str, mended: str
) -> None:
    database.migrate(installation.url)
    written = "select relname, xmin::text from pg_class where relkind = 'v' order by 1"
    as_it_stands = installation.query(written)
    database.migrate(installation.url)
    assert installation.query(written) == as_it_stands
    installation.execute(undone)
    assert installation.query(f"select {mended} as mended") == [{"mended": False}]
    assert database.migrate(installation.url) == []
    assert installation.query(f"select {mended} as mended") == [{"mended": True}]


def test_everything_in_the_store_is_the_owners(installation: Installation) -> None:
    database.migrate(installation.url)
    others = installation.query(
        "select relname from pg_class c join pg_namespace n on n.oid = relnamespace "
        "where nspname in ('held', 'closure', 'reporting', 'sensitive') and pg_get_userbyid(relowner) <> %s",
        roles.OWNER,
    )
    assert others == []


def test_the_homes_own_reader_is_asked_for_by_a_command(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CASE_CLOSURE_HOME", str(installation.folder / "home"))
    monkeypatch.setenv("CASE_CLOSURE_DATABASE_URL", installation.url)
    urls = []
    for _ in range(2):
        assert cli.main(["database-url", "--as", "reader"]) == 0
        urls.append(capsys.readouterr().out.strip())
    assert urls[0] == urls[1] != installation.url
    with connected(urls[0]) as connection:
        assert connection.execute("select count(*) from reporting.nights").fetchone() == (0,)
    kept = installation.folder / "home" / "readers.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_person_is_given_a_login_and_no_role_of_the_store_is_taken_over(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CASE_CLOSURE_HOME", str(installation.folder / "home"))
    monkeypatch.setenv("CASE_CLOSURE_DATABASE_URL", installation.url)
    try:
        assert cli.main(["readers", "add", "anna"]) == 0
        with connected(capsys.readouterr().out.strip()) as connection:
            assert connection.execute("select count(*) from reporting.nights").fetchone() == (0,)
    finally:
        installation.execute("drop role anna")
    for name in (roles.OWNER, "case_closure", "pg_read_all_data"):
        assert cli.main(["readers", "add", name]) == 1
        assert "name of their own" in capsys.readouterr().err
    assert cli.main(["readers", "add", "anna", "--role", "analyst", "--sensitive"]) == 1
    assert "not both" in capsys.readouterr().err


def test_on_a_server_where_no_role_may_be_made_the_store_works_and_says_what_is_missing(home: Path) -> None:
    server = embedded.ensure_running(home)
    with connected(server.admin_url("postgres")) as admin:
        # As on a server that is not the one that comes along.
        admin.execute(f"drop database {embedded.STORE}")
        for role in roles.ROLES:
            admin.execute(f"drop role {role}")
        admin.execute("create role plain login password 'plain'")
        admin.execute("create database theirs owner plain")
    url = f"postgresql+psycopg://plain:plain@{server.host}:{server.port}/theirs"
    missing = database.migrate(url)
    for role in roles.ROLES:
        assert any(f"create role {role};" in words for words in missing)
    assert any("advisory locks" in words for words in missing)
    with (
        database.transaction(url) as connection,
        pytest.raises(roles.LoginRefused, match="An administrator types"),
    ):
        roles.make_login(connection, "anna", "x", sensitive=False)
    with connected(url) as connection:
        assert connection.execute("select count(*) from reporting.dues").fetchone() == (0,)

    # What the words say to type, typed; the next start of a night does the rest.
    with connected(server.admin_url("theirs")) as admin:
        for role in roles.ROLES:
            admin.execute(f"create role {role}")
        admin.execute(f"grant {roles.OWNER} to plain")
    assert [
        words
        for words in database.migrate(url)
        if "advisory locks" not in words and "is no member" not in words
    ] == []
    with connected(url) as connection:
        owners = "select distinct pg_get_userbyid(relowner) from pg_class where relnamespace = 'reporting'::regnamespace"
        assert connection.execute(owners).fetchall() == [(roles.OWNER,)]
    database.forget(url)


# --- people, who come with psql


VIEW_NAMES = [view.name for view in VIEWS]


@pytest.fixture(scope="module")
def people(database_server: Databases) -> Iterator[dict[str, str]]:
    """A login for each role of the desk, by role."""
    with database_server.installation() as made:
        logins = {role: f"{role}_by_psql" for role in ROLES}
        urls = {
            role: readers.add(made.settings, made.url, login, role=role) for role, login in logins.items()
        }
        yield urls
        for login in logins.values():
            made.execute(f"drop role {login}")


def refused(connection: psycopg.Connection[Any], statement: str) -> bool:
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return True
    return False


@pytest.mark.parametrize("role", ROLES)
def test_R26_the_server_refuses_what_the_table_of_permissions_refuses(
    people: dict[str, str], role: str
) -> None:
    """Every view of both sides, and every function behind a form."""
    with connected(people[role]) as connection:
        connection.execute("set default_transaction_read_only = off")
        seen = {
            name for name in VIEW_NAMES if not refused(connection, f"select from reporting.{name} limit 0")
        }
        assert seen == views_of(role)
        apart = {
            name for name in VIEW_NAMES if not refused(connection, f"select from sensitive.{name} limit 0")
        }
        assert apart == (set(VIEW_NAMES) if role == SENSITIVE else set())
        for name, action in ACTIONS.items():
            if action.changes:
                called = not refused(connection, f"select desk.{name}(now(), 'somebody', '[]')")
                assert called == (role in action.roles), name
        for table in ("closure.acts", "closure.exceptions", "held.csa_cases"):
            assert refused(connection, f"select from {table} limit 0")
            assert refused(connection, f"delete from {table}")  # noqa: S608


def test_who_comes_with_a_login_of_their_own_acts_under_its_name_whatever_they_say(
    people: dict[str, str],
) -> None:
    act = '[{"about": "TRANCHE", "reference": "T", "before": {}, "after": {}}]'
    with connected(people[ANALYST]) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute("select desk.propose_criteria(now(), 'somebody else', %s::jsonb)", [act])
    with connected(people[AUDITOR]) as connection:
        (row,) = connection.execute("select acted_by, action from reporting.acts").fetchall()
    assert row == ("analyst_by_psql", "propose_criteria")


# --- the server that comes along


def test_nights_and_airflow_work_as_logins_that_own_their_database_and_have_no_other_right(
    home: Path,
) -> None:
    server = embedded.ensure_running(home)
    assert database.migrate(server.url()) == []
    with connected(server.url()) as connection:
        able = connection.execute(
            "select rolname from pg_roles where rolcanlogin "
            "and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls)"
        ).fetchall()
        assert able == [("case_closure",)]
        assert connection.execute("select current_user").fetchone() == ("case_closure_nights",)
        for view in ("reporting.dues", "sensitive.dues"):
            assert connection.execute(f"select count(*) from {view}").fetchone() == (0,)  # noqa: S608
        for refused in ("create role r", "create database d", "alter system set work_mem = '1GB'",
                        "copy closure.nights to program 'cat'", "set role case_closure"):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused)
    for login, elsewhere in ((embedded.STORE, embedded.AIRFLOW), (embedded.AIRFLOW, embedded.STORE)):
        for dbname in (elsewhere, "postgres"):
            with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                connected(server.url(login).rpartition("/")[0] + f"/{dbname}")


def test_a_night_runs_as_such_a_login_and_readers_are_made_beside_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server = embedded.ensure_running(home)
    installation = Installation(server.url(), home)
    installation.night(date(2017, 8, 10), case("A", "G1"))
    installation.night(date(2017, 8, 11), case("A", "G1", nationally_sensitive=True), case("B", "G2"))
    assert installation.dues() == {"CS2-B-RP-ACTIVE": 1000}
    monkeypatch.setenv("CASE_CLOSURE_HOME", str(home))
    monkeypatch.delenv("CASE_CLOSURE_DATABASE_URL", raising=False)
    asked = {("database-url",): 1, ("database-url", "--as", "reader"): 1, ("readers", "add", "anna"): 1}
    for command, dues in asked.items():
        assert cli.main(list(command)) == 0
        with connected(capsys.readouterr().out.strip()) as connection:
            assert connection.execute("select count(*) from reporting.dues").fetchone() == (dues,)
    assert cli.main(["database-url", "--as", "administrator"]) == 0
    with connected(capsys.readouterr().out.strip()) as connection:
        connection.execute("drop role anna")


@pytest.mark.parametrize("running", [True, False])
def test_a_home_that_an_earlier_version_made_goes_on_with_logins_of_its_own(
    home: Path, running: bool
) -> None:
    """There the administrator did everything, and owned what it had made."""
    server = embedded.ensure_running(home)
    with connected(server.admin_url("postgres")) as admin:
        for dbname in (embedded.STORE, embedded.AIRFLOW):
            admin.execute(f"drop database {dbname}")
            admin.execute(f"create database {dbname}")
        for role in (*roles.ROLES, "case_closure_nights", "case_closure_airflow"):
            admin.execute(f"drop role {role}")
    database.migrate(server.admin_url())
    Installation(server.admin_url(), home).night(date(2017, 8, 10), case("A", "G1"))
    database.forget(server.admin_url())
    with connected(server.admin_url(embedded.AIRFLOW)) as admin:
        admin.execute("create type public.state as enum ('up', 'down')")
        admin.execute("create table public.dag (n serial primary key, state public.state)")
        admin.execute("create view public.dags as select * from public.dag")
    kept = json.loads((home / "postgres.json").read_text())
    (home / "postgres.json").write_text(json.dumps({name: kept[name] for name in ("port", "password")}))
    if not running:
        embedded.stop(home)

    server = embedded.ensure_running(home)
    assert embedded.ensure_running(home) == server
    later = Installation(server.url(), home)
    later.night(date(2017, 8, 11), case("B", "G2"))
    assert later.dues() == {"CS2-A-RP-ACTIVE": 1000, "CS2-B-RP-ACTIVE": 1000}
    with connected(server.url(embedded.AIRFLOW)) as connection:
        connection.execute("drop view dags")
        connection.execute("alter table dag add column more text")
        connection.execute("insert into dag (state) values ('up')")
        connection.execute("alter type state add value 'gone'")
    database.forget(later.url)
