"""Every table of the store.

Belongs here: tables, keys and comments, as SQLAlchemy metadata that the migrations are checked against.
Does not belong here: queries, views, the meaning of a landed column (``tables.landed`` has it).

Two schemas. ``held``: what came in, one table a landed file, each row stamped with the business date that
brought it (``business_date``) and the one on which its content last changed (``changed_on``).
``closure``: what this product made of it. What people read is in ``views``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.types import TypeEngine

from case_closure.domain import codes, debt_rules
from case_closure.domain.applications import LTR_TYPES
from case_closure.domain.cases import CSA_SYSTEMS
from case_closure.domain.journey import STATES
from case_closure.domain.letters import REFERENCE_REMAINDERS
from case_closure.domain.money import ARREARS_STATUSES, BUCKETS, CREDITORS
from case_closure.domain.night import IN_PARTS
from case_closure.tables import handed
from case_closure.tables.landed import FILES, FileContract

HELD, CLOSURE = "held", "closure"

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "ix": "%(table_name)s_%(column_0_name)s_ix",
    }
)


def _sql_type(type_: pa.DataType) -> TypeEngine[Any]:
    if pa.types.is_int64(type_):
        return BigInteger()
    if pa.types.is_int32(type_):
        return Integer()
    if pa.types.is_date32(type_):
        return Date()
    if pa.types.is_boolean(type_):
        return Boolean()
    if pa.types.is_string(type_):
        return Text()
    raise TypeError(f"no column type for {type_}")


# Arrivals keep every row of every night, by its place in the extract: a balance may lack every other key.
ARRIVALS = ("csa_balances", "clerical_balances")
# Payments too: a reference that comes again is a row of its own.
BY_PLACE = (*ARRIVALS, "csa_payments", "dca_payments")
ARRIVAL_KEY = ("business_date", "extract_number", "row_number")


def held_key(contract: FileContract) -> tuple[str, ...]:
    """The columns a landed file's rows are held under."""
    if contract.name in BY_PLACE:
        return (*ARRIVAL_KEY, "csa_system") if contract.name == "csa_payments" else ARRIVAL_KEY
    return contract.event_key if contract.kind == "event" else contract.key


def _held(contract: FileContract) -> Table:
    key = held_key(contract)
    stamps: list[Column[Any]] = [
        Column("business_date", Date, nullable=False, comment="Night whose extract brought this row")
    ]
    if contract.name in BY_PLACE:
        stamps += [
            Column("extract_number", Integer, nullable=False, comment="Which extract of that date, from 1"),
            Column("row_number", BigInteger, nullable=False, comment="Row in that file, from 1"),
        ]
    else:
        stamps += [
            Column("changed_on", Date, nullable=False, comment="Night on which the content last changed")
        ]
    if contract.name in ARRIVALS:
        stamps += [
            Column("is_latest", Boolean, nullable=False, comment="Of its case's latest arrival"),
            Column(
                "is_new",
                Boolean,
                nullable=False,
                comment="False: its balance number was seen with these values",
            ),
        ]
    columns: list[Column[Any]] = [
        Column(column.name, _sql_type(column.type), nullable=column.name not in key, comment=column.meaning)
        for column in contract.columns
    ]
    if contract.name == "csa_cases":
        columns += [
            Column("claimed_casegroup_id", Text, comment="The casegroup the latest row names; differs from casegroup_id "
                   "only where that casegroup had completed, or a caseworker entered another"),
            Column("previous_casegroup_id", Text, comment="The casegroup the case moved from on changed_on"),
            Column("last_closed_on", Date, comment="Latest night whose row had the case CLOSED and no failure: it clears "
                   "the failures before it, also when the case opens again"),
        ]  # fmt: skip
    if contract.name == "enforcement_actions":
        columns += [
            Column(
                "first_came_on", Date, comment="Night that brought it first; an upsert changes business_date"
            )
        ]
    if contract.name == "resolutions":
        columns += [
            Column("entered_at", DateTime(timezone=True), comment="When a command entered it here; null: it landed"),
            Column("waiting", Boolean, comment="No night has taken in what a command entered; null: it landed"),
        ]  # fmt: skip
    if contract.name == "csa_payments":
        columns += [
            Column("csa_system", Text, nullable=False, comment="The CSA system whose file it came in")
        ]
    if contract.name == "csa_debts":
        columns += [
            Column("times_in_file", Integer, nullable=False, server_default="1",
                   comment="How often its case stood in that night's file; more than once: all its rows are refused"),
        ]  # fmt: skip
    return Table(
        contract.name, metadata, *stamps, *columns,
        PrimaryKeyConstraint(*key), schema=HELD, comment=contract.meaning,
    )  # fmt: skip


HELD_TABLES: dict[str, Table] = {name: _held(contract) for name, contract in FILES.items()}

_cases = HELD_TABLES["csa_cases"]
Index("csa_cases_casegroup_ix", _cases.c.casegroup_id)
for _name in ARRIVALS:
    _arrivals = HELD_TABLES[_name]
    Index(f"{_name}_case_ix", _arrivals.c.csa_system, _arrivals.c.csa_case_id)
    Index(f"{_name}_number_ix", _arrivals.c.balance_id)
    # Nearly every arrival is a latest and a new one: an index serves those who ask for either.
    Index(f"{_name}_casegroup_ix", _arrivals.c.casegroup_id)
# What a tranche is selected from, in the order it is selected in, on a server of any collation. The collation is
# given in the place of an operator class: what the server tells of it is a plain column, as here.
Index(
    "csa_cases_open_ix",
    _cases.c.casegroup_id,
    _cases.c.segment,
    _cases.c.csa_system,
    _cases.c.case_type,
    postgresql_ops={"casegroup_id": 'COLLATE "C"'},
    postgresql_where=_cases.c.case_status == "OPEN",
)
# What a night has changed stands in few stretches of a large table, and is found there without reading it: for each stretch the
# index keeps the first and the last date in it, which costs next to nothing.
_BY_DATE: dict[str, Any] = {"postgresql_using": "brin", "postgresql_with": {"pages_per_range": 32}}
Index(
    "csa_cases_changed_ix", _cases.c.changed_on, _cases.c.business_date, _cases.c.last_closed_on, **_BY_DATE
)
# The few that say they are sensitive, found without reading the book (R26).
Index("csa_cases_sensitive_ix", _cases.c.casegroup_id, postgresql_where=_cases.c.nationally_sensitive)
# The same cleaning as domain.nino: ASCII only, spaces out, upper case, first eight characters.
CLEANED = "upper(replace({}, ' ', ''))"
MATCHED_ON = f"left({CLEANED}, 8)"
Index("cis_persons_matched_on_ix", text(MATCHED_ON.format("nino")), _table=HELD_TABLES["cis_persons"])
Index(
    "cms_register_paying_parent_ix",
    text(MATCHED_ON.format("paying_parent_nino")),
    _table=HELD_TABLES["cms_register"],
)
Index("csa_debts_changed_ix", HELD_TABLES["csa_debts"].c.changed_on)
# The few who have died, found without reading everybody.
Index(
    "cis_persons_died_ix",
    text(MATCHED_ON.format("nino")),
    _table=HELD_TABLES["cis_persons"],
    postgresql_where=HELD_TABLES["cis_persons"].c.date_of_death.is_not(None),
)
Index(
    "csa_parties_died_ix",
    HELD_TABLES["csa_parties"].c.party_id,
    postgresql_where=HELD_TABLES["csa_parties"].c.date_of_death.is_not(None),
)
Index("csa_payments_matched_on_ix", text(MATCHED_ON.format("nino")), _table=HELD_TABLES["csa_payments"])
# People are looked for at a desk by what many of them share, so that each is a few bytes of an index: by five digits of their
# number, by surname as capitals without accents, and initial; and their cases by a remainder of the person's number. So are the
# letters of a case.
NINO_DIGITS = f"substr({CLEANED}, 3, 5)"
LETTERS_ALONE = "regexp_replace(upper(normalize({}, NFKD)), '[^A-Z]', '', 'g')"
INITIAL = "left(upper({}), 1)"
REMAINDER = "mod(hashtext({}), 65536)"
Index("records_casegroup_ix", HELD_TABLES["records"].c.casegroup_id)
Index("csa_parties_nino_ix", text(NINO_DIGITS.format("nino")), _table=HELD_TABLES["csa_parties"])
Index(
    "csa_parties_name_ix",
    text(LETTERS_ALONE.format("surname")),
    text(INITIAL.format("forenames")),
    _table=HELD_TABLES["csa_parties"],
)
for _name in ("paying_parent", "receiving_parent"):
    Index(f"csa_cases_{_name}_ix", text(REMAINDER.format(f"{_name}_id")), _table=_cases)
for _name in (
    "inhibits",
    "closure_failures",
    "resolutions",
    "corrections",
    "dca_payments",
    "enforcement_actions",
    "csa_actions",
):
    if held_key(FILES[_name])[:2] != ("csa_system", "csa_case_id"):
        Index(f"{_name}_case_ix", HELD_TABLES[_name].c.csa_system, HELD_TABLES[_name].c.csa_case_id)


def _text(name: str, comment: str, **more: object) -> Column[Any]:
    return Column(name, Text, comment=comment, **more)  # type: ignore[arg-type]


def _pence(name: str, comment: str) -> Column[Any]:
    return Column(name, BigInteger, nullable=False, comment=comment)


def _date(name: str, comment: str, **more: object) -> Column[Any]:
    return Column(name, Date, comment=comment, **more)  # type: ignore[arg-type]


def _system() -> Column[Any]:
    return _text("csa_system", "CSCS, CS2 or CCD")


def _case_id() -> Column[Any]:
    return _text("csa_case_id", "Case number on that CSA system")


def _casegroup() -> Column[Any]:
    return _text("casegroup_id", "Casegroup: all cases that share one paying parent")


def _one_of(table: str, column: str, values: Sequence[str]) -> CheckConstraint:
    """The server itself refuses any other value; a null is for the column's own ``nullable`` to refuse."""
    return CheckConstraint(f"{column} in ({', '.join(map(repr, values))})", name=f"{table}_{column}_ck")


def _bucket_of(table: str) -> tuple[CheckConstraint, CheckConstraint]:
    return _one_of(table, "creditor", CREDITORS), _one_of(table, "arrears_status", ARREARS_STATUSES)


NIGHT_STATUSES = ("OPEN", "SUCCESS", "REJECTED", "FAILED", "SKIPPED")
_NIGHT_STATUS = f"status in ({', '.join(map(repr, NIGHT_STATUSES))})"

nights = Table(
    "nights", metadata,
    _date("business_date", "The night's business date", primary_key=True),
    _text("status", "OPEN, SUCCESS, REJECTED, FAILED or SKIPPED", nullable=False),
    _text("run_id", "The run that holds or last held this night", nullable=False),
    _text("stage", "The stage reached, or the one that failed"),
    _text("reason", "Why it was rejected, failed or was skipped, in plain words"),
    _text("by_whom", "Who skipped it; null: nobody did"),
    _text("extract_id", "The extract applied, from its manifest"),
    _text("manifest_sha256", "Hash of the manifest applied"),
    Column("extract_number", Integer, nullable=False, server_default="0", comment="How many extracts of this date were begun"),
    Column("attempt", Integer, nullable=False, server_default="0",
           comment="How many stages of this night were begun: only the one begun last may store anything"),
    Column("stage_done", Boolean, nullable=False, server_default=text("false"), comment="That stage has ended well"),
    Column("failed_slots", ARRAY(Integer), nullable=False, server_default=text("'{}'"),
           comment="Slots of that stage that failed the night, and were not begun again since"),
    Column("law_held", Boolean, nullable=False, server_default=text("false"),
           comment="The money law was found to hold, and nothing was begun since that could change it"),
    Column("judged_attempt", Integer, comment="The attempt whose judging of the extract the stages go on from; null: none"),
    Column("started_at", DateTime(timezone=True), nullable=False, comment="When the run that ended it began"),
    Column("finished_at", DateTime(timezone=True), comment="When it ended: first succeeded, else last failed or was skipped"),
    Column("succeeded", Boolean, nullable=False, server_default=text("false"),
           comment="Has succeeded once; a run since is a rerun"),
    _date("late_after", "The latest business date that was known of when this night was run late; null: it was run in its turn"),
    Column("extract_order", Integer,
           comment="Its place among all nights in the order in which their extracts were taken in"),
    CheckConstraint(_NIGHT_STATUS, name="nights_status_ck"),
    schema=CLOSURE, comment="Every night that was started or skipped, and how it ended (R21, R22, R40)",
)  # fmt: skip

night_history = Table(
    "night_history", metadata,
    _date("business_date", "The night's business date", nullable=False),
    Column("attempt_number", Integer, nullable=False, comment="From 1, for each night"),
    _text("status", "How it stood before it was begun again; OPEN: its process had gone", nullable=False),
    _text("run_id", "The run that held it", nullable=False),
    _text("stage", "The stage reached, or the one that failed"),
    _text("reason", "Why it was rejected, failed or was skipped, in plain words"),
    _text("by_whom", "Who skipped it; null: nobody did"),
    _text("extract_id", "The extract applied until then"),
    Column("started_at", DateTime(timezone=True), nullable=False, comment="When that run began"),
    Column("finished_at", DateTime(timezone=True), comment="When it ended; null: it never did"),
    PrimaryKeyConstraint("business_date", "attempt_number"),
    CheckConstraint(_NIGHT_STATUS, name="night_history_status_ck"),
    schema=CLOSURE, comment="How a night stood each time it was begun again (R21, R40); rows are only ever added",
)  # fmt: skip

night_stages = Table(
    "night_stages", metadata,
    Column("number", BigInteger, Identity(), primary_key=True, comment="In the order in which they were begun"),
    _date("business_date", "The night", nullable=False),
    _text("run_id", "The run that began the stage", nullable=False),
    Column("attempt", Integer, comment="The night's attempt it was begun as; null: refused, or failed, before it was begun"),
    _text("stage", "The stage", nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False, comment="When it began"),
    Column("ended_at", DateTime(timezone=True), comment="When it ended or failed; null: it runs, or its process has gone"),
    _text("outcome", "STARTED, ENDED or FAILED", nullable=False),
    # Not jsonb: that would lose the order in which a stage tells its figures.
    Column("figures", JSON, comment="What the stage said of itself when it ended, of all casegroups; in no view (R26)"),
    _text("reason", "Why it failed or was refused; may name cases, so in no view (R26)"),
    _text("worker", "The machine and process it ran in", nullable=False),
    UniqueConstraint("business_date", "attempt", name="night_stages_attempt_uq"),
    _one_of("night_stages", "outcome", codes.STAGE_OUTCOMES),
    schema=CLOSURE, comment="What each night told of itself while it ran; nothing goes by it",
)  # fmt: skip
Index("night_stages_run_ix", night_stages.c.business_date, night_stages.c.run_id)

night_parts = Table(
    "night_parts", metadata,
    _date("business_date", "The night", nullable=False),
    _text("kind", "The stage that is worked on in parts", nullable=False),
    Column("part", Integer, nullable=False, comment="Its number, from 0"),
    _text("first_casegroup_id", "The first of its casegroups, or documents", nullable=False),
    _text("last_casegroup_id", "The last of them", nullable=False),
    Column("extract_number", Integer, nullable=False, comment="The extract it was planned from"),
    Column("night_attempt", Integer, nullable=False, comment="The night's attempt that planned it"),
    Column("attempt", Integer, nullable=False, comment="How often it was claimed; only the last may store it"),
    _text("worker", "The machine and process that claimed it last"),
    Column("claimed_at", DateTime(timezone=True), comment="When that was"),
    Column("stored_at", DateTime(timezone=True), comment="When what was made of it was stored; null: not yet"),
    Column("figures", JSON, comment="What is told of it, of all casegroups; in no view (R26)"),
    PrimaryKeyConstraint("business_date", "kind", "part"),
    _one_of("night_parts", "kind", IN_PARTS),
    CheckConstraint("stored_at is null or attempt > 0", name="night_parts_claimed_ck"),
    schema=CLOSURE, comment="The plan of each stage that is worked on in parts: who claimed each, and whether it is stored",
)  # fmt: skip

work_in_progress = Table(
    "work_in_progress", metadata,
    _date("business_date", "The night", nullable=False),
    Column("extract_number", Integer, nullable=False, comment="The extract it was concluded of"),
    Column("attempt", Integer, nullable=False, comment="The attempt that judges the casegroups"),
    _text("stage", "The stage that concluded it", nullable=False),
    Column("part", Integer, nullable=False, comment="The part of the night's casegroups, from 0"),
    _text("frame", "The frame's name", nullable=False),
    Column("content", LargeBinary, nullable=False, comment="The frame, as an Arrow stream"),
    PrimaryKeyConstraint("business_date", "extract_number", "attempt", "stage", "part", "frame"),
    schema=CLOSURE, prefixes=["UNLOGGED"], comment="What one stage of the night in progress hands to the next",
)  # fmt: skip

night_figures = Table(
    "night_figures", metadata,
    _date("business_date", "The night's business date", primary_key=True),
    Column("casegroups_received", BigInteger, nullable=False, comment="Distinct casegroups in the night's balances"),
    _pence("received_pence", "Sum of the night's balance rows"),
    _pence("posted_pence", "Dues posted that night"),
    _pence("held_pence", "All held at the end of the night"),
    Column("exceptions_opened", BigInteger, nullable=False, comment="HOLD exceptions first seen that night"),
    Column("exceptions_resolved", BigInteger, nullable=False, comment="Exceptions resolved that night"),
    Column("letters_issued", BigInteger, nullable=False, comment="Letters with status ISSUED"),
    Column("held_number", BigInteger, nullable=False, comment="Number of the last row of held_history when it ended"),
    schema=CLOSURE, comment="What a finished night came to, ordinary and sensitive together: the views take them apart (R42)",
)  # fmt: skip

held_history = Table(
    "held_history", metadata,
    Column("number", BigInteger, Identity(), primary_key=True, comment="In the order in which it was stored"),
    _text("casegroup_id", "Casegroup", nullable=False),
    _pence("held_pence", "What it held from then on"),
    schema=CLOSURE, comment="How much each casegroup held, whenever that changed; rows are only ever added",
)  # fmt: skip
Index("held_history_casegroup_ix", held_history.c.casegroup_id, held_history.c.number)

gate_results = Table(
    "gate_results", metadata,
    _date("business_date", "The night", nullable=False),
    _text("suite", "The suite that was run", nullable=False),
    _text("rule_code", "The rule", nullable=False),
    Column("attempt", Integer, nullable=False, comment="The attempt that counted it; of several the fullest counts"),
    Column("part", Integer, nullable=False, comment="The part it was counted in, from 0; parts of one attempt add up"),
    Column("judged_rows", BigInteger, nullable=False, comment="Rows it was judged on"),
    Column("failed_rows", BigInteger, nullable=False, comment="Rows that broke it"),
    PrimaryKeyConstraint("business_date", "suite", "rule_code", "attempt", "part"),
    schema=CLOSURE, comment="Every rule, every night, ordinary and sensitive together: the views take them apart (R42)",
)  # fmt: skip

shares = Table(
    "shares", metadata,
    _text("kind", "GATE: of rule results; SIGN_OFF: of a sign-off", nullable=False),
    _date("business_date", "The night", nullable=False),
    _text("total", "The suite; the side and number of the sign-off", nullable=False),
    _text("what", "The rule that was broken, or empty: judged; the figure that was signed", nullable=False),
    Column("attempt", Integer, nullable=False, comment="The attempt that counted it; of several the fullest counts"),
    Column("first_casegroup_id", Text(collation="C"), nullable=False, comment="The first of its casegroups"),
    Column("last_casegroup_id", Text(collation="C"), nullable=False, comment="The last of them"),
    Column("casegroup_ids", ARRAY(Text), nullable=False, comment="Casegroups, in order; empty: nobody's, and sensitive"),
    Column("amounts", ARRAY(BigInteger), nullable=False, comment="What each of them has in it: rows, or pence"),
    schema=CLOSURE, comment="What each casegroup has in totals that cannot be counted again (R42)",
)  # fmt: skip
Index("shares_total_ix", shares.c.business_date, shares.c.kind, shares.c.total)

shares_apart = Table(
    "shares_apart", metadata,
    _text("kind", "As in shares", nullable=False), _date("business_date", "The night", nullable=False),
    _text("total", "As in shares", nullable=False), _text("what", "As in shares", nullable=False),
    _text("casegroup_id", "A casegroup that is or was sensitive; empty: nobody's, and sensitive", nullable=False),
    Column("amount", BigInteger, nullable=False, comment="What it has in the total: rows, or pence"),
    PrimaryKeyConstraint("kind", "business_date", "total", "what", "casegroup_id"),
    schema=CLOSURE, comment="Shares of casegroups that are or were sensitive, for the views to take off (R42)",
)  # fmt: skip

refused_rows = Table(
    "refused_rows", metadata,
    _date("business_date", "Night whose extract brought the row", nullable=False),
    _text("file_name", "The file it came in", nullable=False),
    Column("row_number", BigInteger, nullable=False, comment="Row in that file, from 1"),
    _text("row_key", "The number it is known by, its parts joined by /; null: it lacks one"),
    Column("rule_codes", ARRAY(Text), nullable=False, comment="Rules it broke; empty: it has no key to be held under"),
    Column("fields", ARRAY(Text), nullable=False, comment="The field for each rule"),
    _system(), _case_id(), _casegroup(),
    Column("sensitive", Boolean, nullable=False, comment="The row says its case is nationally sensitive"),
    _text("original", "The row as it came, as JSON", nullable=False),
    _date("answered_on", "Night on which it was taken in with what a caseworker entered, or a good row of its number came "
                         "([13]); null: neither"),
    PrimaryKeyConstraint("business_date", "file_name", "row_number"),
    schema=CLOSURE, comment="Rows that were not held, as they came",
)  # fmt: skip
Index("refused_rows_casegroup_ix", refused_rows.c.casegroup_id)
Index("refused_rows_case_ix", refused_rows.c.csa_system, refused_rows.c.csa_case_id)
Index("refused_rows_unanswered_ix", refused_rows.c.file_name, refused_rows.c.row_key,
      postgresql_where=refused_rows.c.answered_on.is_(None))  # fmt: skip
Index("refused_rows_sensitive_ix", refused_rows.c.casegroup_id, postgresql_where=refused_rows.c.sensitive)

replaced_rows = Table(
    "replaced_rows", metadata,
    _date("business_date", "The night that overwrote the row", nullable=False),
    _text("file_name", "The file of schema held it is a row of", nullable=False),
    _text("row_key", "The key it is held under, as text", nullable=False),
    Column("original", JSONB, nullable=False, comment="The row as it was held before that night"),
    PrimaryKeyConstraint("business_date", "file_name", "row_key"),
    schema=CLOSURE, comment="What the extract of a night not yet closed overwrote, so that another can take its place (R22)",
)  # fmt: skip

casegroups_taken_back = Table(
    "casegroups_taken_back", metadata,
    _date("business_date", "The night whose extract was replaced by another", nullable=False),
    _text("casegroup_id", "Casegroup that the replaced extract had changed; empty for what belongs to none", nullable=False),
    PrimaryKeyConstraint("business_date", "casegroup_id"),
    schema=CLOSURE, comment="What a night judges again because an extract of its was taken back; gone when it is closed (R22)",
)  # fmt: skip

casegroups = Table(
    "casegroups", metadata,
    _text("casegroup_id", "Casegroup; empty for what belongs to none", primary_key=True),
    _text("outcome", "TRANSITION_COMPLETE, HELD, EXCEPTION, CLERICAL; null while no balance was received"),
    _text("reason", "Why"),
    _pence("received_pence", "All nine buckets of its latest balances; as completed"),
    _pence("posted_pence", "Dues posted; as completed"),
    _pence("held_pence", "Received, neither posted nor a credit"),
    _pence("credit_pence", "Credits, below zero"),
    _date("completed_on", "Night of Transition Complete"),
    _date("business_date", "Last night on which one of these columns changed", nullable=False),
    _one_of("casegroups", "outcome", codes.OUTCOMES),
    schema=CLOSURE, comment="What has become of each casegroup",
)  # fmt: skip
# Those that are judged again every night.
Index(
    "casegroups_unsettled_ix",
    casegroups.c.casegroup_id,
    postgresql_where=text("outcome in ('HELD', 'EXCEPTION')"),
)
Index("casegroups_business_date_ix", casegroups.c.business_date, postgresql_using="brin")

sensitive_casegroups = Table(
    "sensitive_casegroups", metadata,
    _text("casegroup_id", "Casegroup", primary_key=True),
    _date("business_date", "Night whose extract made it so", nullable=False),
    schema=CLOSURE, comment="The nationally sensitive casegroups, as of the latest extract held (R26, R42)",
)  # fmt: skip

positions = Table(
    "positions", metadata,
    _text("casegroup_id", "Casegroup; empty for what belongs to none", nullable=False),
    _text("csa_system", "CSA system; empty when the row had none", nullable=False),
    _text("csa_case_id", "Case number; empty when the row had none", nullable=False),
    _text("creditor", "RP, GB_SOS or NI_SOS", nullable=False),
    _text("arrears_status", "ACTIVE, SUSPENDED or DEFERRED", nullable=False),
    _pence("received_pence", "Received in this bucket; as completed"),
    _pence("posted_pence", "Posted as a due"),
    _pence("held_pence", "Held: by a hold, an exception or because clerical"),
    _pence("credit_pence", "A credit, below zero (R5)"),
    _date("business_date", "Night of its latest change", nullable=False),
    _date("credited_on", "Night on which the credit was listed"),
    _date("moved_on", "Night on which its case brought it here from another casegroup unchanged; else null"),
    PrimaryKeyConstraint("casegroup_id", "csa_system", "csa_case_id", "creditor", "arrears_status"),
    CheckConstraint("received_pence = posted_pence::numeric + held_pence + credit_pence", name="positions_law_ck"),
    CheckConstraint("posted_pence >= 0 and credit_pence <= 0", name="positions_signs_ck"), *_bucket_of("positions"),
    schema=CLOSURE, comment="Where every penny received is: received = posted + held + credit, in every bucket",
)  # fmt: skip
# What is held is added up every night.
Index("positions_held_ix", positions.c.held_pence, postgresql_where=positions.c.held_pence != 0)
Index("positions_business_date_ix", positions.c.business_date, **_BY_DATE)

position_history = Table(
    "position_history", metadata,
    _text("casegroup_id", "Casegroup; empty for what belongs to none", nullable=False),
    _text("csa_system", "CSA system; empty when the row had none", nullable=False),
    _text("csa_case_id", "Case number; empty when the row had none", nullable=False),
    _text("creditor", "RP, GB_SOS or NI_SOS", nullable=False),
    _text("arrears_status", "ACTIVE, SUSPENDED or DEFERRED", nullable=False),
    _pence("received_pence", "Received in this bucket"),
    _pence("posted_pence", "Posted as a due"),
    _pence("held_pence", "Held"),
    _pence("credit_pence", "A credit, below zero"),
    _date("business_date", "Night of its latest change", nullable=False),
    _date("credited_on", "Night on which the credit was listed"),
    _date("since", "Night from which it stood so in this casegroup", nullable=False),
    _date("replaced_on", "Night that replaced it: it stood so until the night before", nullable=False),
    PrimaryKeyConstraint("casegroup_id", "csa_system", "csa_case_id", "creditor", "arrears_status", "replaced_on"),
    CheckConstraint("received_pence = posted_pence::numeric + held_pence + credit_pence", name="position_history_law_ck"),
    CheckConstraint("posted_pence >= 0 and credit_pence <= 0", name="position_history_signs_ck"), *_bucket_of("position_history"),
    schema=CLOSURE, comment="Positions as they were before a later night replaced them (B54); rows are only ever added",
)  # fmt: skip
Index("position_history_replaced_ix", position_history.c.replaced_on)

closing_ledger_history = Table(
    "closing_ledger_history", metadata,
    _text("csa_system", "CSA system", nullable=False), _text("csa_case_id", "Case number", nullable=False),
    _text("creditor", "RP, GB_SOS or NI_SOS", nullable=False),
    _text("arrears_status", "ACTIVE, SUSPENDED or DEFERRED", nullable=False),
    Column("amount_pence", BigInteger, comment="What left CSA, by its own account"),
    Column("written_off_pence", BigInteger, comment="What CSA wrote off"),
    _date("since", "Night from which it stood so", nullable=False),
    _date("replaced_on", "Night that replaced it: it stood so until the night before", nullable=False),
    PrimaryKeyConstraint("csa_system", "csa_case_id", "creditor", "arrears_status", "replaced_on"),
    schema=CLOSURE, comment="Lines of CSA's closing ledger before a later night replaced them (B54); rows are only ever added",
)  # fmt: skip

reconciliation_sign_offs = Table(
    "reconciliation_sign_offs", metadata,
    _date("business_date", "The reconciliation is as at the end of this night", nullable=False),
    Column("sensitive", Boolean, nullable=False, comment="Of nationally sensitive casegroups (R26)"),
    Column("sign_off_number", Integer, nullable=False, comment="From 1, for each night"),
    _text("signed_by", "Who signed", nullable=False),
    Column("signed_at", DateTime(timezone=True), nullable=False, comment="When"),
    _text("remarks", "In their words", nullable=False),
    _pence("left_csa_pence", "Left CSA, as signed"), _pence("received_pence", "Received, as signed"),
    _pence("posted_pence", "Posted, as signed"), _pence("held_pence", "Held, as signed"),
    _pence("credit_pence", "Credits, as signed"), _pence("written_off_pence", "Written off on CSA, as signed"),
    Column("breaks", BigInteger, nullable=False, comment="How many breaks were listed"),
    _text("breaks_sha256", "Of the list of breaks that was signed, so that another list is told from it", nullable=False),
    Column("shares_kept", Boolean, nullable=False, server_default=text("false"),
           comment="What each casegroup has in it was kept, so that it can be taken off (R42)"),
    PrimaryKeyConstraint("business_date", "sensitive", "sign_off_number"),
    schema=CLOSURE, comment="Reconciliations signed off, with the figures that were signed (B54); rows are only ever added",
)  # fmt: skip

cms_cases = Table(
    "cms_cases", metadata,
    _text("csa_system", "CSA system", nullable=False), _text("csa_case_id", "Case number", nullable=False),
    _text("casegroup_id", "Casegroup", nullable=False),
    _text("cms_case_id", "The case on CMS", nullable=False),
    _text("cms_casegroup_id", "The casegroup on CMS", nullable=False),
    _text("scheme", "CSA scheme, 1993 or 2003"),
    _text("origin", "EXISTING on CMS, or created as ARREARS_ONLY", nullable=False),
    _date("created_on", "Night on which it was created or linked", nullable=False),
    _text("maintenance_region", "GB or NI (R17)"),
    _text("method_of_payment", "How the paying parent pays"),
    _text("benefit_code", "The paying parent's benefit, when deducted from it (B42)"),
    _text("case_owner", "Who owns it on CMS"),
    _text("paying_parent_matched_on", "First eight characters of the paying parent's NINO"),
    PrimaryKeyConstraint("csa_system", "csa_case_id"),
    _one_of("cms_cases", "csa_system", CSA_SYSTEMS), _one_of("cms_cases", "origin", codes.ORIGINS),
    _one_of("cms_cases", "maintenance_region", codes.REGIONS),
    schema=CLOSURE, comment="Each required CSA case, on CMS (B30, B31, B40)",
)  # fmt: skip
Index("cms_cases_casegroup_ix", cms_cases.c.casegroup_id)
Index("cms_cases_paying_parent_ix", cms_cases.c.paying_parent_matched_on)

dues = Table(
    "dues", metadata,
    _text("due_id", "<system>-<case>-<creditor>-<status>: a bucket is posted once", primary_key=True),
    _date("business_date", "Night on which it was posted", nullable=False),
    _text("casegroup_id", "Casegroup", nullable=False),
    _text("cms_casegroup_id", "Casegroup on CMS", nullable=False), _text("cms_case_id", "Case on CMS", nullable=False),
    _text("csa_system", "CSA system", nullable=False), _text("csa_case_id", "Case number", nullable=False),
    _text("scheme", "CSA scheme"),
    _text("creditor", "RP, GB_SOS or NI_SOS", nullable=False),
    _text("arrears_status", "ACTIVE, SUSPENDED or DEFERRED", nullable=False),
    _pence("posted_pence", "As mirrored from the balance; never changed"),
    _date("arrears_from", "First day of the arrears"), _date("arrears_to", "Last day of the arrears"),
    _text("reference", "The balance it mirrors; null for one that a correction added"),
    # Of one that mirrors nothing, nothing was posted; that it has a correction, the server asks as it commits.
    CheckConstraint("posted_pence > 0 or posted_pence = 0 and reference is null", name="dues_posted_ck"),
    _one_of("dues", "csa_system", CSA_SYSTEMS), *_bucket_of("dues"),
    schema=CLOSURE, comment="Debits on the paying parent's CMS account, each its own POSTED entry (B44, R6)",
)  # fmt: skip
Index("dues_casegroup_ix", dues.c.casegroup_id)
Index("dues_case_ix", dues.c.csa_case_id, dues.c.csa_system)
Index("dues_business_date_ix", dues.c.business_date)

ledger = Table(
    "ledger", metadata,
    _text("entry_id", "<due>-<kind>-<reference>", primary_key=True),
    _date("business_date", "Night of the entry", nullable=False),
    Column("due_id", Text, ForeignKey(dues.c.due_id), nullable=False, comment="The due it is about"),
    _text("kind", "CORRECTION or ALLOCATION", nullable=False),
    _pence("amount_pence", "Signed"),
    _text("reason", "Why, for a correction"), _text("reference", "The correction or payment behind it"),
    _one_of("ledger", "kind", ("CORRECTION", "ALLOCATION")),
    CheckConstraint("kind <> 'ALLOCATION' or amount_pence < 0", name="ledger_allocation_ck"),
    schema=CLOSURE, comment="What has changed each due since it was posted; rows are only ever added",
)  # fmt: skip
Index("ledger_due_ix", ledger.c.due_id)
Index("ledger_business_date_ix", ledger.c.business_date, **_BY_DATE)
# A correction is applied once.
Index("ledger_correction_ix", ledger.c.reference, unique=True, postgresql_where=ledger.c.kind == "CORRECTION")

payments = Table(
    "payments", metadata,
    _text("payment_id", "<source>-<reference>-<night received>-<system>-<pence>-<which of these>", primary_key=True),
    _text("source", "CSA, or DCA: a collection agency", nullable=False),
    _text("reference", "The receipt's reference, CSA's or the agency's", nullable=False),
    _date("business_date", "Night it was received", nullable=False),
    Column("extract_number", Integer, nullable=False, comment="Which extract of that date brought it"),
    Column("row_number", BigInteger, nullable=False, comment="Its row in that file, from 1"),
    _text("csa_system", "The system whose file it came in; of an agency's, of the case it was collected for"),
    _text("csa_case_id", "The case an agency collected it for"),
    _pence("amount_pence", "What was paid"),
    Column("is_first", Boolean, nullable=False, comment="The first of its reference, which others are compared with"),
    _text("casegroup_id", "Whose it is; null while that is not known"),
    _text("status", "ALLOCATED, HELD, SUSPENSE, SURPLUS, DUPLICATE, FLAGGED or PASSED_ON", nullable=False),
    _pence("allocated_pence", "What dues have taken of it"),
    _date("allocated_on", "Night of the pass in which they did"),
    _text("passed_to", "To whom it was passed on: a CMS case, an office, the payer (B60)"),
    _date("prompted_on", "Night on which somebody was asked to let a flagged one go ([19])"),
    _one_of("payments", "source", codes.PAYMENT_SOURCES), _one_of("payments", "status", codes.PAYMENT_STATUSES),
    CheckConstraint("amount_pence > 0 and allocated_pence between 0 and amount_pence", name="payments_amounts_ck"),
    CheckConstraint(
        "case status when 'ALLOCATED' then allocated_pence = amount_pence when 'SURPLUS' then allocated_pence < amount_pence "
        "else allocated_pence = 0 end", name="payments_allocated_ck",
    ),
    CheckConstraint("(status in ('ALLOCATED', 'SURPLUS')) = (allocated_on is not null)", name="payments_pass_ck"),
    CheckConstraint(
        "(status in ('ALLOCATED', 'HELD', 'SURPLUS', 'FLAGGED')) = (casegroup_id is not null)", name="payments_owner_ck"
    ),
    CheckConstraint("(status = 'PASSED_ON') = (passed_to is not null)", name="payments_passed_ck"),
    schema=CLOSURE, comment="Each payment that could be read, and where its money is (B59-B61, R25)",
)  # fmt: skip
Index(
    "payments_first_ix",
    payments.c.source,
    payments.c.reference,
    unique=True,
    postgresql_where=payments.c.is_first,
)
Index("payments_reference_ix", payments.c.reference)
Index("payments_business_date_ix", payments.c.business_date)
Index("payments_allocated_ix", payments.c.allocated_on, **_BY_DATE)
Index("payments_casegroup_ix", payments.c.casegroup_id)
Index("payments_waiting_ix", payments.c.casegroup_id, postgresql_where=text("status in ('HELD', 'FLAGGED')"))
Index("payments_suspense_ix", payments.c.business_date, postgresql_where=payments.c.status == "SUSPENSE")
# The lists that people work through, the oldest first.
Index("payments_listed_ix", payments.c.status, payments.c.business_date, payments.c.payment_id,
      postgresql_where=text("status in ('SUSPENSE', 'FLAGGED', 'HELD', 'SURPLUS')"))  # fmt: skip

payment_events = Table(
    "payment_events", metadata,
    Column("number", BigInteger, Identity(), primary_key=True, comment="In the order in which it was stored"),
    _text("payment_id", "The payment", nullable=False),
    _date("business_date", "Night that did it", nullable=False),
    _text("status", "Where it stood from then on; null: its extract was taken back"),
    _text("casegroup_id", "Whose it was from then on"), _pence("allocated_pence", "What dues had taken of it"),
    _text("passed_to", "To whom it was passed on"),
    _text("by_what", "The extract, a caseworker's entry, or the night's pass", nullable=False),
    _one_of("payment_events", "status", codes.PAYMENT_STATUSES),
    schema=CLOSURE, comment="Every change of where a payment stands; rows are only ever added",
)  # fmt: skip
Index("payment_events_payment_ix", payment_events.c.payment_id)
Index("payment_events_business_date_ix", payment_events.c.business_date)

exceptions = Table(
    "exceptions", metadata,
    _text("exception_id", "<rule>-<casegroup>-<system>-<case>-<subject for warnings>-<night>", primary_key=True),
    _date("business_date", "Night on which it was first seen", nullable=False),
    _text("stage", "Stage that found it", nullable=False),
    _text("channel", "EXTRACT, or how else it reached us (B51)", nullable=False, server_default="EXTRACT"),
    _text("rule_code", "The rule that was broken", nullable=False),
    _text("severity", "HOLD or WARNING", nullable=False),
    _system(), _case_id(), _casegroup(),
    Column("sensitive", Boolean, nullable=False, comment="Nationally sensitive (R26)"),
    _text("subject", "Whom or what it is about"),
    _text("subject_reference", "The payment or correction it is about"), _text("field", "The field to look at"),
    _text("value", "What the field held, masked where personal"),
    _text("message", "What is wrong and what to do, in plain words", nullable=False),
    _text("route", "CASE_OWNER or FT_TEAM (B50); null for a warning"), _text("case_owner", "Owner of the CMS case"),
    _text("status", "OPEN, ALLOCATED or RESOLVED", nullable=False), _text("allocated_to", "Who works on it"),
    _date("last_seen_on", "Last night on which it was still so", nullable=False),
    _date("resolved_on", "Night on which its cause was gone"), _text("resolved_by", "What resolved it"),
    _date("casegroup_since", "Night on which its case came, or moved, and it with it; null: it had its casegroup from the first"),
    _text("previous_casegroup_id", "The casegroup it had before casegroup_since"),
    _text("original", "The row as it came, as JSON; personal, so in no view"),
    Column(
        "cause_key", UUID, Computed("closure.cause_of(rule_code, field, original)", persisted=True),
        comment="Alike where rule, field and failing value are; made of personal values, so in no view",
    ),
    _one_of("exceptions", "severity", codes.SEVERITIES), _one_of("exceptions", "status", codes.EXCEPTION_STATUSES),
    _one_of("exceptions", "channel", codes.CHANNELS), _one_of("exceptions", "route", codes.ROUTES),
    CheckConstraint("status <> 'ALLOCATED' or allocated_to is not null", name="exceptions_allocated_ck"),
    # R43: it is never resolved before it was first seen.
    CheckConstraint(
        "(status = 'RESOLVED') = (resolved_on is not null) and resolved_on >= business_date", name="exceptions_resolved_ck"
    ),
    schema=CLOSURE, comment="Each reason for which a record went no further (B48-B50, R10)",
)  # fmt: skip
Index("exceptions_casegroup_ix", exceptions.c.casegroup_id)
# As stages.exceptions.key_of (R38).
Index(
    "exceptions_one_open_ix",
    *(exceptions.c[name] for name in
      ("rule_code", "casegroup_id", "csa_system", "csa_case_id", "subject", "subject_reference")),
    unique=True, postgresql_nulls_not_distinct=True, postgresql_where=exceptions.c.status != "RESOLVED",
)  # fmt: skip
Index("exceptions_date_ix", exceptions.c.business_date, exceptions.c.exception_id)
Index(
    "exceptions_case_ix", text(REMAINDER.format("csa_case_id")), _table=exceptions,
    postgresql_where=exceptions.c.csa_case_id.is_not(None),
)  # fmt: skip
Index(
    "exceptions_reference_ix",
    exceptions.c.subject_reference,
    postgresql_where=exceptions.c.subject_reference.is_not(None),
)
# Whose they are is told by a number alone (R26): few of them.
OF_NOBODY = "coalesce(casegroup_id, '') = '' and (csa_system is null or csa_case_id is null)"
Index("exceptions_of_nobody_ix", exceptions.c.exception_id, postgresql_where=text(OF_NOBODY))
_OPEN_EXCEPTIONS = exceptions.c.status != "RESOLVED"
Index(
    "exceptions_open_ix",
    exceptions.c.business_date,
    exceptions.c.exception_id,
    postgresql_where=_OPEN_EXCEPTIONS,
)
Index(
    "exceptions_rule_ix", exceptions.c.rule_code, exceptions.c.business_date, exceptions.c.exception_id,
    postgresql_where=_OPEN_EXCEPTIONS,
)  # fmt: skip
Index(
    "exceptions_in_casegroups_ix", text("coalesce(casegroup_id, '')"), exceptions.c.exception_id,
    postgresql_where=_OPEN_EXCEPTIONS,
)  # fmt: skip
Index("exceptions_cause_ix", exceptions.c.cause_key, postgresql_where=_OPEN_EXCEPTIONS)
Index(
    "exceptions_allocated_ix", exceptions.c.allocated_to, exceptions.c.business_date, exceptions.c.exception_id,
    postgresql_where=exceptions.c.allocated_to.is_not(None),
)  # fmt: skip

exception_events = Table(
    "exception_events", metadata,
    _text("exception_id", "The exception", nullable=False),
    Column("event_number", Integer, nullable=False, comment="From 1"),
    _date("business_date", "Night of the event", nullable=False),
    _text("event", "OPENED, ALLOCATED, ENTERED, NOT_MENDED, RESOLVED or REOPENED", nullable=False),
    _text("by_what", "What brought it about"),
    _date("night_on", "The night that did it: business_date, but for what a late night resolves; null: a person did"),
    _text("by_whom", "The person who did it; null: the system"), _text("detail", "In plain words; nothing personal"),
    PrimaryKeyConstraint("exception_id", "event_number"),
    _one_of("exception_events", "event", codes.EXCEPTION_EVENTS),
    schema=CLOSURE, comment="The history of each exception",
)  # fmt: skip

entries_without_effect = Table(
    "entries_without_effect", metadata,
    _date("business_date", "Night that brought it", nullable=False),
    Column("entry_number", Integer, nullable=False, comment="From 1 within the night"),
    _text("resolution_id", "The resolution"), _system(), _case_id(), _casegroup(),
    _text("entity", "What it was to mend"), _text("field", "Which field of it"),
    _text("entered_by", "Who entered it"), _text("reason", "Why it changed nothing", nullable=False),
    PrimaryKeyConstraint("business_date", "entry_number"),
    schema=CLOSURE, comment="What caseworkers entered that changed nothing, and why (B49)",
)  # fmt: skip

acts = Table(
    "acts", metadata,
    Column("act_number", BigInteger, Identity(), primary_key=True, comment="In the order in which they were done"),
    Column("acted_at", DateTime(timezone=True), nullable=False, comment="When"),
    _text("acted_by", "Who, as they sign in", nullable=False),
    _text("acted_as", "In which role; null: this server has no roles of ours"),
    _text("action", "What was done, as the table of permissions names it", nullable=False),
    _text("about", "What kind of thing it was done to", nullable=False), _text("reference", "Which one", nullable=False),
    _text("casegroup_id", "The casegroup it belongs to; null: none"),
    Column("before", JSONB, nullable=False, comment="What stood before, by name"),
    Column("after", JSONB, nullable=False, comment="What stands after, by name"),
    _text("reason", "Why, in their words"),
    CheckConstraint("btrim(acted_by) <> ''", name="acts_by_ck"),
    schema=CLOSURE, comment="What people did here; rows are only ever added",
)  # fmt: skip
Index("acts_casegroup_ix", acts.c.casegroup_id)
Index("acts_reference_ix", acts.c.reference)
Index("acts_acted_at_ix", acts.c.acted_at, acts.c.act_number)
Index("acts_by_ix", acts.c.acted_by, acts.c.acted_at, acts.c.act_number)
Index("acts_action_ix", acts.c.action, acts.c.acted_at, acts.c.act_number)

kept_figures = Table(
    "kept_figures", metadata,
    _text("kind", "Which figures", primary_key=True),
    _date("business_date", "They are as at the close of this night", nullable=False),
    Column("night_stage", BigInteger, nullable=False, comment="The stage that ended the night last, when they were counted"),
    _text("sensitive_sha256", "Of the list of sensitive casegroups then: with another list they are not shown (R42)",
          nullable=False),
    Column("seconds", Float, nullable=False, comment="How long counting took"),
    Column("content", JSONB, nullable=False, comment="The figures; pence as whole numbers"),
    schema=CLOSURE, comment="Figures of the whole book that a page could not wait for, of ordinary casegroups alone (R26)",
)  # fmt: skip

kept_breaks = Table(
    "kept_breaks", metadata,
    Column("break_number", Integer, primary_key=True, comment="In order of cause and case", autoincrement=False),
    _date("business_date", "Night of its latest change", nullable=False),
    _text("csa_system", "CSA system; null when the row had none"),
    _text("csa_case_id", "Case number; null when the row had none"),
    _text("casegroup_id", "Its casegroup; null when it stands in several"),
    _text("creditor", "RP, GB_SOS or NI_SOS", nullable=False),
    _text("arrears_status", "ACTIVE, SUSPENDED or DEFERRED", nullable=False), _text("tranche_id", "The tranche that selected it"),
    _pence("left_csa_pence", "What left CSA"), _pence("received_pence", "What was received"),
    _pence("difference_pence", "The second less the first"), _pence("written_off_pence", "Written off on CSA"),
    _text("break_type", "MISSING_ON_CMS, NOT_ON_CSA or AMOUNT_DIFFERS", nullable=False),
    _text("cause", "The first cause that fits", nullable=False),
    Column("implausible", Boolean, nullable=False, comment="Whether a figure is beyond the limit for one bucket"),
    schema=CLOSURE, comment="The breaks of the reconciliation that was written out last (B54)",
)  # fmt: skip

_DEBT = {
    bucket.column: f"The debt in that bucket: {bucket.creditor} {bucket.arrears_status}" for bucket in BUCKETS
}
_LEFT = {f"final_{name}": "What the nine rules left of it" for name in _DEBT}
debt_judgements = Table(
    "debt_judgements", metadata,
    _text("csa_system", "CSCS, CS2 or CCD", nullable=False),
    _text("csa_case_id", "Case number on that CSA system", nullable=False),
    _date("business_date", "Night on which the rules judged it", nullable=False),
    _text("casegroup_id", "Casegroup its case was in", nullable=False),
    Column("version", Integer, nullable=False, comment="Version of the table of nine rules"),
    Column("low_value_pence", BigInteger, comment="Up to which what is left was of low value; null: that rule was off"),
    Column("rp_died", Boolean, nullable=False, comment="The receiving parent had died"),
    _date("pp_died_on", "Day the paying parent died, as known then; null: living"),
    *(Column(column.name, column.type, comment=column.comment) for column in HELD_TABLES["csa_debts"].columns
      if column.name in handed.DEBT_FACTS),
    *(_pence(name, comment) for name, comment in (_DEBT | _LEFT).items()),
    PrimaryKeyConstraint("csa_system", "csa_case_id", "business_date"),
    CheckConstraint(" and ".join(f"(final_{name} = {name} or final_{name} between 0 and {name})" for name in _DEBT),
                    name="debt_judgements_only_arrears_ck"),
    _one_of("debt_judgements", "csa_system", CSA_SYSTEMS),
    schema=CLOSURE, comment="Each debt on each night the nine rules judged it: what came, what they saw, what they left (B71)",
)  # fmt: skip
Index("debt_judgements_night_ix", debt_judgements.c.business_date)
Index("debt_judgements_casegroup_ix", debt_judgements.c.casegroup_id)

debt_rule_results = Table(
    "debt_rule_results", metadata,
    _text("csa_system", "CSCS, CS2 or CCD", nullable=False),
    _text("csa_case_id", "Case number on that CSA system", nullable=False),
    _date("business_date", "Night on which the rules judged it", nullable=False),
    Column("rule_number", Integer, nullable=False, comment="From 1 to 9, in the order in which they run"),
    _text("result", "OFF: nothing is left in what it may take from; DOWN: something is", nullable=False),
    _pence("before_pence", "Arrears, of the buckets above 0, before its turn"),
    _pence("written_off_pence", "What it took"),
    _pence("after_pence", "Arrears after it"),
    PrimaryKeyConstraint("csa_system", "csa_case_id", "business_date", "rule_number"),
    CheckConstraint("rule_number between 1 and 9", name="debt_rule_results_number_ck"),
    CheckConstraint("before_pence = written_off_pence::numeric + after_pence", name="debt_rule_results_law_ck"),
    CheckConstraint("written_off_pence > 0 and after_pence >= 0", name="debt_rule_results_signs_ck"),
    _one_of("debt_rule_results", "result", (debt_rules.OFF, debt_rules.DOWN)),
    schema=CLOSURE, comment="What each rule took of a debt it was run over; a rule without a row took nothing (B71)",
)  # fmt: skip

work_items = Table(
    "work_items", metadata,
    _text("work_item_id", "<type>-<casegroup>-<system>-<case>-<subject>-<night>", primary_key=True),
    _date("business_date", "Night on which it was raised", nullable=False),
    _text("type", "What is asked for", nullable=False),
    _casegroup(), _system(), _case_id(),
    Column("sensitive", Boolean, nullable=False, comment="Nationally sensitive (R26)"),
    _text("subject_reference", "The application, payment, exception or correction it is about"),
    _text("route", "CASE_OWNER or FT_TEAM"), _text("status", "OPEN or CLOSED", nullable=False),
    _text("detail", "In plain words; null: those of its type (domain.work_items)"),
    _date("closed_on", "Night on which it was closed"),
    _one_of("work_items", "type", codes.WORK_ITEM_TYPES), _one_of("work_items", "status", codes.WORK_ITEM_STATUSES),
    _one_of("work_items", "route", codes.ROUTES),
    schema=CLOSURE, comment="Service requests for caseworkers",
)  # fmt: skip
Index(
    "work_items_subject_ix",
    work_items.c.subject_reference,
    postgresql_where=work_items.c.subject_reference.is_not(None),
)
Index("work_items_casegroup_ix", work_items.c.casegroup_id)
Index("work_items_write_off_ix", work_items.c.csa_system, work_items.c.csa_case_id,
      postgresql_where=text("type = 'CONFIRM_WRITE_OFF' and status <> 'CLOSED'"))  # fmt: skip
# What is stuck has one open item: its number, without the date at its end, says what that is ([30]).
Index("work_items_stuck_ix", text("left(work_item_id, -11)"), unique=True, _table=work_items,
      postgresql_where=text("type = 'STUCK' and status = 'OPEN'"))  # fmt: skip
Index(
    "work_items_clerical_ix", work_items.c.casegroup_id,
    postgresql_where=text("subject_reference is null and type in ('ADD_CORRECT_ARREARS', 'ARREARS_ONLY_APPLICATION')"),
)  # fmt: skip

letters = Table(
    "letters", metadata,
    _text("letter_id", "<code>-<casegroup>-<system>-<case>-<party>-<night>", primary_key=True),
    _date("business_date", "Night on which it fell due", nullable=False),
    _text("code", "CMSL6300 to CMSL6314", nullable=False),
    _text("recipient_role", "PAYING_PARENT, RECEIVING_PARENT or REPRESENTATIVE", nullable=False),
    _text("party_id", "The client it is to, or about"),
    _text("casegroup_id", "Casegroup", nullable=False), _system(), _case_id(),
    _text("status", "ISSUED, NOT_ISSUED or SUPPRESSED", nullable=False),
    _text("reason", "NO_VALID_ADDRESS, DLO or DECEASED"),
    _text("covers_letter_id", "The letter a covering letter goes with"),
    Column("total_pence", BigInteger, comment="The arrears it states"),
    _date("clerical_issued_on", "When the legacy team sent it by hand"),
    _text("reported_to", "The CSA system whose legacy team was told that it is suppressed"),
    _one_of("letters", "code", codes.LETTER_CODES), _one_of("letters", "recipient_role", codes.RECIPIENT_ROLES),
    _one_of("letters", "status", codes.LETTER_STATUSES), _one_of("letters", "reason", codes.UNSENT_REASONS),
    CheckConstraint("(status = 'ISSUED') = (reason is null)", name="letters_reason_given_ck"),
    schema=CLOSURE, comment="Letters due, sent or not",
)  # fmt: skip
Index("letters_casegroup_ix", letters.c.casegroup_id)
Index("letters_business_date_ix", letters.c.business_date)
Index(
    "letters_case_ix", text(REMAINDER.format("csa_case_id")), _table=letters,
    postgresql_where=letters.c.csa_case_id.is_not(None),
)  # fmt: skip
# By a remainder of what the printed reference is made of (domain.letters): a client who quotes one is answered at once.
# With the brackets that the server tells it with.
LETTER_REMAINDER = (
    r"mod((('x' || encode(substr(sha256(replace(letter_id, '\', '\\')::bytea), 1, 8), 'hex')))::bit(64)::bigint, "
    f"{REFERENCE_REMAINDERS})"
)
Index("letters_reference_ix", text(LETTER_REMAINDER), _table=letters)

next_actions = Table(
    "next_actions", metadata,
    _text("csa_system", "CSA system", nullable=False), _text("csa_case_id", "Case number", nullable=False),
    _text("casegroup_id", "Casegroup", nullable=False), _date("business_date", "Night of the decision", nullable=False),
    Column("version", SmallInteger, nullable=False, comment="Version of the decision table"),
    Column("table_row", SmallInteger, nullable=False, comment="The row of it that said so"),
    _text("action", "What happens next on CMS", nullable=False),
    PrimaryKeyConstraint("csa_system", "csa_case_id"),
    schema=CLOSURE, comment="What follows once the arrears are on CMS (B46, B47)",
)  # fmt: skip

interest_flags = Table(
    "interest_flags", metadata,
    _text("party_id", "The client", primary_key=True),
    _date("business_date", "Night on which the flag was asked for", nullable=False),
    _text("nino", "The NINO to flag", nullable=False),
    _text("casegroup_id", "Casegroup", nullable=False),
    schema=CLOSURE, comment="Interest flags CIS is asked to set (B37, B38)",
)  # fmt: skip

end_liability = Table(
    "end_liability", metadata,
    _text("csa_system", "CSA system", nullable=False), _text("csa_case_id", "Case number", nullable=False),
    _text("casegroup_id", "Casegroup", nullable=False),
    _text("tranche_id", "The tranche that selected it; null when an application did"),
    Column("criteria_version", Integer, comment="Version of the tranche's criteria that selected it"),
    _text("journey", "PROACTIVE or REACTIVE", nullable=False),
    _date("selected_on", "Night on which it was selected, joined or moved by an application", nullable=False),
    _date("led", "End liability date", nullable=False),
    Column("reminder_days", Integer, comment="Days before the LED on which the reminder is due; null: one month"),
    _date("became_reactive_on", "Night on which an application made it reactive"),
    PrimaryKeyConstraint("csa_system", "csa_case_id"),
    _one_of("end_liability", "csa_system", CSA_SYSTEMS), _one_of("end_liability", "journey", codes.JOURNEYS),
    schema=CLOSURE, comment="Each selected case and the date its liability ends (B4, B22)",
)  # fmt: skip
Index("end_liability_casegroup_ix", end_liability.c.casegroup_id)
Index("end_liability_tranche_ix", end_liability.c.tranche_id)

end_liability_notices = Table(
    "end_liability_notices", metadata,
    _date("business_date", "Night on which CSA and the warehouse are told", nullable=False),
    _text("csa_system", "CSA system", nullable=False), _text("csa_case_id", "Case number", nullable=False),
    _text("casegroup_id", "Casegroup", nullable=False), _text("tranche_id", "Tranche"),
    _text("journey", "PROACTIVE or REACTIVE", nullable=False), _date("led", "End liability date", nullable=False),
    _text("cause", "SELECTED, JOINED, REACTIVE or MOVED", nullable=False),
    PrimaryKeyConstraint("business_date", "csa_system", "csa_case_id"),
    _one_of("end_liability_notices", "journey", codes.JOURNEYS), _one_of("end_liability_notices", "cause", codes.NOTICE_CAUSES),
    schema=CLOSURE, comment="What the CSA systems and the warehouse were told, night by night (B5)",
)  # fmt: skip

journeys = Table(
    "journeys", metadata,
    _text("casegroup_id", "Casegroup", primary_key=True),
    _text("state", "Where its closure stands, a state of domain.journey", nullable=False),
    _date("business_date", "Night of its latest move", nullable=False),
    Column("move_number", Integer, nullable=False, comment="How many moves it has made"),
    _one_of("journeys", "state", STATES),
    schema=CLOSURE, comment="Where the closure of each selected casegroup stands",
)  # fmt: skip
Index("journeys_state_ix", journeys.c.state, postgresql_where=journeys.c.state != "CLOSED")

journey_moves = Table(
    "journey_moves", metadata,
    _text("casegroup_id", "Casegroup", nullable=False),
    Column("move_number", Integer, nullable=False, comment="From 1"),
    _date("business_date", "Night of the move", nullable=False),
    _text("from_state", "The state it left; null for the first"),
    _text("to_state", "The state it came to", nullable=False),
    _text("cause", "What brought it about", nullable=False),
    PrimaryKeyConstraint("casegroup_id", "move_number"),
    _one_of("journey_moves", "from_state", STATES), _one_of("journey_moves", "to_state", STATES),
    schema=CLOSURE, comment="Every move of every casegroup's closure; rows are only ever added",
)  # fmt: skip

applications = Table(
    "applications", metadata,
    _text("application_id", "The application to CMS", primary_key=True),
    _date("business_date", "Night on which it was decided", nullable=False),
    _text("casegroup_id", "Casegroup of the paying parent it names; null when not on CSA"),
    _date("received_on", "Day it was received; day 0 of the 38", nullable=False),
    _date("t_date", "Received + 38 days, when reactive (R1)"),
    _date("effective_date", "Effective date of the application"),
    _text("decision", "REACTIVE, KEPT_PROACTIVE, ALREADY_REACTIVE, NOT_ON_CSA, NOT_ELIGIBLE or LIABILITY_ENDED", nullable=False),
    _one_of("applications", "decision", codes.DECISIONS),
    schema=CLOSURE, comment="What each application to CMS led to (B19-B24)",
)  # fmt: skip
Index("applications_casegroup_ix", applications.c.casegroup_id)

ltrs = Table(
    "ltrs", metadata,
    _text("ltr_id", "<type>-<CSA system>-<application>", primary_key=True),
    _date("business_date", "Night whose file carries it; null until a night has sent it"),
    _text("ltr_type", "LTR1, LTR2 or LTR3 (R24)", nullable=False),
    _text("csa_system", "The CSA system it goes to", nullable=False),
    _text("csa_case_ids", "The casegroup's cases on that system when it was issued, separated by a space", nullable=False),
    _text("casegroup_id", "Casegroup", nullable=False),
    _text("application_id", "The application behind it", nullable=False),
    _date("t_date", "The date liability is to end", nullable=False),
    _text("issued_by", "'system', or who issued it by hand (B26)", nullable=False),
    Column("issued_at", DateTime(timezone=True), comment="When it was issued by hand"),
    _one_of("ltrs", "ltr_type", LTR_TYPES), _one_of("ltrs", "csa_system", CSA_SYSTEMS),
    schema=CLOSURE, comment="Legacy transition requests to the CSA systems (B24, B26)",
)  # fmt: skip
Index("ltrs_business_date_ix", ltrs.c.business_date)
Index("ltrs_casegroup_ix", ltrs.c.casegroup_id)

tranche_criteria = Table(
    "tranche_criteria", metadata,
    _text("tranche_id", "Tranche", nullable=False),
    Column("version", Integer, nullable=False, comment="From 1 within the tranche"),
    _text("state", "LOADED, PROPOSED, APPROVED or REFUSED; the last LOADED or APPROVED one is in force", nullable=False),
    _text("ocr_reference", "Operational Change Request"),
    _text("authorised_by", "Who authorised it; null: it selects nothing (B6)"),
    _date("authorised_on", "When they did; null: it selects nothing (B6)"),
    _text("reason", "Why"),
    Column("segments", ARRAY(Integer), nullable=False, comment="Segments it matches"),
    Column("csa_systems", ARRAY(Text), nullable=False, comment="CSA systems it matches"),
    Column("case_types", ARRAY(Text), nullable=False, comment="Case types it matches"),
    Column("max_cases", BigInteger, comment="Cap on cases over the life of the tranche; null: none"),
    Column("notice_days", Integer, nullable=False, comment="LED = selection date + these"),
    Column("reminder_days", Integer, comment="Days before the LED on which the reminder is due; null: one month"),
    _date("valid_from", "First night it selects on; null: open"),
    _date("valid_to", "Last night it selects on; null: open"),
    _text("source", "How it came: a file's name, or the approval DAG", nullable=False),
    _text("recorded_by", "Who brought it: a user, the night that read it, or who proposed it", nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, comment="When it was recorded"),
    Column("replaces_version", Integer, comment="The version in force when it was recorded; null: none was"),
    _text("decided_by", "Who approved or refused the proposal"),
    Column("decided_at", DateTime(timezone=True), comment="When they did"),
    _text("comment", "What they said, or why it was refused"),
    PrimaryKeyConstraint("tranche_id", "version"),
    _one_of("tranche_criteria", "state", codes.CRITERIA_STATES),
    schema=CLOSURE, comment="Every version of every tranche's criteria: who, when, why (B6)",
)  # fmt: skip

tranche_selections = Table(
    "tranche_selections", metadata,
    _date("business_date", "Night of the selection", nullable=False),
    _text("tranche_id", "Tranche", nullable=False),
    Column("version", Integer, nullable=False, comment="Version of its criteria that selected"),
    _date("led", "End liability date stamped", nullable=False),
    Column("casegroups", BigInteger, nullable=False, comment="Casegroups selected"),
    Column("cases", BigInteger, nullable=False, comment="Cases selected"),
    _text("ended_at_casegroup_id", "The casegroup that would have passed the cap; null when the cap was not met"),
    PrimaryKeyConstraint("business_date", "tranche_id", "version"),
    schema=CLOSURE, comment="What each version of a tranche's criteria selected, night by night (B8)",
)  # fmt: skip

letter_contents = Table(
    "letter_contents", metadata,
    _text("letter_id", "The letter", primary_key=True),
    _date("business_date", "Night whose letter it is", nullable=False),
    _text("content", "What it says, as JSON: names, addresses, amounts; personal, so in no view", nullable=False),
    schema=CLOSURE, comment="What each letter said when it was written, so that a rerun, a copy or a reissue says the same",
)  # fmt: skip
Index("letter_contents_business_date_ix", letter_contents.c.business_date)

letter_deliveries = Table(
    "letter_deliveries", metadata,
    _text("letter_id", "The letter; sent at most once", primary_key=True),
    _date("business_date", "Night whose letter it is", nullable=False),
    _text("channel", "print: the outbound folder; notify: GOV.UK Notify", nullable=False),
    _text("state", "CREATED, SENDING, SENT or FAILED", nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0", comment="How often sending was begun"),
    Column("attempted_at", DateTime(timezone=True), comment="When it was last begun"),
    _text("last_error", "Why it was not sent, in plain words"),
    Column("sent_at", DateTime(timezone=True), comment="When it was handed over"),
    _text("provider_reference", "What the other side calls it"),
    _one_of("letter_deliveries", "channel", codes.DELIVERY_CHANNELS),
    _one_of("letter_deliveries", "state", codes.DELIVERY_STATES),
    schema=CLOSURE, comment="What became of each letter that was written",
)  # fmt: skip
Index(
    "letter_deliveries_state_ix",
    letter_deliveries.c.state,
    postgresql_where=letter_deliveries.c.state != "SENT",
)

letters_by_hand = Table(
    "letters_by_hand", metadata,
    _text("request_id", "<code>-<casegroup>-<system>-<case>-<letter>-<when>", primary_key=True),
    _text("code", "CMSL6300, CMSL6313 or, to a representative again, CMSL6314", nullable=False),
    _text("casegroup_id", "Casegroup", nullable=False), _system(), _case_id(),
    _date("from_on", "First day of the period to write off"), _date("to_on", "Its last day"),
    _text("repeats_letter_id", "The letter to send again"),
    _text("asked_by", "Who asked for it", nullable=False),
    Column("asked_at", DateTime(timezone=True), nullable=False, comment="When"),
    _text("letter_id", "The letter it became; null until a night has made it"),
    schema=CLOSURE, comment="Letters caseworkers asked for (B17, B45)",
)  # fmt: skip
Index(
    "letters_by_hand_letter_ix",
    letters_by_hand.c.letter_id,
    postgresql_where=letters_by_hand.c.letter_id.is_not(None),
)
Index(
    "letters_by_hand_waiting_ix",
    letters_by_hand.c.asked_at,
    postgresql_where=letters_by_hand.c.letter_id.is_(None),
)
