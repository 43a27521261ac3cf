"""The file of routes and thresholds: what it means, and every mistake with its line."""

import datetime as dt
from pathlib import Path

import pytest

from radar_pipeline.alerts.config import load_alerts_config
from radar_pipeline.domain.routing import Medium, Target
from radar_pipeline.domain.severity import Severity
from radar_pipeline.domain.thresholds import Thresholds
from radar_pipeline.tables.nodes import RegistryError

ALERTS = Target(Medium.SLACK, "#alerts")


def test_the_file_that_comes_with_the_package_says_what_the_specification_says():
    config = load_alerts_config()
    assert config.thresholds == Thresholds()
    routes = {severity.name: " + ".join(map(str, targets)) for severity, targets in config.routes.by_severity.items()}
    assert routes == {
        "INFO": "slack #data-engineering",
        "WARNING": "slack #data-engineering",
        "ERROR": "slack #alerts + email",
        "CRITICAL": "pagerduty + slack #alerts",
        "EMERGENCY": "sms + pagerduty + slack #alerts",
    }


def test_names_of_the_settings_and_of_an_environment_take_effect(tmp_path: Path):
    path = tmp_path / "alerts.yaml"
    path.write_text(
        "thresholds: {run: 2h}\n"
        "environments:\n"
        "  staging:\n"
        "    thresholds: {acknowledge: 1h, deadline: '04:30'}\n"
        "    routes: {CRITICAL: [slack-alerts]}\n"
        "    owners: {team:x: {to: 'slack C0123ABCD'}}\n"
    )
    config = load_alerts_config(path, environment="staging", slack_alert_channel="#fires")
    assert config.thresholds.run == dt.timedelta(hours=2)
    assert config.thresholds.acknowledge == dt.timedelta(hours=1)
    assert config.thresholds.deadline == dt.time(4, 30)
    assert config.thresholds.repeat == Thresholds().repeat
    assert config.routes.by_severity[Severity.CRITICAL] == (Target(Medium.SLACK, "#fires"),)
    assert config.routes.by_severity[Severity.ERROR] == (Target(Medium.SLACK, "#fires"), Target(Medium.EMAIL))
    assert config.routes.owners["team:x"].least is Severity.WARNING
    elsewhere = load_alerts_config(path)
    assert elsewhere.thresholds.acknowledge == Thresholds().acknowledge
    assert elsewhere.routes.by_severity[Severity.CRITICAL] == (Target(Medium.PAGERDUTY), ALERTS)


def test_addresses_that_the_file_names_may_be_told(tmp_path: Path):
    path = tmp_path / "alerts.yaml"
    path.write_text("owners: {ana@x.com: {to: pagerduty}}\nareas: {a: {to: [email b@x.com, slack]}}\n")
    assert load_alerts_config(path).addresses == {"ana@x.com", "b@x.com"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("routes:\n  EROR: slack", '2: unknown key "EROR" in routes; did you mean "ERROR"?'),
        ("routes:\n  ERROR: [slak]", '2: route ERROR: "slak" is no channel; did you mean "slack"?'),
        (
            "routes:\n  ERROR: slack alerts",
            '2: route ERROR: "slack alerts" is no channel; expected slack, slack-alerts',
        ),
        ("routes:\n  ERROR: email ana", '2: route ERROR: "email ana" is no channel; expected'),
        ("routes:\n  ERROR:", "2: route ERROR: no channel is named; expected slack, slack-alerts"),
        ("routes:\n  ERROR: [[slack]]", "2: route ERROR: a channel must be text, found a list"),
        ("thresholds:\n  run: 90", '2: thresholds: run must be a time such as 90m, 24h or 400d, found "90"'),
        ("thresholds:\n  deadline: 3am", '2: thresholds: deadline must be a time of day such as "03:00", found "3am"'),
        ("thresholds:\n  runs_a_day: 0", '2: thresholds: runs_a_day must be a number from 1 to 999, found "0"'),
        ("thresholds:\n  rum: 1h", '2: unknown key "rum" in thresholds; did you mean "run"?'),
        (
            "owners:\n  team:x:\n    from: WARN\n    to: slack",
            '3: owner "team:x": from must be a severity, found "WARN"',
        ),
        ("areas:\n  a:\n    from: ERROR", '2: area "a": to is missing; expected channels: slack'),
        ("environments:\n  prod: {}", '2: unknown key "prod" in environments'),
        ("environments:\n  staging:\n    routs: {}", '3: environment "staging": unknown key "routs"'),
        ("- a", "1: the file must be lines of 'name: value', found a list"),
        ("a: [", "not readable as YAML"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_what_was_expected(tmp_path: Path, text: str, problem: str):
    path = tmp_path / "alerts.yaml"
    path.write_text(text)
    with pytest.raises(RegistryError) as caught:
        load_alerts_config(path)
    assert str(path) in str(caught.value)
    assert problem in str(caught.value)


def test_a_file_that_is_not_there_is_said_and_an_empty_one_changes_nothing(tmp_path: Path):
    with pytest.raises(RegistryError, match="cannot be read"):
        load_alerts_config(tmp_path / "none.yaml")
    (tmp_path / "empty.yaml").write_text("")
    assert load_alerts_config(tmp_path / "empty.yaml") == load_alerts_config()
