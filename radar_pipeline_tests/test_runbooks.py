"""The runbooks hold what they promise: complete, linked, and true of the commands, variables and words that exist."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from radar_pipeline.cli.main import main
from radar_pipeline.domain.alert import AlertKind
from radar_pipeline.domain.diagnosis import Cause
from radar_pipeline.domain.severity import Severity
from radar_pipeline.settings import Settings

PROJECT = Path(__file__).parent.parent
RUNBOOKS = PROJECT / "docs" / "runbooks"
INDEX = RUNBOOKS / "README.md"
PRODUCTION = PROJECT / "docs" / "production.md"

KINDS = [kind for kind in AlertKind if kind not in {AlertKind.TEST, AlertKind.DAY_COMPLETE}]
KIND_SECTIONS = (
    "What it means",
    "How bad it is",
    "First look",
    "Likely causes",
    "What to do",
    "What not to do",
    "When it is over",
    "Afterwards",
)
CAUSE_SECTIONS = ("What it means", "First look", "What to do", "What not to do", "When it is over")

# What a person reads with a phone in hand.
LINES_AT_MOST, INDEX_LINES_AT_MOST, LOOKS_AT_MOST = 60, 150, 3

# Variables of other programs that the pages name, and where they are from.
FOREIGN = {"AWS_ACCESS_KEY_ID": "the AWS command", "AWS_SECRET_ACCESS_KEY": "the AWS command"}

DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
PAGES = sorted(RUNBOOKS.rglob("*.md"))


def page_of(cause: Cause) -> Path:
    return RUNBOOKS / "causes" / f"{cause.value.replace('_', '-')}.md"


def named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def sections(text: str) -> dict[str, str]:
    _, *parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL))


def links(path: Path) -> list[tuple[Path, str]]:
    """File and anchor of each relative link."""
    found = re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text()))
    relative = [link.partition("#") for link in found if not link.startswith(("http://", "https://"))]
    return [((path.parent / file).resolve() if file else path, anchor) for file, _, anchor in relative]


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("kind", KINDS)
def test_every_alert_has_its_page_with_every_section_in_order(kind: AlertKind) -> None:
    text = (RUNBOOKS / kind.runbook).read_text()
    assert f"`{kind.value}`" in text
    found = sections(text)
    assert tuple(found) == KIND_SECTIONS
    assert all(len(body.split()) >= 5 for body in found.values())


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_its_page_and_an_alert_that_leads_there(cause: Cause) -> None:
    text = page_of(cause).read_text()
    assert f"`{cause.value}`" in text
    found = sections(text)
    assert tuple(found) == CAUSE_SECTIONS
    assert all(len(body.split()) >= 4 for body in found.values())
    assert any(page_of(cause) in {file for file, _ in links(RUNBOOKS / kind.runbook)} for kind in KINDS)


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_page_is_short_enough_for_the_night(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= (INDEX_LINES_AT_MOST if path == INDEX else LINES_AT_MOST)
    if path != INDEX:
        looks = re.findall(r"^\d+\. ", sections(text)["First look"], flags=re.MULTILINE)
        assert 1 <= len(looks) <= LOOKS_AT_MOST


def test_the_index_names_every_page_and_no_page_is_without_it() -> None:
    wanted = {*(RUNBOOKS / kind.runbook for kind in KINDS), *(page_of(cause) for cause in Cause)}
    assert wanted == {path for path in PAGES if path != INDEX}
    assert wanted <= {file for file, _ in links(INDEX)}


def test_the_index_says_of_every_alert_how_severe_it_is_who_acts_and_where_to_look_first() -> None:
    rows = [line for line in sections(INDEX.read_text())["The alerts"].splitlines() if line.startswith("| [")]
    assert len(rows) == len(KINDS)
    for kind in KINDS:
        row = next(row for row in rows if f"({kind.runbook})" in row)
        _, severity, *others = (cell.strip() for cell in row.strip("|").split("|"))
        words = set(re.findall(r"[A-Z]{4,}", severity))
        assert words
        assert words <= set(Severity.__members__)
        assert len(others) == 2
        assert all(others)
        head = (RUNBOOKS / kind.runbook).read_text().partition("\n## ")[0]
        assert words == set(re.findall(r"\*\*([A-Z]+)\*\*", head)), "the page's own line says something else"


def test_the_decision_tree_leads_to_pages_that_exist_and_styles_only_its_own_boxes() -> None:
    found = re.search(r"^```mermaid\n(.*?)^```", INDEX.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert found
    tree = found.group(1)
    boxes = dict(re.findall(r"(\w+)[\[{]([^\]}]+)[\]}]", tree))
    targets = set(re.findall(r"\b(?:causes/)?[a-z]+(?:-[a-z]+)+\b", " ".join(boxes.values())))
    assert len(targets) >= 8
    assert all((RUNBOOKS / f"{target}.md").exists() for target in targets)
    ends = set(re.findall(r"(\w+)$", re.sub(r"[\[{][^\]}]+[\]}]", "", tree), flags=re.MULTILINE))
    styled = {
        name for names in re.findall(r"^ *class ([\w,]+) ", tree, flags=re.MULTILINE) for name in names.split(",")
    }
    styles = set(re.findall(r"^ *classDef (\w+) ", tree, flags=re.MULTILINE))
    assert styled <= set(boxes)
    assert ends - styles - {"TD", "2px", "3px"} <= set(boxes)


@pytest.mark.parametrize("path", DOCUMENTS, ids=named)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for file, anchor in links(path):
        assert file.exists(), f"{named(path)} links {file}"
        assert not anchor or anchor in anchors(file), f"{named(path)} links #{anchor} of {named(file)}"


def code(text: str) -> Iterator[tuple[str, bool]]:
    """Each line of code, and whether it stands in a block of its own: a line there is meant to be typed as it is."""
    for block in re.findall(r"^ *```\w*\n(.*?)^ *```", text, flags=re.MULTILINE | re.DOTALL):
        yield from ((line.strip(), True) for line in block.splitlines())
    plain = re.sub(r"^ *```.*?^ *```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from ((span, False) for span in re.findall(r"`([^`]+)`", plain))


def commands(path: Path) -> Iterator[tuple[str, bool]]:
    """Each `radar` command of a document without its remarks, and whether it is complete."""
    for line, is_typed in code(path.read_text()):
        found = re.search(r"(?:^|[;&] *|/)radar (?=[a-z-])(.*)$", " ".join(line.split("\n")))
        if found:
            # In a synopsis brackets hold what may be left out, and two blanks part a command from its description.
            words = re.split(r"\s{2,}|\s(?:#|>|&&|\|\|)", found.group(1))[0]
            is_synopsis = "[" in words or "  " in found.group(1)
            yield re.sub(r"[\[\]]", "", words), is_typed and not is_synopsis


def resolve(words: list[str]) -> tuple[click.Command, list[str], str]:
    """The command that words lead to, the words that are left for it, and its name."""
    command: click.Command = main
    name = "radar"
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        context = click.Context(command, info_name=name)
        inner = command.get_command(context, words[0])
        assert inner is not None, f"there is no `{name} {words[0]}`"
        command, name, words = inner, f"{name} {words[0]}", words[1:]
    return command, words, name


def judge(text: str, *, is_complete: bool) -> None:
    """Fails where a command or an option of it does not exist, or where a complete one would be refused."""
    first, *others = [part.strip() for part in text.split("|")]
    words = shlex.split(first)
    command, rest, name = resolve(words)
    parent = words[: len(words) - len(rest) - 1]
    for other in others:
        # `radar tables check | diff | pull` names three commands; `radar status | grep x` names one.
        if not is_complete:
            resolve([*parent, *shlex.split(other)])
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = {word.partition("=")[0] for word in rest if word.startswith("-")} - known - {"--help", "-h"}
    assert not unknown, f"`{name}` has no {unknown}"
    if isinstance(command, click.Group) and not rest:
        return
    try:
        command.make_context(name, list(rest))
    except click.MissingParameter:
        assert not is_complete, f"`radar {text}` lacks something"


def test_every_command_that_the_documents_name_exists_with_its_options() -> None:
    seen = set()
    for path in DOCUMENTS:
        for text, is_complete in commands(path):
            try:
                judge(text, is_complete=is_complete)
            except (AssertionError, click.UsageError) as error:
                pytest.fail(f"{named(path)}: `radar {text}`: {error}")
            seen.add(text.split()[0])
    assert {"run", "status", "accept", "tables", "check-config", "ui", "local"} <= seen


def test_the_rights_that_production_asks_for_are_valid_json_and_no_more_than_is_used() -> None:
    blocks = re.findall(r"^```json\n(.*?)^```", PRODUCTION.read_text(), flags=re.MULTILINE | re.DOTALL)
    statements = [each for block in blocks for each in json.loads(block)["Statement"]]
    of_services: dict[str, set[str]] = {}
    for each in statements:
        actions = [each["Action"]] if isinstance(each["Action"], str) else each["Action"]
        for action in actions:
            of_services.setdefault(action.partition(":")[0], set()).add(f"{each['Effect']} {action}")
        if each["Sid"] not in {"TextMessages", "NothingElse"}:
            assert "*" not in each["Resource"]
    assert of_services["sns"] == {"Allow sns:Publish", "Deny sns:Publish"}
    assert "Allow glue:DeleteTable" not in of_services["glue"], "the repair of the catalogue drops days, never a table"
    assert not any("*" in action for actions in of_services.values() for action in actions)


@pytest.mark.parametrize("text", ["run --fast", "state", "tables shrink", "tables diff --without x", "accept store"])
def test_a_command_that_does_not_exist_would_be_found(text: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        judge(text, is_complete=True)


@cache
def texts_of_the_package() -> tuple[str, ...]:
    """Every text in the package's code; of one with values in it, each part between them."""
    trees = [ast.parse(path.read_text()) for path in (PROJECT / "radar_pipeline").rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return tuple(node.value for node in nodes if isinstance(node.value, str))


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_what_a_page_quotes_is_what_the_platform_says(path: Path) -> None:
    """Words in quotation marks are the platform's own; those of other programs stand as code."""
    quoted = re.findall(r'"([^"\n]+)"', without_code(path.read_text()))
    unsaid = [words for words in quoted if not any(words in text for text in texts_of_the_package())]
    assert not unsaid, f"nothing in the package says {unsaid}"


def test_every_variable_that_the_documents_name_is_read_by_something() -> None:
    of_settings = {str(field.validation_alias) for field in Settings.model_fields.values()}
    sources = [*(PROJECT / "radar_pipeline").rglob("*.py"), PROJECT / "Makefile"]
    elsewhere = " ".join(path.read_text() for path in sources)
    wanted = re.compile(r"\b(?:RADAR|AIRBYTE|FARMARCAS|S3|SLACK|AWS|DAGSTER)_[A-Z0-9_]*[A-Z0-9]\b(?!\*|_\*)")
    for path in DOCUMENTS:
        for name in sorted(set(wanted.findall(path.read_text()))):
            is_read = name in of_settings or name in FOREIGN or re.search(rf"\b{name}\b", elsewhere)
            assert is_read, f"{named(path)} names {name}, which nothing reads"
