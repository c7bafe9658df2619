"""What refuses is caught once at each door: a command or a task that caught its own could word it its own way, or forget to."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from case_closure import refusals

PRODUCT = Path(refusals.__file__).parent
DAGS = PRODUCT.parent.parent / "dags"
DOORS = {"cli": PRODUCT / "cli", "dags": DAGS}
EVERYTHING = {"Exception", "BaseException", ""}


def last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else "?"


def refused_classes() -> set[str]:
    """Names of all classes that derive from Refused, also under another name."""
    bases: dict[str, set[str]] = {"Refused": set()}
    for file in PRODUCT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ClassDef):
                bases.setdefault(node.name, set()).update(map(last_name, node.bases))
    found = {"Refused"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found


def caught(folder: Path) -> Iterator[tuple[str, str]]:
    """(module.function, what it catches) for each `except` and each `suppress`; nothing named is ''."""
    for file in sorted(folder.glob("*.py")):
        for function in ast.walk(ast.parse(file.read_text())):
            if not isinstance(function, ast.FunctionDef):
                continue
            for node in ast.walk(function):
                types: list[ast.expr] = []
                if isinstance(node, ast.ExceptHandler):
                    if node.type is None:
                        yield f"{file.stem}.{function.name}", ""
                        continue
                    types = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
                elif isinstance(node, ast.Call) and last_name(node.func) == "suppress":
                    types = node.args
                for one in types:
                    yield f"{file.stem}.{function.name}", last_name(one)


def test_refusals_of_every_room_are_found() -> None:
    assert {
        "SettingsInvalid",
        "NightRefused",
        "MachineFault",
        "LandingRejected",
        "LetterNotFound",
    } <= refused_classes()


@pytest.mark.parametrize(
    ("door", "once", "besides"),
    [
        # Settings that cannot be read must not hide why a command failed: whom to call is left out then.
        (
            "cli",
            "main.main",
            {("failing.fail", "SettingsInvalid"), ("failing.fault_of_the_machine", "SettingsInvalid")},
        ),
        ("dags", "telling.run_in_words", set()),
    ],
)
def test_what_refuses_is_caught_once_at_each_door(
    door: str, once: str, besides: set[tuple[str, str]]
) -> None:
    refused = refused_classes()
    found = [(where, what) for where, what in caught(DOORS[door]) if what in refused]
    assert found.count((once, "Refused")) == 1
    assert set(found) - {(once, "Refused")} == besides


def test_no_command_catches_whatever_comes() -> None:
    assert {where for where, what in caught(DOORS["cli"]) if what in EVERYTHING} == {"main.main"}
