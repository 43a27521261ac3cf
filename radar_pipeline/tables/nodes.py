"""YAML with line numbers: reads nodes of a file and collects every mistake instead of stopping at the first.

PyYAML's C parser composes nodes with their marks, about thirty times faster than a pure Python round-trip parser; the
registry is read whenever a Dagster process starts. Scalars are taken as written, so that a column may be called
``No`` or ``1`` without quotes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUE, _FALSE = ("true", "yes", "on"), ("false", "no", "off")
_SHOWN = 40


class RegistryError(Exception):
    """What is wrong with a registry file: one line for each mistake, ``file:line: what, and what was expected``.

    Attributes:
        problems: The lines, in file order.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        shown = list(self.problems[:_SHOWN])
        if len(self.problems) > _SHOWN:
            shown.append(f"and {len(self.problems) - _SHOWN} more mistakes")
        super().__init__("\n".join(shown))


def compose(text: str, file: str) -> yaml.Node | None:
    """The root node of a YAML text; None for an empty one.

    Raises:
        RegistryError: With the line, where the text is no YAML.
    """
    try:
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise RegistryError([f"{file}:{line}: not readable as YAML: a character that text must not hold"]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{file}:{mark.line + 1}" if mark else file
        context = f" {error.context}" if error.context else ""
        expected = "expected 'name: value' lines, indented with spaces"
        raise RegistryError([f"{where}: not readable as YAML: {error.problem}{context}; {expected}"]) from None
    return node


def read_text(path: Path) -> str:
    """A file's text.

    Raises:
        RegistryError: Where the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RegistryError([f"{path}: cannot be read: {error.strerror or error}"]) from None
    except UnicodeDecodeError as error:
        raise RegistryError([f"{path}: cannot be read: byte {error.start} is not UTF-8 text"]) from None


def read_root(path: Path) -> yaml.Node | None:
    """The root node of a YAML file; None for an empty one.

    Raises:
        RegistryError: Where the file cannot be read or is no YAML.
    """
    return compose(read_text(path), str(path))


class NodeReader:
    """Reads values out of nodes; what is wrong is noted and the default comes back.

    Attributes:
        problems: What was wrong so far.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self.problems: list[tuple[int, str]] = []

    def note(self, node: yaml.Node, where: str, problem: str) -> None:
        """Notes a mistake at a node. ``where`` names the thing (``table "store"``); empty for the file itself."""
        line = node.start_mark.line + 1
        self.problems.append((line, f"{self._file}:{line}: {where}{': ' if where else ''}{problem}"))

    def finish(self) -> None:
        """Raises RegistryError where anything was noted."""
        if self.problems:
            raise RegistryError(text for _, text in sorted(self.problems, key=lambda problem: problem[0]))

    def mapping(
        self, node: yaml.Node, where: str, what: str, known: Iterable[str] | None = None
    ) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Key and value node by key. A key that is twice or not among the known ones is noted and left out."""
        if is_empty(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.note(node, where, f"{what} must be lines of 'name: value', found {describe(node)}")
            return {}
        entries: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.note(key, where, f"a name in {what} must be plain text, found {describe(key)}")
            elif key.value in entries:
                first = entries[key.value][0].start_mark.line + 1
                self.note(key, where, f'"{key.value}" is in {what} twice, first on line {first}')
            elif known is not None and key.value not in known:
                self.note(key, where, f'unknown key "{key.value}" in {what}{did_you_mean(key.value, known)}')
            else:
                entries[key.value] = (key, value)
        return entries

    def text(self, node: yaml.Node, where: str, what: str) -> str:
        """A scalar as written."""
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self.note(node, where, f"{what} must be text, found {describe(node)}")
        return ""

    def texts(self, node: yaml.Node, where: str, what: str) -> tuple[tuple[yaml.Node, str], ...]:
        """One scalar or a list of them."""
        if is_empty(node):
            return ()
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        return tuple((each, self.text(each, where, what)) for each in nodes)

    def boolean(self, node: yaml.Node, where: str, what: str) -> bool:
        """A YAML truth value."""
        plain = isinstance(node, yaml.ScalarNode) and not node.style
        word = str(node.value).lower() if plain else ""
        if word not in _TRUE + _FALSE:
            self.note(node, where, f"{what} must be true or false, found {describe(node)}")
        return word in _TRUE

    def share(self, node: yaml.Node, where: str, what: str, default: float) -> float:
        """A number between 0 and 1."""
        plain = isinstance(node, yaml.ScalarNode) and not node.style
        try:
            number = float(str(node.value)) if plain else -1.0
        except ValueError:
            number = -1.0
        if 0 <= number <= 1:
            return number
        self.note(node, where, f"{what} must be between 0 and 1, found {describe(node)}")
        return default


def is_empty(node: yaml.Node) -> bool:
    """Whether a key has nothing after it."""
    return isinstance(node, yaml.ScalarNode) and node.value == "" and not node.style


def describe(node: yaml.Node) -> str:
    """What a node is, in words for a person."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if is_empty(node):
        return "nothing"
    shown = str(node.value)
    return f'"{shown[:60]}{"..." if len(shown) > 60 else ""}"'


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean "x"?`` where a known word is near, else the list of known ones where it is short."""
    options = list(known)
    near = difflib.get_close_matches(word, options, n=1)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; known: {', '.join(options)}" if 0 < len(options) <= 12 else ""
