"""What answers about the two ends of a sync lead to, and how often they are asked for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from radar_pipeline.domain.causes import Cause
from radar_pipeline.domain.diagnosis import Origin, diagnose
from radar_pipeline.domain.failure import TREATMENTS, FailureClass, Mechanism
from radar_pipeline.orchestration import preflight
from radar_pipeline.orchestration.preflight import Asked, PreflightError, check_ends
from radar_pipeline.orchestration.systems import Systems
from radar_pipeline.settings import Settings
from radar_pipeline.tables.model import Registry

REFUSED = "MySQL at h:3306 cannot be reached: Connection refused"
DENIED = "Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied)"


@dataclass
class Ends:
    """Two ends that answer as they are told to: a list of problems for each who is asked, None where all is well."""

    problems: dict[Asked, list[str | None]] = field(default_factory=dict)
    unasked: dict[Asked, str] = field(default_factory=dict)
    asked: Counter[Asked] = field(default_factory=Counter)
    pauses: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def answer(self, who: Asked) -> Any:
        self.asked[who] += 1
        if who in self.unasked:
            return preflight._Answer(unasked=self.unasked[who])
        left = self.problems.get(who, [])
        problem = left[min(self.asked[who], len(left)) - 1] if left else None
        origin = Origin.SOURCE if who in {Asked.SOURCE, Asked.DATABASE} else Origin.DESTINATION
        return preflight._Answer(problem, diagnose(problem, origin=origin)) if problem else preflight._Answer()

    def check(self, monkeypatch: pytest.MonkeyPatch) -> None:
        questions = {who: (lambda who=who: self.answer(who)) for who in Asked}
        monkeypatch.setattr(preflight, "_questions", lambda _systems, _client: questions)
        settings = Settings(RADAR_PREFLIGHT_PAUSE_SECONDS=7)
        check_ends(Systems(settings, Registry(())), None, self.lines.append, sleep=self.pauses.append)  # type: ignore[arg-type]


def test_where_all_is_well_everybody_is_asked_once_and_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Ends()
    ends.check(monkeypatch)
    assert ends.asked == Counter(Asked)
    assert (ends.pauses, ends.lines) == ([], [])


def test_only_what_failed_is_asked_again_after_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Ends({Asked.SOURCE: [REFUSED]})
    with pytest.raises(PreflightError) as caught:
        ends.check(monkeypatch)
    assert ends.asked == Counter({Asked.SOURCE: 3, Asked.DESTINATION: 1, Asked.BUCKET: 1, Asked.DATABASE: 1})
    assert ends.pauses == [7, 14]
    assert str(caught.value).startswith("nothing was synced, because MySQL cannot be used (asked 3 times). ")
    assert REFUSED in str(caught.value)
    assert caught.value.diagnosis.cause is Cause.MYSQL_REFUSED


@pytest.mark.parametrize(
    ("who", "words", "kind"),
    [
        (Asked.SOURCE, "Communications link failure: connection timed out", FailureClass.SOURCE),
        (Asked.DESTINATION, "Service Unavailable (Service: Amazon S3; Status Code: 503)", FailureClass.DESTINATION),
    ],
)
def test_what_was_asked_three_times_is_not_asked_again_by_another_run(
    monkeypatch: pytest.MonkeyPatch, who: Asked, words: str, kind: FailureClass
) -> None:
    origin = Origin.SOURCE if who is Asked.SOURCE else Origin.DESTINATION
    assert diagnose(words, origin=origin).failure_class is FailureClass.TRANSIENT
    with pytest.raises(PreflightError) as caught:
        Ends({who: [words]}).check(monkeypatch)
    assert caught.value.diagnosis.failure_class is kind
    assert TREATMENTS[kind].mechanism is not Mechanism.RUN


def test_an_end_that_comes_back_lets_the_sync_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Ends({Asked.DESTINATION: [DENIED, None], Asked.SOURCE: [REFUSED, None]})
    ends.check(monkeypatch)
    assert ends.pauses == [7]


def test_mysql_that_only_this_machine_cannot_reach_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Ends({Asked.DATABASE: [REFUSED]})
    ends.check(monkeypatch)
    assert ends.pauses == []
    assert any(REFUSED in line and "the sync goes on" in line for line in ends.lines)


@pytest.mark.parametrize("who", [Asked.SOURCE, Asked.DESTINATION])
def test_a_check_that_could_not_be_carried_out_is_said_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, who: Asked
) -> None:
    ends = Ends(unasked={who: "Airbyte answered POST with HTTP 500: no reason"})
    ends.check(monkeypatch)
    assert ends.asked[who] == 1
    assert any("could not be carried out" in line and "HTTP 500" in line for line in ends.lines)


def test_what_this_platform_saw_itself_is_told_first_and_decides_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = "cannot list p/ in bucket b: there is no such bucket: check S3_BUCKET_NAME [NoSuchBucket]"
    ends = Ends({Asked.BUCKET: [seen], Asked.DESTINATION: [DENIED]})
    with pytest.raises(PreflightError) as caught:
        ends.check(monkeypatch)
    said = str(caught.value)
    assert 0 < said.index(seen) < said.index(DENIED)
    assert "S3_BUCKET_NAME" in caught.value.diagnosis.next_step


def test_both_ends_are_named_where_neither_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = Ends({Asked.SOURCE: [REFUSED], Asked.BUCKET: [DENIED]})
    with pytest.raises(PreflightError, match="because MySQL and S3 cannot be used"):
        ends.check(monkeypatch)
