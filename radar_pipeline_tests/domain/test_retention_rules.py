"""The policy as rules of a bucket: in S3's shape, each table by its own class, and every difference told."""

from __future__ import annotations

import copy
from typing import Any

import boto3
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.retention import RetentionClass, RetentionPolicy, Transition
from radar_pipeline.domain.retention_rules import RulesDiff, diff_rules, rules_of
from radar_pipeline.domain.tiers import SMALLEST_MOVED_BYTES, StorageClass
from radar_pipeline_tests.domain.retention_samples import LAYOUT

IA, GLACIER = StorageClass.STANDARD_IA, StorageClass.GLACIER
CLASSES = {
    "default": RetentionClass(),
    "longer": RetentionClass("longer", delete_after_days=None),
    "hot": RetentionClass("hot", (Transition(180, IA),), 2555),
    "never": RetentionClass("never", (), None),
}
POLICY = RetentionPolicy(classes=CLASSES)
ALIKE = {"store": "default", "store_metrics": "longer", "promoção": "default"}
MIXED = {**ALIKE, "store": "hot", "login": "never"}


def rules(classes: dict[str, str] = ALIKE, **others: Any) -> list[dict[str, Any]]:
    return copy.deepcopy([dict(rule) for rule in rules_of(POLICY, classes, LAYOUT, **others)])


def named(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(rule for rule in found if rule["ID"] == name)


def diff(found: list[dict[str, Any]], wanted: list[dict[str, Any]] | None = None) -> RulesDiff:
    return diff_rules(rules() if wanted is None else wanted, found, LAYOUT)


def foreign(prefix: str = "", status: str = "Enabled", **actions: Any) -> dict[str, Any]:
    return {"ID": "theirs", "Status": status, "Filter": {"Prefix": prefix}, **actions}


def moves_of(found: list[dict[str, Any]], key: str, size: int) -> list[tuple[int, str]]:
    """What S3 would do with an object: every rule whose filter covers it."""
    moves = []
    for rule in found:
        terms = rule["Filter"].get("And", rule["Filter"])
        if key.startswith(terms["Prefix"]) and size > terms.get("ObjectSizeGreaterThan", -1):
            moves += [(each["Days"], each["StorageClass"]) for each in rule.get("Transitions", ())]
    return moves


def test_tables_that_age_alike_take_one_rule_and_the_specification_s_ages() -> None:
    found = rules()
    assert [rule["ID"] for rule in found] == ["radar-tiers", "radar-versions", "radar-quarantine", "radar-control"]
    assert named(found, "radar-tiers")["Transitions"] == [
        {"Days": 30, "StorageClass": "STANDARD_IA"},
        {"Days": 90, "StorageClass": "GLACIER"},
    ]
    assert named(found, "radar-versions")["NoncurrentVersionExpiration"] == {"NoncurrentDays": 365}
    assert named(found, "radar-versions")["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert named(found, "radar-quarantine")["Expiration"] == {"Days": 30}
    assert all(len(rule["ID"]) <= 255 and rule["Status"] == "Enabled" for rule in found)


@pytest.mark.parametrize("classes", [ALIKE, MIXED, {}], ids=["alike", "mixed", "no table"])
def test_the_rules_have_the_shape_that_s3_takes(classes: dict[str, str]) -> None:
    client = boto3.client("s3", region_name="us-east-2", aws_access_key_id="x", aws_secret_access_key="x")
    shape = client.meta.service_model.operation_model("PutBucketLifecycleConfiguration").input_shape
    asked = {"Bucket": "lake", "LifecycleConfiguration": {"Rules": rules(classes)}}
    assert not ParamValidator().validate(asked, shape).has_errors()
    for rule in rules(classes):
        # What S3 refuses: a filter by size together with these.
        if "And" in rule["Filter"]:
            assert not {"AbortIncompleteMultipartUpload", "Expiration"} & set(rule)


@given(st.dictionaries(st.sampled_from([*ALIKE, "store_", "login", "a-b"]), st.sampled_from(sorted(CLASSES))))
def test_each_table_is_moved_as_its_class_says_and_by_nothing_else(classes: dict[str, str]) -> None:
    found = rules(classes)
    for table, name in classes.items():
        key = f"{LAYOUT.table_prefix(table)}cog_dt_ingestion=2026-11-24/file.parquet"
        wanted = [(each.after_days, str(each.to)) for each in CLASSES[name].transitions]
        assert moves_of(found, key, SMALLEST_MOVED_BYTES) == wanted
        assert moves_of(found, key, SMALLEST_MOVED_BYTES - 1) == [], "small objects are left, whatever the bucket says"
    assert len({rule["ID"] for rule in found}) == len(found)
    for rule in found:
        current = {"Days", "Date"} & set(rule.get("Expiration", ()))
        assert not current or rule["Filter"]["Prefix"] == LAYOUT.quarantine_prefix, "no rule expires bronze"


def test_a_hold_takes_the_quarantine_s_expiry_out_of_the_rules() -> None:
    assert "Expiration" not in named(rules(held={"store"}), "radar-quarantine")
    found = diff(rules(), rules(held={"store"}))
    assert [change.id for change in found.changed] == ["radar-quarantine"]
    assert "a hold is active" in found.deleting[0]
    assert not found.expiring_quarantine


def test_more_rules_than_a_bucket_can_have_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the policy takes 1,003 rules.*a bucket can have 1,000"):
        rules({f"table_{number}": "hot" for number in range(1000)})


def as_s3_gives_it(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rules in other words: other order, an old prefix, transitions turned round."""
    for rule in found:
        if "Transitions" in rule:
            rule["Transitions"].reverse()
        elif rule["ID"] == "radar-control":
            rule["Prefix"] = rule.pop("Filter")["Prefix"]
        else:
            rule["Filter"] = {"And": {**rule["Filter"], "Tags": []}}
    return found[::-1]


@pytest.mark.parametrize("classes", [ALIKE, MIXED], ids=["alike", "mixed"])
def test_what_is_set_as_wanted_is_clean_however_s3_writes_it(classes: dict[str, str]) -> None:
    assert diff(as_s3_gives_it(rules(classes)), rules(classes)) == RulesDiff()
    assert RulesDiff().is_clean


def test_missing_changed_and_unwanted_rules_are_told_and_the_bucket_does_not_count_as_moving() -> None:
    nothing = diff([])
    assert nothing.missing == ("radar-tiers", "radar-versions", "radar-quarantine", "radar-control")
    assert (nothing.moving, nothing.expiring_quarantine, nothing.is_clean) == (False, False, False)

    edited = rules()
    named(edited, "radar-tiers")["Transitions"][1]["Days"] = 60
    named(edited, "radar-versions")["Status"] = "Disabled"
    found = diff([*edited, {"ID": "radar-tiers-old", "Status": "Enabled", "Filter": {}, "Transitions": []}])
    assert {change.id: change.differences for change in found.changed} == {
        "radar-tiers": (
            "Transitions: Days 30, StorageClass STANDARD_IA, Days 60, StorageClass GLACIER is set, "
            "Days 30, StorageClass STANDARD_IA, Days 90, StorageClass GLACIER is wanted",
        ),
        "radar-versions": ("Status: Disabled is set, Enabled is wanted",),
    }
    assert found.unwanted == ("radar-tiers-old",)
    assert (found.moving, found.expiring_quarantine) == (False, True)


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("", 'rule "theirs" (the whole bucket) deletes bronze data after 100 days'),
        ("origin=airbyte/", "deletes bronze data"),
        (f"{LAYOUT.prefix}/store/", "deletes bronze data"),
        ("_radar_pipeline/ledger/", "deletes ledger, holds, audit log or quarantine"),
        (LAYOUT.quarantine_prefix, "deletes quarantined files"),
    ],
)
def test_a_rule_of_others_that_deletes_our_data_is_shouted(prefix: str, said: str) -> None:
    found = diff([*rules(), foreign(prefix, Expiration={"Days": 100})])
    assert said in found.deleting[0]
    assert not found.is_clean
    assert found.moving, "it changes nothing about what our own rules do"
    by_date = diff([*rules(), foreign(prefix, Expiration={"Date": "2030-01-01"})])
    assert "on 2030-01-01" in by_date.deleting[0]


def test_one_of_ours_that_was_made_to_delete_bronze_is_shouted_too() -> None:
    edited = rules()
    named(edited, "radar-quarantine")["Filter"] = {"Prefix": ""}
    assert "deletes bronze data after 30 days" in diff(edited).deleting[0]
    sooner, later = rules(), rules()
    named(sooner, "radar-quarantine")["Expiration"]["Days"] = 3
    named(later, "radar-quarantine")["Expiration"]["Days"] = 300
    assert "the policy keeps them 30 days" in diff(sooner).deleting[0]
    assert diff(later).deleting == ()
    assert [change.id for change in diff(later).changed] == ["radar-quarantine"]


def test_rules_of_others_that_meddle_are_told_and_those_that_do_not_are_left_alone() -> None:
    meddling = diff(
        [
            *rules(),
            foreign(
                Transitions=[{"Days": 1, "StorageClass": "DEEP_ARCHIVE"}, {"Days": 30, "StorageClass": "STANDARD_IA"}]
            ),
            {
                **foreign(NoncurrentVersionExpiration={"NoncurrentDays": 5}),
                "Filter": {"Tag": {"Key": "a", "Value": "b"}},
            },
        ]
    )
    assert len(meddling.interfering) == 2
    assert "moves bronze data to DEEP_ARCHIVE after 1 days" in meddling.interfering[0]
    assert "where Tag Key a, Value b) removes deleted and replaced versions" in meddling.interfering[1]
    harmless = [
        foreign("logs/", Expiration={"Days": 1}),
        foreign("origin=airbyte/database=silver/", Expiration={"Days": 1}),
        foreign(status="Disabled", Expiration={"Days": 1}),
        foreign(AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}),
        foreign(NoncurrentVersionExpiration={"NoncurrentDays": 400}),
        foreign(Expiration={"ExpiredObjectDeleteMarker": True}),
    ]
    assert diff([*rules(), *harmless]) == RulesDiff()


def test_so_many_rules_of_others_that_ours_have_no_room_are_told() -> None:
    crowd = [{**foreign("logs/", Expiration={"Days": 1}), "ID": f"theirs-{number}"} for number in range(998)]
    assert "with ours they are more than 1,000" in diff(crowd).interfering[0]
