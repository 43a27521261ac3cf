"""Text content by the column's name: registration numbers, people, pharmacies, medicines, places."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from radar_pipeline.domain.mysql_types import type_arguments
from radar_pipeline.local.demo import numbers, words
from radar_pipeline.local.demo.rows import Batch
from radar_pipeline.local.demo.sizes import stable_hash
from radar_pipeline.tables.model import ColumnContract

Maker = Callable[[Batch, ColumnContract], Any]


def make_text(batch: Batch, column: ColumnContract) -> Any:
    """Text for a column, cut to its width: by the column's name where it says something, else phrases."""
    name = f"{batch.table.name}.{column.name}".lower()
    maker = next((maker for pattern, maker in _BY_NAME if re.search(pattern, name)), phrases)
    width = type_arguments(column.type)
    values = maker(batch, column)
    return pc.utf8_slice_codeunits(values, 0, int(width[0])) if width else values


def joined(*parts: Any) -> Any:
    """Texts put together row by row."""
    return pc.binary_join_element_wise(*parts, "")


def phrases(batch: Batch, column: ColumnContract) -> Any:
    """What people type into free text, accents, quotes and emoji included."""
    return batch.choice(column, words.PHRASES)


def _numbered_words(batch: Batch, column: ColumnContract) -> Any:
    return joined(batch.choice(column, words.PHRASES), " ", pa.array(batch.numbers + 1).cast(pa.string()))


def _one_of(*options: str) -> Maker:
    return lambda batch, column: batch.choice(column, options)


def _cnpj(batch: Batch, _: ColumnContract) -> Any:
    # Each table has a number range of its own, so that a store and a distributor never share a CNPJ.
    return numbers.cnpj(batch.numbers * 7 + stable_hash(batch.table.name) % 80_000_000)


def _cpf(batch: Batch, column: ColumnContract) -> Any:
    return numbers.cpf(batch.integers(column, 0, 10**9))


def _ean(batch: Batch, _: ColumnContract) -> Any:
    return numbers.ean13(batch.numbers * 13 + stable_hash(batch.table.name) % 10**6)


def _person(batch: Batch, column: ColumnContract) -> Any:
    last = (batch.choice(column, words.LAST_NAMES, salt) for salt in ("first last name", "second last name"))
    return pc.binary_join_element_wise(batch.choice(column, words.FIRST_NAMES), *last, " ")


def _email(batch: Batch, _: ColumnContract) -> Any:
    domain = pa.array(("exemplo.com.br", "example.com", "farmacia.example")).take(pa.array(batch.numbers % 3))
    return joined(f"{batch.table.name.replace('_', '.')}.", pa.array(batch.numbers + 1).cast(pa.string()), "@", domain)


def _phone(batch: Batch, column: ColumnContract) -> Any:
    area = numbers.digits(batch.chance(f"{column.name} area").integers(11, 99, batch.count, endpoint=True), 2)
    return joined("(", area, ") 9", numbers.digits(batch.integers(column, 0, 99_999_999), 8))


def _pharmacy(batch: Batch, column: ColumnContract) -> Any:
    kind = batch.choice(column, ("Farmácia", "Drogaria", "Farma"), "kind")
    number = pa.array(batch.numbers + 1).cast(pa.string())
    return pc.binary_join_element_wise(kind, batch.choice(column, words.PHARMACY_NAMES), number, " ")


def _company(batch: Batch, column: ColumnContract) -> Any:
    suffix = batch.choice(column, ("Ltda.", "S.A.", "ME", "& Filhos Ltda."), "suffix")
    middle = batch.choice(column, ("Comércio de Medicamentos", "Distribuidora", "Produtos Farmacêuticos"), "middle")
    return pc.binary_join_element_wise(batch.choice(column, words.LAST_NAMES), middle, suffix, " ")


def _medicine(batch: Batch, column: ColumnContract) -> Any:
    parts = (batch.choice(column, words.MEDICINES), batch.choice(column, words.PRESENTATIONS, "presentation"))
    return pc.binary_join_element_wise(*parts, batch.choice(column, words.MAKERS, "maker"), " - ")


def _number_as_text(batch: Batch, column: ColumnContract) -> Any:
    """A number as the source's people typed it: mostly with a point, some with the Brazilian comma."""
    value = numbers.decimal_text(batch.integers(column, 100, 9_999_999), 2)
    commas = pa.array(batch.chance(f"{column.name} comma").random(batch.count) < 0.05)
    return pc.if_else(commas, pc.replace_substring(value, ".", ","), value)


def _file_name(suffix: str) -> Maker:
    return lambda batch, _: joined(f"{batch.table.name}/", numbers.digits(batch.numbers + 1, 8), suffix)


def hexadecimal(length: int) -> Maker:
    """Random hexadecimal texts of an even length."""

    def maker(batch: Batch, column: ColumnContract) -> Any:
        random = batch.chance(column.name).bytes(batch.count * (length // 2)).hex()
        return pa.array(
            [random[start : start + length] for start in range(0, batch.count * length, length)], pa.string()
        )

    return maker


def _digit_string(most: int) -> Maker:
    def maker(batch: Batch, column: ColumnContract) -> Any:
        width = min(int((type_arguments(column.type) or ["9"])[0]), most)
        parts = (batch.chance(f"{column.name} {part}").integers(0, 10**11, batch.count) for part in range(4))
        return pc.utf8_slice_codeunits(joined(*(numbers.digits(part, 11) for part in parts)), 44 - width, 44)

    return maker


_BY_NAME: tuple[tuple[str, Maker], ...] = (
    (r"\.cnpj$", _cnpj),
    (r"cpf$", _cpf),
    (r"\.ean$", _ean),
    (r"email$", _email),
    (r"phone$", _phone),
    (r"^brand_metrics_average\.", _number_as_text),
    (r"password$", hexadecimal(60)),
    (r"(token|recovery_id|event_id)$", hexadecimal(48)),
    (r"filename$", _file_name(".pdf")),
    (r"(image|photo)$", _file_name(".jpg")),
    (r"ip_address$", _one_of("203.0.113.7", "198.51.100.23", "192.0.2.200", "2001:db8::17")),
    (r"access_key$", _digit_string(44)),
    (r"card_number$", _digit_string(16)),
    (r"address\.number$", _digit_string(4)),
    (r"zip_code$", _digit_string(8)),
    (r"(account_number|bank_code|agency|document_number|\.ie)$", _digit_string(12)),
    (r"city$", _one_of(*words.CITIES)),
    (r"state$", _one_of(*words.STATES)),
    (r"country$", _one_of("BR", "AR", "DE", "IN", "US")),
    (r"mime_type$", _one_of("image/jpeg", "image/png", "image/webp")),
    (r"(path|icon|site)$", _file_name(".html")),
    (r"(device|platform)$", _one_of("Android", "iOS", "Windows", "Linux")),
    (r"version$", _one_of("1.0.0", "2.3.1", "2.4.0", "3.0.0-beta")),
    (r"(street|district)$", _one_of(*words.STREETS)),
    (r"(status|situação)$", _one_of(*words.STATUSES)),
    (r"role$", _one_of(*words.ROLES)),
    (r"(permission|preference)$", _one_of(*words.PERMISSIONS)),
    (r"language$", _one_of("pt-BR", "es", "en")),
    (r"(manufacturer|partner|distributor)\.name$|company_name$|\.partner$", _company),
    (r"^store\.\w*name$|group\.name$", _pharmacy),
    (r"^(product|product_export)\.(name|description)$", _medicine),
    (r"ingredient", _one_of(*words.MEDICINES)),
    (r"presentation$", _one_of(*words.PRESENTATIONS)),
    (r"(holder|signer)_name$|(contact|profile|distributor_user)\.name$", _person),
    (r"(código|number|_code|batch|series)$", _digit_string(10)),
    (r"(name|title|label)$", _numbered_words),
)
