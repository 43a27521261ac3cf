"""Tiers: names, order from hot to cold, and how long each is billed."""

import pytest

from radar_pipeline.domain.tiers import StorageClass, storage_class


def test_a_listing_s_name_becomes_a_tier_and_what_is_not_known_is_other() -> None:
    assert storage_class("GLACIER") is StorageClass.GLACIER
    assert storage_class("INTELLIGENT_TIERING") is StorageClass.OTHER


@pytest.mark.parametrize("name", [None, ""])
def test_a_server_that_names_no_class_means_standard(name: str | None) -> None:
    assert storage_class(name) is StorageClass.STANDARD


def test_tiers_are_ordered_from_hot_to_cold_and_other_has_no_place_among_them() -> None:
    ranks = [tier.rank for tier in StorageClass if tier is not StorageClass.OTHER]
    assert ranks == sorted(set(ranks)) == [0, 1, 2, 3, 4]
    assert StorageClass.OTHER.rank < 0


def test_archived_is_what_must_be_restored_and_minimum_times_are_those_that_s3_bills() -> None:
    assert [tier for tier in StorageClass if tier.is_archived] == [StorageClass.GLACIER, StorageClass.DEEP_ARCHIVE]
    assert [tier.minimum_days for tier in StorageClass] == [0, 30, 90, 90, 180, 0]
