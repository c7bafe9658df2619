"""Airflow's settings as the project makes them: defaults, never over what the user has set."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from case_closure.local import embedded, environment
from case_closure.settings import Settings, SettingsInvalid

METADATA = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
THEIRS = "postgresql+psycopg://airflow:secret@db/airflow"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home with a metadata database of the user's own, and no other variable of Airflow's set."""
    for name in list(os.environ):
        if name.startswith("AIRFLOW"):
            monkeypatch.delenv(name)
    monkeypatch.setenv(METADATA, THEIRS)
    return Settings.from_environment({"CASE_CLOSURE_HOME": str(tmp_path)})


def of_airflow(variables: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith("AIRFLOW__")}


def test_every_setting_that_the_user_makes_stays(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = of_airflow(environment.airflow_environment(settings))
    assert len(defaults) > 15
    assert defaults[METADATA] == defaults[f"{METADATA}_ASYNC"] == THEIRS
    free = {name: "theirs" for name in defaults if name not in environment.CANNOT_BE_THEIRS}
    for name, value in free.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", "redis://broker")
    made = environment.airflow_environment(settings)
    assert {name: made[name] for name in free} == free
    assert made["AIRFLOW__CELERY__BROKER_URL"] == "redis://broker"
    assert made["AIRFLOW_HOME"] == str(settings.own_home / "airflow")


def test_one_that_is_set_to_nothing_is_not_set(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "")
    assert environment.airflow_environment(settings)["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"


@pytest.mark.parametrize("way", ["_CMD", "_SECRET"])
def test_one_that_is_fetched_from_elsewhere_stays_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Airflow takes the plain variable before the others: ours must not be there. No server of ours is started beside theirs."""
    monkeypatch.delenv(METADATA)
    monkeypatch.setattr(embedded, "ensure_running", lambda home: pytest.fail("started a server"))
    for name in (METADATA, "AIRFLOW__CORE__FERNET_KEY"):
        monkeypatch.setenv(name + way, "somewhere")
    made = environment.airflow_environment(settings)
    assert not {METADATA, f"{METADATA}_ASYNC", "AIRFLOW__CORE__FERNET_KEY"} & made.keys()
    assert made[METADATA + way] == "somewhere"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://127.0.0.1:8080"),
        ("10.0.0.5", "http://10.0.0.5:8080"),
        ("fd00::5", "http://[fd00::5]:8080"),
    ],
)
def test_airflow_is_asked_where_it_listens(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, host: str, url: str
) -> None:
    monkeypatch.setenv("AIRFLOW__API__HOST", host)
    made = environment.airflow_environment(settings)
    assert made["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"{url}/execution/"
    assert made["AIRFLOW__API__HOST"] == (host or "127.0.0.1")


def test_pages_that_speak_tls_themselves_are_refused_in_words(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__SSL_CERT", "/etc/cert.pem")
    says = "AIRFLOW__API__SSL_CERT: expected it not to be set, found '/etc/cert.pem'.*Let a proxy"
    with pytest.raises(SettingsInvalid, match=says):
        environment.airflow_environment(settings)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("AIRFLOW__API__PORT", "Set CASE_CLOSURE_PORT instead"),
        ("AIRFLOW__CORE__AUTH_MANAGER", "start Airflow's processes yourself"),
    ],
)
def test_what_the_supervisor_cannot_do_without_is_refused_in_words(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    ours = environment.airflow_environment(settings)[name]
    monkeypatch.setenv(name, "1234")
    with pytest.raises(
        SettingsInvalid, match=f"{name}: expected it not to be set, or to be '{ours}', found '1234'.*{says}"
    ):
        environment.airflow_environment(settings)
    monkeypatch.setenv(name, ours)
    assert environment.airflow_environment(settings)[name] == ours
