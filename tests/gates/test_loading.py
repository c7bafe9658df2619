"""Great Expectations is loaded without what nobody uses, and that is there all the same for whoever does."""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator

import pytest

from case_closure.gates.loading import put_off

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
