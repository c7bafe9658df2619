"""Who may do what in the store: its roles, what each is granted, and logins for readers.

Belongs here: making the roles, handing them what is theirs, keeping what others were granted when views are made anew, and
saying in words what a server does not let us do. Does not belong here: views, tables, people's names.

    case_closure_owner             owns all schemas and what is in them; nobody logs in as it
    case_closure_application       what nights and commands work as: a member of the owner, and the login in use one of it
    case_closure_reader            reads the views of ``reporting``, and nothing else
    case_closure_sensitive_reader  reads the views of ``sensitive``, and nothing else
    case_closure_<role>            reads what of ``reporting`` a person in this role sees, and may call what they may do
                                   (``domain.permissions``, ``store.acts``); the pages become it for each question

All are groups: a login is made a member (:func:`make_login`). On the server that comes along its administrator makes them
(:func:`prepare_store`), so that the login of the nights needs no such right. On a server of the user's own the role that
migrates may lack the right to make roles: then the store works as its own login, readers are granted what can be, and
:func:`apply` tells what is missing and what an administrator types to mend it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import psycopg
from psycopg import sql
from sqlalchemy import Connection, make_url, text

from case_closure import refusals
from case_closure.domain import permissions
from case_closure.store import acts, listing
from case_closure.store.database import raw

OWNER, APPLICATION = "case_closure_owner", "case_closure_application"
READER, SENSITIVE_READER = "case_closure_reader", "case_closure_sensitive_reader"
PEOPLE = {acts.login_role(role): role for role in permissions.ROLES}
ROLES = (OWNER, APPLICATION, READER, SENSITIVE_READER, *PEOPLE)
READERS = {"reporting": READER, "sensitive": SENSITIVE_READER}
SCHEMAS = ("held", "closure", "reporting", "sensitive", "desk")

# A reader who forgot a join, or to end a transaction, must not hold up a night. A person may raise them for a session.
LIMITS = {
    "statement_timeout": "5min",
    "idle_in_transaction_session_timeout": "2min",
    "lock_timeout": "10s",
    "default_transaction_read_only": "on",
}
_CONNECTIONS = 10


class LoginRefused(refusals.Refused):
    """A reader's login cannot be made; the message says why and what an administrator types."""


@dataclass(frozen=True)
class Grant:
    """What somebody else was granted on a schema of views, or on a view of it (``view`` None: the schema)."""

    schema: str
    view: str | None
    grantee: str
    privilege: str
    grantable: bool


def grants(connection: Connection) -> list[Grant]:
    """All that is granted on the schemas of views and on their views, but to their owners."""
    rows = connection.execute(
        text(
            """
            select n.nspname, null, case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end,
                   a.privilege_type, a.is_grantable
            from pg_namespace n cross join lateral aclexplode(n.nspacl) a
            where n.nspname = any(:schemas) and a.grantee <> n.nspowner
            union all
            select n.nspname, c.relname, case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end,
                   a.privilege_type, a.is_grantable
            from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join lateral aclexplode(c.relacl) a
            where n.nspname = any(:schemas) and c.relkind = 'v' and a.grantee <> c.relowner
            """
        ),
        {"schemas": list(READERS)},
    )
    return [Grant(*row) for row in rows]


def grant_again(connection: Connection, kept: list[Grant]) -> None:
    """What was granted on views that have been made anew; a view that is no more is passed over."""
    for one in kept:
        thing = sql.SQL("schema {}").format(sql.Identifier(one.schema))
        if one.view is not None:
            there = connection.execute(
                text(
                    "select to_regclass(format('%I.%I', cast(:schema as text), cast(:view as text))) is not null"
                ),
                {"schema": one.schema, "view": one.view},
            )
            if not there.scalar_one():
                continue
            thing = sql.SQL("{}.{}").format(sql.Identifier(one.schema), sql.Identifier(one.view))
        grantee = sql.SQL("public") if one.grantee == "public" else sql.Identifier(one.grantee)
        option = sql.SQL(" with grant option" if one.grantable else "")
        _do(
            connection,
            sql.SQL("grant {} on {} to {}{}").format(sql.SQL(one.privilege), thing, grantee, option),
        )


def apply(connection: Connection) -> list[str]:
    """Make the roles and hand each what is theirs, in the caller's transaction; again, it changes nothing.

    Returns what could not be done, each in words with what an administrator types; nothing else fails for it.
    """
    if _stands(connection):
        return _closed_to_public(connection)
    missing = [
        f"The role {role} is not there and this login may not make it. An administrator types: create role {role};"
        for role in ROLES
        if not _exists(connection, role)
        and not _tried(connection, sql.SQL("create role {} nologin").format(sql.Identifier(role)))
    ]
    missing += _membership(connection) + _ownership(connection) + _closed_to_public(connection)
    for schema, role in READERS.items():
        if _exists(connection, role):
            name, to = sql.Identifier(schema), sql.Identifier(role)
            _do(connection, sql.SQL("grant usage on schema {} to {}").format(name, to))
            _do(connection, sql.SQL("grant select on all tables in schema {} to {}").format(name, to))
    return missing + _people(connection)


def _stands(connection: Connection) -> bool:
    """Whether each role is there and has all that is theirs, and people have no view beyond it: as nearly every night finds it.

    Asked at once, and of what stands in the server's catalogues: to grant again what is granted writes each of them anew, after
    which every session plans its queries anew.
    """
    there = text("select count(*) from pg_roles where rolname = any(:roles)")
    if connection.execute(there, {"roles": list(ROLES)}).scalar_one() != len(ROLES):
        return False
    return bool(connection.execute(text(_STANDS), _wanted()).scalar_one())


_OWNED_BY_OTHERS = """
    select 'schema', format('%I', nspname) from pg_namespace n
    where nspname = any(:schemas) and pg_get_userbyid(nspowner) <> :owner
    union all
    select case relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end,
           format('%I.%I', n.nspname, relname)
    from pg_class c join pg_namespace n on n.oid = relnamespace
    where nspname = any(:schemas) and relkind in ('r', 'p', 'v', 'S') and pg_get_userbyid(relowner) <> :owner
      and not exists (select from pg_depend d where d.objid = c.oid and c.relkind = 'S' and d.deptype in ('a', 'i'))
"""
# What each thing that is granted has in its access list, but for its owner; and what all of it should be.
_STANDS = f"""
    with granted as materialized (
        select 'schema' as kind, n.nspname::text as thing, r.rolname::text as role, a.privilege_type
        from pg_namespace n cross join lateral aclexplode(n.nspacl) a join pg_roles r on r.oid = a.grantee
        where n.nspname = any(:schemas) and a.grantee <> n.nspowner
        union all
        select c.relkind::text, n.nspname || '.' || c.relname, r.rolname, a.privilege_type
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        cross join lateral aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
        where n.nspname = any(:of_views) and a.grantee <> c.relowner
        union all
        select 'function', p.oid::regprocedure::text, r.rolname, a.privilege_type
        from pg_proc p cross join lateral aclexplode(p.proacl) a join pg_roles r on r.oid = a.grantee
        where p.pronamespace = to_regnamespace('desk') and a.grantee <> p.proowner),
    wanted as materialized (
        select kind, case kind when 'function' then coalesce(to_regprocedure(thing)::text, thing) else thing end as thing,
               role, privilege
        from unnest(cast(:kind as text[]), cast(:thing as text[]), cast(:role as text[]), cast(:privilege as text[]))
             w (kind, thing, role, privilege)
        union
        select c.relkind::text, w.schema || '.' || c.relname, w.role, 'SELECT'
        from unnest(cast(:all_of as text[]), cast(:all_to as text[])) w (schema, role)
        join pg_class c on c.relnamespace = to_regnamespace(w.schema) and c.relkind in ('r', 'p', 'v', 'm', 'f'))
    select (select bool_and(pg_has_role(w.member, w.role, 'USAGE'))
            from unnest(cast(:member as text[]), cast(:member_of as text[])) w (member, role))
       and pg_has_role(current_user, cast(:owner as name), 'USAGE')
       and not exists (select * from wanted except select * from granted)
       and not exists (
            select kind, thing, role from granted where kind = 'v' and role = any(:people)
            except select kind, thing, role from wanted)
       and not exists ({_OWNED_BY_OTHERS})
       and not exists (
            select privilege_type from pg_class c cross join lateral aclexplode(acldefault('r', c.relowner))
            where c.oid = to_regclass('public.case_closure_version')
            except
            select a.privilege_type
            from pg_class c cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
            join pg_roles r on r.oid = a.grantee
            where c.oid = to_regclass('public.case_closure_version') and r.rolname = :owner)
"""  # noqa: S608


def _wanted() -> dict[str, object]:
    """All that :func:`apply` grants, for ``_STANDS``, as lists beside each other."""
    sensitive = acts.login_role(permissions.SENSITIVE)
    views = {name: sorted(permissions.views_of(role)) for name, role in PEOPLE.items()}
    wanted = [
        ("schema", schema, role, "USAGE")
        for schema, role in (
            *READERS.items(), *(("reporting", name) for name in views if views[name]), ("sensitive", sensitive)
        )
    ]  # fmt: skip
    wanted += [("v", f"reporting.{view}", name, "SELECT") for name in views for view in views[name]]
    for what, role in acts.grants() + listing.grants():
        privilege, _, named = what.partition(" on ")
        kind, _, thing = named.partition(" ")
        wanted.append((kind, thing, role, privilege.upper()))
    kinds, things, roles, privileges = map(list, zip(*wanted, strict=True))
    return {
        "schemas": list(SCHEMAS), "owner": OWNER, "of_views": list(READERS), "people": list(PEOPLE),
        "kind": kinds, "thing": things, "role": roles, "privilege": privileges,
        "all_of": [*READERS, "sensitive"], "all_to": [*READERS.values(), sensitive],
        "member": [APPLICATION] * (1 + len(PEOPLE)), "member_of": [OWNER, *PEOPLE],
    }  # fmt: skip


def _people(connection: Connection) -> list[str]:
    """Each role of people sees and may call what is theirs, and the application can become each."""
    missing = []
    for name, role in PEOPLE.items():
        if not _exists(connection, name):
            continue  # told of already
        to = sql.Identifier(name)
        for schema, view in _granted_beyond(connection, name, role):
            _do(connection, sql.SQL("revoke all on {} from {}").format(sql.Identifier(schema, view), to))
        views = [sql.Identifier("reporting", view) for view in sorted(permissions.views_of(role))]
        if views:
            _do(connection, sql.SQL("grant usage on schema reporting to {}").format(to))
            _do(connection, sql.SQL("grant select on {} to {}").format(sql.SQL(", ").join(views), to))
        if role == permissions.SENSITIVE:
            _do(connection, sql.SQL("grant usage on schema sensitive to {}").format(to))
            _do(connection, sql.SQL("grant select on all tables in schema sensitive to {}").format(to))
        if _exists(connection, APPLICATION) and not _has(connection, APPLICATION, name):
            asked = sql.SQL("grant {} to {}").format(to, sql.Identifier(APPLICATION))
            if not _tried(connection, asked):
                missing.append(
                    f"{APPLICATION} is no member of {name}, so the pages cannot become it: the server does not hold a person to "
                    f"what their role may do. An administrator types: grant {name} to {APPLICATION};"
                )
    for what, role in acts.grants() + listing.grants():
        if _exists(connection, role):
            _do(connection, sql.SQL(f"grant {what} to {{}}").format(sql.Identifier(role)))
    return missing


def _granted_beyond(connection: Connection, name: str, role: str) -> list[tuple[str, str]]:
    """Views that were the role's once and are no more: the table of permissions says what is, and nothing else."""
    rows = connection.execute(
        text(
            """
            select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = any(:schemas) and c.relkind = 'v' and exists (
                select from aclexplode(c.relacl) a where a.grantee = (select oid from pg_roles where rolname = :name))
            """
        ),
        {"schemas": list(READERS), "name": name},
    )
    ours = {"reporting": permissions.views_of(role)}
    return [
        (schema, view)
        for schema, view in rows
        if view not in ours.get(schema, frozenset())
        and (schema, role) != ("sensitive", permissions.SENSITIVE)
    ]


def prepare_store(connection: Connection, login: str, password: str) -> None:
    """As a superuser in the store's database: whatever ``login``, which nights and commands work as, may not do itself.

    It is an ordinary login, and a member of the application: it owns the store through it, and can make no role. Again, it
    changes nothing.
    """
    for role in ROLES:
        if not _exists(connection, role):
            _do(connection, sql.SQL("create role {} nologin").format(sql.Identifier(role)))
    _make_ordinary_login(connection, login, password)
    for role, member in (
        (OWNER, APPLICATION),
        *((role, APPLICATION) for role in PEOPLE),
        (APPLICATION, login),
    ):
        if not _has(connection, member, role):
            _do(connection, sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(member)))
    _give_database(connection, OWNER)
    _do(
        connection,
        sql.SQL("alter table if exists public.case_closure_version owner to {}").format(
            sql.Identifier(OWNER)
        ),
    )
    _ownership(connection)
    _closed_to_public(connection)


def prepare_other(connection: Connection, login: str, password: str) -> None:
    """As a superuser in a database that is not the store's (Airflow's): it is ``login``'s, with all that is in it."""
    _make_ordinary_login(connection, login, password)
    _give_database(connection, login)
    things = connection.execute(
        text(
            """
            select case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end,
                   c.oid::regclass::text
            from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S')
              and pg_get_userbyid(relowner) <> :login
              and not exists (select from pg_depend d where d.objid = c.oid and c.relkind = 'S' and d.deptype in ('a', 'i'))
            union all
            select 'type', oid::regtype::text from pg_type
            where typnamespace = 'public'::regnamespace and typtype in ('e', 'd') and pg_get_userbyid(typowner) <> :login
            """
        ),
        {"login": login},
    ).all()
    for kind, name in things:
        _do(connection, sql.SQL(f"alter {kind} {name} owner to {{}}").format(sql.Identifier(login)))


def _make_ordinary_login(connection: Connection, login: str, password: str) -> None:
    _do(
        connection,
        sql.SQL(
            "{} role {} login nosuperuser nocreaterole nocreatedb noreplication nobypassrls password {}"
        ).format(
            sql.SQL("alter" if _exists(connection, login) else "create"),
            sql.Identifier(login),
            sql.Literal(_kept_password(connection, login, password)),
        ),
    )


def _give_database(connection: Connection, owner: str) -> None:
    name = str(connection.exec_driver_sql("select current_database()").scalar_one())
    _do(
        connection,
        sql.SQL("alter database {} owner to {}").format(sql.Identifier(name), sql.Identifier(owner)),
    )


def _kept_password(connection: Connection, login: str, password: str) -> str:
    """What the server keeps of a password, and is given: never the password itself, as a statement may stand in a log."""
    encrypt = raw(connection).pgconn.encrypt_password
    return encrypt(password.encode(), login.encode(), b"scram-sha-256").decode()


def _membership(connection: Connection) -> list[str]:
    """The application, and this login, are members of the owner."""
    if not _exists(connection, OWNER):
        return []
    me = str(connection.exec_driver_sql("select current_user").scalar_one())
    missing = []
    for member in (APPLICATION, me):
        if member != OWNER and _exists(connection, member) and not _has(connection, member, OWNER):
            asked = sql.SQL("grant {} to {}").format(sql.Identifier(OWNER), sql.Identifier(member))
            if not _tried(connection, asked):
                missing.append(
                    f"{member} is no member of {OWNER}, so the tables stay this login's own. "
                    f"An administrator types: grant {OWNER} to {member};"
                )
    return missing


def _ownership(connection: Connection) -> list[str]:
    """All there is in the schemas is the owner's, so that any member of it can change and empty it."""
    me = str(connection.exec_driver_sql("select current_user").scalar_one())
    if not _exists(connection, OWNER) or not _has(connection, me, OWNER):
        return []
    kinds = connection.execute(
        text(f"{_OWNED_BY_OTHERS} order by 1, 2"), {"schemas": list(SCHEMAS), "owner": OWNER}
    ).all()
    # Alembic's own table stays where it is: in ``public``, which is somebody else's.
    _tried(connection, sql.SQL(f"grant all on public.case_closure_version to {OWNER}"))
    for kind, name in kinds:
        if not _tried(connection, sql.SQL(f"alter {kind} {name} owner to {OWNER}")):
            return [
                f"{kind} {name} could not be given to {OWNER}: this login may not create in the database, or does not own it. "
                f"An administrator types: alter {kind} {name} owner to {OWNER}; and so for the rest of its schema."
            ]
    return []


# Those that anybody may call, and whether this login may forbid it: of another's, REVOKE warns and does nothing.
_LOCKS = """
    select p.oid::regprocedure::text, pg_has_role(current_user, p.proowner, 'USAGE') from pg_proc p
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ '^pg_(try_)?advisory_(xact_)?lock'
      and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)
    order by 1
"""


def _closed_to_public(connection: Connection) -> list[str]:
    """Nobody connects to the store, or takes an advisory lock in it that a night needs, who was not let in."""
    database = str(connection.exec_driver_sql("select current_database()").scalar_one())
    name = sql.Identifier(database)
    missing = []
    open_to_all = connection.exec_driver_sql(
        "select exists (select from pg_database d cross join lateral aclexplode(coalesce(datacl, acldefault('d', datdba))) a "
        "where datname = current_database() and a.grantee = 0)"
    ).scalar_one()
    if open_to_all and not _tried(
        connection, sql.SQL("revoke all on database {} from public").format(name), database
    ):
        missing.append(
            f"Anybody with a login on this server may connect to the database {database}, which this login does not own. "
            f"Its owner types: revoke all on database {database} from public;"
        )
    wanted = {
        **dict.fromkeys((READER, SENSITIVE_READER, *PEOPLE), "connect"),
        APPLICATION: "connect, temporary",
        OWNER: "create",
    }
    lacking = connection.execute(
        text(
            "select r.rolname from unnest(cast(:roles as text[]), cast(:privileges as text[])) w (role, privilege) "
            "join pg_roles r on r.rolname = w.role where not has_database_privilege(r.oid, current_database(), w.privilege)"
        ),
        {"roles": list(wanted), "privileges": [granted.split(", ")[-1] for granted in wanted.values()]},
    ).scalars()
    for role in sorted(lacking, key=list(wanted).index):
        privileges = wanted[role]
        asked = sql.SQL("grant {} on database {} to {}").format(
            sql.SQL(privileges), name, sql.Identifier(role)
        )
        if not _tried(connection, asked, database):
            missing.append(
                f"{role} may not {privileges} here. The owner of the database types: grant {privileges} on database "
                f"{database} to {role};"
            )
    functions = connection.exec_driver_sql(_LOCKS).all()
    if not all(ours for _, ours in functions):
        missing.append(
            "Anybody who may connect can take the advisory locks that a night needs. A superuser types, in this database, for "
            "each function whose name starts pg_advisory or pg_try_advisory: revoke execute on function ... from public; and "
            f"grant execute on function ... to {APPLICATION};"
        )
        return missing
    for function, _ in functions:
        _do(connection, sql.SQL(f"revoke execute on function {function} from public"))
        for role in (OWNER, APPLICATION):
            if _exists(connection, role):
                _do(connection, sql.SQL(f"grant execute on function {function} to {role}"))
    return missing


def make_login(
    connection: Connection, name: str, password: str, *, sensitive: bool = False, role: str | None = None
) -> None:
    """A login that reads ``reporting`` or, with ``sensitive``, ``sensitive``; with ``role``, what somebody in that role sees, and
    may call what they may do. One that is there gets this password, and this as well as what it has.

    Raises LoginRefused when this server does not let us make one, and for a name that is one of the store's own roles.
    """
    group = acts.login_role(role) if role else SENSITIVE_READER if sensitive else READER
    me = str(connection.exec_driver_sql("select current_user").scalar_one())
    if name in (*ROLES, me) or name.startswith("pg_"):
        raise LoginRefused(
            f"'{name}' is a role of the store or the server itself: give the reader a name of their own."
        )
    login = sql.Identifier(name)
    there = _exists(connection, name)
    if there and not _is_reader(connection, name):
        raise LoginRefused(
            f"There is a role '{name}' on this server that is no reader of this store: its password is left alone. "
            f"To let it read, an administrator types: grant {group} to {name};"
        )
    kept = _kept_password(connection, name, password)
    asked = [
        sql.SQL("{} role {} login connection limit {} password {}").format(
            sql.SQL("alter" if there else "create"), login, sql.Literal(_CONNECTIONS), sql.Literal(kept)
        ),
        sql.SQL("grant {} to {}").format(sql.Identifier(group), login),
        *(
            sql.SQL("alter role {} set {} = {}").format(login, sql.Identifier(setting), sql.Literal(value))
            for setting, value in LIMITS.items()
        ),
    ]
    for statement in asked:
        if not _tried(connection, statement):
            raise LoginRefused(
                "This store's login may not make logins on this server. An administrator types: "
                f"create role {name} login in role {group}; \\password {name} and, for each limit of a reader, "
                f"alter role {name} set statement_timeout = '{LIMITS['statement_timeout']}'; ... (docs/runbook.md lists them)."
            )


def new_password() -> str:
    """A password nobody will guess, without a character that a URL would have to escape."""
    return secrets.token_urlsafe(24)


def _is_reader(connection: Connection, name: str) -> bool:
    return any(
        _exists(connection, group) and _has(connection, name, group) for group in (*READERS.values(), *PEOPLE)
    ) and not _has(connection, name, OWNER)


def _exists(connection: Connection, role: str) -> bool:
    query = text("select exists (select from pg_roles where rolname = :role)")
    return bool(connection.execute(query, {"role": role}).scalar_one())


def _has(connection: Connection, member: str, role: str) -> bool:
    query = text("select pg_has_role(:member, :role, 'USAGE')")
    return bool(connection.execute(query, {"member": member, "role": role}).scalar_one())


def _do(connection: Connection, statement: sql.SQL | sql.Composed) -> None:
    raw(connection).execute(statement)


def _tried(connection: Connection, statement: sql.SQL | sql.Composed, database: str | None = None) -> bool:
    """Whether the statement could be run; the transaction goes on either way.

    Of a ``database`` that is somebody else's, GRANT and REVOKE warn and do nothing: that is asked first.
    """
    if database is not None and not _owns(connection, database):
        return False
    savepoint = connection.begin_nested()
    try:
        _do(connection, statement)
    except psycopg.Error:
        savepoint.rollback()
        return False
    savepoint.commit()
    return True


def _owns(connection: Connection, database: str) -> bool:
    query = text("select pg_has_role(current_user, datdba, 'USAGE') from pg_database where datname = :name")
    return bool(connection.execute(query, {"name": database}).scalar_one())


def url_as(url: str, login: str, password: str) -> str:
    """The same database for another login."""
    return make_url(url).set(username=login, password=password).render_as_string(hide_password=False)
