"""Great Expectations is loaded without what nobody uses, and that is there all the same for whoever does."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator

import pydantic.v1 as models
import pytest
from pydantic.v1 import class_validators

from case_closure.gates.loading import classes_made_quickly, put_off
from case_closure.gates.loading import models as pydantic_main

NAME = "xml.sax.saxutils"


@pytest.fixture(autouse=True)
def not_loaded() -> Iterator[None]:
    before = sys.modules.pop(NAME, None)
    yield
    sys.modules.pop(NAME, None)
    if before is not None:
        sys.modules[NAME] = before


def test_a_module_put_off_is_loaded_when_something_of_it_is_asked_for() -> None:
    with put_off(NAME):
        stand_in = importlib.import_module(NAME)
        assert "escape" not in vars(stand_in)
    assert NAME not in sys.modules
    assert stand_in.escape("<") == "&lt;"
    assert "escape" in vars(sys.modules[NAME])


def test_also_while_it_is_put_off() -> None:
    with put_off(NAME):
        from xml.sax.saxutils import escape

        assert escape("&") == "&amp;"


def test_what_is_loaded_or_not_installed_is_left_alone() -> None:
    before = sys.modules["gc"]
    with put_off("gc", "no_such_module"):
        assert sys.modules["gc"] is before
        assert "no_such_module" not in sys.modules


def test_garbage_is_collected_again_afterwards_also_after_an_error() -> None:
    assert gc.isenabled()
    with put_off(NAME):
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ModuleNotFoundError), put_off(NAME):
        importlib.import_module("no_such_module")
    assert gc.isenabled()
    assert NAME not in sys.modules


def test_a_class_made_quickly_changes_no_field_of_the_one_it_comes_from() -> None:
    with classes_made_quickly():

        class Parent(models.BaseModel):
            name: str = "as it was"
            numbers: list[int] = []
            by_name: dict[str, int] = {}

        class Child(Parent):
            name: str = "other"

            @models.validator("numbers")
            def _doubled(cls, numbers: list[int]) -> list[int]:
                return [2 * number for number in numbers]

    assert (
        Parent().name,
        Parent.parse_obj({"numbers": ["1"]}).numbers,
        Parent.parse_obj({"by_name": {"a": "1"}}).by_name,
    ) == (
        "as it was",
        [1],
        {"a": 1},
    )
    assert (
        Child().name,
        Child.parse_obj({"numbers": ["1"]}).numbers,
        Child.parse_obj({"by_name": {"a": "1"}}).by_name,
    ) == (
        "other",
        [2],
        {"a": 1},
    )
    assert all(Child.__fields__[name] is not field for name, field in Parent.__fields__.items())


def test_pydantic_is_afterwards_as_it_was() -> None:
    before = pydantic_main.smart_deepcopy, class_validators.make_generic_validator
    with classes_made_quickly():
        assert pydantic_main.smart_deepcopy is not before[0]
    assert (pydantic_main.smart_deepcopy, class_validators.make_generic_validator) == before
