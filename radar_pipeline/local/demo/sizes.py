"""How many rows each table has, and how fast it grows.

The documented sizes are the production system's orders of size; the others are ours, in the same style, and bring the
database to the documented load of more than a million rows a day.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import Final

from radar_pipeline.tables.model import Table

_DOCUMENTED: Final[Mapping[str, int]] = {
    "store": 5_000,
    "store_metrics": 15_000,
    "brand_metrics_average": 2_000,
    "economic_group": 500,
    "store_document": 5_000,
    "user_access": 8_000,
    "user_permission": 1_000,
    "role_permission": 200,
    "login": 8_000,
    "product": 50_000,
    "product_pbm": 5_000,
    "product_export": 50_000,
    "contest": 50,
    "contest_score": 10_000,
    "objectives": 100,
    "voucher": 2_000,
    "document_request": 1_000,
    "legal_terms_users": 3_000,
    "distributor": 200,
    "menu": 100,
    "lives": 50,
}
_INVENTED: Final[Mapping[str, int]] = {
    "transacoes": 700_000,
    "order_item": 60_000,
    "sales_daily": 50_000,
    "product_stock": 50_000,
    "product_price": 40_000,
    "order": 20_000,
    "invoice": 18_000,
    "audit_log": 15_000,
    "user_notification": 15_000,
    "points_ledger": 12_000,
    "distributor_price_list": 12_000,
    "product_ean": 12_000,
    "product_batch": 10_000,
    "store_opening_hours": 10_000,
    "store_distributor": 10_000,
    "product_supplier": 10_000,
    "user_session": 9_000,
    "user_profile": 8_000,
    "user_store": 8_000,
    "performance_indicators": 8_000,
    "user_terms": 6_000,
    "product_price_index": 6_000,
    "store_ranking": 6_000,
    "store_address": 5_000,
    "store_contact": 5_000,
    "store_tax_profile": 5_000,
    "store_bank_account": 4_000,
    "store_visit": 4_000,
    "dashboard_data": 4_000,
    "source_type_sample": 500,
    "product_image": 500,
    "store_import": 400,
    "holiday": 300,
    "faq": 150,
    "product_category": 120,
    "banner": 60,
    "partner": 60,
    "document_type": 20,
    "legal_terms": 15,
    "return_reason": 12,
    "payment_method": 8,
    "store_closure_request": 0,
}
_ROWS: Final[Mapping[str, int]] = {**_DOCUMENTED, **_INVENTED}
_ORDINARY_ROWS = 1_500
# A scaled-down table keeps enough rows for references and odd values to appear.
_FEWEST_ROWS = 5
# Below this a table is a list that somebody maintains by hand: it does not grow by itself.
_LISTS_END_AT = 400


_RATES: Final[Mapping[str, float]] = {
    "store": 0.001,
    "user_access": 0.002,
    "transacoes": 0.008,
    "order": 0.01,
    "order_item": 0.01,
    "sales_daily": 0.012,
}
_SLOWEST, _FASTEST = 0.001, 0.02


def rows_at_start(table: Table, scale: float = 1.0) -> int:
    """Rows of a freshly seeded table. A table that the registry alone knows gets 1,500."""
    full = _ROWS.get(table.name, 0 if table.may_be_empty else _ORDINARY_ROWS)
    return max(min(full, _FEWEST_ROWS), round(full * scale))


def new_rows(table: Table, rows: int, day: int) -> int:
    """Rows that a table gains on a day: 0.1 to 2 % of it for a living table, none for lists and some others."""
    rate = _rate(table)
    if rows == 0 or rate == 0:
        return 0
    # Days differ by half up and down, as trade does; the bounds hold for every day.
    swing = 0.5 + stable_hash(f"{table.name} {day}") % 1000 / 999
    return max(1, math.floor(rows * min(_FASTEST, max(_SLOWEST, rate * swing))))


def _rate(table: Table) -> float:
    if table.name in _RATES:
        return _RATES[table.name]
    habit = stable_hash(table.name)
    if _ROWS.get(table.name, _ORDINARY_ROWS) < _LISTS_END_AT or habit % 3 == 0:
        return 0.0
    return 0.002 + 0.008 * (habit % 97) / 96


def stable_hash(text: str) -> int:
    """A number for a text that is the same in every process, which ``hash`` is not."""
    return zlib.crc32(text.encode())
