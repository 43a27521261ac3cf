"""How the local stack reaches its own MySQL: over TLS, and without the certificates of the system."""

from __future__ import annotations

import ssl
from typing import NoReturn

import pytest

from radar_pipeline.local.airbyte_server.probes import check_source
from radar_pipeline.local.demo.database import session
from radar_pipeline.local.mariadb import answers, connect
from radar_pipeline_tests.servers import MySqlServer

pytestmark = pytest.mark.integration


@pytest.fixture
def no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading those of the system, 60 ms of a slow core for each connection, is a fault."""

    def read(*_given: object, **_named: object) -> NoReturn:
        raise AssertionError("nobody checks a certificate here")

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", read)


@pytest.mark.usefixtures("no_certificates")
def test_a_question_of_the_stack_is_asked_over_tls(mariadb: MySqlServer) -> None:
    assert answers(mariadb.reader)
    with connect(mariadb.admin) as asked, session(mariadb.admin) as loading:
        for connection in (asked, loading):
            with connection.cursor() as cursor:
                cursor.execute("SHOW STATUS LIKE 'Ssl_version'")
                found = cursor.fetchone()
            assert found
            assert found[1].startswith("TLS")


@pytest.mark.usefixtures("no_certificates")
@pytest.mark.parametrize("tls", [True, False])
def test_airbyte_signs_in_to_the_source_with_tls_and_without(mariadb: MySqlServer, tls: bool) -> None:
    reader = mariadb.reader
    source = {
        "host": reader.host,
        "port": reader.port,
        "user": reader.user,
        "password": reader.password,
        "database": reader.database,
        "tls": tls,
    }
    assert check_source(source) is None
    assert "Access denied" in str(check_source({**source, "password": "wrong"}))
