"""Edits of a YAML text that leave alone what they are not about: order, quotes, blank lines and comments.

ruamel.yaml keeps a comment at the value before it, so that an entry put behind the last one would land below the
heading of the next section, and one taken out would take that heading along. The functions here move such comments.
"""

from __future__ import annotations

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import CommentMark
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.scalarstring import SingleQuotedScalarString
from ruamel.yaml.tag import Tag
from ruamel.yaml.tokens import CommentToken

_WORD = re.compile(r"\w[\w ./-]*")
_NO_FOLDING = 1 << 20
# Where ruamel keeps the comment after a value: third place of a mapping's entry, first of a list's.
_AFTER_VALUE, _AFTER_ITEM = 2, 0


class _PlainResolver(VersionedResolver):
    """Takes every plain word for text, as the loader does: a column may be called ``No`` or ``1``."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode:
            return Tag(suffix="tag:yaml.org,2002:str")
        return super().resolve(kind, value, implicit)


def read(text: str) -> CommentedMap:
    """The text as an editable mapping."""
    document = _yaml().load(text)
    return document if isinstance(document, CommentedMap) else CommentedMap()


def write(document: CommentedMap) -> str:
    """The text of an edited mapping."""
    out = io.StringIO()
    _yaml().dump(document, out)
    return out.getvalue()


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Resolver = _PlainResolver
    yaml.width = _NO_FOLDING
    yaml.preserve_quotes = True
    return yaml


def insert(mapping: CommentedMap, position: int, key: str, value: Any) -> None:
    """Puts an entry at a position; at the end, what follows the mapping keeps following it."""
    if position < len(mapping):
        mapping.insert(position, key, value)
        return
    below = _take_below(mapping, _last_key(mapping)) if mapping else ""
    mapping[key] = value
    _give_below(mapping, key, below)


def remove(mapping: CommentedMap, key: str) -> None:
    """Takes an entry out; headings and blank lines below it stay."""
    below = _take_below(mapping, key)
    keys = list(mapping)
    position = keys.index(key)
    del mapping[key]
    mapping.ca.items.pop(key, None)
    if position:
        _give_below(mapping, keys[position - 1], below)


def blank_line_above(mapping: CommentedMap, key: str) -> None:
    """Sets an entry apart from the one before it."""
    keys = list(mapping)
    if keys.index(key):
        _give_below(mapping, keys[keys.index(key) - 1], "\n")


def scalar(name: str) -> str:
    """A name as it is to be written: in quotes unless it is an ordinary word.

    The two YAML parsers in use differ on words like ``? y`` within a one-line list.
    """
    return name if _WORD.fullmatch(name) else SingleQuotedScalarString(name)


def one_line(values: list[str]) -> CommentedSeq:
    """A list that is written on one line."""
    sequence = CommentedSeq([scalar(value) for value in values])
    sequence.fa.set_flow_style()
    return sequence


def _last_key(mapping: CommentedMap) -> Any:
    return next(reversed(mapping))


def _deepest(container: Any, key: Any) -> tuple[Any, Any, int]:
    """The last written value within an entry: its container, its key there, and the place of its comment."""
    value = container[key]
    if isinstance(value, CommentedMap) and value and not value.fa.flow_style():
        return _deepest(value, _last_key(value))
    if isinstance(value, CommentedSeq) and value and not value.fa.flow_style():
        return _deepest(value, len(value) - 1)
    return container, key, _AFTER_VALUE if isinstance(container, CommentedMap) else _AFTER_ITEM


def _take_below(container: Any, key: Any) -> str:
    """Removes and returns the lines below an entry; a comment on its own last line stays."""
    holder, last, place = _deepest(container, key)
    slots = holder.ca.items.get(last)
    token = slots[place] if slots else None
    if token is None:
        return ""
    own, _, below = token.value.partition("\n")
    if own.strip():
        token.value = own + "\n"
    else:
        slots[place] = None
    return str(below)


def _give_below(container: Any, key: Any, below: str) -> None:
    """Puts lines below an entry, after those that are there already."""
    if not below:
        return
    holder, last, place = _deepest(container, key)
    slots = holder.ca.items.setdefault(last, [None, None, None, None])
    if slots[place] is None:
        slots[place] = CommentToken("\n" + below, CommentMark(0), None)
    else:
        slots[place].value += below
