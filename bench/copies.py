"""Many customers from a few: copies, in SQL, of their contracts and of all that billing wrote for them.

A copy differs from its original in its keys, and in what must be unique: names and invoice numbers. The database holds
nothing but the originals; its foreign keys and unique indexes watch over the result.
"""

from __future__ import annotations

from typing import Any

from odoo.tools import SQL

BATCH = 50  # copies made by one statement: PostgreSQL keeps a note of every foreign key to check at its end

# Each table after those that it refers to.
TABLES = (
    "res_partner",
    "multiservice_contract",
    "multiservice_contract_line",
    "account_tax_multiservice_contract_line_rel",
    "multiservice_billing_run_item",
    "multiservice_billing_run_item_multiservice_contract_rel",
    "account_move",
    "account_move_line",
    "account_move_line_account_tax_rel",
    "account_account_tag_account_move_line_rel",
    "multiservice_billable",
    "multiservice_billing_anomaly",
)
NUMBER = "(source.sequence_number + n)::text"
MOVE_NAME = f"source.sequence_prefix || lpad({NUMBER}, GREATEST(5, length({NUMBER})), '0')"
NEW_MOVE_NAME = "(SELECT name FROM account_move WHERE id = source.move_id + n * {move_stride})"
# What tells the copy numbered `n` of the row `source` from its original, besides its keys.
LABELS = {
    "res_partner": {"name": "source.name || '-' || n", "complete_name": "source.complete_name || '-' || n"},
    "multiservice_contract": {"name": "source.name || '-' || n", "access_token": "NULL"},
    "account_move": {
        "name": MOVE_NAME,
        "payment_reference": MOVE_NAME,
        "sequence_number": "source.sequence_number + n",
        "invoice_origin": "source.invoice_origin || '-' || n",
        "access_token": "NULL",
    },
    "account_move_line": {
        "move_name": NEW_MOVE_NAME,
        "name": f"replace(source.name, source.move_name, {NEW_MOVE_NAME})",
    },
}


def multiply(customers: Any, copies: int) -> None:
    """Add `copies` copies of `customers` and of all contracts, invoices and ledger rows of the database."""
    env = customers.env
    env.flush_all()
    _spread_numbers(env, copies + 1)
    strides: dict[str, int] = {}
    for table in TABLES:
        own = SQL("id = ANY(%s)", customers.ids) if table == customers._table else SQL("TRUE")
        _copy(env, table, own, strides, copies)
        print(f"  {table}", flush=True)
    env.invalidate_all()


def _spread_numbers(env: Any, step: int) -> None:
    """Leave room after each invoice number for those of the copies, so that all numbers rise with the dates."""
    env.cr.execute("UPDATE account_move SET name = '/', sequence_number = (sequence_number - 1) * %s + 1", [step])
    env.cr.execute(
        f"""
        UPDATE account_move AS source
           SET name = {MOVE_NAME}, payment_reference = {MOVE_NAME}
          FROM generate_series(0, 0) AS n
        """
    )
    env.cr.execute(
        """
        UPDATE account_move_line AS line
           SET move_name = move.name, name = replace(line.name, line.move_name, move.name)
          FROM account_move AS move
         WHERE move.id = line.move_id
        """
    )


def _copy(env: Any, table: str, own: SQL, strides: dict[str, int], copies: int) -> None:
    """Insert the copies of the rows of `table` that match `own`.

    Copy n of a row gets the row's id plus n strides of its table, kept for the tables that refer to it.
    """
    columns = _columns(env, table)
    name = SQL.identifier(table)
    env.cr.execute(SQL("CREATE TEMPORARY TABLE originals AS SELECT * FROM %s WHERE %s", name, own))
    if "id" in columns:
        [(strides[table],)] = env.execute_query(SQL("SELECT COALESCE(MAX(id), 0) FROM %s", name))
    values = SQL(", ").join(_value(table, column, target, strides) for column, target in columns.items())
    names = SQL(", ").join(map(SQL.identifier, columns))
    for first in range(1, copies + 1, BATCH):
        numbers = SQL("generate_series(%s, %s)", first, min(first + BATCH - 1, copies))
        env.cr.execute(
            SQL("INSERT INTO %s (%s) SELECT %s FROM originals AS source, %s AS n", name, names, values, numbers)
        )
    env.cr.execute("DROP TABLE originals")
    if "id" in columns:
        env.cr.execute(SQL("SELECT setval(%s, MAX(id)) FROM %s", f"{table}_id_seq", name))


def _value(table: str, column: str, target: str | None, strides: dict[str, int]) -> SQL:
    """The value of a column in the copies; `target`: the table that the column refers to."""
    stride = strides.get(table if column == "id" else target or "")
    if stride is not None:
        return SQL("source.%s + n * %s", SQL.identifier(column), stride)
    if label := LABELS.get(table, {}).get(column):
        return SQL(label.format(move_stride=strides.get("account_move")))
    return SQL("source.%s", SQL.identifier(column))


def _columns(env: Any, table: str) -> dict[str, str | None]:
    """By column of `table`, the table that its foreign key refers to."""
    return dict(
        env.execute_query(
            SQL(
                """
                SELECT attribute.attname, reference.confrelid::regclass::text
                  FROM pg_attribute attribute
                  LEFT JOIN pg_constraint reference
                    ON reference.conrelid = attribute.attrelid AND reference.contype = 'f'
                   AND reference.conkey = ARRAY[attribute.attnum]
                 WHERE attribute.attrelid = %s::regclass AND attribute.attnum > 0 AND NOT attribute.attisdropped
                """,
                table,
            )
        )
    )
