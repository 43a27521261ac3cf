"""The price list: complete, dated, with a source, and every mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from radar_pipeline.domain.prices import Retrieval, RetrievalPrice
from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.tables.nodes import RegistryError
from radar_pipeline.tables.prices import DEFAULT_PATH, load_prices

OWN = DEFAULT_PATH.read_text()


def test_the_project_s_own_list_names_its_region_date_and_source_and_prices_every_tier() -> None:
    prices = load_prices()
    assert prices.region == "us-east-2"
    assert prices.as_of.year >= 2025
    assert "us-east-1" in prices.source
    assert set(prices.tiers) == set(StorageClass) - {StorageClass.OTHER}
    storage = [prices.tiers[tier].storage for tier in sorted(prices.tiers, key=lambda tier: tier.rank)]
    assert storage == sorted(storage, reverse=True), "colder is cheaper to keep"
    puts = [prices.tiers[tier].put for tier in sorted(prices.tiers, key=lambda tier: tier.rank)]
    assert puts == sorted(puts), "and dearer to get into"


def test_each_archived_object_is_billed_forty_kilobytes_more_and_small_ones_as_large() -> None:
    tiers = load_prices().tiers
    for tier, price in tiers.items():
        overhead = (price.overhead_bytes, price.standard_overhead_bytes)
        assert overhead == ((32 * 1024, 8 * 1024) if tier.is_archived else (0, 0))
    assert tiers[StorageClass.STANDARD_IA].smallest_bytes == 128 * 1024


def test_restores_are_priced_by_speed_and_deep_archive_knows_no_hurry() -> None:
    retrievals = load_prices().retrievals
    assert set(retrievals) == {StorageClass.GLACIER, StorageClass.DEEP_ARCHIVE}
    assert retrievals[StorageClass.GLACIER][Retrieval.BULK] == RetrievalPrice(0, 0)
    assert Retrieval.EXPEDITED not in retrievals[StorageClass.DEEP_ARCHIVE]
    speeds = [retrievals[StorageClass.GLACIER][speed].gigabyte for speed in Retrieval]
    assert speeds == sorted(speeds, reverse=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("region: us-east-2\n", ""), "region is missing"),
        (("as_of: 2025-10-28", "as_of: last autumn"), 'as_of must be a day such as 2026-01-31, found "last autumn"'),
        (("  GLACIER_IR:", "  GLACIER_RI:"), 'unknown key "GLACIER_RI" in tiers; did you mean "GLACIER_IR"?'),
        (("    put: 0.005 ", "    putt: 0.005 "), 'tier STANDARD: unknown key "putt" in a tier; did you mean "put"?'),
        (
            ("storage: 0.023 ", "storage: -1 "),
            'tier STANDARD: storage must be a price in USD such as 0.0125, found "-1"',
        ),
        (("storage: 0.023 ", "storage: 1e9 "), "tier STANDARD: storage must be a price in USD"),
        (("smallest: 128 KB", "smallest: 131072"), 'smallest must be a size such as "128 KB", found "131072"'),
        (("Bulk: {gigabyte: 0.00, requests: 0.00}", "Bulk: {gigabyte: 0.00}"), "retrieval Bulk: requests is missing"),
        (("    Bulk:", "    Slow:"), 'retrievals of GLACIER: unknown key "Slow"'),
        (("retrievals:\n  GLACIER:", "retrievals:\n  STANDARD:"), 'unknown key "STANDARD" in retrievals'),
    ],
)
def test_every_mistake_is_named_with_its_line(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(OWN.replace(*change, 1))
    with pytest.raises(RegistryError) as caught:
        load_prices(path)
    first = caught.value.problems[0].removeprefix(f"{path}:")
    number, _, words = first.partition(": ")
    assert number.isdigit()
    assert any(said in problem for problem in caught.value.problems), caught.value.problems
    assert words


def test_an_empty_list_is_refused_since_a_tier_without_a_price_would_count_as_free(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("")
    with pytest.raises(RegistryError, match="is empty; expected the sections region, as_of, source, tiers"):
        load_prices(path)
