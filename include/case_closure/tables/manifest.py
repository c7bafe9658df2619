"""The shape of ``manifest.json``, which vouches for a folder of files: for what comes in and for what goes out alike.

Belongs here: the file's name, and writing it. Does not belong here: proving a folder by it (``landing.manifest``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

MANIFEST = "manifest.json"


def write_manifest(
    folder: Any, business_date: date, extract_id: str, files: Sequence[Mapping[str, Any]]
) -> None:
    """Write manifest.json into the folder, any pathlib-like path; ``files``: its entries (name, rows, sha256, control_totals)."""
    manifest = {"business_date": business_date.isoformat(), "extract_id": extract_id, "files": list(files)}
    with (folder / MANIFEST).open("wb") as out:
        out.write((json.dumps(manifest, indent=1) + "\n").encode())
