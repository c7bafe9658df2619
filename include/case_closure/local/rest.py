"""Airflow's REST API on loopback, as little of it as is needed, with the standard library.

Belongs here: logging in, asking, and an error a person can act on. Does not belong here: what is asked.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from case_closure import refusals


class RestError(refusals.Refused):
    """Airflow's API refused or did not answer. status is the HTTP code, 0 when there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class AirflowClient:
    """Logged in as one user. Every call raises RestError."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._token = ""
        self._token = self.sign_in(user, password)

    def sign_in(self, user: str, password: str) -> str:
        """The token that says who asks."""
        return str(self.post("/auth/token", {"username": user, "password": password})["access_token"])

    def get(self, path: str) -> dict[str, Any]:
        return self._ask("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._ask("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._ask("PATCH", path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(
            self.url + path,
            method=method,
            headers=headers,
            data=json.dumps(body).encode() if body is not None else None,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                read: dict[str, Any] = json.load(answer)
                return read
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:500]
            raise RestError(
                f"Airflow at {self.url} refused {method} {path}: {error.code} {said}", error.code
            ) from None
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            raise RestError(f"Airflow at {self.url} did not answer {method} {path}: {error}") from None
