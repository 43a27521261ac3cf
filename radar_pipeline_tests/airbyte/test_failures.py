"""Which tables the reasons for failure of either era are about."""

from __future__ import annotations

from typing import Any

import pytest

from radar_pipeline.airbyte.failures import failure_words, table_failures_of
from radar_pipeline.airbyte.wire import Connection
from radar_pipeline.domain.schema import ObservedTable

NAMES = ("store", "login", "menu", "order")
CONNECTION = Connection("c", "", "active", "", "s", "d", None, tuple(ObservedTable(name, ()) for name in NAMES))


def named(*failures: dict[str, Any]) -> set[str]:
    return set(table_failures_of({"failures": list(failures)}, CONNECTION))


def test_a_current_server_names_the_table() -> None:
    failure = {"failureOrigin": "source", "externalMessage": "boom", "streamDescriptor": {"name": "menu"}}
    assert table_failures_of({"failures": [failure]}, CONNECTION) == {"menu": "source, menu: boom"}


@pytest.mark.parametrize(
    ("words", "tables"),
    [
        ("reading 'menu' broke off after 5 of 10 rows", {"menu"}),
        ("SELECT command denied to user 'bi'@'h' for table 'store'", {"store"}),
        ("SELECT command denied to user 'bi'@'h' for table `radar`.`store`", {"store"}),
        ("Table 'radar.order' doesn't exist", {"order"}),
        ("Stream order failed: x", {"order"}),
        ("Unknown column 'store' in 'field list'", set()),
        ("Access denied for user 'login'@'10.0.0.7'", set()),
        ("Duplicate entry 'menu' for key 'store.PRIMARY'", set()),
        ("could not connect in order to store anything", set()),
    ],
)
def test_an_old_server_has_the_connectors_words_alone(words: str, tables: set[str]) -> None:
    assert named({"failureOrigin": "source", "internalMessage": words}) == tables


def test_what_goes_wrong_on_the_platforms_side_is_about_no_table() -> None:
    assert named({"failureOrigin": "replication", "internalMessage": "not reported: 'menu'"}) == set()


def test_every_failure_counts_and_one_without_words_is_none() -> None:
    failures = [
        {"failureOrigin": "source", "internalMessage": f"reading '{name}' failed"} for name in ("menu", "store")
    ]
    assert named(*failures, {"failureOrigin": "source"}) == {"menu", "store"}
    assert failure_words({}) is None


def test_personal_data_that_a_connector_quotes_goes_no_further() -> None:
    told = "Duplicate entry 'ana.souza@farmacia.com.br' for key 'user.Email'; CPF 529.982.247-25 of table user_access"
    words = failure_words({"failureOrigin": "source", "internalMessage": told})
    assert words == "source: Duplicate entry '***' for key 'user.Email'; CPF *** of table user_access"
