"""Loads Great Expectations in half the time, by not loading what only expectations that are not in use would need.

Belongs here: GX's first import, and putting imports off until their first use. Does not belong here: any use of GX.
Every process that judges a row pays for this import, which is more than judging twenty thousand casegroups costs.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

# Statistics and charts, by GX's test of a distribution alone.
NOT_USED = ("scipy.stats", "altair")


class _AtFirstUse(types.ModuleType):
    """Stands for a module until something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # to be looked at is not to be used
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextlib.contextmanager
def put_off(*names: str) -> Iterator[None]:
    """While inside, whoever imports these modules gets a stand-in that loads the real one at its first use.

    Modules loaded already, or not installed, are left alone. Nor does the collector of garbage run meanwhile: what an
    import makes is there to stay.
    """
    stand_ins = {}
    for name in names:
        if name not in sys.modules and (spec := importlib.util.find_spec(name)) is not None:
            stand_ins[name] = _AtFirstUse(name)
            stand_ins[name].__spec__ = spec
    sys.modules.update(stand_ins)
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]


os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

with put_off(*NOT_USED):
    import great_expectations.expectations  # noqa: F401
