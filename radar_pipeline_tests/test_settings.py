"""Variables: what is missing or invalid is named, and no secret is ever repeated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from radar_pipeline.cli.main import main
from radar_pipeline.local.home import default_home
from radar_pipeline.settings import Settings, SettingsError, load_settings, prepare_dagster_home, variable

ROOT = Path(__file__).parent.parent
SECRET = "hunter2-hunter2"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.delenv("RADAR_ENV_FILE", raising=False)
    # Set first: what a command sets is taken back only where something was there to be taken back to.
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.delenv("DAGSTER_HOME")
    monkeypatch.chdir(tmp_path)


def test_an_empty_environment_loads_and_says_what_is_missing() -> None:
    (problem,) = load_settings().missing()
    assert problem.startswith("AIRBYTE_SERVER_HOST is not set: ")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRBYTE_SERVER_HOST", "")
    assert load_settings().airbyte_host is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AIRBYTE_SERVER_PORT", "eight"),
        ("AIRBYTE_SERVER_PORT", "70000"),
        ("RADAR_CONNECTION_ID", "6c7fda57"),
        ("RADAR_SOURCE_TLS", "maybe"),
        ("RADAR_POLL_SECONDS", "0"),
        ("RADAR_FIRST_PARTITION", "gestern"),
        ("RADAR_S3_ENDPOINT_URL", "not a url"),
        ("RADAR_ENV", "prod"),
    ],
)
def test_an_invalid_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert len(error.value.problems) == 1
    assert error.value.problems[0].startswith(f"{name}, read from the environment: ")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AIRBYTE_SERVER_HOST", "http://airbyte:80/", "a scheme, a port, a path, which other"),
        ("AIRBYTE_SERVER_HOST", "airbyte:8001", "also a port, which other"),
        ("AIRBYTE_SERVER_HOST", f"admin:{SECRET}@airbyte", "also a login, which other"),
        ("AIRBYTE_SERVER_HOST", f"https://admin:{SECRET}/x@airbyte:80", "a scheme, a login, a port, which other"),
        ("AIRBYTE_SERVER_HOST", f"airbyte?{SECRET}", "this is neither"),
        ("AIRBYTE_SERVER_HOST", "[::1]:8001", "also a port, which other"),
        ("AIRBYTE_SERVER_HOST", "[::1", "also a port"),
        # Python takes whatever follows % for the zone of an address.
        ("AIRBYTE_SERVER_HOST", f"::1%{SECRET}@airbyte", "also a login"),
        ("RADAR_HOST", f"mysql://reader:{SECRET}@db/radar", "a scheme, a login, a path, which other"),
        ("RADAR_SMTP_HOST", "smtp.example.com:587", "also a port, which other"),
        ("S3_BUCKET_NAME", "s3://foo", "a bucket's name is expected"),
        ("S3_BUCKET_NAME", f"foo/{SECRET}", "a bucket's name is expected"),
        ("S3_BUCKET_NAME", "Foo_Bar", "a bucket's name is expected"),
        ("RADAR_SYNC_TIMEOUT_SECONDS", "inf", "finite"),
        ("RADAR_SYNC_TIMEOUT_SECONDS", "-1", "greater than 0"),
        ("RADAR_CRAWLER_TIMEOUT_SECONDS", "nan", "finite"),
        ("RADAR_PREFLIGHT_PAUSE_SECONDS", "nan", "finite"),
        ("RADAR_FIRST_PARTITION", "2999-01-01", "2999-01-01 has not: today is "),
    ],
)
def test_what_would_fail_later_is_refused_with_what_is_expected(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    if name == "RADAR_HOST":
        monkeypatch.setenv("RADAR_PASS", "x")
    with pytest.raises(SettingsError) as error:
        load_settings()
    (problem,) = error.value.problems
    assert problem.startswith(f"{name}, read from the environment: ")
    assert words in problem
    assert SECRET not in problem


@given(st.text("ABC123@:/?#[]% ", min_size=6).filter(str.strip), st.sampled_from(["", "http://", "mysql://reader:"]))
def test_no_login_before_a_host_is_taken_or_repeated(login: str, before: str) -> None:
    with pytest.raises(ValidationError) as error:
        Settings(AIRBYTE_SERVER_HOST=f"{before}{login}@airbyte")  # type: ignore[call-arg]
    (problem,) = error.value.errors(include_input=False, include_context=False)
    assert login.strip() not in str(problem["msg"])


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("airbyte", "airbyte"),
        (" airbyte_server.internal. ", "airbyte_server.internal."),
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
    ],
)
def test_names_and_addresses_are_hosts(monkeypatch: pytest.MonkeyPatch, value: str, host: str) -> None:
    monkeypatch.setenv("AIRBYTE_SERVER_HOST", value)
    assert load_settings().airbyte_host == host


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ("RADAR_HOST", "RADAR_PASS"),
        ("RADAR_PASS", "RADAR_HOST"),
        ("FARMARCAS_AWS_ACCESS_KEY_ID", "FARMARCAS_AWS_SECRET_ACCESS_KEY"),
        ("RADAR_AIRBYTE_CLIENT_SECRET", "RADAR_AIRBYTE_CLIENT_ID"),
    ],
)
def test_half_a_pair_names_the_other_half(monkeypatch: pytest.MonkeyPatch, given: str, lacking: str) -> None:
    monkeypatch.setenv(given, SECRET)
    with pytest.raises(SettingsError, match=f"{given} is set and {lacking} is not") as error:
        load_settings()
    assert SECRET not in str(error.value)


def test_secrets_show_in_no_repr_and_in_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADAR_HOST", "db")
    monkeypatch.setenv("RADAR_PASS", SECRET)
    # Whoever knows this address can keep a dead platform looking alive.
    monkeypatch.setenv("RADAR_HEARTBEAT_URL", f"https://hc.example/{SECRET}")
    settings = load_settings()
    assert SECRET not in repr(settings) + str(settings) + settings.model_dump_json()
    assert set(settings.secrets()) == {SECRET, f"https://hc.example/{SECRET}"}
    monkeypatch.setenv("RADAR_PORT", SECRET)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert SECRET not in str(error.value)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("S3_BUCKET_NAME=from-file\nAWS_DEFAULT_REGION=from-file\n")
    monkeypatch.setenv("S3_BUCKET_NAME", "from-environment")
    assert (load_settings().bucket, load_settings().aws_region) == ("from-environment", "from-file")


def test_a_file_that_windows_wrote_is_read_from_its_first_name_on(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("S3_BUCKET_NAME=from-file\r\nAWS_DEFAULT_REGION=sa-east-1\r\n".encode("utf-8-sig"))
    assert (load_settings().bucket, load_settings().aws_region) == ("from-file", "sa-east-1")


def test_a_named_file_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADAR_ENV_FILE", "nowhere.env")
    with pytest.raises(SettingsError, match=r"RADAR_ENV_FILE names nowhere\.env"):
        load_settings()


def test_from_below_the_project_its_variables_and_its_state_are_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".radar/local").mkdir(parents=True)
    (tmp_path / ".radar/local/env").write_text("S3_BUCKET_NAME=of-the-stack\n")
    (tmp_path / "dagster.yaml").write_text("")
    (tmp_path / "docs/images").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "docs/images")
    assert load_settings().bucket == "of-the-stack"
    assert default_home() == tmp_path / ".radar/local"
    assert prepare_dagster_home() == tmp_path / ".radar/dagster"
    assert (tmp_path / ".radar/dagster/dagster.yaml").resolve() == tmp_path / "dagster.yaml"
    (tmp_path / ".env").write_text("S3_BUCKET_NAME=of-the-project\n")
    assert load_settings().bucket == "of-the-project"
    Path(".env").write_text("S3_BUCKET_NAME=of-this-folder\n")
    assert load_settings().bucket == "of-this-folder"
    assert default_home() == Path(".radar/local")


def test_the_state_of_another_user_above_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".radar/local").mkdir(parents=True)
    (tmp_path / ".radar/local/env").write_text("S3_BUCKET_NAME=of-another\n")
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path / "docs")
    monkeypatch.setattr("os.getuid", lambda: tmp_path.stat().st_uid + 1)
    assert load_settings().bucket == "farmarcas-production-bronze"


def test_status_makes_no_state_and_says_where_it_looked(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["status"])
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert result.output.startswith(f"error: nothing has run yet: there is no {tmp_path}/.radar/dagster")
    assert CliRunner().invoke(main, ["local", "status"]).exit_code == 1
    assert not list(tmp_path.iterdir())


BROKEN = {
    f"AIRBYTE_SERVER_HOST=airbyte\nRADAR PASS={SECRET}\n": [2],
    f"# a comment\n\n\n{SECRET}\nAIRBYTE_SERVER_HOST=airbyte\n": [4],
    f"AIRBYTE_SERVER_HOST=airbyte\r\n\r\n'RADAR_PASS={SECRET}\r\n": [3],
    f'RADAR_PASS="{SECRET}\nAIRBYTE_SERVER_HOST=airbyte\n=x': [1, 3],
}
WHOLE = f"""
# a comment
export AIRBYTE_SERVER_HOST=airbyte  # another
RADAR_HOST = 'db'
RADAR_PASS="{SECRET}
in two lines"
SLACK_CHANNEL=#data

RADAR_PORT="""


@pytest.mark.parametrize(("text", "lines"), BROKEN.items())
def test_a_line_that_is_no_variable_is_named_with_its_file_and_number(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, text: str, lines: list[int]
) -> None:
    (tmp_path / ".env").write_bytes(text.encode())
    for problem, line in zip(problems_of_check_config(), lines, strict=False):
        assert problem.startswith(f".env, line {line}: NAME=VALUE is expected")
        assert SECRET not in problem
    result = CliRunner().invoke(main, ["run"])
    assert result.exit_code == 2
    assert result.output.splitlines()[0].startswith(f"error: .env, line {lines[0]}: NAME=VALUE is expected")
    assert "dotenv" not in result.output + "".join(capfd.readouterr())


def test_a_file_of_variables_comments_and_blank_lines_is_whole(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(WHOLE)
    settings = load_settings()
    assert (settings.source_host, settings.airbyte_host, settings.slack_channel) == ("db", "airbyte", "#data")
    assert settings.secrets() == (f"{SECRET}\nin two lines",)


def test_the_example_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADAR_ENV_FILE", str(ROOT / ".env.example"))
    load_settings()


def test_the_example_names_every_variable_with_its_default() -> None:
    text = (ROOT / ".env.example").read_text()
    for name, field in Settings.model_fields.items():
        line = next(
            (line for line in text.splitlines() if line.removeprefix("# ").startswith(f"{variable(name)}=")), None
        )
        assert line is not None, f"{variable(name)} is missing in .env.example"
        value = line.split("=", 1)[1].split(" ", 1)[0]
        if value and field.default is not None:
            default = str(field.default).removesuffix(".0")
            assert value == (default.lower() if isinstance(field.default, bool) else default)


def test_check_config_names_a_broken_registry_line_and_exits_with_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "tables.yaml"
    broken.write_text("tables:\n  store:\n    area: stores\n    volume_limit: 5%\n")
    monkeypatch.setenv("RADAR_TABLES_FILE", str(broken))
    monkeypatch.setenv("AIRBYTE_SERVER_HOST", "airbyte")
    result = CliRunner().invoke(main, ["check-config"])
    assert result.exit_code == 2
    assert "tables.yaml:4" in result.output
    assert "volume_limit" in result.output


def problems_of_check_config() -> list[str]:
    result = CliRunner().invoke(main, ["check-config", "--json"])
    assert result.exit_code == 2, result.output
    document: dict[str, list[str]] = json.loads(result.stdout)
    return document["problems"]


def test_check_config_names_everything_that_is_wrong_in_one_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("tables", "retention", "prices", "alerts"):
        (tmp_path / f"{name}.yaml").write_text("nonsense: 1\n")
        monkeypatch.setenv(f"RADAR_{name.upper()}_FILE", str(tmp_path / f"{name}.yaml"))
    monkeypatch.setenv("AIRBYTE_SERVER_PORT", "abc")
    monkeypatch.setenv("RADAR_ENV", "prod")
    monkeypatch.setenv("RADAR_HOST", "h")
    monkeypatch.setenv("FARMARCAS_AWS_ACCESS_KEY_ID", "a")
    problems = problems_of_check_config()
    for begin in (
        "AIRBYTE_SERVER_PORT, read from the environment: ",
        "RADAR_ENV, read from the environment: ",
        "RADAR_HOST is set and RADAR_PASS is not",
        "FARMARCAS_AWS_ACCESS_KEY_ID is set and FARMARCAS_AWS_SECRET_ACCESS_KEY is not",
        "AIRBYTE_SERVER_HOST is not set",
    ):
        assert sum(problem.startswith(begin) for problem in problems) == 1, (begin, problems)
    for name in ("tables", "retention", "prices", "alerts"):
        assert any(f"{name}.yaml:1" in problem for problem in problems), (name, problems)


def test_of_what_is_unusable_check_config_does_not_say_too_that_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRBYTE_SERVER_HOST", " ")
    monkeypatch.setenv("RADAR_HOST", " ")
    monkeypatch.setenv("RADAR_PASS", SECRET)
    problems = problems_of_check_config()
    assert [problem.partition(",")[0] for problem in problems] == ["RADAR_HOST", "AIRBYTE_SERVER_HOST"]


def test_a_named_file_that_is_not_there_hides_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADAR_ENV_FILE", "nowhere.env")
    monkeypatch.setenv("AIRBYTE_SERVER_PORT", "abc")
    problems = problems_of_check_config()
    assert [problem.split()[0] for problem in problems] == [
        "RADAR_ENV_FILE",
        "AIRBYTE_SERVER_PORT,",
        "AIRBYTE_SERVER_HOST",
    ]


def test_check_config_is_content_with_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRBYTE_SERVER_HOST", "airbyte")
    result = CliRunner().invoke(main, ["check-config", "--json"])
    assert result.exit_code == 0, result.output
    assert '"problems": []' in result.output


@pytest.mark.parametrize("command", ["run", "status"])
def test_a_first_partition_in_the_future_is_one_sentence_and_exit_status_2(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("AIRBYTE_SERVER_HOST", "127.0.0.1")
    monkeypatch.setenv("RADAR_FIRST_PARTITION", "2999-01-01")
    result = CliRunner().invoke(main, [command])
    assert result.exit_code == 2
    assert result.output.count("\n") == 1
    assert result.output.startswith("error: RADAR_FIRST_PARTITION, read from the environment: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--date", "gestern"], "is no date"),
        (["run", "--date", "2999-01-01"], "has not begun"),
        (["run", "--date", "2001-01-01"], "before the first partition"),
        (["run", "--date", "2026-01-01", "--force"], "--force cannot sync"),
        (["status", "--date", "2026-13-01"], "is no date"),
        (["accept", "no_such_table", "--date", "2026-01-01", "--reason", "x"], "no table of the registry"),
        (["accept", "store", "--date", "2026-01-01", "--reason", " "], "--reason"),
    ],
)
def test_bad_requests_get_one_clear_sentence_and_exit_with_2(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.setenv("AIRBYTE_SERVER_HOST", "127.0.0.1")
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert result.output.startswith("error: ")
    assert "Traceback" not in result.output
