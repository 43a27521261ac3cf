"""What is taken out of texts, and what must stay."""

import datetime as dt
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.redaction import HIDDEN, TEXT_AT_MOST, Redactor
from radar_pipeline_tests.alerts.hidden import CREDENTIALS, PERSONAL, TRICKY

REDACTOR = Redactor(("a-known&secret",), frozenset({"Team@farma.example"}))

BEFORE = st.sampled_from(["", "cpf: ", "said ", "(", "'", '"', "\n", "tel:", "Ana,", "<", "x=", "; "])
AFTER = st.sampled_from(["", ".", ", and more", ")", "'", '"', "\nnext", " is wrong", ",Ana", ">", ";"])


@given(BEFORE, PERSONAL, AFTER)
def test_personal_data_is_taken_wherever_it_stands(before, hidden, after):
    text, secret = hidden
    assert secret not in REDACTOR.text(f"{before}{text}{after}")


@given(BEFORE, CREDENTIALS, st.sampled_from(["", "\nnext", " is wrong", "; more"]))
def test_credentials_are_taken_wherever_they_stand(before, hidden, after):
    text, secret = hidden
    assert secret not in REDACTOR.text(f"{before}{text}{after}")


@given(TRICKY, st.sampled_from([str, lambda text: quote(text, safe=""), lambda text: repr(text)[1:-1]]), BEFORE, AFTER)
def test_a_known_secret_is_taken_in_every_form(secret, form, before, after):
    cleaned = Redactor((secret,)).text(f"{before}zz{form(secret)}zz{after}")
    assert secret not in cleaned
    assert form(secret) not in cleaned


@given(st.text(max_size=300))
def test_cleaning_twice_changes_nothing_more_and_the_text_can_be_stored(text):
    once = REDACTOR.text(text)
    assert REDACTOR.text(once) == once
    once.encode()


@pytest.mark.parametrize(
    "text",
    [
        "12345678901 rows, 1,234,567,890 bytes and +98,765 rows",
        "11987654321 bytes in 4 files; 52998224725 rows; band 11 1500-2000 rows",
        "since 2026-11-24 02:10:33.123456 UTC, 20261124021000, 2026-11-24T02:10:33Z",
        "run 6c7fda57-ebdb-4c6b-9bc3-6b5d5cb9e1ad, job 1234567890, attempt 2 of 3, epoch 1764000000000",
        "http://127.0.0.1:3000/runs/6c7fda57-1234-4123-9123-123456789012?logs=1#step",
        "store/cog_dt_ingestion=2026-11-24/file_store_part_0.parquet",
        "Access denied for user 'bi-cognitivo-read'@'10.0.0.12' (using password: YES)",
        "10.0.0.12:3306 refused, error 2003 (HY000), 20.5 % fewer, between 800 and 1200",
        "team@farma.example owns it",
        "check the client id and its secret, RADAR_PASS and RADAR_SLACK_TOKEN; granted no token: check it again",
        "85 tables, 1 critical; 3 of 85; -12.5 %; 1500-2000; 99999-1234",
    ],
)
def test_what_people_need_stays(text: str):
    assert REDACTOR.text(text) == text


@given(
    st.integers(min_value=0, max_value=10**12),
    st.integers(min_value=10**9, max_value=3 * 10**9).map(lambda seconds: dt.datetime.fromtimestamp(seconds, dt.UTC)),
    st.uuids(),
    st.integers(min_value=1, max_value=10**9),
)
def test_counts_dates_and_ids_stay(rows, moment, run, job):
    text = (
        f"{rows} rows, {rows:,} rows, {moment.isoformat()}, {moment:%Y%m%d%H%M%S}, {moment:%Y-%m-%d}, {run}, job {job}"
    )
    assert REDACTOR.text(text) == text


def test_long_texts_are_cut_and_no_secret_shows_through():
    text = REDACTOR.text("x " * TEXT_AT_MOST + "a-known&secret")
    assert len(text) == TEXT_AT_MOST
    assert HIDDEN in REDACTOR.text("x" * 7_000 + "a-known&secret")


def test_a_redactor_does_not_show_what_it_hides():
    assert "known" not in repr(REDACTOR)
