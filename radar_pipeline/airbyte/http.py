"""HTTP to an Airbyte server: each kind of call with its own time-outs, and retries only where repeating is safe.

Questions are repeated on lost connections, time-outs, HTTP 429 and 5xx, with growing pauses, for a bounded time. What
changes something is sent once. HTTP 4xx is an answer and never a reason to ask again; a 401 to a token is met by a new
token, once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth
from tenacity import Retrying, retry_if_exception_type, stop_before_delay, wait_random_exponential

from radar_pipeline.airbyte.config import AirbyteConfig, BasicAuth, ClientCredentials
from radar_pipeline.airbyte.errors import (
    AirbyteAnswerError,
    AirbyteAuthError,
    AirbyteConflictError,
    AirbyteRefusedError,
    AirbyteUnreachableError,
)

TOKEN_PATH = "/api/public/v1/applications/token"  # noqa: S105 - a path

_WORDS_AT_MOST = 400
_TRANSIENT = frozenset({HTTPStatus.TOO_MANY_REQUESTS, *(status for status in HTTPStatus if status >= 500)})

# A token is renewed this share of its life before it ends, as clocks and long requests eat into it.
_TOKEN_SHARE = 0.8
_TOKEN_SECONDS = 180.0

# Server 0.39.12 to 0.39.37 answers a second sync with HTTP 500 and these words; later ones use 409.
_ALREADY_RUNNING = "already running"


class Http:
    """A signed-in session with one server."""

    def __init__(self, config: AirbyteConfig) -> None:
        self._config = config
        self._session = requests.Session()
        # A proxy of the environment has no business between this machine and itself.
        self._session.trust_env = urlsplit(config.base_url).hostname not in {"127.0.0.1", "localhost", "::1"}
        if isinstance(config.auth, BasicAuth):
            # requests would encode text as Latin-1, which not every password fits into.
            self._session.auth = HTTPBasicAuth(config.auth.username.encode(), config.auth.password.encode())
        self._token = ""
        self._token_until = 0.0

    def ask(self, method: str, path: str, *, timeout: float | None = None, **options: Any) -> Any:
        """Asks a question that is safe to repeat, and returns the JSON of the answer.

        Args:
            method: HTTP method.
            path: Path from the server's root.
            timeout: Seconds for a single try; None for several tries within the configured patience.
            **options: ``json`` or ``params`` of requests.
        """
        if timeout is not None:
            return self._once(method, path, timeout, options)
        retrying = Retrying(
            retry=retry_if_exception_type(AirbyteUnreachableError),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            stop=stop_before_delay(self._config.timeouts.patience),
            reraise=True,
        )
        return retrying(self._once, method, path, self._config.timeouts.read, options)

    def tell(self, method: str, path: str, *, timeout: float, **options: Any) -> Any:
        """Sends, once, a request that changes something, and returns the JSON of the answer."""
        return self._once(method, path, timeout, options)

    def exists(self, path: str) -> bool:
        """Whether a GET of a path is answered by something other than "not found"."""
        try:
            self.ask("GET", path)
        except AirbyteRefusedError:
            return False
        except AirbyteAnswerError:
            # The public API's health check answers in plain text.
            return True
        return True

    def _once(self, method: str, path: str, timeout: float, options: Mapping[str, Any]) -> Any:
        answer = self._send(method, path, timeout, options)
        if answer.status_code == HTTPStatus.UNAUTHORIZED and isinstance(self._config.auth, ClientCredentials):
            # Servers forget tokens when they restart. A 401 was not carried out, so once more is safe for any request.
            self._token = ""
            answer = self._send(method, path, timeout, options)
        return self._understood(answer, method, path)

    def _send(self, method: str, path: str, timeout: float, options: Mapping[str, Any]) -> requests.Response:
        headers = {"Accept": "application/json"}
        if isinstance(self._config.auth, ClientCredentials):
            headers["Authorization"] = f"Bearer {self._bearer(self._config.auth)}"
        return self._request(method, path, timeout, headers=headers, **options)

    def _request(self, method: str, path: str, timeout: float, **options: Any) -> requests.Response:
        base, shown = self._config.base_url.rstrip("/"), self._config.address
        try:
            return self._session.request(
                method, base + path, timeout=(self._config.timeouts.connect, timeout), allow_redirects=False, **options
            )
        except requests.Timeout:
            message = f"Airbyte at {shown} did not answer {method} {path} within {timeout:g} s"
            raise AirbyteUnreachableError(message) from None
        except requests.RequestException as error:
            message = f"Airbyte at {shown} cannot be reached for {method} {path}: {self._redacted(_root_cause(error))}"
            raise AirbyteUnreachableError(message) from None

    def _bearer(self, auth: ClientCredentials) -> str:
        if self._token and time.monotonic() < self._token_until:
            return self._token
        body = {"client_id": auth.client_id, "client_secret": auth.client_secret, "grant_type": "client_credentials"}
        answer = self._request("POST", TOKEN_PATH, self._config.timeouts.read, json=body)
        granted = self._understood(answer, "POST", TOKEN_PATH)
        if not isinstance(granted, dict) or not granted.get("access_token"):
            message = f"Airbyte at {self._config.address} granted no token: check the client id and its secret"
            raise AirbyteAuthError(message)
        self._token = str(granted["access_token"])
        life = granted.get("expires_in")
        self._token_until = time.monotonic() + _TOKEN_SHARE * float(life or _TOKEN_SECONDS)
        return self._token

    def _understood(self, answer: requests.Response, method: str, path: str) -> Any:
        status = answer.status_code
        if status < HTTPStatus.MULTIPLE_CHOICES:
            if not answer.content:
                return None
            try:
                return answer.json()
            except requests.JSONDecodeError:
                message = f"Airbyte answered {method} {path} with no JSON: {self._words(answer)}"
                raise AirbyteAnswerError(message) from None
        said = f"Airbyte answered {method} {path} with HTTP {status}: {self._words(answer)}"
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            message = f"{said}. Check the RADAR_AIRBYTE_* credentials and what they may do"
            raise AirbyteAuthError(message)
        if status == HTTPStatus.CONFLICT or (status >= 500 and _ALREADY_RUNNING in answer.text):
            raise AirbyteConflictError(said)
        if status in _TRANSIENT or status >= 500:
            raise AirbyteUnreachableError(said)
        raise AirbyteRefusedError(status, said)

    def _words(self, answer: requests.Response) -> str:
        """The server's own words, shortened, without secrets and without a stack trace."""
        text = answer.text
        try:
            body = json.loads(text)
        except ValueError:
            body = None
        if isinstance(body, dict):
            data = body.get("data")
            inner = data.get("message") if isinstance(data, dict) else None
            parts = (body.get("title"), body.get("detail"), body.get("message"), inner)
            text = "; ".join(dict.fromkeys(str(part) for part in parts if part))
            if not text and body.get("errorId"):
                # What current servers say to anything that they did not foresee.
                text = f"no reason; its own log has one under errorId {body['errorId']}"
            text = text or json.dumps(body)
        text = " ".join(self._redacted(text).split()) or "(no body)"
        return text if len(text) <= _WORDS_AT_MOST else f"{text[:_WORDS_AT_MOST]}…"

    def _redacted(self, text: str) -> str:
        for secret in (*self._config.secrets, self._token):
            if secret:
                text = text.replace(secret, "***")
        return text


def _root_cause(error: BaseException) -> str:
    """The innermost reason: requests and urllib3 wrap "connection refused" four times, repeating the address."""
    while True:
        inner = error.__cause__ or error.__context__ or getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    return str(error) or type(error).__name__
