"""Many rows in one statement whose text is the same however many they are, so that nobody has to read it anew.

On PostgreSQL the rows travel as arrays, a column each. SQLite is in our own process, and each row there is a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, bindparam, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite


def among(
    connection: Connection, columns: Sequence[ColumnElement[Any]], keys: Sequence[tuple[Any, ...]]
) -> ColumnElement[bool]:
    """Whether the values of `columns` in a row are one of `keys`."""
    if connection.dialect.name != "postgresql":
        return tuple_(*columns).in_(keys)
    return tuple_(*columns).in_(_given(columns, list(zip(*keys, strict=True)) or [() for _ in columns]))


def insert_all(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, ignore: bool = False
) -> None:
    """Insert `rows`, in their order; with `ignore` those whose key is there already are left out.

    All rows have the same columns. None is nothing to do.
    """
    if not rows:
        return
    if ignore and connection.dialect.name == "postgresql":
        columns = [table.c[name] for name in rows[0]]
        values = [[row[column.name] for row in rows] for column in columns]
        there = postgresql.insert(table).from_select(columns, _given(columns, values))
        connection.execute(there.on_conflict_do_nothing())
    else:  # psycopg sends these without waiting in between, and long texts need no quoting inside an array
        made = sqlite.insert(table).on_conflict_do_nothing() if ignore else insert(table)
        connection.execute(made, list(rows))


def _given(columns: Sequence[ColumnElement[Any]], values: Sequence[Sequence[Any]]) -> Any:
    """The values, a list for each column, as rows of a SELECT."""
    arrays = [
        bindparam(None, list(each), postgresql.ARRAY(column.type)) for column, each in zip(columns, values, strict=True)
    ]
    names = [f"c{place}" for place in range(len(arrays))]
    rows = func.unnest(*arrays).table_valued(*names).render_derived()
    return select(*(rows.c[name] for name in names))
