"""What lake, catalogue and Dagster do not agree on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.catalogue import (
    PARTITION_KEY,
    TABLE_PARAMETERS,
    CatalogueColumn,
    CataloguePartition,
    CatalogueState,
    CatalogueTable,
    Mark,
    day_location,
    table_location,
)
from radar_pipeline.domain.catalogue_drift import (
    Finding,
    FindingKind,
    LakeDay,
    Place,
    Remedy,
    diff_catalogue,
    lake_days,
)
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.tiers import LakeObject, StorageClass

LAYOUT = BronzeLayout("origin=airbyte/database=bronze_radar")
BUCKET = "lake"
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
DAYS = [dt.date(2026, 11, number) for number in range(1, 8)]
HOT = Mark(StorageClass.STANDARD)


def _lake(*days: dt.date, mark: Mark = HOT) -> dict[dt.date, LakeDay]:
    return {day: LakeDay(day, 2, 200, mark) for day in days}


def _partition(day: dt.date, **parameters: str) -> CataloguePartition:
    noted = {"radar.files": "2", "radar.bytes": "200", **{f"radar.{name}": value for name, value in parameters.items()}}
    return CataloguePartition(day, day_location(BUCKET, LAYOUT, "store", day), parameters=noted)


def _state(*days: dt.date, **parameters: str) -> CatalogueState:
    table = CatalogueTable("store", table_location(BUCKET, LAYOUT, "store"), (), TABLE_PARAMETERS, (PARTITION_KEY,))
    return CatalogueState(table, {day: _partition(day, **parameters) for day in days})


def _diff(lake: Mapping[dt.date, LakeDay], glue: CatalogueState, **others: object) -> tuple[Finding, ...]:
    given_ = {"dagster": None, **others}
    return diff_catalogue(lake={"store": lake}, glue={"store": glue}, bucket=BUCKET, layout=LAYOUT, **given_)  # type: ignore[arg-type]


def _told(findings: tuple[Finding, ...]) -> list[tuple[dt.date | None, str, str, str | None]]:
    return [(each.day, each.kind, each.where, each.remedy) for each in findings]


def test_what_agrees_has_no_findings() -> None:
    assert _diff(_lake(*DAYS), _state(*DAYS), dagster={"store": set(DAYS)}) == ()


def test_a_proven_day_that_the_catalogue_lacks_is_missing_there() -> None:
    (found,) = _diff(_lake(*DAYS), _state(*DAYS[1:]))
    assert (found.day, found.kind, found.where) == (DAYS[0], FindingKind.MISSING, Place.GLUE)
    assert found.remedy is Remedy.REGISTER
    assert found.words.startswith("store 2026-11-01: ")


def test_a_day_that_nobody_proved_is_not_missed() -> None:
    assert _diff(_lake(*DAYS), _state(*DAYS[1:]), proven={"store": set(DAYS[1:])}) == ()
    assert _diff(_lake(*DAYS), CatalogueState(), proven={}, dagster={}) == ()


def test_a_day_without_data_is_orphaned_in_the_catalogue_and_in_its_older_types() -> None:
    state = replace(_state(*DAYS), versions={"store__v1": frozenset({dt.date(2020, 1, 1)})})
    found = _diff(_lake(*DAYS[1:]), state)
    assert _told(found) == [
        (dt.date(2020, 1, 1), FindingKind.ORPHANED, Place.GLUE, Remedy.DROP),
        (DAYS[0], FindingKind.ORPHANED, Place.GLUE, Remedy.DROP),
    ]


def test_a_table_of_which_nothing_lies_there_is_not_dropped_from_the_catalogue() -> None:
    found = _diff({}, _state(*DAYS))
    assert {each.remedy for each in found} == {None}
    assert len(found) == len(DAYS)
    assert "check bucket and prefix" in found[0].words


def test_marks_follow_the_listing() -> None:
    until = NOON + dt.timedelta(days=3)
    cold, copied = Mark(StorageClass.GLACIER), Mark(StorageClass.GLACIER, until)
    (found,) = _diff(_lake(DAYS[0], mark=cold), _state(DAYS[0]))
    assert (found.kind, found.remedy, found.mark) == (FindingKind.WRONG, Remedy.MARK, cold)
    assert "not marked" in found.words
    assert _diff(_lake(DAYS[0], mark=cold), _state(DAYS[0], tier="GLACIER")) == ()
    assert _diff(_lake(DAYS[0]), _state(DAYS[0], tier="STANDARD")) == ()
    (warmer,) = _diff(_lake(DAYS[0]), _state(DAYS[0], tier="GLACIER"))
    assert warmer.mark == HOT
    (restored,) = _diff(_lake(DAYS[0], mark=copied), _state(DAYS[0], tier="GLACIER"))
    assert restored.mark == copied
    known = _state(DAYS[0], tier="GLACIER", readable_until=until.isoformat())
    assert _diff(_lake(DAYS[0], mark=copied), known) == ()
    assert _diff(_lake(DAYS[0], mark=cold), known) == (), "a listing that does not tell of copies contradicts none"


def test_files_that_came_or_went_since_are_registered_again() -> None:
    (found,) = _diff(_lake(DAYS[0]), _state(DAYS[0], bytes="150"))
    assert (found.kind, found.remedy) == (FindingKind.WRONG, Remedy.REGISTER)
    assert "2 files of 150 bytes" in found.words
    foreign = CataloguePartition(DAYS[0], day_location(BUCKET, LAYOUT, "store", DAYS[0]))
    assert _diff(_lake(DAYS[0]), replace(_state(), partitions={DAYS[0]: foreign})) == (), "a crawler's notes nothing"


def test_a_partition_at_another_place_is_registered_again() -> None:
    astray = replace(_partition(DAYS[0]), location="s3://lake/elsewhere/")
    (found,) = _diff(_lake(DAYS[0]), replace(_state(), partitions={DAYS[0]: astray}))
    assert (found.kind, found.remedy) == (FindingKind.WRONG, Remedy.REGISTER)
    assert "s3://lake/elsewhere/" in found.words


def test_a_partition_that_makes_athena_refuse_its_table_is_found() -> None:
    state = _state(DAYS[0])
    assert state.table
    table = replace(state.table, columns=(CatalogueColumn("at", "timestamp"),))
    refusing = replace(state.partitions[DAYS[0]], columns=(CatalogueColumn("at", "string"),))
    (found,) = _diff(_lake(DAYS[0]), replace(state, table=table, partitions={DAYS[0]: refusing}))
    assert found.remedy is Remedy.REGISTER
    assert "at string" in found.words


def test_a_table_that_cannot_read_restored_days_is_settled_by_its_newest_day() -> None:
    state = _state(*DAYS)
    assert state.table
    (found,) = _diff(_lake(*DAYS), replace(state, table=replace(state.table, parameters={"classification": "parquet"})))
    assert (found.day, found.remedy) == (DAYS[-1], Remedy.REGISTER)


def test_a_table_of_another_place_is_one_finding_and_not_one_for_each_day() -> None:
    state = _state()
    assert state.table
    found = _diff(_lake(*DAYS), replace(state, table=replace(state.table, location="s3://other/store")))
    assert _told(found) == [(None, FindingKind.WRONG, Place.GLUE, None)]


def test_what_cannot_be_read_is_told_and_not_judged() -> None:
    found = _diff(_lake(*DAYS), CatalogueState(problem="not allowed"))
    assert [(each.words, each.remedy) for each in found] == [("not allowed", None)]


def test_a_materialized_day_without_data_is_lost_unless_it_rightly_has_none() -> None:
    dagster = {"store": set(DAYS)}
    (found,) = _diff(_lake(*DAYS[1:]), _state(*DAYS[1:]), dagster=dagster)
    assert (found.day, found.kind, found.where, found.remedy) == (DAYS[0], FindingKind.MISSING, Place.LAKE, None)
    assert _diff(_lake(*DAYS[1:]), _state(*DAYS[1:]), dagster=dagster, without_data={"store": {DAYS[0]}}) == ()


def test_a_proven_day_that_dagster_does_not_know_is_to_be_proved_there() -> None:
    (found,) = _diff(_lake(*DAYS), _state(*DAYS), dagster={"store": set(DAYS[1:])})
    assert (found.day, found.where, found.remedy) == (DAYS[0], Place.DAGSTER, Remedy.PROVE)


def test_names_that_clash_and_tables_of_nobody_are_told() -> None:
    found = diff_catalogue(
        lake={"Store": _lake(DAYS[0]), "store": _lake(DAYS[0])},
        glue={},
        dagster=None,
        bucket=BUCKET,
        layout=LAYOUT,
        unregistered=["leftover"],
    )
    assert [(each.table, each.kind) for each in found] == [
        ("Store", FindingKind.WRONG),
        ("leftover", FindingKind.ORPHANED),
        ("store", FindingKind.WRONG),
    ]


def test_days_are_as_cold_as_their_coldest_file_and_readable_until_the_first_copy_ends() -> None:
    def file(day: dt.date, part: str, tier: StorageClass = StorageClass.STANDARD) -> LakeObject:
        return LakeObject(f"{LAYOUT.folder('store', day)}{part}", 10, NOON, '"x"', tier)

    cold = [file(DAYS[0], f"file_store_part_{n}.parquet", StorageClass.GLACIER) for n in range(2)]
    objects = [
        *cold,
        file(DAYS[0], "file_store_part_2.parquet"),
        file(DAYS[1], "_SUCCESS"),
        file(DAYS[2], "file_store_part_0.parquet", StorageClass.STANDARD_IA),
        LakeObject("elsewhere/x.parquet", 1, NOON, '"x"'),
    ]
    ends = {cold[0].key: NOON + dt.timedelta(days=2), cold[1].key: NOON + dt.timedelta(days=1)}
    found = lake_days(objects, LAYOUT, readable_until=ends)
    assert list(found) == [DAYS[0], DAYS[2]]
    assert (found[DAYS[0]].files, found[DAYS[0]].bytes) == (3, 30)
    assert found[DAYS[0]].mark == Mark(StorageClass.GLACIER, NOON + dt.timedelta(days=1))
    assert found[DAYS[2]].mark == Mark(StorageClass.STANDARD_IA)
    half = lake_days(objects, LAYOUT, readable_until={cold[0].key: NOON})
    assert half[DAYS[0]].mark.readable_until is None, "a day of which one file has no copy is not readable"


_SOME = st.sets(st.sampled_from(DAYS))


@given(lake=_SOME, glue=_SOME, dagster=_SOME, proven=_SOME, retired=_SOME)
def test_every_day_is_judged_by_where_it_is(
    lake: set[dt.date], glue: set[dt.date], dagster: set[dt.date], proven: set[dt.date], retired: set[dt.date]
) -> None:
    found = _diff(
        _lake(*sorted(lake)),
        _state(*sorted(glue)),
        dagster={"store": dagster},
        proven={"store": proven},
        without_data={"store": retired},
    )
    by_place = {
        (kind, where): {each.day for each in found if (each.kind, each.where) == (kind, where)}
        for kind in FindingKind
        for where in Place
    }
    assert by_place[FindingKind.MISSING, Place.GLUE] == (lake & proven) - glue
    assert by_place[FindingKind.ORPHANED, Place.GLUE] == glue - lake
    assert by_place[FindingKind.MISSING, Place.DAGSTER] == (lake & proven) - dagster
    assert by_place[FindingKind.MISSING, Place.LAKE] == dagster - lake - retired
    assert len(found) == sum(len(days) for days in by_place.values())
