"""PagerDuty: events through its Events API v2, acknowledgements back through its REST API.

An event that is sent twice is one: its key is the fingerprint.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

from radar_pipeline.alerts.channels.base import Before, ChannelRefusedError, ChannelUnavailableError, Receipt
from radar_pipeline.alerts.channels.config import PagerDutyConfig
from radar_pipeline.alerts.channels.http import LOOPBACK, never_left, seconds_to_wait
from radar_pipeline.alerts.render.pagerduty import dedup_key, pagerduty_event
from radar_pipeline.alerts.render.words import Presentation
from radar_pipeline.domain.incident import Message
from radar_pipeline.domain.routing import Medium, Target


class PagerDutyChannel:
    """One PagerDuty integration."""

    medium = Medium.PAGERDUTY

    def __init__(self, config: PagerDutyConfig, presentation: Presentation) -> None:
        self._config, self._presentation = config, presentation

    def places(self, target: Target) -> Sequence[Target]:
        """Itself: there is one."""
        return (target,)

    def defaults(self) -> Sequence[Target]:
        """The one there is."""
        return (Target(Medium.PAGERDUTY),)

    def send(self, target: Target, message: Message, before: Before) -> Receipt:
        """Sends an event: trigger, acknowledge or resolve."""
        del target, before
        event = {"routing_key": self._config.routing_key, **pagerduty_event(message, self._presentation)}
        url = f"{self._config.events_url.rstrip('/')}/v2/enqueue"
        answer = self._request("POST", url, json=event)
        if answer.status_code == HTTPStatus.BAD_REQUEST:
            problem = f"PagerDuty refused the event ({_words(answer)}): check RADAR_PAGERDUTY_ROUTING_KEY"
            raise ChannelRefusedError(problem)
        return {"dedup_key": event["dedup_key"]}

    def find(self, target: Target, message: Message, before: Before) -> None:
        """None: the same event again is no second one."""
        del target, message, before

    def acknowledged(self, fingerprint: str, opened_at: dt.datetime) -> str | None:
        """Who took an incident; None where nobody did, or PagerDuty does not know it.

        One that somebody resolved there counts as taken, unless it was an earlier one of the same fingerprint.

        Raises:
            ChannelUnavailableError: The REST API does not answer now.
            ChannelRefusedError: It does not take the token.
        """
        if not self._config.api_token:
            return None
        headers = {
            "Authorization": f"Token token={self._config.api_token}",
            "Accept": "application/vnd.pagerduty+json;version=2",
        }
        parameters = {"incident_key": dedup_key(fingerprint), "sort_by": "created_at:desc", "limit": "1"}
        url = f"{self._config.api_url.rstrip('/')}/incidents"
        answer = self._request("GET", url, params=parameters, headers=headers)
        try:
            incidents = answer.json().get("incidents") or ()
            return next((_taker(each, opened_at) for each in incidents), None)
        except (ValueError, AttributeError, TypeError, KeyError):
            problem = f"PagerDuty at {self._config.api_url} answered with something else than incidents"
            raise ChannelUnavailableError(problem) from None

    def _request(self, method: str, url: str, **options: Any) -> requests.Response:
        timeout = (min(5.0, self._config.timeout), self._config.timeout)
        try:
            with requests.Session() as session:
                session.trust_env = urlsplit(url).hostname not in LOOPBACK
                answer = session.request(method, url, timeout=timeout, allow_redirects=False, **options)
        except requests.RequestException as error:
            problem = f"PagerDuty at {_host(url)} does not answer: {type(error).__name__}"
            raise ChannelUnavailableError(problem, maybe_sent=not never_left(error)) from None
        status = answer.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            problem = "PagerDuty asks to send less often"
            raise ChannelUnavailableError(problem, retry_after=seconds_to_wait(answer.headers))
        if status >= 500:
            problem = f"PagerDuty at {_host(url)} answered with HTTP {status}"
            raise ChannelUnavailableError(problem, maybe_sent=True)
        if status >= 300 and status != HTTPStatus.BAD_REQUEST:
            variable = "RADAR_PAGERDUTY_ROUTING_KEY" if method == "POST" else "RADAR_PAGERDUTY_API_TOKEN"
            problem = f"PagerDuty at {_host(url)} answered with HTTP {status} ({_words(answer)}): check {variable}"
            raise ChannelRefusedError(problem)
        return answer


def _taker(incident: Mapping[str, Any], opened_at: dt.datetime) -> str | None:
    status = incident["status"]
    if status == "resolved":
        began = dt.datetime.fromisoformat(str(incident["created_at"]).replace("Z", "+00:00"))
        return "somebody who resolved it in PagerDuty" if began >= opened_at.replace(microsecond=0) else None
    if status != "acknowledged":
        return None
    names = [each["acknowledger"].get("summary") for each in incident.get("acknowledgements") or ()]
    return f"{next((name for name in names if name), 'somebody')} in PagerDuty"


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _words(answer: requests.Response) -> str:
    try:
        body = answer.json()
        errors = body.get("errors") or [body.get("message") or body.get("error") or ""]
        return "; ".join(str(each) for each in errors)[:300]
    except (ValueError, AttributeError, TypeError):
        return f"HTTP {answer.status_code}"
