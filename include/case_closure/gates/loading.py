"""Loads Great Expectations in half the time, by not loading what only expectations that are not in use would need.

Belongs here: GX's first import, putting imports off until their first use, and having its classes made without doing over what
pydantic did for the class each of them comes from. Does not belong here: any use of GX.
Every process that judges a row pays for this import, which is more than judging twenty thousand casegroups costs.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import gc
import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Iterator
from typing import Any

from pydantic.v1 import class_validators
from pydantic.v1 import main as pydantic_main
from pydantic.v1.fields import ModelField

models: Any = pydantic_main

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


@contextlib.contextmanager
def classes_made_quickly() -> Iterator[None]:
    """While inside, pydantic copies the fields that a class inherits one by one, and not all they refer to down to the last
    constant; and it looks at the arguments of each validator once. GX makes hundreds of classes, each on a hundred such fields:
    a third of its import.
    """
    deeply, at_each = models.smart_deepcopy, class_validators.make_generic_validator

    def copied(value: Any) -> Any:
        if type(value) is dict and all(type(one) is ModelField for one in value.values()):
            return {name: _field_copied(one) for name, one in value.items()}
        return deeply(value)

    models.smart_deepcopy = copied
    class_validators.make_generic_validator = functools.cache(at_each)
    try:
        yield
    finally:
        models.smart_deepcopy, class_validators.make_generic_validator = deeply, at_each


def _field_copied(field: ModelField) -> ModelField:
    """A field of its own for the class that inherits it: what pydantic changes in one, it changes in that alone."""
    own = copy.copy(field)
    own.class_validators = dict(field.class_validators)
    own.field_info = copy.copy(field.field_info)
    own.sub_fields = field.sub_fields and [_field_copied(one) for one in field.sub_fields]
    own.key_field = field.key_field and _field_copied(field.key_field)
    return own


os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

with put_off(*NOT_USED), classes_made_quickly():
    import great_expectations.expectations  # noqa: F401
