"""Runs a suite over a frame and says which rows broke which rule.

Belongs here: how GX is driven, and the proof that it judged what it was asked to. Not: the rules themselves.

Measured habits, each of which matters on a night of a million rows: only tested columns are handed over,
rows are named by position and not by index columns, the frame is not fingerprinted, and what a suite asks is worked out once
(``remembering``).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import great_expectations as gx
import great_expectations.execution_engine.pandas_execution_engine as _pandas_engine
import numpy as np
import pandas as pd
import pyarrow as pa
from great_expectations.core.batch import Batch
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.expectation import Expectation

from case_closure.domain.rules import RULES
from case_closure.gates import remembering  # noqa: F401  at work once imported

# Not public, so pinned and tested: 0 means that a frame is never hashed row by row to name its batch.
_pandas_engine.HASH_THRESHOLD = 0
logging.getLogger("great_expectations").setLevel(logging.ERROR)

_RESULT_FORMAT = {
    "result_format": "COMPLETE",
    "include_unexpected_rows": False,
    "return_unexpected_index_query": False,
    "exclude_unexpected_values": True,
}


_NOT_NULL, _BETWEEN = "ExpectColumnValuesToNotBeNull", "ExpectColumnValuesToBeBetween"
_NANOSECONDS = np.datetime64("1700-01-01", "s"), np.datetime64("2200-01-01", "s")


class GateError(Exception):
    """A rule could not be judged. Nothing may pass a gate that did not work, so the stage fails."""


@dataclass(frozen=True)
class Check:
    """An expectation that carries a rule code, and the field a caseworker would look at."""

    rule_code: str
    field: str
    expectation: Expectation

    @property
    def columns(self) -> tuple[str, ...]:
        settings = self.expectation
        names = (getattr(settings, name, None) for name in ("column", "column_A", "column_B"))
        return tuple(name for name in names if name)


@dataclass(frozen=True)
class Suite:
    """The checks on one input file or set-up step."""

    name: str
    checks: tuple[Check, ...]

    @property
    def rule_codes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(check.rule_code for check in self.checks))


@dataclass
class Findings:
    """Who broke what, in one suite over one frame.

    ``rows``: one line a (rule, row), columns ``rule_code`` (str), ``field`` (str, the first that broke it),
    ``position`` (int64, the row's place in the frame). ``tally``: rule code -> (rows judged, rows that failed),
    also for rules that found nothing.
    """

    suite: str
    rows: pd.DataFrame
    tally: dict[str, tuple[int, int]] = field(default_factory=dict)

    def positions(self, *rule_codes: str) -> np.ndarray:
        """Positions that broke any of the rules, each once, in order. int64."""
        broke = self.rows["rule_code"].isin(rule_codes)
        return np.unique(self.rows.loc[broke, "position"].to_numpy(np.int64))

    def shares(
        self, casegroup_ids: pd.Series, sensitive: np.ndarray | None = None
    ) -> dict[str, dict[str, int]]:
        """What each casegroup has in the tally: rows judged under '', and rows failed under each rule that was broken.

        Rows of no casegroup that are ``sensitive`` are those of casegroup ''; others of none are nobody's (R42).
        """
        mine = casegroup_ids.reset_index(drop=True)
        mine = mine.where(mine.notna() & (mine != ""), None)
        if sensitive is not None and sensitive.any():
            mine = mine.mask(mine.isna() & sensitive, "")
        texts = pa.array(mine, type=pa.string(), from_pandas=True)
        texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        if texts.null_count == len(texts):
            return {}
        failed = {
            str(rule): texts.take(pa.array(rows["position"].to_numpy(np.int64)))
            for rule, rows in self.rows.groupby("rule_code")
        }
        return {what: _times_there(of) for what, of in ({"": texts} | failed).items()}

    def broke_any(self, length: int, rule_codes: Iterable[str] | None = None) -> np.ndarray:
        """A bool for each row of the judged frame: broke one of the rules (by default, any)."""
        mask = np.zeros(length, dtype=bool)
        rows = self.rows if rule_codes is None else self.rows[self.rows["rule_code"].isin(list(rule_codes))]
        mask[rows["position"].to_numpy(np.int64)] = True
        return mask


def _times_there(texts: pa.Array) -> dict[str, int]:
    counted = texts.drop_null().value_counts()
    return dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))


_context = None


def _batch(frame: pd.DataFrame) -> Batch:
    global _context
    if _context is None:
        _context = gx.get_context(mode="ephemeral")
        _context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = _context.data_sources.add_pandas("night").add_dataframe_asset("frame")
        asset.add_batch_definition_whole_dataframe("whole")
    definition = _context.data_sources.get("night").get_asset("frame").get_batch_definition("whole")
    return definition.get_batch({"dataframe": frame})


def run(suite: Suite, frame: pd.DataFrame) -> Findings:
    """Judge every row of ``frame`` by every check of ``suite``.

    Rows in any order and with any index; findings name rows by position. A rule that needs another one is
    not judged where that one failed (``Rule.needs``): its finding is dropped there.

    Raises GateError when a check errors or does not account for every row it counted.
    """
    columns = list(dict.fromkeys(name for check in suite.checks for name in check.columns))
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise GateError(f"gate {suite.name}: the frame has no column {', '.join(missing)}")
    findings: list[pd.DataFrame] = []
    judged = len(frame)
    if judged:
        findings = _validate(suite, _cheap_to_judge(suite, frame[columns].reset_index(drop=True)))
    rows = (
        pd.concat(findings, ignore_index=True)
        if findings
        else pd.DataFrame(
            {
                "rule_code": pd.Series(dtype="str"),
                "field": pd.Series(dtype="str"),
                "position": pd.Series(dtype="int64"),
            }
        )
    )
    rows = rows.drop_duplicates(["rule_code", "position"], ignore_index=True)
    rows = _drop_unjudged(rows)
    failed = rows["rule_code"].value_counts()
    tally = {code: (judged, int(failed.get(code, 0))) for code in suite.rule_codes}
    return Findings(suite.name, rows, tally)


def _cheap_to_judge(suite: Suite, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with columns that GX would otherwise visit value by value in kinds it judges whole."""
    kinds: dict[str, set[str]] = {}
    for check in suite.checks:
        for name in check.columns:
            kinds.setdefault(name, set()).add(type(check.expectation).__name__)
    handed: dict[str, Any] = {}
    for name, judged_by in kinds.items():
        values = frame[name]
        if judged_by == {_NOT_NULL} and not pd.api.types.is_bool_dtype(values):
            # What it is does not matter to whether it is there, and numbers are quick to pick out.
            handed[name] = np.where(values.isna(), np.nan, 0.0)
        elif judged_by <= {_NOT_NULL, _BETWEEN} and pd.api.types.is_datetime64_dtype(values):
            # A date beyond what nanoseconds can say is beyond any bound that they can say.
            handed[name] = np.clip(values.to_numpy("datetime64[s]"), *_NANOSECONDS).astype("datetime64[ns]")
        else:
            handed[name] = values
    return pd.DataFrame(handed, index=frame.index)


def _validate(suite: Suite, frame: pd.DataFrame) -> list[pd.DataFrame]:
    expectations = gx.ExpectationSuite(suite.name)
    for number, check in enumerate(suite.checks):
        expectation = check.expectation.copy()  # pydantic 1, which GX still uses
        expectation.meta = {"check": number}
        expectations.expectations.append(expectation)
    outcome = _batch(frame).validate(expectations, result_format=dict(_RESULT_FORMAT))
    findings = []
    answered: dict[int, object] = {}
    for result in outcome.results:
        number = result.expectation_config.meta["check"]
        answered[number] = result
    for number, check in enumerate(suite.checks):
        result = answered.get(number)
        if result is None:
            raise GateError(f"gate {suite.name}: no result for {check.rule_code} on {check.field}")
        positions = _positions(suite, check, result, len(frame))
        if len(positions):
            findings.append(
                pd.DataFrame({"rule_code": check.rule_code, "field": check.field, "position": positions})
            )
    return findings


def _positions(suite: Suite, check: Check, result: object, judged: int) -> np.ndarray:
    """The failing positions, after proving that the check ran and accounts for each row it counted."""
    raised = _raised(getattr(result, "exception_info", None))
    details = getattr(result, "result", None) or {}
    where = f"gate {suite.name}: {check.rule_code} on {check.field}"
    if raised:
        raise GateError(f"{where} could not be judged: {raised}")
    if "unexpected_count" not in details or details.get("element_count") != judged:
        raise GateError(f"{where} judged {details.get('element_count')} rows, expected {judged}")
    listed: Sequence[int] = details.get("unexpected_index_list") or []
    if len(listed) != details["unexpected_count"]:
        raise GateError(f"{where} counted {details['unexpected_count']} failures but lists {len(listed)}")
    if bool(getattr(result, "success", False)) != (len(listed) == 0):
        raise GateError(f"{where} contradicts itself: success with {len(listed)} failures")
    return np.asarray(listed, dtype=np.int64)


def _raised(info: object) -> str | None:
    """GX reports an error in a rule as data: {'raised_exception': True, ...}, or one such entry a metric."""
    if not isinstance(info, dict):
        return None
    entries = (
        [info]
        if "raised_exception" in info
        else [value for value in info.values() if isinstance(value, dict)]
    )
    for entry in entries:
        if entry.get("raised_exception"):
            return str(entry.get("exception_message", "unknown error")).splitlines()[0]
    return None


def _drop_unjudged(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out findings of rules that could not be judged in that row, by ``Rule.needs``."""
    if rows.empty:
        return rows
    keep = np.ones(len(rows), dtype=bool)
    by_rule = {str(code): set(group.tolist()) for code, group in rows.groupby("rule_code")["position"]}
    for code in by_rule:
        blockers = [by_rule[needed] for needed in RULES[code].needs if needed in by_rule]
        if blockers:
            blocked = set().union(*blockers)
            mine = (rows["rule_code"] == code).to_numpy()
            keep[mine] = ~rows.loc[mine, "position"].isin(blocked).to_numpy()
    return rows[keep].reset_index(drop=True)
