"""The suites judged by plain pandas instead of Great Expectations: thirty times as quick, and a second opinion.

Belongs here: what each kind of expectation in use means, and `Rule.needs`. Tests of stages use it; tests/gates proves
that it and the real engine agree, on every suite.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from case_closure.domain.rules import RULES
from case_closure.gates.engine import Findings, Suite


def _breaks(expectation: Any, frame: pd.DataFrame) -> pd.Series:
    """Where a row breaks the expectation. A null breaks nothing but 'not null'."""
    kind = type(expectation).__name__
    if kind == "ExpectColumnPairValuesAToBeGreaterThanB":
        later, earlier = frame[expectation.column_A], frame[expectation.column_B]
        return later.notna() & earlier.notna() & ~(later >= earlier)
    values = frame[expectation.column]
    if kind == "ExpectColumnValuesToNotBeNull":
        return values.isna()
    given = values.notna()
    if kind == "ExpectColumnValuesToBeInSet":
        return given & ~values.isin(expectation.value_set)
    if kind == "ExpectColumnValuesToBeBetween":
        low, high = expectation.min_value, expectation.max_value
        below = values < low if low is not None else ~given
        above = values > high if high is not None else ~given
        return given & (below.fillna(False) | above.fillna(False))
    if kind == "ExpectColumnValueLengthsToEqual":
        return given & (values.str.len() != expectation.value).fillna(False).astype(bool)
    if kind in ("ExpectColumnValuesToMatchRegex", "ExpectColumnValuesToNotMatchRegex"):
        found = pd.Series(
            [isinstance(text, str) and bool(re.search(expectation.regex, text)) for text in values],
            dtype=bool,
        )
        return given & (found if "Not" in kind else ~found)
    raise NotImplementedError(kind)


def judge(suite: Suite, frame: pd.DataFrame) -> pd.DataFrame:
    """rule_code, field, position of every row that breaks a rule, the first field that broke it; as `engine.run`."""
    broken: dict[tuple[str, int], str] = {}
    plain = frame.reset_index(drop=True)
    for check in suite.checks if len(plain) else ():
        for position in np.flatnonzero(_breaks(check.expectation, plain)):
            broken.setdefault((check.rule_code, int(position)), check.field)
    judged = {
        key: field
        for key, field in broken.items()
        if not any((needed, key[1]) in broken for needed in RULES[key[0]].needs)
    }
    rows = [(code, field, position) for (code, position), field in judged.items()]
    return pd.DataFrame(rows, columns=["rule_code", "field", "position"]).astype(
        {"rule_code": "str", "field": "str", "position": "int64"}
    )


def run(suite: Suite, frame: pd.DataFrame) -> Findings:
    """In place of `engine.run`, for whole nights in which it is not the gates that matter."""
    rows = judge(suite, frame)
    failed = rows["rule_code"].value_counts()
    return Findings(
        suite.name, rows, {code: (len(frame), int(failed.get(code, 0))) for code in suite.rule_codes}
    )
