"""The nine buckets and how pence are shown (B44, R5, R6)."""

from __future__ import annotations

import pytest

from case_closure.domain.money import BUCKET_COLUMNS, BUCKETS, RP_BUCKET_COLUMNS, pounds
from case_closure.tables.landed import FILES


def test_B44_there_are_nine_buckets_of_three_creditors_and_three_statuses() -> None:
    assert [(bucket.creditor, bucket.arrears_status) for bucket in BUCKETS] == [
        ("RP", "ACTIVE"), ("RP", "SUSPENDED"), ("RP", "DEFERRED"),
        ("GB_SOS", "ACTIVE"), ("GB_SOS", "SUSPENDED"), ("GB_SOS", "DEFERRED"),
        ("NI_SOS", "ACTIVE"), ("NI_SOS", "SUSPENDED"), ("NI_SOS", "DEFERRED"),
    ]  # fmt: skip


def test_B44_each_bucket_is_a_column_of_the_balances_file() -> None:
    assert [name for name in FILES["csa_balances"].column_names if name in BUCKET_COLUMNS] == list(
        BUCKET_COLUMNS
    )


def test_R14_what_is_owed_to_the_receiving_parent_is_three_of_them() -> None:
    assert RP_BUCKET_COLUMNS == ("rp_active_pence", "rp_suspended_pence", "rp_deferred_pence")


@pytest.mark.parametrize(
    ("pence", "shown"),
    [
        (0, "0.00"), (1, "0.01"), (-5, "-0.05"), (100, "1.00"), (-100, "-1.00"), (123456, "1,234.56"),
        (2**63 - 1, "92,233,720,368,547,758.07"), (-(2**63), "-92,233,720,368,547,758.08"),
    ],
)  # fmt: skip
def test_pounds_are_exact_to_the_penny_at_any_size(pence: int, shown: str) -> None:
    assert pounds(pence) == shown
