"""Many rows in one statement whose text is the same however many they are, so that nobody has to read it anew.

On PostgreSQL the rows travel as arrays, a column each. SQLite is in our own process, and each row there is a call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    bindparam,
    exists,
    func,
    insert,
    select,
    true,
    tuple_,
)
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
        connection.execute(_inserting(table, tuple(rows[0]), ()), _by_column(rows))
    else:  # psycopg sends these without waiting in between, and long texts need no quoting inside an array
        made = sqlite.insert(table).on_conflict_do_nothing() if ignore else insert(table)
        connection.execute(made, list(rows))


def insert_new(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], unless: Sequence[Column[Any]]
) -> set[tuple[Any, ...]]:
    """Insert those of `rows` whose key is not there yet, and which are not in the table of the columns `unless` either.

    All rows have the same columns, those of `unless` among them. Gives the keys of the rows that were inserted.
    """
    if not rows:
        return set()
    if connection.dialect.name == "postgresql":
        made = _inserting(table, tuple(rows[0]), tuple(unless), tell=True)
        return {tuple(row) for row in connection.execute(made, _by_column(rows))}
    fresh = list(rows)  # nobody else writes here until this transaction is over
    for columns in (tuple(table.primary_key), tuple(unless)):
        keys = [tuple(row[column.name] for column in columns) for row in fresh]
        there = set(map(tuple, connection.execute(_present(columns), {"rows": json.dumps(keys)})))
        fresh = [row for row, key in zip(fresh, keys, strict=True) if key not in there]
    values = json.dumps([list(row.values()) for row in fresh])
    connection.execute(_inserting_json(table, tuple(rows[0])), {"rows": values})
    return {tuple(row[column.name] for column in table.primary_key) for row in fresh}


def _json_rows(number: int) -> list[Any]:
    """The columns of the parameter `rows` on SQLite, which may then read all of them before it lets others go on."""
    value = func.json_each(bindparam("rows")).table_valued("value").c.value
    return [func.json_extract(value, f"$[{place}]") for place in range(number)]


@cache
def _present(columns: tuple[Column[Any], ...]) -> Any:
    """Those of the keys that are given which are in the table of `columns`."""
    same = [column == given for column, given in zip(columns, _json_rows(len(columns)), strict=True)]
    return select(*columns).where(*same)


@cache
def _inserting_json(table: Table, names: tuple[str, ...]) -> Any:
    given = select(*_json_rows(len(names))).where(true())  # or ON would be taken for a join's
    return sqlite.insert(table).from_select([table.c[name] for name in names], given).on_conflict_do_nothing()


@cache
def _inserting(table: Table, names: tuple[str, ...], unless: tuple[Column[Any], ...], *, tell: bool = False) -> Any:
    """The statement on PostgreSQL, made once: its parameters are the columns' values by their names."""
    arrays = [bindparam(name, type_=postgresql.ARRAY(table.c[name].type)) for name in names]
    rows = func.unnest(*arrays).table_valued(*names).render_derived()
    given = select(*(rows.c[name] for name in names))
    if unless:
        given = given.where(~exists().where(*(column == rows.c[column.name] for column in unless)))
    made = postgresql.insert(table).from_select([table.c[name] for name in names], given).on_conflict_do_nothing()
    return made.returning(*table.primary_key) if tell else made


def _by_column(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _given(columns: Sequence[ColumnElement[Any]], values: Sequence[Sequence[Any]]) -> Any:
    """The values, a list for each column, as rows of a SELECT."""
    arrays = [
        bindparam(None, list(each), postgresql.ARRAY(column.type)) for column, each in zip(columns, values, strict=True)
    ]
    names = [f"c{place}" for place in range(len(arrays))]
    rows = func.unnest(*arrays).table_valued(*names).render_derived()
    return select(*(rows.c[name] for name in names))
