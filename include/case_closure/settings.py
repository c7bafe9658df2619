"""What a person may set, read from the environment and checked once, at the door.

Belongs here: every setting, its default, its unit and the message for a value that cannot be. Does not
belong here: starting anything, opening a database, or knowing Airflow. Every stage receives a `Settings`;
none reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from case_closure.domain.texts import shown
from case_closure.folders import why_not_apart
from case_closure.refusals import Refused

HOME = "CASE_CLOSURE_HOME"
DATABASE_URL = "CASE_CLOSURE_DATABASE_URL"
LANDING = "CASE_CLOSURE_LANDING"
OUTBOUND = "CASE_CLOSURE_OUTBOUND"
BALANCE_LIMIT_PENCE = "CASE_CLOSURE_BALANCE_LIMIT_PENCE"
LOW_VALUE_PENCE = "CASE_CLOSURE_LOW_VALUE_PENCE"
PARTITION_CASEGROUPS = "CASE_CLOSURE_PARTITION_CASEGROUPS"
WORKERS = "CASE_CLOSURE_WORKERS"
SLOTS = "CASE_CLOSURE_SLOTS"
LOGIN_PORT = "CASE_CLOSURE_PORT"
CONTROL_GROUP = "CASE_CLOSURE_CONTROL_GROUP"
LETTERS_CHANNEL = "CASE_CLOSURE_LETTERS_CHANNEL"
NOTIFY_API_KEY = "CASE_CLOSURE_NOTIFY_API_KEY"
NOTIFY_URL = "CASE_CLOSURE_NOTIFY_URL"
CALL = "CASE_CLOSURE_CALL"
STUCK_DAYS = "CASE_CLOSURE_STUCK_DAYS"

CHANNELS = ("print", "notify")

_DRIVER = "postgresql+psycopg://"


class SettingsInvalid(Refused):
    """A setting cannot be used; the message names it, says what it holds and what it may hold."""


@dataclass(frozen=True)
class Settings:
    """The settings of one installation.

    home: holds the embedded database, Airflow's home and, unless set, landing and outbound. Absolute. None where a database and
    both folders are given and no home is named: a night then needs none.
    database_url: the user's own PostgreSQL ('postgresql+psycopg://...'), or None for the embedded one.
    landing, outbound: a local folder (absolute) or an object-store URL, each holding one folder a business
    date.
    balance_implausible_pence: a bucket beyond +/- this is balance_amount_implausible.
    low_value_pence: what the rules leave of a debt and is not above it is written off as of low value; None: nothing is (R23).
    partition_casegroups: casegroups handled at a time, which bounds memory.
    workers: processes that work on parts of a night side by side.
    slots: tasks that a stage in parts is mapped over, on as many workers of Airflow; 1: no stage is.
    port: the port of Airflow's pages on loopback, 0 for any that is free.
    control_group: who may approve tranche criteria (B6): user names of Airflow's, each with its number there or
    None. Empty: anybody who may answer, but the proposer.
    letters_channel: how letters leave: 'print', the outbound folder a print house fetches, or 'notify', GOV.UK Notify.
    notify_api_key, notify_url: its key (a secret, in no log) and where it is.
    stuck_days: what waits for more days than these is stuck (R36).
    call: whom to call when a night fails, as told with every failure; None: nobody is named.
    """

    home: Path | None
    database_url: str | None
    landing: str
    outbound: str
    balance_implausible_pence: int = 100_000_000
    low_value_pence: int | None = None
    partition_casegroups: int = 100_000
    workers: int = 2
    slots: int = 1
    port: int = 8080
    control_group: tuple[tuple[str, str | None], ...] = ()
    letters_channel: str = "print"
    notify_api_key: str | None = field(default=None, repr=False)
    notify_url: str = "https://api.notifications.service.gov.uk"
    call: str | None = None
    stuck_days: int = 28

    @property
    def own_home(self) -> Path:
        """Where this machine keeps what is its own (Airflow's files, the embedded database, logins of readers); no night does."""
        return Path("var").absolute() if self.home is None else self.home

    @property
    def store_url(self) -> str:
        """The store's SQLAlchemy URL. Raises SettingsInvalid where none is named: the door finds it (``local.store``)."""
        if self.database_url is None:
            raise SettingsInvalid(f"{DATABASE_URL}: expected the database to work in, found none.")
        return self.database_url

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Settings from `env` (default: the process's). Raises SettingsInvalid."""
        env = os.environ if env is None else env
        named = env.get(HOME, "").strip()
        home = Path(named or "var").expanduser().absolute()
        given = [env.get(name, "").strip() for name in (DATABASE_URL, LANDING, OUTBOUND)]
        landing = folder_or_url(env.get(LANDING, ""), home / "landing")
        outbound = folder_or_url(env.get(OUTBOUND, ""), home / "outbound")
        must_be_apart(landing, outbound, f"{LANDING}, {OUTBOUND}")
        return cls(
            home=home if named or not all(given) else None,
            database_url=_database_url(env.get(DATABASE_URL, "")),
            landing=landing,
            outbound=outbound,
            balance_implausible_pence=_whole(env, BALANCE_LIMIT_PENCE, 100_000_000, "pence", lowest=1),
            low_value_pence=_whole(env, LOW_VALUE_PENCE, 0, "pence", lowest=0)
            if env.get(LOW_VALUE_PENCE, "").strip()
            else None,
            partition_casegroups=_whole(env, PARTITION_CASEGROUPS, 100_000, "casegroups", lowest=1),
            workers=_whole(env, WORKERS, min(os.cpu_count() or 1, 4), "processes", lowest=1, highest=64),
            slots=_whole(env, SLOTS, 1, "tasks side by side", lowest=1, highest=64),
            port=_whole(env, LOGIN_PORT, 8080, "a port, 0 for any free one", lowest=0, highest=65_535),
            control_group=_members(env.get(CONTROL_GROUP, "")),
            letters_channel=_one_of(env, LETTERS_CHANNEL, CHANNELS),
            notify_api_key=_api_key(env.get(NOTIFY_API_KEY, "")),
            notify_url=env.get(NOTIFY_URL, "").strip() or cls.notify_url,
            stuck_days=_whole(env, STUCK_DAYS, 28, "days", lowest=0, highest=36_500),
            call=" ".join(env.get(CALL, "").split()) or None,
        )


def folder_or_url(given: str, default: Path) -> str:
    """An object-store URL as given, a local folder made absolute, `default` when nothing is given."""
    given = given.strip()
    if not given:
        return str(default)
    if "://" in given:
        return given
    return str(Path(given).expanduser().absolute())


def must_be_apart(landing: str, outbound: str, named: str) -> None:
    """Raises SettingsInvalid, naming what they were given by, unless writing to outbound leaves landing alone."""
    in_the_way = why_not_apart(landing, outbound)
    if in_the_way is not None:
        raise SettingsInvalid(
            f"{named}: expected two folders apart from each other, found {shown(landing, 400)} and {shown(outbound, 400)}: "
            f"{in_the_way}, so that writing out would replace what was landed. Give another folder as outbound."
        )


def _database_url(given: str) -> str | None:
    given = given.strip()
    if not given:
        return None
    scheme, found, rest = given.partition("://")
    if not found or scheme not in ("postgresql", "postgres", "postgresql+psycopg") or not rest:
        # Not quoted back: it may carry a password.
        raise SettingsInvalid(
            f"{DATABASE_URL}: expected 'postgresql+psycopg://user:password@host:port/database', "
            f"found a value that starts '{scheme[:20]}'. Only PostgreSQL is supported; "
            "leave it unset to use the embedded one."
        )
    return _DRIVER + rest


def _members(given: str) -> tuple[tuple[str, str | None], ...]:
    members: list[tuple[str, str | None]] = []
    for one in filter(None, (part.strip() for part in given.split(","))):
        name, _, number = (part.strip() for part in one.partition(":"))
        if not name or any(name == other for other, _ in members):
            raise SettingsInvalid(
                f"{CONTROL_GROUP}: expected user names with commas between, each once, such as 'anna,ben' or with their "
                f"numbers in Airflow 'anna:3,ben:4', found '{given}'."
            )
        members.append((name, number or None))
    return tuple(members)


def _one_of(env: Mapping[str, str], name: str, values: tuple[str, ...]) -> str:
    value = env.get(name, "").strip().lower() or values[0]
    if value not in values:
        raise SettingsInvalid(f"{name}: expected one of {', '.join(values)}, found '{value}'.")
    return value


def _api_key(given: str) -> str | None:
    given = given.strip()
    # A name, the service's id and the secret, each id of 36 characters; not quoted back.
    if given and len(given) < 74:
        raise SettingsInvalid(
            f"{NOTIFY_API_KEY}: expected an API key as GOV.UK Notify gives it (name, service, secret, joined by '-'), found "
            f"{len(given)} characters."
        )
    return given or None


def _whole(
    env: Mapping[str, str], name: str, default: int, unit: str, *, lowest: int, highest: int | None = None
) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    bounds = f"a whole number from {lowest}" + (f" to {highest}" if highest is not None else " up")
    try:
        value = int(text)
    except ValueError:
        raise SettingsInvalid(f"{name}: expected {bounds} ({unit}), found '{text}'.") from None
    if value < lowest or (highest is not None and value > highest):
        raise SettingsInvalid(f"{name}: expected {bounds} ({unit}), found {value}.")
    return value
