"""Pictures of the desk for the docs, of a night of the sample: `python -m tests.pages.screenshots docs/desk`.

Belongs here: which pages, how wide. Does not belong here: what a page ought to show. To be looked at whenever a page changes.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import date
from pathlib import Path

from case_closure import sample
from case_closure.local import embedded
from case_closure.store import database
from tests.support.browser import browsing
from tests.support.desk import Desk, address_of, sign_in
from tests.support.installation import Databases

_NIGHTS = (date(2017, 8, 10), date(2017, 8, 11))
_PAGES = {
    "night": "/nights/{business_date}", "exceptions": "/exceptions", "causes": "/exceptions/causes",
    "exception": "/exceptions/{exception_id:path}", "casegroup": "/casegroups/{casegroup_id}", "payments": "/payments",
    "letters": "/letters", "reconciliation": "/reconciliation", "tranches": "/tranches", "acts": "/acts",
}  # fmt: skip


def take(into: Path) -> None:
    """A picture of the top of each page."""
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="case-closure-") as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "var"
        databases = Databases.on(embedded.ensure_running(home), home)
        with databases.installation() as installation:
            sample.generate(installation.landing, _NIGHTS[0], len(_NIGHTS), 200, 1)
            for on in _NIGHTS:
                installation.run(on)
            desk = Desk(installation)
            with desk.served() as address, browsing() as browser:
                context = browser.new_context(viewport={"width": 1280, "height": 1000})
                sign_in(context, address, name="anna")
                page = context.new_page()
                for name, path in _PAGES.items():
                    page.goto(address + address_of(path, installation))
                    page.screenshot(path=into / f"{name}.png")
            database.forget(installation.url)
        embedded.stop(home)


if __name__ == "__main__":
    take(Path(sys.argv[1]))
