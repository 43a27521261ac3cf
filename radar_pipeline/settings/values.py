"""What a variable may hold, and the words for what it may not.

The words never repeat a value: a variable may hold a secret, also by mistake.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_settings import NoDecode

_NAME = re.compile(r"[\w.-]+")
# Without the zone, for which Python would take anything.
_VERSION_6 = re.compile(r"[\da-fA-F:.]+")
_PORT = re.compile(r":\d*$")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def _split(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(part for each in value.split(",") if (part := each.strip()))


def _host(value: str) -> str:
    bare = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if _NAME.fullmatch(value) or (_VERSION_6.fullmatch(bare) and _is_address(bare)):
        return bare
    scheme, _, rest = value.rpartition("://")
    login, _, rest = rest.rpartition("@")
    place, slash, _ = rest.partition("/")
    parts = {"a scheme": scheme, "a login": login, "a port": _PORT.search(place), "a path": slash}
    found = ", ".join(name for name, there in parts.items() if there)
    has = f"there is also {found}, which other variables are for" if found else "this is neither"
    message = f"a host name or address alone is expected, and {has}"
    raise ValueError(message)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _bucket(value: str) -> str:
    if not _BUCKET.fullmatch(value):
        found = "an address" if "://" in value else "something else"
        message = (
            f"a bucket's name is expected, 3 to 63 lower-case letters, digits, dots and hyphens, and this is {found}"
        )
        raise ValueError(message)
    return value


def _begun(value: dt.date) -> dt.date:
    today = dt.datetime.now(dt.UTC).date()
    if value > today:
        message = f"a day that has begun is expected, and {value} has not: today is {today} (UTC)"
        raise ValueError(message)
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# Any number of them, separated by commas.
Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Port = Annotated[int, Field(ge=1, le=65535)]
Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", to_lower=True)]
# A name or an address; of version 6 without brackets.
Host = Annotated[Text, AfterValidator(_host)]
Bucket = Annotated[Text, AfterValidator(_bucket)]
# A day that is not in the future.
Day = Annotated[dt.date, AfterValidator(_begun)]
