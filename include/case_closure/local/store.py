"""Which store is in use: the one that is named, else the embedded one, started if it is not running.

Belongs here: finding it, once, at the door. Does not belong here: the server itself (``embedded``), what lies in it.
"""

from __future__ import annotations

from dataclasses import replace

from case_closure.local import embedded
from case_closure.settings import Settings


def with_store(settings: Settings | None = None) -> Settings:
    """The settings (default: the environment's) with the store they mean. Raises SettingsInvalid, embedded.ServerUnavailable."""
    settings = Settings.from_environment() if settings is None else settings
    return replace(settings, database_url=embedded.store_url(settings))
