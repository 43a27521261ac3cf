"""Brazilian registration numbers and bar codes with valid check digits, made by the array."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Integers = npt.NDArray[np.int64]

_CNPJ_FIRST = (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
_CPF_FIRST = tuple(range(10, 1, -1))
_PHARMACY_COUNTRY = 789  # GS1 prefix of Brazil


def cnpj(numbers: Integers) -> Any:
    """CNPJ of a company number, as 14 digits: root, head office 0001, two check digits (modulo 11)."""
    body = (10_000_000 + numbers % 89_999_999) * 10_000 + 1
    first = _modulo_11(body, _CNPJ_FIRST)
    second = _modulo_11(body * 10 + first, (6, *_CNPJ_FIRST))
    return digits(body * 100 + first * 10 + second, 14)


def cpf(numbers: Integers) -> Any:
    """CPF of a person number, as 11 digits with two check digits (modulo 11)."""
    body = 100_000_000 + numbers % 899_999_999
    first = _modulo_11(body, _CPF_FIRST)
    second = _modulo_11(body * 10 + first, (11, *_CPF_FIRST))
    return digits(body * 100 + first * 10 + second, 11)


def ean13(numbers: Integers) -> Any:
    """EAN-13 bar code of a product number, with its check digit (weights 1 and 3, modulo 10)."""
    body = _PHARMACY_COUNTRY * 10**9 + numbers % 10**9
    check = (-_weighted(body, (1, 3) * 6)) % 10
    return digits(body * 10 + check, 13)


def digits(numbers: Integers, width: int) -> Any:
    """Numbers as text, with leading zeros up to a width."""
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def decimal_text(unscaled: Integers, scale: int) -> Any:
    """Decimals as exact text, from integers that count the last digit."""
    if scale == 0:
        return pa.array(unscaled).cast(pa.string())
    whole, fraction = np.divmod(unscaled, 10**scale)
    return pc.binary_join_element_wise(pa.array(whole).cast(pa.string()), digits(fraction, scale), ".")


def _modulo_11(numbers: Integers, weights: tuple[int, ...]) -> Integers:
    rest = _weighted(numbers, weights) % 11
    return np.where(rest < 2, 0, 11 - rest)


def _weighted(numbers: Integers, weights: tuple[int, ...]) -> Integers:
    """Sum of the digits times their weights; the last weight belongs to the last digit."""
    total, rest = np.zeros_like(numbers), numbers
    for weight in reversed(weights):
        rest, digit = np.divmod(rest, 10)
        total = total + digit * weight
    return total
