"""Strategies for what must never show: secrets and personal data in the forms that errors and people write them in."""

from __future__ import annotations

import string

from hypothesis import strategies as st

DIGITS = st.integers(min_value=0, max_value=9)


def _mod11(digits: list[int], weights: list[int]) -> int:
    rest = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11
    return 0 if rest < 2 else 11 - rest


def _with_check_digits(digits: list[int], weights: list[int]) -> str:
    for length in (len(digits), len(digits) + 1):
        digits = [*digits, _mod11(digits, weights[len(weights) - length :])]
    return "".join(map(str, digits))


def _luhn(digits: list[int]) -> str:
    for last in range(10):
        whole = [*digits, last]
        doubled = [digit * (2 if place % 2 else 1) for place, digit in enumerate(reversed(whole))]
        if sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0:
            return "".join(map(str, whole))
    raise AssertionError


CPF = (
    st.lists(DIGITS, min_size=9, max_size=9)
    .filter(lambda digits: len(set(digits)) > 1)
    .map(lambda digits: _with_check_digits(digits, list(range(11, 1, -1))))
)
CNPJ = (
    st.lists(DIGITS, min_size=8, max_size=8)
    .filter(lambda digits: len(set(digits)) > 2 and digits[:2] not in ([1, 9], [2, 0]))
    .map(lambda digits: _with_check_digits([*digits, 0, 0, 0, 1], [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]))
)
CARD = st.builds(
    lambda first, rest: _luhn([*map(int, first), *rest][:15]),
    st.sampled_from(["4", "51", "55", "2221", "65"]),
    st.lists(DIGITS, min_size=15, max_size=15),
)
AREA = st.integers(min_value=11, max_value=99).filter(lambda area: area % 10)
LOCAL = st.lists(DIGITS, min_size=8, max_size=8).map(lambda digits: "".join(map(str, digits)))
PHONE = st.builds(
    lambda area, local, form: form.format(a=area, x=local[:4], y=local[4:]),
    AREA,
    LOCAL,
    st.sampled_from(
        [
            *("+55 {a} 9{x}-{y}", "+55{a}9{x}{y}", "({a}) 9{x}-{y}", "({a}) {x}-{y}", "{a} 9{x}-{y}", "{a}9{x}{y}"),
            *("55{a}9{x}{y}", "55 {a} 9{x}-{y}", "+55 ({a}) 9{x}-{y}", "+55 {a} 9{x} {y}"),
        ]
    ),
)
WORD = st.text(string.ascii_letters + string.digits, min_size=6, max_size=16)
TRICKY = st.text(string.ascii_letters + string.digits + "!#$%*+./:?@^_~", min_size=8, max_size=20)
EMAIL = st.builds("{}@{}.{}".format, WORD, WORD, st.sampled_from(["com", "com.br", "farma.br", "io"]))

# What a text holds, and the part of it that must not come through.
PERSONAL = st.one_of(
    EMAIL.map(lambda text: (text, text)),
    CPF.map(lambda text: (text, text)),
    CPF.map(lambda text: (f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}",) * 2),
    CNPJ.map(lambda text: (text, text)),
    CNPJ.map(lambda text: (f"{text[:2]}.{text[2:5]}.{text[5:8]}/{text[8:12]}-{text[12:]}",) * 2),
    CARD.map(lambda text: (text, text)),
    CARD.map(lambda text: (f"{text[:4]} {text[4:8]} {text[8:12]} {text[12:]}",) * 2),
    PHONE.map(lambda text: (text, text)),
)
CREDENTIALS = st.one_of(
    st.builds(
        lambda name, secret: (f"{name}{secret}", secret),
        st.sampled_from(["password=", "PWD=", "senha: ", "api_key=", "secret: ", "token=", "client_secret=", "&pass="]),
        TRICKY,
    ),
    TRICKY.map(lambda secret: (f'{{"password": "{secret}"}}', secret)),
    TRICKY.map(lambda secret: (f"IDENTIFIED BY '{secret}'", secret)),
    WORD.map(lambda secret: (f"mysql://radar:{secret}@db.internal:3306/radar", secret)),
    st.text(string.ascii_letters, min_size=20, max_size=30).map(lambda secret: (f"Bearer {secret}", secret)),
    st.text(string.digits, min_size=10, max_size=12).map(lambda text: (f"xoxb-{text}-AbCdEf",) * 2),
    st.text(string.ascii_uppercase, min_size=16, max_size=16).map(lambda text: (f"AKIA{text}",) * 2),
)
