"""Arrow in, Arrow out by COPY: what goes in comes out, whatever is in it, and nothing of it is executed."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from case_closure.store import database
from case_closure.store.copy import ColumnsDiffer, copy_in, copy_out
from tests.support.installation import Installation

TEXTS = [
    None,
    "",
    " ",
    "NULL",
    "null",
    "\\N",
    "\\.",
    ".",
    '"',
    '""',
    "'",
    "''",
    "a,b",
    "a;b",
    "a\tb",
    "a\nb",
    "a\r\nb",
    "\n",
    "\r",
    "\\",
    "\\n",
    "x\\",
    '"quoted"',
    'half"quote',
    "=1+1",
    "=cmd|'/c calc'!A1",
    "+1",
    "-1",
    "@SUM(A1)",
    "'; drop table held.csa_cases; --",
    "Robert'); DROP TABLE dues;--",
    "$$;select 1;$$",
    "%s %(x)s",
    "{0}",
    "Siân",
    "e\u0301",
    "日本",
    "🙂",
    "\u202egnirts",
    "\ufeffx",
    "\x7f",
    "x" * 1_000_000,
]


def there_and_back(installation: Installation, rows: pa.Table, kinds: str) -> pa.Table:
    with database.transaction(installation.url) as connection:
        connection.exec_driver_sql(f"create temporary table t (n bigint, {kinds}) on commit drop")
        numbered = rows.add_column(0, "n", pa.array(range(rows.num_rows), pa.int64()))
        assert copy_in(database.raw(connection), "t", numbered) == rows.num_rows
        return copy_out(database.raw(connection), "select * from t order by n", numbered.schema).drop_columns(
            ["n"]
        )


def test_texts_come_back_as_they_were(installation: Installation) -> None:
    rows = pa.table({"a": pa.array(TEXTS, pa.string()), "b": pa.array(reversed(TEXTS), pa.string())})
    assert there_and_back(installation, rows, "a text, b text").equals(rows)


def test_a_single_column_of_empty_and_missing_texts(installation: Installation) -> None:
    rows = pa.table({"a": pa.array(["", None, ""], pa.string())})
    assert there_and_back(installation, rows, "a text").column("a").to_pylist() == ["", None, ""]


def test_numbers_dates_and_flags_come_back_exactly(installation: Installation) -> None:
    """Money never passes through a float."""
    rows = pa.table(
        {
            "p": pa.array([2**63 - 1, -(2**63), 2**53 + 1, 0, None], pa.int64()),
            "i": pa.array([1, -1, 2**31 - 1, None, 5], pa.int32()),
            "d": pa.array(
                [date(1, 1, 1), date(9999, 12, 31), date(2016, 2, 29), None, date(1970, 1, 1)], pa.date32()
            ),
            "f": pa.array([True, False, None, True, False], pa.bool_()),
        }
    )
    assert there_and_back(installation, rows, "p bigint, i integer, d date, f boolean").equals(rows)


def test_no_rows_are_a_table_of_no_rows(installation: Installation) -> None:
    rows = pa.table({"a": pa.array([], pa.string()), "p": pa.array([], pa.int64())})
    assert there_and_back(installation, rows, "a text, p bigint").equals(rows)


def test_many_batches_keep_every_row(installation: Installation) -> None:
    rows = pa.table({"p": pa.array(range(120_001), pa.int64()), "a": pa.array(["é\n"] * 120_001)})
    back = there_and_back(installation, rows, "p bigint, a text")
    assert back.column("p").to_pylist() == list(range(120_001))


def test_columns_go_by_name_not_by_place(installation: Installation) -> None:
    with database.transaction(installation.url) as connection:
        connection.exec_driver_sql("create temporary table t (a text, b text, c text) on commit drop")
        copy_in(database.raw(connection), "t", pa.table({"c": ["3"], "a": ["1"]}))
        back = copy_out(
            database.raw(connection), "select a, b, c from t", pa.schema([(n, pa.string()) for n in "abc"])
        )
        assert back.to_pylist() == [{"a": "1", "b": None, "c": "3"}]


@pytest.mark.parametrize("rows", ["", "where false"])
@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("'1' as b, '2' as a", "column 1 is b where the shape has a; column 2 is a where the shape has b"),
        ("'1' as a, '2' as c", "column 2 is c where the shape has b"),
        ("'1' as a", "column 2 is none where the shape has b"),
        ("'1' as a, '2' as b, '3' as c", "column 3 is c where the shape has none"),
        ("""'1' as a, '2' as "b,c\"\"" """, 'column 2 is b,c" where the shape has b'),
    ],
)
def test_other_columns_than_those_of_the_shape_are_refused(
    installation: Installation, columns: str, says: str, rows: str
) -> None:
    """Two texts that changed places would be read without a word; the transaction can go on."""
    shape = pa.schema([("a", pa.string()), ("b", pa.string())])
    with database.transaction(installation.url) as connection:
        with pytest.raises(ColumnsDiffer) as refused:
            copy_out(database.raw(connection), f"select {columns} {rows}", shape)
        assert str(refused.value).endswith(f"differ: {says}")
        assert copy_out(database.raw(connection), "select 'x' as a, 'y' as b", shape).to_pylist() == [
            {"a": "x", "b": "y"}
        ]


@pytest.mark.parametrize("name", ['t"; drop table held.csa_cases; --', "no.such"])
def test_a_name_is_only_ever_a_name(installation: Installation, name: str) -> None:
    with (
        pytest.raises(Exception, match="does not exist"),
        database.transaction(installation.url) as connection,
    ):
        copy_in(database.raw(connection), name, pa.table({"a": ["1"]}))
    assert installation.query("select count(*) as n from held.csa_cases") == [{"n": 0}]
