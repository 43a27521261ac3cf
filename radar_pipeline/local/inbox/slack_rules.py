"""What Slack refuses: the limits of Block Kit and of messages, in Slack's words with a pointer to the place.

Limits are those of docs.slack.dev/reference/block-kit/blocks and docs.slack.dev/reference/methods/chat.postMessage.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

TEXT_AT_MOST = 40_000
BLOCKS_AT_MOST = 50
_ATTACHMENTS_AT_MOST = 100
_EVENT_TYPE = re.compile(r"[a-zA-Z0-9_.-]{1,255}")
# What Slack takes and this server only records.
_UNCHECKED = frozenset({"rich_text", "video", "file", "table"})


class SlackError(Exception):
    """A request that Slack answers with ``ok: false``.

    Attributes:
        code: The error (``channel_not_found``).
        problems: What is wrong where, as ``response_metadata.messages`` has it.
    """

    def __init__(self, code: str, *problems: str) -> None:
        super().__init__(code)
        self.code = code
        self.problems = problems


def check_message(text: str, blocks: Any, attachments: Any) -> None:
    """Checks what a message says.

    Raises:
        SlackError: Slack would refuse it.
    """
    if not text and not blocks and not attachments:
        code = "no_text"
        raise SlackError(code)
    if len(text) > TEXT_AT_MOST:
        code = "msg_too_long"
        raise SlackError(code)
    _check_list("blocks", blocks, "/blocks")
    for number, attachment in enumerate(attachments or ()):
        _check_list("attachments", attachment.get("blocks"), f"/attachments/{number}/blocks")
    if len(attachments or ()) > _ATTACHMENTS_AT_MOST:
        code = "too_many_attachments"
        raise SlackError(code)


def check_metadata(metadata: Any) -> None:
    """Checks the metadata of a message.

    Raises:
        SlackError: Slack would refuse it.
    """
    shaped = isinstance(metadata, Mapping) and isinstance(metadata.get("event_payload"), Mapping)
    if not shaped:
        code = "invalid_metadata_format"
        raise SlackError(code)
    if not _EVENT_TYPE.fullmatch(str(metadata.get("event_type", ""))):
        code = "invalid_metadata_schema"
        raise SlackError(code)


def read_list(name: str, value: Any) -> list[Any]:
    """A list of objects that came as JSON or as text of JSON.

    Raises:
        SlackError: It is neither.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value or "[]")
        except ValueError:
            value = None
    if value is not None and (not isinstance(value, list) or any(not isinstance(each, dict) for each in value)):
        value = None
    if value is None:
        code = f"invalid_{name}_format"
        raise SlackError(code)
    return list(value)


def _check_list(name: str, blocks: Any, place: str) -> None:
    problems = list(_problems(blocks or [], place))
    if problems:
        code = f"invalid_{name}"
        raise SlackError(code, *problems)


def _problems(blocks: list[Any], place: str) -> Iterator[str]:
    yield from _at_most_items(blocks, BLOCKS_AT_MOST, place)
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        here = f"{place}/{number}"
        kind = block.get("type")
        block_id = block.get("block_id", "")
        yield from _length(block_id, 255, f"{here}/block_id")
        if block_id and block_id in seen:
            yield f"`block_id` must be unique, `{block_id}` already exists [json-pointer:{here}/block_id]"
        seen.add(block_id)
        if kind in _CHECKS:
            yield from _CHECKS[kind](block, here)
        elif kind not in _UNCHECKED:
            yield f"unsupported type: {kind} [json-pointer:{here}/type]"


def _header(block: Mapping[str, Any], here: str) -> Iterator[str]:
    yield from _text(block.get("text"), 150, f"{here}/text", kinds=("plain_text",))


def _section(block: Mapping[str, Any], here: str) -> Iterator[str]:
    fields = block.get("fields")
    if block.get("text") is None and not fields:
        yield f"missing required field: text [json-pointer:{here}]"
    if block.get("text") is not None:
        yield from _text(block["text"], 3000, f"{here}/text")
    yield from _at_most_items(fields or [], 10, f"{here}/fields")
    for number, each in enumerate(fields or []):
        yield from _text(each, 2000, f"{here}/fields/{number}")
    if block.get("accessory"):
        yield from _element(block["accessory"], f"{here}/accessory")


def _context(block: Mapping[str, Any], here: str) -> Iterator[str]:
    elements = block.get("elements") or []
    if not elements:
        yield f"must provide at least 1 element [json-pointer:{here}/elements]"
    yield from _at_most_items(elements, 10, f"{here}/elements")
    for number, each in enumerate(elements):
        if each.get("type") == "image":
            yield from _image(each, f"{here}/elements/{number}")
        else:
            yield from _text(each, 3000, f"{here}/elements/{number}")


def _actions(block: Mapping[str, Any], here: str) -> Iterator[str]:
    elements = block.get("elements") or []
    if not elements:
        yield f"must provide at least 1 element [json-pointer:{here}/elements]"
    yield from _at_most_items(elements, 25, f"{here}/elements")
    seen: set[str] = set()
    for number, each in enumerate(elements):
        yield from _element(each, f"{here}/elements/{number}")
        action_id = each.get("action_id", "")
        if action_id and action_id in seen:
            yield f"`action_id` `{action_id}` already exists [json-pointer:{here}/elements/{number}/action_id]"
        seen.add(action_id)


def _element(element: Mapping[str, Any], here: str) -> Iterator[str]:
    if element.get("type") == "image":
        yield from _image(element, here)
    if element.get("type") != "button":
        return
    yield from _text(element.get("text"), 75, f"{here}/text", kinds=("plain_text",))
    yield from _length(element.get("action_id", ""), 255, f"{here}/action_id")
    yield from _length(element.get("value", ""), 2000, f"{here}/value")
    yield from _length(element.get("url", ""), 3000, f"{here}/url")
    if element.get("style") not in {None, "primary", "danger"}:
        yield f"invalid style [json-pointer:{here}/style]"


def _image(block: Mapping[str, Any], here: str) -> Iterator[str]:
    if not block.get("alt_text"):
        yield f"missing required field: alt_text [json-pointer:{here}]"
    if not block.get("image_url") and not block.get("slack_file"):
        yield f"missing required field: image_url [json-pointer:{here}]"
    yield from _length(block.get("image_url", ""), 3000, f"{here}/image_url")
    yield from _length(block.get("alt_text", ""), 2000, f"{here}/alt_text")


def _markdown(block: Mapping[str, Any], here: str) -> Iterator[str]:
    yield from _length(block.get("text", ""), 12_000, f"{here}/text")


def _divider(_block: Mapping[str, Any], _here: str) -> Iterator[str]:
    return iter(())


_CHECKS: Mapping[str, Callable[[Mapping[str, Any], str], Iterator[str]]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "markdown": _markdown,
    "divider": _divider,
}


def _text(value: Any, at_most: int, here: str, *, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> Iterator[str]:
    if not isinstance(value, Mapping) or not isinstance(value.get("text"), str):
        yield f"must be a text object [json-pointer:{here}]"
        return
    if value.get("type") not in kinds:
        yield f"must be one of the following: {', '.join(kinds)} [json-pointer:{here}/type]"
    if not value["text"]:
        yield f"must be more than 0 characters [json-pointer:{here}/text]"
    yield from _length(value["text"], at_most, f"{here}/text")


def _length(value: Any, at_most: int, here: str) -> Iterator[str]:
    if len(str(value)) > at_most:
        yield f"must be less than {at_most + 1} characters [json-pointer:{here}]"


def _at_most_items(items: Any, at_most: int, here: str) -> Iterator[str]:
    if len(items) > at_most:
        yield f"no more than {at_most} items allowed [json-pointer:{here}]"
