"""The policy file: what it holds, and what the loader says about each way of getting it wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.retention import (
    Bounds,
    RetentionClass,
    RetentionPolicy,
    SmallObjects,
    Transition,
)
from radar_pipeline.domain.retention_limits import faults_of
from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.tables.loader import load_registry
from radar_pipeline.tables.model import Registry, Table
from radar_pipeline.tables.nodes import RegistryError
from radar_pipeline.tables.retention import DEFAULT_PATH, classes_of, load_policy, registry_holds

NONE = Registry(())
CLASS = "classes:\n  odd:\n    transitions: none\n    delete_after_days: never\n"


def load(tmp_path: Path, text: str, registry: Registry = NONE) -> RetentionPolicy:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    return load_policy(path, registry)


def problems(tmp_path: Path, text: str, registry: Registry = NONE) -> list[str]:
    with pytest.raises(RegistryError) as caught:
        load(tmp_path, text, registry)
    return [each.removeprefix(f"{tmp_path}/") for each in caught.value.problems]


def test_the_project_s_own_policy_is_the_specification_s_and_knows_every_class_of_the_registry() -> None:
    registry = load_registry()
    policy = load_policy(None, registry)
    assert policy == RetentionPolicy(path=DEFAULT_PATH)
    assert policy.classes["default"].transitions == (
        Transition(30, StorageClass.STANDARD_IA),
        Transition(90, StorageClass.GLACIER),
    )
    assert policy.classes["default"].delete_after_days == 2555
    assert set(classes_of(registry)) == set(registry.names)


def test_a_file_says_what_differs_and_the_rest_is_as_specified(tmp_path: Path) -> None:
    policy = load(
        tmp_path,
        """
classes:
  logs:
    transitions: {GLACIER_IR: 1, DEEP_ARCHIVE: 91}
    delete_after_days: 400
    small_objects: compact
  kept:
    transitions: none
    delete_after_days: never
quarantine_days: 60
rule_grace_days: 0
bounds: {table_share: 0.5, objects: 10, bytes: 2 TB}
""",
        Registry((Table("a", "x", "team:x", retention="logs"), Table("b", "x", "team:x"))),
    )
    logs = RetentionClass(
        "logs",
        (Transition(1, StorageClass.GLACIER_IR), Transition(91, StorageClass.DEEP_ARCHIVE)),
        400,
        SmallObjects.COMPACT,
    )
    assert dict(policy.classes) == {"default": RetentionClass(), "logs": logs, "kept": RetentionClass("kept", (), None)}
    assert (policy.quarantine_days, policy.rule_grace_days, policy.noncurrent_days) == (60, 0, 365)
    assert policy.bounds == Bounds(0.5, 10, 2 * 1024**4)
    assert load(tmp_path, "") == RetentionPolicy(path=tmp_path / "policy.yaml")


@pytest.mark.parametrize(
    ("transitions", "deletion", "line", "said"),
    [
        ("{STANDARD_IA: 29}", "never", 3, "S3 moves nothing to STANDARD_IA before day 30, found day 29"),
        (
            "{STANDARD_IA: 30, GLACIER: 59}",
            "never",
            3,
            "STANDARD_IA (day 30) is billed for 30 days at least, so GLACIER",
        ),
        ("{GLACIER: 90, STANDARD_IA: 120}", "never", 3, "STANDARD_IA is not colder than GLACIER"),
        ("{STANDARD_IA: 90, GLACIER: 90}", "never", 3, "GLACIER (day 90) must come after STANDARD_IA (day 90)"),
        ("{GLACIER: 90}", "100", 4, "leave the move out, or let it go from day 180 on"),
        ("{GLACIER: -5}", "never", 3, 'the age for GLACIER must be a number of days from 1 to 36500, found "-5"'),
        ("{GLACIER: 0}", "never", 3, "must be a number of days from 1"),
        ("{GLACER: 90}", "never", 3, '"GLACER" is no tier that data can move to; did you mean "GLACIER"?'),
        ("{STANDARD: 90}", "never", 3, '"STANDARD" is no tier that data can move to: data begins there'),
        ("{OTHER: 90}", "never", 3, '"OTHER" is no tier that data can move to'),
        ("[GLACIER]", "never", 3, "must be lines of 'name: value', found a list"),
        ("", "never", 3, 'transitions must be lines such as "STANDARD_IA: 30", or none, found nothing'),
        ("none", "7 years", 4, 'delete_after_days must be a number of days from 1 to 36500, or never, found "7 years"'),
        ("none", "0", 4, "found"),
    ],
)
def test_ages_that_s3_refuses_or_bills_twice_are_named_with_their_line(
    tmp_path: Path, transitions: str, deletion: str, line: int, said: str
) -> None:
    text = f"classes:\n  odd:\n    transitions: {transitions}\n    delete_after_days: {deletion}\n"
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(f'policy.yaml:{line}: class "odd": ')
    assert said in problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clases: {}\n", 'policy.yaml:1: unknown key "clases" in the file; did you mean "classes"?'),
        (
            "quarantine_days: -1\n",
            'policy.yaml:1: quarantine_days must be a number of days from 1 to 36500, found "-1"',
        ),
        ("noncurrent_days: 0\n", "policy.yaml:1: noncurrent_days must be a number of days from 1"),
        ("bounds:\n  table_share: 1.5\n", 'policy.yaml:2: bounds: table_share must be between 0 and 1, found "1.5"'),
        (
            "bounds:\n  table_share: 0.0001\n",
            "policy.yaml:2: bounds: table_share 0.0001 is less than 2 days of the 2555",
        ),
        ("bounds:\n  objects: many\n", 'policy.yaml:2: bounds: objects must be a number, found "many"'),
        ("bounds:\n  bytes: 50\n", 'policy.yaml:2: bounds: bytes must be a size such as "50 GB", found "50"'),
        (f"{CLASS}    colour: blue\n", 'policy.yaml:5: class "odd": unknown key "colour" in a class'),
        (f"{CLASS}    small_objects: eat\n", 'policy.yaml:5: class "odd": small_objects must be keep or compact'),
        (
            "classes:\n  odd:\n    transitions: none\n",
            'policy.yaml:2: class "odd": delete_after_days is missing; write',
        ),
        ("classes:\n  odd:\n    delete_after_days: 9\n", 'policy.yaml:2: class "odd": transitions is missing; write'),
        ("classes: [\n", "policy.yaml:2: not readable as YAML"),
    ],
)
def test_every_other_mistake_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(said)


def test_all_mistakes_are_told_at_once_and_with_them_every_table_whose_class_is_not_defined(tmp_path: Path) -> None:
    registry = Registry(
        (Table("store", "x", "team:x", retention="defualt"), Table("menu", "x", "team:x")), Path("radar_tables.yaml")
    )
    first, second, third = problems(tmp_path, "noncurrent_days: x\nquarantine_days: y\n", registry)
    assert (first[:14], second[:14]) == ("policy.yaml:1:", "policy.yaml:2:")
    assert third == (
        f'radar_tables.yaml: table "store": retention "defualt" is no class of {tmp_path}/policy.yaml; '
        'did you mean "default"?'
    )


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"none\.yaml: cannot be read: No such file"):
        load_policy(tmp_path / "none.yaml", NONE)


def test_the_registry_s_own_holds_hold_from_the_beginning_and_without_an_end() -> None:
    registry = Registry((Table("a", "x", "team:x"), Table("b", "x", "team:x", hold="lawsuit 12")))
    (hold,) = registry_holds(registry)
    assert (hold.id, hold.table, hold.reason, hold.is_active) == ("registry", "b", "lawsuit 12", True)


TARGETS = [tier for tier in StorageClass if tier.rank > 0]


@given(st.lists(st.builds(Transition, st.integers(1, 400), st.sampled_from(TARGETS)), max_size=4), st.integers(1, 900))
def test_a_class_without_a_fault_never_pays_twice_nor_moves_to_hotter(transitions, deletion: int) -> None:
    if faults_of(transitions, deletion):
        return
    entered = 0
    for before, each in zip([None, *transitions], transitions, strict=False):
        assert each.to is not StorageClass.STANDARD_IA or each.after_days >= 30
        if before is not None:
            assert each.to.rank > before.to.rank
            assert each.after_days >= entered + before.to.minimum_days
        entered = each.after_days
    if transitions:
        assert deletion >= entered + transitions[-1].to.minimum_days
