"""Who may call the APIs: anyone, a user with a password, or an application with a token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

MODES = ("none", "basic", "token")

# Default life of an application's token on a self-managed server.
TOKEN_SECONDS = 900


@dataclass(frozen=True)
class Credentials:
    """What callers must show.

    Attributes:
        username: For ``basic``.
        password: For ``basic``.
        client_id: For ``token``.
        client_secret: For ``token``.
    """

    username: str = "airbyte"
    password: str = field(default="password", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)


class Gatekeeper:
    """Lets requests in.

    A token carries its own expiry and a signature, so tokens outlive a restart of the server and nothing is stored.

    Args:
        mode: ``none``, ``basic`` or ``token``.
        credentials: What callers must show.
        key: Key of the signatures; hexadecimal.
    """

    def __init__(self, mode: str, credentials: Credentials, key: str) -> None:
        self._mode = mode
        self._credentials = credentials
        self._key = bytes.fromhex(key)

    @staticmethod
    def new_key() -> str:
        """A key for ``__init__``, to be kept in the store."""
        return secrets.token_hex(32)

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers (names in lower case) may pass."""
        if self._mode == "none":
            return True
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if self._mode == "basic":
            return scheme.lower() == "basic" and self._is_user(shown)
        return scheme.lower() == "bearer" and self._is_token(shown)

    def issue(self, client_id: str, client_secret: str) -> str | None:
        """A token for an application, or None where it is not known. A server without sign-in knows everyone."""
        own = f"{self._credentials.client_id}:{self._credentials.client_secret}"
        is_known = bool(self._credentials.client_id) and _same(f"{client_id}:{client_secret}", own)
        if self._mode != "none" and not is_known:
            return None
        expiry = f"{int(time.time()) + TOKEN_SECONDS}-{secrets.token_hex(8)}"
        return f"{expiry}.{self._sign(expiry)}"

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def _is_token(self, token: str) -> bool:
        expiry, _, signature = token.rpartition(".")
        return bool(expiry) and _same(signature, self._sign(expiry)) and int(expiry.split("-")[0]) > time.time()

    def _is_user(self, shown: str) -> bool:
        try:
            given = base64.b64decode(shown, validate=True).decode()
        except ValueError:
            return False
        return _same(given, f"{self._credentials.username}:{self._credentials.password}")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
