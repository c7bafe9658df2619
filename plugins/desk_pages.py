"""Mounts the desk in Airflow's own server, and names its pages in Airflow's menu and beside a run of the night.

Belongs here: how Airflow knows a person, and where the pages hang. Does not belong here: any page (``case_closure.web``).
Airflow mounts such an application without asking anybody to sign in: the application asks by itself, on every route.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/desk"


async def find_person(request: Any) -> Any:
    """Who is signed in to Airflow, with the roles they have here. Raises a 401, also for a token that is none, as of
    another installation or one that was signed out: Airflow would call that forbidden.

    Airflow's administrators are operators here: they run the machine, and see no record of a person by that.
    """
    from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
    from fastapi import HTTPException

    from case_closure.domain.permissions import OPERATOR, ROLES, Actor

    try:
        user = await get_user(request, None, await bearer_scheme(request))
    except HTTPException:
        raise HTTPException(401) from None
    names = {role.name for role in getattr(user, "roles", [])}
    roles = names & ROLES.keys() | ({OPERATOR} if "Admin" in names else set())
    return Actor(str(user.get_name()), frozenset(roles))


class _Desk:
    """The application, made when it is first asked: the scheduler and the tasks load plugins too, and serve no page."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            self._app = _make()
        await self._app(scope, receive, send)


def _make() -> Any:
    from functools import cache

    from airflow.configuration import conf

    from case_closure.local.store import with_store
    from case_closure.store import database
    from case_closure.web.app import make_app
    from case_closure.web.site import Site

    @cache
    def find_settings() -> Any:
        settings = with_store()
        database.migrate(settings.store_url)
        return settings

    # Below Airflow's own address, whatever stands before it.
    base = conf.get("api", "base_url", fallback="").partition("://")[2].partition("/")[2].strip("/")
    return make_app(
        Site(find_settings, secret=conf.get("api", "secret_key"), airflow=f"/{base}" if base else ""),
        find_person,
    )


class DeskPages(AirflowPlugin):
    """Lets Airflow mount it."""

    name = "desk_pages"
    fastapi_apps: list[Any] = [{"app": _Desk(), "url_prefix": PREFIX, "name": "Case closure desk"}]  # noqa: RUF012 -- the base asks for lists
    external_views: list[Any] = [  # noqa: RUF012
        {"name": "Desk", "href": f"{PREFIX}/", "destination": "nav", "url_route": "desk", "nav_top_level": True},
        {
            "name": "Night", "href": f"{PREFIX}/runs/{{DAG_ID}}/{{RUN_ID}}", "destination": "dag_run", "url_route": "night",
        },
    ]  # fmt: skip
