"""Every page in a real browser: nothing that hinders people, at both widths, in Airflow's frame and alone, without script too."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page

from case_closure.domain.permissions import ROLES
from case_closure.web import access
from tests.support.browser import hindrances, is_wider_than_its_window
from tests.support.desk import FRAME, PREFIX, Desk, address_of, sign_in

PAGES = sorted(path for method, path in access.ROUTES if method == "GET" and not path.startswith("/static/"))


def _is_page(context: BrowserContext, where: str) -> bool:
    """Not something to download."""
    return "attachment" not in context.request.head(where).headers.get("content-disposition", "")


def _assert_hinders_nobody(page: Page, address: str, where: str) -> None:
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    asked_elsewhere: list[str] = []
    page.on(
        "request", lambda asked: None if asked.url.startswith(address) else asked_elsewhere.append(asked.url)
    )
    for width in (1280, 400):
        page.set_viewport_size({"width": width, "height": 900})
        answer = page.goto(where)
        assert answer is not None
        assert answer.status == 200
        assert hindrances(page) == [], width
        assert not is_wider_than_its_window(page), width
    assert [one for one in faults if "favicon" not in one and "404" not in one] == []
    assert [one for one in asked_elsewhere if not one.endswith("/favicon.ico")] == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_hinders_nobody(signed_in: BrowserContext, address: str, desk: Desk, path: str) -> None:
    where = address + address_of(path, desk.installation)
    if _is_page(signed_in, where):
        _assert_hinders_nobody(signed_in.new_page(), address, where)


@pytest.mark.parametrize("path", ["/payments", "/reconciliation", "/tranches"])
def test_a_page_of_sensitive_casegroups_hinders_nobody(browser: Browser, clients: Desk, path: str) -> None:
    with clients.served() as address, browser.new_context() as context:
        sign_in(context, address, *ROLES)
        _assert_hinders_nobody(context.new_page(), address, f"{address}{path}?apart=true")


def test_every_page_works_in_the_frame_of_airflow(
    signed_in: BrowserContext, address: str, desk: Desk
) -> None:
    page = signed_in.new_page()
    for path in PAGES:
        if not _is_page(signed_in, address + address_of(path, desk.installation)):
            continue
        page.goto(address + FRAME + "?where=" + quote(PREFIX + address_of(path, desk.installation)))
        page.frame_locator("iframe").locator("h1").first.wait_for(timeout=10_000)
        assert not is_wider_than_its_window(page.frames[-1]), path


def test_a_page_is_whole_without_script(browser: Browser, address: str, desk: Desk) -> None:
    context = browser.new_context(java_script_enabled=False)
    sign_in(context, address)
    page = context.new_page()
    for path in PAGES:
        where = address + address_of(path, desk.installation)
        if not _is_page(context, where):
            continue
        page.goto(where)
        assert page.locator("h1").count() == 1, path
    context.close()


def test_what_records_say_is_text_and_nothing_else(
    signed_in: BrowserContext, address: str, desk: Desk
) -> None:
    page = signed_in.new_page()
    done: list[str] = []

    def note(dialog: Dialog) -> None:
        done.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    for path in PAGES:
        where = address + address_of(path, desk.installation)
        if not _is_page(signed_in, where):
            continue
        page.goto(where)
        assert page.locator("img").count() == 0, path
        assert "\u202e" not in page.content(), path
    assert done == []


def test_one_goes_from_page_to_page_with_the_keyboard(signed_in: BrowserContext, address: str) -> None:
    page: Page = signed_in.new_page()
    page.goto(address + "/nights")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
