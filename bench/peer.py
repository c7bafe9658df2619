"""The finance path of a first night by hand: polars reads, gates and decides, COPY writes, one transaction.

What a good script does in place of the product, so that anybody can repeat the race. It stores the contract's rows of ``dues``,
``cases``, ``credits``, ``exceptions`` and ``casegroup_outcomes`` with their keys, and nothing else: no history, letters, work
items, evidence, or rerun. Belongs here: that script, and holding its rows against what the night says. Does not belong here: the
product's own code; of it only lists and patterns are taken.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl
import psycopg

from case_closure.domain.cases import (
    BANK_METHODS,
    CASE_ENUMS,
    CASE_REQUIRED,
    EMPLOYER_METHODS,
    METHODS_OF_PAYMENT,
)
from case_closure.domain.dates import NightDates, plausible_birth_dates
from case_closure.domain.money import BUCKETS
from case_closure.domain.names import comparable
from case_closure.domain.nino import VALID_PATTERN
from case_closure.domain.postcode import CROWN_DEPENDENCIES, UK_COUNTRIES, UK_POSTCODE_PATTERN
from case_closure.domain.rules import RULES

CASE = ["csa_system", "csa_case_id"]
AMOUNTS = [bucket.column for bucket in BUCKETS]
PAYING, RECEIVING = "PAYING_PARENT", "RECEIVING_PARENT"
REPORTED = "exception_reported"
_FOUND = ["rule_code", "casegroup_id", *CASE, "subject"]
_OUTCOMES = {"CLERICAL": 0, "HELD": 1, "EXCEPTION": 2, "TRANSITION_COMPLETE": 3}


def write(folder: Path, url: str, on: date, limit_pence: int) -> None:
    """Read the night's files, gate and decide, and store the rows in schema ``peer`` in one transaction."""
    tables = decide(folder, on, limit_pence)
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("drop schema if exists peer cascade")
        connection.execute("create schema peer")
        for name, (columns, key) in _TABLES.items():
            connection.execute(f"create table peer.{name} ({columns}, primary key ({key}))")
            frame, buffer = tables[name], io.BytesIO()
            frame.write_csv(buffer, include_header=False)
            names = ", ".join(frame.columns)
            with connection.cursor().copy(f"copy peer.{name} ({names}) from stdin (format csv)") as copy:
                copy.write(buffer.getbuffer())


def decide(folder: Path, on: date, limit_pence: int) -> dict[str, pl.DataFrame]:
    """The rows of each table."""
    cases, found = _gate_cases(_read(folder, "csa_cases"))
    balances, of_balances = _gate_balances(_read(folder, "csa_balances"), cases, on, limit_pence)
    clerical = (
        _read(folder, "clerical_balances")
        .join(cases.select(*CASE, true_group="casegroup_id"), on=CASE, how="left")
        .with_columns(casegroup_id=pl.coalesce("true_group", "casegroup_id"))
    )
    failures = _read(folder, "closure_failures").select(CASE).unique()
    failed = pl.concat([failures, cases.filter(_given("closure_failure_code")).select(CASE)]).unique()
    failed = failed.join(cases.select(*CASE, "casegroup_id"), on=CASE, how="left")
    conflicts = cases.filter(pl.col("paying_parent_id").fill_null("").n_unique().over("casegroup_id") > 1)
    inhibits = _read(folder, "inhibits").filter(pl.col("removed_on").is_null() | (pl.col("removed_on") > on))
    may = pl.col("set_by_role").is_in(["TEAM_LEADER", "MANAGER"]).fill_null(False)
    of_case = cases.select(*CASE, "casegroup_id")
    unauthorised = inhibits.filter(~may).join(of_case, on=CASE, how="left")
    inhibited = inhibits.filter(may & (pl.col("set_on") <= on)).join(of_case, on=CASE, how="inner")[
        "casegroup_id"
    ]
    inhibited = pl.concat(
        [inhibited, cases.filter(pl.col("manual_inhibit") | pl.col("automatic_inhibit"))["casegroup_id"]]
    )
    ended = (pl.col("case_status") == "CLOSED") & (
        (pl.col("case_type") == "ARREARS_ONLY") | (pl.col("liability_end_date") <= on).fill_null(False)
    )
    clerical_by = {
        "NATIONALLY_SENSITIVE": pl.concat([
            cases.filter("nationally_sensitive")["casegroup_id"], found.filter("sensitive")["casegroup_id"]
        ]),
        "PARTIALLY_CLERICAL": cases.filter("partially_clerical")["casegroup_id"],
        "CLERICAL_REPORT": clerical["casegroup_id"],
    }  # fmt: skip
    held_by = {
        "CLOSURE_FAILED": failed["casegroup_id"], "OPEN_CASES": cases.filter(~ended)["casegroup_id"], "INHIBITED": inhibited,
    }  # fmt: skip
    exceptions = pl.concat([
        found.select(_FOUND), of_balances, _as_found(conflicts, "case_casegroup_conflict", "CASE"),
        _as_found(failed, "closure_failed", "CASE"), _as_found(unauthorised, "inhibit_not_authorised", "CASE"),
        _as_found(_begun_reports(folder, cases, on), REPORTED, "REPORT"),
    ])  # fmt: skip
    received = pl.concat(
        [balances.select(*CASE, "casegroup_id", *AMOUNTS), clerical.select(*CASE, "casegroup_id", *AMOUNTS)]
    )
    groups = (
        received.with_columns(received_pence=pl.sum_horizontal(AMOUNTS)).filter(pl.col("casegroup_id").is_not_null())
        .group_by("casegroup_id").agg(pl.col("received_pence").sum())
        .with_columns(clerical=_first(clerical_by), held=_first(held_by))
    )  # fmt: skip
    stopping = (
        exceptions.filter(pl.col("rule_code") != "inhibit_not_authorised")["casegroup_id"]
        .drop_nulls()
        .unique()
    )
    ready = groups.filter(
        pl.col("clerical").is_null()
        & pl.col("held").is_null()
        & ~pl.col("casegroup_id").is_in(stopping.implode())
    )
    good = balances.filter("passed").join(ready.select("casegroup_id"), on="casegroup_id", how="semi")
    required = (
        good.filter(pl.any_horizontal(pl.col(AMOUNTS) > 0)).select(CASE).join(cases, on=CASE, how="inner")
    )
    cms_cases, fails, of_set_up = _set_up(folder, required, cases, on)
    exceptions = pl.concat([exceptions, of_set_up]).unique(_FOUND, keep="first", maintain_order=True)
    complete = ready.filter(~pl.col("casegroup_id").is_in(fails.implode()))
    dues = _mirror(good, complete, cms_cases, on)
    return {
        "dues": dues,
        "cases": cms_cases.select(_names("cases")),
        "credits": _credits(balances, groups, on),
        # Of a report it is enough that it holds its casegroup: it is told under a number of its own.
        "exceptions": _described(exceptions.filter(pl.col("rule_code") != REPORTED), folder, cases, on),
        "casegroup_outcomes": _outcomes(groups, complete, exceptions, dues, on),
    }  # fmt: skip


def _begun_reports(folder: Path, cases: pl.DataFrame, on: date) -> pl.DataFrame:
    """Reports from outside that hold tonight, in the casegroup of their case, else in the one that they name."""
    reports = _read(folder, "reported_exceptions")
    begun = (pl.col("reported_on") <= on) & (pl.col("cleared_on").is_null() | (pl.col("cleared_on") > on))
    held = cases.select(*CASE, of_case="casegroup_id")
    return (
        reports.filter(begun)
        .join(held, on=CASE, how="left")
        .with_columns(casegroup_id=pl.coalesce("of_case", "casegroup_id"))
    )


def _gate_cases(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = rows.with_columns(pl.col(name).replace("", None) for name in (*CASE, "casegroup_id"))
    keyless = pl.any_horizontal(pl.col(name).is_null() for name in (*CASE, "casegroup_id"))
    wrong = pl.any_horizontal(
        [
            pl.col(name).is_not_null() & ~pl.col(name).is_in(list(values)).fill_null(False)
            for name, values in CASE_ENUMS.items()
        ]
        + [pl.col(name).is_null() for name in CASE_REQUIRED]
    )
    rows = rows.with_columns(
        keyless=keyless, wrong=wrong,
        twice=(pl.len().over(CASE) > 1) & pl.col("csa_system").is_not_null() & pl.col("csa_case_id").is_not_null(),
    )  # fmt: skip
    found = [
        rows.filter(flag).select(rule_code=pl.lit(code), casegroup_id="casegroup_id", csa_system="csa_system",
                                 csa_case_id="csa_case_id", subject=pl.lit("CASE"), sensitive="nationally_sensitive")
        for flag, code in (("keyless", "case_key_missing"), ("wrong", "case_enum_invalid"), ("twice", "case_duplicate"))
    ]  # fmt: skip
    return rows.filter(~(pl.col("keyless") | pl.col("wrong") | pl.col("twice"))), pl.concat(found)


def _gate_balances(
    rows: pl.DataFrame, cases: pl.DataFrame, on: date, limit_pence: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows = rows.join(cases.select(*CASE, true_group="casegroup_id"), on=CASE, how="left")
    known, numbered = pl.col("true_group").is_not_null(), pl.col("csa_case_id").is_not_null()
    positive = pl.any_horizontal(pl.col(AMOUNTS) > 0).fill_null(False)
    missing = pl.any_horizontal(pl.col(name).is_null() for name in [*AMOUNTS, "total_pence"])
    no_period = pl.col("arrears_from").is_null() | pl.col("arrears_to").is_null()
    rules = {
        "balance_key_missing": pl.any_horizontal(pl.col(name).is_null() for name in ("balance_id", *CASE)),
        "balance_case_unknown": ~known & numbered,
        "balance_casegroup_mismatch": known & (pl.col("true_group") != pl.col("casegroup_id")).fill_null(True),
        "balance_duplicate": (pl.len().over(CASE) > 1) & numbered,
        "balance_amount_missing": missing,
        "balance_total_mismatch": ~missing & (pl.sum_horizontal(AMOUNTS) != pl.col("total_pence")),
        "balance_amount_implausible": pl.any_horizontal(pl.col(AMOUNTS).abs() > limit_pence).fill_null(False),
        "balance_period_invalid": (pl.col("arrears_from") > pl.col("arrears_to")).fill_null(False)
        | (pl.col("arrears_to") > on).fill_null(False) | (no_period & positive),
    }  # fmt: skip
    rows = rows.with_columns(
        pl.coalesce("true_group", "casegroup_id").alias("casegroup_id"),
        *(rule.alias(code) for code, rule in rules.items()),
    ).with_columns(passed=~pl.any_horizontal(list(rules)))
    return rows, pl.concat([_as_found(rows.filter(code), code, "BALANCE") for code in rules])


def _set_up(
    folder: Path, required: pl.DataFrame, cases: pl.DataFrame, on: date
) -> tuple[pl.DataFrame, pl.Series, pl.DataFrame]:
    """The cases on CMS, the casegroups of which one could not be set up, and why."""
    people, cis = _people(folder), _cis(folder)
    for side, column in (("pp_", "paying_parent_id"), ("rp_", "receiving_parent_id")):
        both = people.join(cis, on="matched_on", how="left", nulls_equal=False)
        required = required.join(
            both.select(pl.all().name.prefix(side)),
            left_on=column,
            right_on=side + "party_id",
            how="left",
        ).with_columns(pl.col(side + "known").fill_null(False))
    register = _register(folder)
    pairs = (
        register.drop_nulls(["pp_eight", "rp_eight"])
        .sort("cms_case_id")
        .unique(["pp_eight", "rp_eight"], keep="first", maintain_order=True)
    )
    payers = (
        register.drop_nulls("pp_eight")
        .sort("cms_casegroup_id")
        .unique("pp_eight", keep="first", maintain_order=True)
    )
    first = cases.sort("casegroup_id", *CASE).unique("casegroup_id", keep="first", maintain_order=True)
    required = (
        required.join(
            pairs, left_on=["pp_matched_on", "rp_matched_on"], right_on=["pp_eight", "rp_eight"], how="left"
        )
        .join(
            payers.select("pp_eight", payer_casegroup="cms_casegroup_id"),
            left_on="pp_matched_on",
            right_on="pp_eight",
            how="left",
        )
        .join(
            first.select("casegroup_id", first_system="csa_system", first_case="csa_case_id"),
            on="casegroup_id",
            how="left",
        )
        .sort("casegroup_id", *CASE)
    )
    create = required.filter(pl.col("cms_case_id").is_null())
    payer = create.unique("casegroup_id", keep="first", maintain_order=True).with_columns(
        csa_system="first_system", csa_case_id="first_case"
    )
    found = [
        *_judge_people(payer, "pp_", PAYING, on),
        *_judge_people(create, "rp_", RECEIVING, on),
        *_judge(folder, create),
    ]
    broke = pl.concat(found)
    of_payer = broke.filter(pl.col("subject") == PAYING).filter(
        ~pl.col("rule_code").is_in(["cis_benefit_missing"])
    )["casegroup_id"]
    of_case = (
        broke.filter((pl.col("subject") != PAYING) | (pl.col("rule_code") == "cis_benefit_missing"))
        .select(CASE)
        .unique()
    )
    stopped = create.filter(pl.col("casegroup_id").is_in(of_payer.implode())).select(CASE)
    bad = pl.concat([create.select(CASE).join(of_case, on=CASE, how="semi"), stopped]).unique()
    fails = required.join(bad, on=CASE, how="semi")["casegroup_id"].unique()
    good = required.join(bad, on=CASE, how="anti").with_columns(
        origin=pl.when(pl.col("cms_case_id").is_null())
        .then(pl.lit("ARREARS_ONLY"))
        .otherwise(pl.lit("EXISTING"))
    )
    own = "CMS-" + pl.col("csa_system") + "-" + pl.col("csa_case_id")
    parents = ["origin", "casegroup_id", "paying_parent_id", "receiving_parent_id"]
    good = good.with_columns(
        cms_case_id=pl.coalesce("cms_case_id", own.first().over(parents)),
        cms_casegroup_id=pl.coalesce("cms_casegroup_id", "payer_casegroup", "CMS-" + pl.col("casegroup_id")),
        created_on=pl.lit(on), maintenance_region=_region("rp_"),
        benefit_code=pl.when((pl.col("method_of_payment") == "BENEFIT_DEDUCTION") & pl.col("pp_benefit_live"))
        .then(pl.col("pp_benefit_code")),
    )  # fmt: skip
    return good, fails, broke


def _judge_people(rows: pl.DataFrame, side: str, role: str, on: date) -> Iterable[pl.DataFrame]:
    def of(name: str) -> pl.Expr:
        return pl.col(side + name)

    low, high = plausible_birth_dates(NightDates(on, on))
    known, nino = of("known"), of("nino")
    valid = nino.str.contains(VALID_PATTERN).fill_null(False)
    one = valid & (of("matches") == 1).fill_null(False)
    rules = {
        "party_missing": ~known,
        "surname_missing": known & of("surname").is_null(),
        "date_of_birth_missing": known & of("date_of_birth").is_null(),
        "date_of_birth_implausible": known & ~of("date_of_birth").is_between(low, high).fill_null(True),
        "nino_missing": known & nino.is_null(),
        "nino_invalid": known & nino.is_not_null() & ~valid,
        "contact_missing": known & (of("address_line_1").is_null() | ~(_is_uk(of("postcode")) | _is_overseas(of("country")))),
        "cis_no_match": known & valid & of("matches").is_null(),
        "cis_multiple_matches": known & valid & (of("matches") > 1).fill_null(False),
        "cis_name_mismatch": one & of("surname").is_not_null() & of("cis_surname").is_not_null()
        & (of("called") != of("cis_called")),
        "cis_date_of_birth_mismatch": one & (of("date_of_birth") != of("cis_date_of_birth")).fill_null(False),
        "cis_superseded_nino": one & of("superseded_by_nino").is_not_null(),
        "cis_deceased": one & of("cis_date_of_death").is_not_null(),
    }  # fmt: skip
    return [_as_found(rows.filter(rule), code, role) for code, rule in rules.items()]


def _judge(folder: Path, create: pl.DataFrame) -> Iterable[pl.DataFrame]:
    children = _read(folder, "csa_children").select(CASE).unique()
    method = pl.col("method_of_payment")
    bank = pl.col("pp_sort_code").str.contains(r"^[0-9]{6}$").fill_null(False) & pl.col(
        "pp_account_number"
    ).str.contains(r"^[0-9]{8}$").fill_null(False)
    bad_method = (
        ~method.is_in(list(METHODS_OF_PAYMENT)).fill_null(False)
        | (method.is_in(list(BANK_METHODS)).fill_null(False) & ~bank)
        | (method.is_in(list(EMPLOYER_METHODS)).fill_null(False) & ~_given("employer_reference"))
    )
    valid = pl.col("pp_nino").str.contains(VALID_PATTERN).fill_null(False) & (
        pl.col("pp_matches") == 1
    ).fill_null(False)
    no_benefit = (
        (method == "BENEFIT_DEDUCTION").fill_null(False) & valid & ~pl.col("pp_benefit_live").fill_null(False)
    )
    return [
        _as_found(create.join(children, on=CASE, how="anti"), "child_missing", "CHILD"),
        _as_found(create.filter(bad_method), "method_of_payment_invalid", "CASE"),
        _as_found(create.filter(no_benefit), "cis_benefit_missing", PAYING),
        _as_found(create.filter(pl.col("rp_known") & _region("rp_").is_null()), "region_unknown", RECEIVING),
    ]


def _mirror(good: pl.DataFrame, complete: pl.DataFrame, cms_cases: pl.DataFrame, on: date) -> pl.DataFrame:
    on_cms = cms_cases.select(*CASE, "cms_case_id", "cms_casegroup_id", "scheme")
    rows = good.join(complete.select("casegroup_id"), on="casegroup_id", how="semi").join(
        on_cms, on=CASE, how="inner"
    )
    rows = _buckets(
        rows, "casegroup_id", "cms_casegroup_id", "cms_case_id", "scheme", "arrears_from", "arrears_to"
    )
    return rows.filter(pl.col("amount_pence") > 0).select(
        pl.concat_str([*CASE, "creditor", "arrears_status"], separator="-").alias("due_id"), pl.lit(on).alias("business_date"),
        "casegroup_id", "cms_casegroup_id", "cms_case_id", *CASE, "scheme", "creditor", "arrears_status", "amount_pence",
        pl.col("amount_pence").alias("posted_pence"), "arrears_from", "arrears_to",
    )  # fmt: skip


def _credits(balances: pl.DataFrame, groups: pl.DataFrame, on: date) -> pl.DataFrame:
    listed = groups.filter(pl.col("clerical").is_null()).select("casegroup_id")
    rows = _buckets(balances.filter("passed").join(listed, on="casegroup_id", how="semi"))
    return rows.filter(pl.col("amount_pence") < 0).select(
        pl.lit(on).alias("business_date"), *CASE, "creditor", "arrears_status", "amount_pence"
    )


def _outcomes(
    groups: pl.DataFrame, complete: pl.DataFrame, exceptions: pl.DataFrame, dues: pl.DataFrame, on: date
) -> pl.DataFrame:
    codes = (
        exceptions.filter((pl.col("rule_code") != "inhibit_not_authorised") & pl.col("casegroup_id").is_not_null())
        .group_by("casegroup_id").agg(codes=pl.col("rule_code").unique().sort().str.join(","))
    )  # fmt: skip
    posted = dues.group_by("casegroup_id").agg(pl.col("posted_pence").sum())
    done = complete.select("casegroup_id", done=pl.lit(True))
    rows = (
        groups.join(codes, on="casegroup_id", how="left")
        .join(posted, on="casegroup_id", how="left")
        .join(done, on="casegroup_id", how="left")
    )
    outcome = (
        pl.when(pl.col("clerical").is_not_null()).then(pl.lit("CLERICAL"))
        .when(pl.col("held").is_not_null()).then(pl.lit("HELD"))
        .when(pl.col("codes").is_not_null()).then(pl.lit("EXCEPTION")).otherwise(pl.lit("TRANSITION_COMPLETE"))
    )  # fmt: skip
    nil = (
        pl.when(pl.col("posted_pence").is_null())
        .then(pl.lit("NIL_ARREARS"))
        .otherwise(pl.lit("ARREARS_ADDED"))
    )
    return rows.select(
        pl.lit(on).alias("business_date"), "casegroup_id", outcome.alias("outcome"),
        pl.coalesce("clerical", "held", "codes", nil).alias("reason"), "received_pence",
        pl.col("posted_pence").fill_null(0), pl.when("done").then(pl.lit(on)).alias("completed_on"),
    )  # fmt: skip


def _described(found: pl.DataFrame, folder: Path, cases: pl.DataFrame, on: date) -> pl.DataFrame:
    """Whole exceptions: words, and whose they are (B50)."""
    payers = cases.sort("casegroup_id", *CASE).unique("casegroup_id", keep="first", maintain_order=True)
    payers = payers.join(_people(folder), left_on="paying_parent_id", right_on="party_id").select(
        "casegroup_id", "matched_on"
    )
    owners = (
        _register(folder)
        .drop_nulls("pp_eight")
        .sort("cms_case_id")
        .group_by("pp_eight")
        .agg(case_owner=pl.col("case_owner").drop_nulls().first())
    )
    routes = payers.join(owners, left_on="matched_on", right_on="pp_eight", how="inner").select(
        "casegroup_id", "case_owner", on_cms=pl.lit(True)
    )
    keyed = pl.col("rule_code") != "case_key_missing"
    said = {code: f"{rule.says} {rule.do}" for code, rule in RULES.items()}
    rows = found.join(routes, on="casegroup_id", how="left").with_columns(
        on_cms=pl.col("on_cms").fill_null(False) & keyed
    )
    parts = [pl.col(name).fill_null("") for name in _FOUND[:4]]
    either = pl.col("rule_code").is_in([code for code, rule in RULES.items() if rule.subject == "PARTY"])
    return rows.select(
        pl.concat_str([*parts, pl.when(either).then("subject").otherwise(pl.lit("")), pl.lit(on.isoformat())], separator="-")
        .alias("exception_id"),
        pl.lit(on).alias("business_date"), "rule_code", *CASE, "casegroup_id", "subject",
        pl.col("rule_code").replace_strict(said).alias("message"),
        pl.when("on_cms").then(pl.lit("CASE_OWNER")).otherwise(pl.lit("FT_TEAM")).alias("route"),
        pl.when("on_cms").then("case_owner").alias("case_owner"), pl.lit("OPEN").alias("status"),
    )  # fmt: skip


def _read(folder: Path, name: str) -> pl.DataFrame:
    path = folder / f"{name}.parquet"
    if path.exists():
        return pl.read_parquet(path)
    from case_closure.tables.landed import FILES

    return pl.DataFrame(pl.from_arrow(FILES[name].schema.empty_table()))


def _people(folder: Path) -> pl.DataFrame:
    rows = _read(folder, "csa_parties")
    blank = [
        pl.when(pl.col(name).str.strip_chars() != "").then(pl.col(name)).alias(name)
        for name in ("surname", "address_line_1", "country")
    ]
    rows = rows.select(
        "party_id",
        "forenames",
        "date_of_birth",
        *blank,
        postcode=_unspaced("postcode"),
        nino=_unspaced("nino"),
    )
    return rows.with_columns(
        matched_on=pl.col("nino").str.slice(0, 8), called=_called(rows), known=pl.lit(True)
    )


def _cis(folder: Path) -> pl.DataFrame:
    rows = _read(folder, "cis_persons").with_columns(matched_on=_unspaced("nino").str.slice(0, 8))
    rows = rows.with_columns(matches=pl.len().over("matched_on"), cis_called=_called(rows)).sort("nino")
    return rows.unique("matched_on", keep="first", maintain_order=True).select(
        "matched_on", "matches", "cis_called", "superseded_by_nino", "benefit_code", "benefit_live", cis_surname="surname",
        cis_date_of_birth="date_of_birth", cis_date_of_death="date_of_death",
    )  # fmt: skip


def _register(folder: Path) -> pl.DataFrame:
    return _read(folder, "cms_register").select(
        "cms_case_id", "cms_casegroup_id", "case_owner", pp_eight=_unspaced("paying_parent_nino").str.slice(0, 8),
        rp_eight=_unspaced("receiving_parent_nino").str.slice(0, 8),
    )  # fmt: skip


def _unspaced(name: str) -> pl.Expr:
    bare = pl.col(name).str.replace_all(" ", "", literal=True).str.to_uppercase()
    return pl.when(bare != "").then(bare)


def _called(rows: pl.DataFrame) -> pl.Series:
    """Forenames and surname of each in the form in which names are compared; foreign ones are worked out once each."""
    both = (
        rows.select(pl.col("forenames").fill_null("") + pl.col("surname").fill_null(""))
        .to_series()
        .rename("called")
    )
    foreign = both.filter(both.str.contains(r"[^\x00-\x7f]")).unique()
    plain = both.str.replace_all(r"[^\x21-\x7e]|[-'`]", "").str.to_lowercase()
    worked_out = dict(zip(foreign, map(comparable, foreign), strict=True))
    known = both.replace_strict(worked_out, default=None, return_dtype=pl.String)
    return pl.select(pl.coalesce(known, plain)).to_series()


def _given(name: str) -> pl.Expr:
    return (pl.col(name).str.strip_chars() != "").fill_null(False)


def _is_uk(postcode: pl.Expr) -> pl.Expr:
    islands = f"^(?:{'|'.join(CROWN_DEPENDENCIES)})"
    return (postcode.str.contains(UK_POSTCODE_PATTERN) & ~postcode.str.contains(islands)).fill_null(False)


def _is_overseas(country: pl.Expr) -> pl.Expr:
    return ~country.str.strip_chars().str.to_uppercase().is_in([*UK_COUNTRIES, ""]).fill_null(True)


def _region(side: str) -> pl.Expr:
    country, uk = (
        pl.col(side + "country").str.strip_chars().str.to_uppercase(),
        _is_uk(pl.col(side + "postcode")),
    )
    northern = (uk & pl.col(side + "postcode").str.starts_with("BT")) | (country == "GB-NIR")
    british = uk | country.is_in(list(UK_COUNTRIES))
    return (
        pl.when(northern.fill_null(False))
        .then(pl.lit("NI"))
        .when(british.fill_null(False))
        .then(pl.lit("GB"))
    )


def _buckets(rows: pl.DataFrame, *kept: str) -> pl.DataFrame:
    """A line a bucket, with its creditor and status."""
    names = pl.DataFrame(
        {
            "bucket": AMOUNTS,
            "creditor": [b.creditor for b in BUCKETS],
            "arrears_status": [b.arrears_status for b in BUCKETS],
        }
    )
    rows = rows.select(*CASE, *kept, *AMOUNTS)
    return rows.unpivot(
        on=AMOUNTS, index=[*CASE, *kept], variable_name="bucket", value_name="amount_pence"
    ).join(names, on="bucket")


def _as_found(rows: pl.DataFrame, code: str, subject: str) -> pl.DataFrame:
    return rows.select(
        rule_code=pl.lit(code), casegroup_id="casegroup_id", csa_system="csa_system", csa_case_id="csa_case_id",
        subject=pl.lit(subject),
    )  # fmt: skip


def _first(reasons: dict[str, pl.Series]) -> pl.Expr:
    """The first reason whose casegroups have this one, or null."""
    return pl.coalesce(
        pl.when(pl.col("casegroup_id").is_in(groups.drop_nulls().unique().implode())).then(pl.lit(reason))
        for reason, groups in reasons.items()
    )


_TABLES = {
    "dues": (
        "due_id text, business_date date, casegroup_id text, cms_casegroup_id text, cms_case_id text, csa_system text, "
        "csa_case_id text, scheme text, creditor text, arrears_status text, amount_pence bigint, posted_pence bigint, "
        "arrears_from date, arrears_to date", "due_id",
    ),
    "cases": (
        "cms_case_id text, cms_casegroup_id text, casegroup_id text, csa_system text, csa_case_id text, scheme text, "
        "origin text, created_on date, maintenance_region text, method_of_payment text, benefit_code text",
        "csa_system, csa_case_id",
    ),
    "credits": (
        "business_date date, csa_system text, csa_case_id text, creditor text, arrears_status text, amount_pence bigint",
        "csa_system, csa_case_id, creditor, arrears_status",
    ),
    "exceptions": (
        "exception_id text, business_date date, rule_code text, csa_system text, csa_case_id text, casegroup_id text, "
        "subject text, message text, route text, case_owner text, status text", "exception_id",
    ),
    "casegroup_outcomes": (
        "business_date date, casegroup_id text, outcome text, reason text, received_pence bigint, posted_pence bigint, "
        "completed_on date", "casegroup_id",
    ),
}  # fmt: skip


def _names(table: str) -> list[str]:
    return [column.split()[0] for column in _TABLES[table][0].split(", ")]


def differences(url: str) -> list[str]:
    """Each row that is only in the peer's tables, or only in the night's views (both sides, of the rules judged here)."""
    judged = "severity = 'HOLD' and stage in ('receive_balances', 'set_up_cases')"
    said = []
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for table in _TABLES:
            names = ", ".join(_names(table))
            where = f"where {judged}" if table == "exceptions" else ""
            theirs_named = names
            if table == "dues":  # as posted: corrections of the same night come after
                theirs_named, where = (
                    names.replace("amount_pence", "posted_pence", 1),
                    "where posted_pence > 0",
                )
            views = " union all ".join(
                f"select {theirs_named} from {side}.{table} {where}"  # noqa: S608
                for side in ("reporting", "sensitive")
            )
            ours, theirs = f"(select {names} from peer.{table})", f"({views})"  # noqa: S608
            for left, right, who in ((ours, theirs, "only the peer's"), (theirs, ours, "only the night's")):
                rows = connection.execute(f"{left} except all {right}").fetchall()
                said += [f"{table}, {who}: {row}" for row in rows]
    return said
