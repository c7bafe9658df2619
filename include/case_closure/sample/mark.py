"""The mark that a sample leaves beside its nights, and what it vouches for: that nothing but a sample is there.

Belongs here: writing it, and holding a landing zone against it. Does not belong here: what is done on a sample alone
(``local.people``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Final

from case_closure.tables.manifest import MANIFEST

MARK: Final = "sample.json"


def write(out: Path) -> None:
    """Put on record which nights the sample made, each with the hash of its manifest."""
    nights = {path.parent.name: _sha256(path) for path in sorted(out.glob(f"*-*-*/{MANIFEST}"))}
    said = {"made_by": "case-closure sample: nobody in it exists", "manifests": nights}
    (out / MARK).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def is_all(landing: Path, nights_begun: Iterable[date]) -> bool:
    """Whether every night that lies in ``landing``, and every night begun, is the sample's, as it was made.

    A night of anybody else's, landed there or taken in from elsewhere, and it is no sample any more.
    """
    try:
        manifests: dict[str, str] = dict(json.loads((landing / MARK).read_bytes())["manifests"])
        landed = {path.parent.name: _sha256(path) for path in landing.glob(f"*/{MANIFEST}")}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    begun = {one.isoformat() for one in nights_begun}
    return bool(landed) and landed.items() <= manifests.items() and begun <= manifests.keys()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
