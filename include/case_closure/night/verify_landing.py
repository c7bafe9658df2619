"""Hold the landing folder against its manifest; any disagreement rejects it whole (R22).

Belongs here: proving the extract, and refusing another one for a night that succeeded. Does not belong here: how a folder is
proved (``landing.manifest``).
"""

from __future__ import annotations

from case_closure.domain.texts import shown
from case_closure.landing.manifest import landed_sha256, verify
from case_closure.landing.reading import Landing
from case_closure.landing.rejection import LandingRejected
from case_closure.night.context import NightContext, Summary
from case_closure.night.guard import entered, fail, record
from case_closure.store import nights


def run(ctx: NightContext, url: str) -> Summary:
    with entered(ctx, url, "verify_landing") as (_, night):
        pass
    # Of an extract that was taken in every value has been read: its hashes say that these are the same bytes.
    landing = verified(ctx, every_value=not is_taken_in(ctx, night))
    if night.succeeded and night.manifest_sha256 != landing.manifest_sha256:
        raise fail(
            ctx, "verify_landing",
            f"The night of {ctx.business_date} succeeded from another extract than the one that lies in the landing folder now "
            f"({shown(landing.extract_id)}). A night that succeeded is not changed: put the first extract back, or land what is "
            "new under a later business date.",
        )  # fmt: skip
    return {
        "extract": shown(landing.extract_id),
        "files": len(landing.files),
        "rows": sum(file.rows for file in landing.files),
    }


def is_taken_in(ctx: NightContext, night: nights.Night) -> bool:
    """Whether what lies in the landing folder is, by its manifest, the extract that the night has taken in."""
    taken_in = night.manifest_sha256
    return taken_in is not None and landed_sha256(ctx.landing / ctx.business_date.isoformat()) == taken_in


def verified(ctx: NightContext, *, every_value: bool) -> Landing:
    """The night's extract, proven to agree with its manifest; else the night is rejected whole (R22).

    Every value is read once, before any stage works; receiving proves again by the hashes that it holds what was verified.
    """
    try:
        return verify(ctx.landing / ctx.business_date.isoformat(), ctx.business_date, every_value=every_value)
    except LandingRejected as rejected:
        record(ctx, nights.REJECTED, "verify_landing", str(rejected))
        raise
