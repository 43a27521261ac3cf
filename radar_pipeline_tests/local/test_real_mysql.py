"""The real MySQL in its chroot, and how a machine that cannot have one is told so."""

from __future__ import annotations

from pathlib import Path

import pymysql
import pytest

from radar_pipeline.local.mariadb import connect
from radar_pipeline_tests.real_mysql import debian_mirror
from radar_pipeline_tests.servers import MySqlServer


@pytest.mark.mysql
def test_the_server_in_the_chroot_is_mysql_with_tls_and_a_reader_that_cannot_write(real_mysql: MySqlServer):
    with connect(real_mysql.reader) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT VERSION(), @@version_comment")
        version = str(cursor.fetchone())
        cursor.execute("SHOW STATUS LIKE 'Ssl_version'")
        assert cursor.fetchone()[1].startswith("TLS")
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("CREATE TABLE t (a INT)")
    assert "MariaDB" not in version


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "sources.list",
            "# deb http://old.example/debian sid main\ndeb [arch=amd64] http://mirror.example/debian bookworm main\n",
        ),
        ("sources.list.d/debian.sources", "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n"),
    ],
)
def test_the_mirror_is_the_one_that_apt_itself_uses(tmp_path: Path, name: str, text: str):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / name).write_text(text)
    (tmp_path / "sources.list.d" / "a-security.list").write_text("deb http://mirror.example/debian-security s main\n")
    assert debian_mirror(tmp_path) == "http://mirror.example/debian"


def test_a_machine_without_a_debian_mirror_has_none(tmp_path: Path):
    (tmp_path / "sources.list").write_text("deb http://mirror.example/ubuntu noble main\n")
    assert debian_mirror(tmp_path) is None
