"""The plan of a table: each trap by name, then what holds for every lake, and seven years on a moving clock."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radar_pipeline.domain.retention import (
    Bounds,
    Hold,
    RetentionClass,
    RetentionPolicy,
    SmallObjects,
    Transition,
)
from radar_pipeline.domain.retention_moves import rule_day
from radar_pipeline.domain.retention_plan import (
    QUARANTINE,
    PlannedStep,
    Step,
    TablePlan,
    Tally,
    plan_lake,
    plan_quarantine,
    still_due,
)
from radar_pipeline.domain.tiers import SMALLEST_MOVED_BYTES, LakeObject, StorageClass
from radar_pipeline_tests.domain.retention_samples import (
    LARGE,
    LAYOUT,
    POLICY,
    TODAY,
    Bucket,
    ago,
    at,
    hold,
    plan,
    stored,
    why,
)

STANDARD, IA, GLACIER = StorageClass.STANDARD, StorageClass.STANDARD_IA, StorageClass.GLACIER
DEEP, OTHER = StorageClass.DEEP_ARCHIVE, StorageClass.OTHER
SMALL = 20 * 1024
COMPACTING = RetentionClass(small_objects=SmallObjects.COMPACT)
UNRULED = "no rule of the bucket moves it"
YOUNG = stored(TODAY, "young.parquet")  # so that what is old is not the last that the table has


def test_age_is_counted_from_the_day_of_the_folder_and_not_from_the_upload() -> None:
    found = plan(
        [
            stored(ago(29), "young.parquet"),
            stored(ago(30), "month.parquet"),
            stored(ago(90), "quarter.parquet", tier=IA),
            stored(ago(400), "late.parquet", written=TODAY),
        ]
    )
    assert why(found) == {
        "month.parquet": f"move to STANDARD_IA: from day 30 on it belongs in STANDARD_IA, and {UNRULED}",
        "quarter.parquet": f"move to GLACIER: from day 90 on it belongs in GLACIER, and {UNRULED}",
        "late.parquet": f"move to GLACIER: from day 90 on it belongs in GLACIER, and {UNRULED}",
    }
    assert found.kept == {"lies in the tier where it belongs": Tally(1, LARGE)}
    assert found.tiers == {STANDARD: Tally(3, 3 * LARGE), IA: Tally(1, LARGE)}


@pytest.mark.parametrize(
    ("age", "tier", "written", "said"),
    [
        (30, STANDARD, 30, "left to the bucket's rule, due 2026-11-25"),
        (34, STANDARD, 34, "left to the bucket's rule, due 2026-11-21"),
        (35, STANDARD, 35, "the bucket's rule did not move it in time"),
        (94, IA, 94, "left to the bucket's rule, due 2026-11-21"),
        (95, IA, 95, "the bucket's rule did not move it in time"),
        (200, STANDARD, 10, "it was written late, so the bucket's rule would come too late"),
        (32, STANDARD, 29, "left to the bucket's rule, due 2026-11-26"),
        (40, STANDARD, 20, "it was written late, so the bucket's rule would come too late"),
    ],
)
def test_a_rule_is_given_its_day_and_its_grace_before_the_job_moves(age, tier, written, said) -> None:
    found = plan([stored(ago(age), tier=tier, written=ago(written))], rules=True)
    assert said in "".join((*found.kept, *why(found).values()))
    assert bool(found.steps) == (not said.startswith("left"))


def test_an_object_whose_tier_is_billed_anyway_waits_until_it_is_paid() -> None:
    copied = stored(ago(95), tier=IA, written=ago(10))
    assert list(plan([copied]).kept) == ["STANDARD_IA is billed until 2026-12-14 whatever happens: moved then"]
    assert why(plan([copied], today=dt.date(2026, 12, 14)))


def test_an_object_that_a_rule_may_have_moved_is_taken_as_moved_by_the_rule() -> None:
    # Written 40 days ago, so the rule of day 30 may have moved it nine days ago; a copy of 40 days ago would be paid.
    found = plan([stored(ago(95), tier=IA, written=ago(40))])
    assert list(found.kept) == ["STANDARD_IA is billed until 2026-12-15 whatever happens: moved then"]


def test_data_near_its_next_move_skips_the_tier_that_it_would_have_to_pay_for() -> None:
    found = plan([stored(ago(80), written=ago(2))])
    (reason,) = found.kept
    assert reason == "goes straight to GLACIER on day 90, which is nearer than STANDARD_IA's minimum storage time"
    assert plan([stored(ago(60), written=ago(2))]).steps


def test_nothing_is_made_hotter_and_unknown_classes_are_left_alone() -> None:
    found = plan([stored(ago(10), "a.parquet", tier=GLACIER), stored(ago(400), "b.parquet", tier=OTHER)])
    assert not found.steps
    assert {reason[:21] for reason in found.kept} == {"lies in a colder tier", "lies in a storage cla"}


def test_only_a_rule_moves_what_is_archived() -> None:
    deep = RetentionClass("deep", (Transition(90, GLACIER), Transition(400, DEEP)), None)
    archived = [stored(ago(700), tier=GLACIER)]
    (with_rules,) = plan(archived, retention=deep, rules=True).kept
    (without,) = plan(archived, retention=deep).kept
    assert "left to the bucket's rule" in with_rules
    assert "only a rule of the bucket can move it on, and the policy's rules are not at work" in without


def test_small_objects_stay_where_moving_them_costs_more_than_it_saves() -> None:
    found = plan([stored(ago(40), "a.parquet", size=SMALLEST_MOVED_BYTES - 1), stored(ago(40), "b.parquet", size=0)])
    assert not found.steps
    assert list(found.kept) == ["smaller than 128 KB: moving it costs more than it saves"]
    assert plan([stored(ago(40), size=SMALLEST_MOVED_BYTES)]).steps


def test_small_objects_of_a_day_are_merged_where_the_class_asks_and_the_whole_is_worth_moving() -> None:
    enough = [stored(ago(40), f"{number}.parquet", size=SMALL) for number in range(8)]
    found = plan([*enough, stored(ago(40), "large.parquet")], retention=COMPACTING)
    assert [step.step for step in found.steps] == [Step.COMPACT] * 8 + [Step.MOVE]
    too_little = plan(enough[:6], retention=COMPACTING)
    alone = plan([stored(ago(40), size=SMALL), stored(ago(40), "large.parquet")], retention=COMPACTING)
    for kept in (too_little, alone):
        assert "smaller than 128 KB, and so is all of its day that it could be merged with" in kept.kept
        assert Step.COMPACT not in {step.step for step in kept.steps}
    assert not plan(
        [replace(each, key=each.key.replace("40", "40")) for each in enough], retention=RetentionClass()
    ).steps
    young = [stored(ago(29), f"{number}.parquet", size=SMALL) for number in range(8)]
    assert not plan(young, retention=COMPACTING).steps
    assert not plan(enough, retention=COMPACTING, holds=[hold()]).steps, "a hold keeps each file as it is"


def over(*names: str, days: int = 2555) -> list[LakeObject]:
    return [stored(ago(days), name, tier=GLACIER) for name in names]


def test_a_day_that_is_over_goes_as_a_whole_with_its_markers() -> None:
    markers = [
        stored(ago(2555), "_SUCCESS", size=0),
        stored(ago(2555), "file_store_part_1/_superseded_file_store_part_1.parquet", size=0),
        stored(ago(2555), "", size=0),
    ]
    found = plan([*over("a.parquet", "b.parquet"), *markers, *over("c.parquet", days=2554), YOUNG])
    assert set(why(found)) == {"a.parquet", "b.parquet", "_SUCCESS", "_superseded_file_store_part_1.parquet"}
    assert {step.reason for step in found.steps} == {"2,555 days old or older, and class default keeps no longer"}
    (placeholder,) = (reason for reason in found.kept if reason.startswith("is no data file"))
    assert placeholder.endswith(f"{LAYOUT.folder('store', ago(2555))}")


@pytest.mark.parametrize(
    "beside",
    [
        stored(ago(2555), "notes.txt", size=5),
        stored(ago(2555), "b.parquet", tier=OTHER),
        stored(ago(2555), "_delta_log/0.json", size=5),
    ],
    ids=["no data", "unknown class", "something else's log"],
)
def test_a_day_with_something_that_cannot_go_stays_whole(beside: LakeObject) -> None:
    found = plan([*over("a.parquet"), beside, YOUNG])
    assert not found.steps
    assert any("a day goes whole or not at all" in reason for reason in found.kept)


def test_what_lies_in_no_day_s_folder_is_kept_and_named() -> None:
    strays = [
        replace(stored(ago(1)), key=f"{LAYOUT.table_prefix('store')}{name}")
        for name in ("zz.parquet", "cog_dt_ingestion=soon/a.parquet", "cog_dt_ingestion=2019-02-30/a.parquet")
    ]
    other = stored(ago(5000), table="store_metrics", tier=GLACIER)
    found = plan([*strays, other])
    assert not found.steps
    (reason,) = found.kept
    assert reason == f"lies in no day's folder of the table: {strays[2].key} and 3 more"


def test_a_day_in_the_future_is_left_alone_and_protects_nothing() -> None:
    found = plan([stored(TODAY + dt.timedelta(days=3)), *over("a.parquet", days=3000)], accepted=None)
    assert not found.steps
    assert set(found.kept) == {
        "its day lies in the future",
        "belongs to the newest day that has data: no later snapshot is accepted",
    }


def test_the_newest_accepted_snapshot_stays_however_old_it_is() -> None:
    objects = [*over("a.parquet", days=3000), *over("b.parquet", days=2900), *over("c.parquet", days=2800)]
    accepted = plan(objects, accepted=ago(2900))
    assert set(why(accepted)) == {"a.parquet", "c.parquet"}
    assert "belongs to the newest accepted snapshot of the table" in accepted.kept
    assert set(why(plan(objects, accepted=None))) == {"a.parquet", "b.parquet"}
    # The accepted day has lost its data: what there is of the table must not go too.
    assert set(why(plan(objects, accepted=ago(5)))) == {"a.parquet", "b.parquet"}


def test_a_hold_keeps_what_it_covers_from_deletion_and_lets_it_move() -> None:
    objects = [stored(ago(3000), "a.parquet", tier=IA), *over("b.parquet", days=2900), stored(ago(1))]
    found = plan(objects, holds=[hold(last=ago(2950))])
    assert {name: words.partition(":")[0] for name, words in why(found).items()} == {
        "a.parquet": "move to GLACIER",
        "b.parquet": "delete",
    }
    held = plan(over("a.parquet", "b.parquet", days=3000), holds=[hold()])
    assert dict(held.kept) == {"held (20261124-7f3a): audit of 2026": Tally(2, 2 * LARGE)}
    released = replace(hold(), released_at=at(TODAY), released_by="legal")
    assert len(plan(objects, holds=[released, hold("store_metrics")]).steps) == 2


def test_a_hold_counts_however_the_table_s_name_is_stored() -> None:
    objects = [*over("a.parquet", days=3000)]
    objects = [replace(each, key=each.key.replace("/store/", "/promocao/")) for each in objects]
    (held,) = plan(objects, table="promoção", holds=[hold("promocao")], accepted=None).kept
    assert held.startswith("held")


def test_a_class_that_never_deletes_never_does() -> None:
    assert not plan(over("a.parquet", days=9000), retention=RetentionClass("for ever", delete_after_days=None)).steps


# The quarantine.


def quarantined(day: dt.date, written: dt.date, name: str = "a.parquet", table: str = "store") -> LakeObject:
    original = stored(day, name, table=table, written=written)
    return replace(original, key=LAYOUT.quarantine_key(original.key))


def quarantine_plan(objects, *, rules: bool = False, holds: tuple[Hold, ...] = ()) -> TablePlan:
    return plan_quarantine(objects, policy=POLICY, layout=LAYOUT, holds=holds, rules_at_work=rules, today=TODAY)


def test_quarantined_files_go_by_their_time_in_quarantine_and_not_by_their_day() -> None:
    found = quarantine_plan([quarantined(ago(900), ago(10)), quarantined(ago(35), ago(31), "b.parquet")])
    (step,) = found.steps
    assert (step.step, step.table, step.day, step.quarantined) == (Step.DELETE, "store", ago(35), True)
    assert list(found.kept) == ["in quarantine for less than 30 days"]


def test_the_bucket_s_rule_empties_the_quarantine_and_the_job_does_where_it_does_not() -> None:
    due, late = quarantined(ago(40), ago(34)), quarantined(ago(40), ago(35), "late.parquet")
    found = quarantine_plan([due, late], rules=True)
    assert [step.object.key for step in found.steps] == [late.key]
    assert list(found.kept) == ["left to the bucket's rule, due 2026-11-21"]


def test_a_hold_keeps_quarantined_files_and_what_is_no_file_of_a_day_is_named() -> None:
    stray = replace(quarantined(ago(90), ago(90)), key=f"{LAYOUT.quarantine_prefix}notes.txt")
    journal = replace(stray, key=f"{LAYOUT.control_prefix}/journal.json")
    found = quarantine_plan([quarantined(ago(90), ago(90)), stray, journal], holds=(hold(),))
    assert not found.steps
    assert set(found.kept) == {
        "held (20261124-7f3a): audit of 2026",
        f"is no quarantined file of a day: {journal.key} and 1 more",
    }


# Bounds.


def deletions(table: str, days: int, of: int, size: int = 1) -> TablePlan:
    steps = tuple(
        PlannedStep(stored(ago(3000 + day), size=size, table=table), table, ago(3000 + day), Step.DELETE, None, "old")
        for day in range(days)
    )
    return TablePlan(table, steps, {}, {GLACIER: Tally(of, of * size)})


@pytest.mark.parametrize(
    ("plans", "said"),
    [
        ([deletions("store", 2, 100)], []),
        ([deletions("store", 3, 100)], ['table "store": 3 of 100 objects (3.0%)', "bounds.table_share allows 2.0%"]),
        ([deletions("store", 1, 1)], []),
        ([deletions(QUARANTINE, 15, 15)], []),
        ([deletions("store", 11, 9999), deletions(QUARANTINE, 10, 10)], ["21 objects", "1 more than bounds.objects"]),
        ([deletions("store", 2, 9999, size=600)], ["1,200 bytes", "200 more than bounds.bytes allows (1,000)"]),
    ],
    ids=["within", "too much of a table", "one day is ordinary", "quarantine", "too many", "too large"],
)
def test_a_run_that_wants_more_than_the_bounds_is_told_by_which_and_by_how_much(plans, said) -> None:
    policy = RetentionPolicy(bounds=Bounds(objects=20, bytes=1000))
    stops = plan_lake(plans, policy, at(TODAY)).stops
    assert len(stops) == (1 if said else 0)
    assert all(each in stops[0] for each in said)
    wanted = sum(len(each.steps) for each in plans)
    assert all(
        f"nothing is deleted; where the plan is right, radar retention apply --allow-deletions {wanted} " in each
        for each in stops
    )


def test_moves_are_not_bounded_and_a_share_of_none_allows_no_deletion_at_all() -> None:
    moves = plan([stored(ago(40), f"{number}.parquet") for number in range(50)])
    policy = RetentionPolicy(bounds=Bounds(objects=0, bytes=0, table_share=0))
    assert plan_lake([moves], policy, at(TODAY)).stops == ()
    assert len(plan_lake([moves, deletions("store", 1, 100)], policy, at(TODAY)).stops) == 3


# The second look.


def only_step(objects: list[LakeObject], **others) -> PlannedStep:
    (step,) = plan([*objects, YOUNG], **others).steps
    return step


def test_a_step_stands_while_nothing_has_changed() -> None:
    for step in (only_step([stored(ago(40))]), only_step(over("a.parquet"))):
        assert still_due(step, step.object, (), TODAY) is None
        to_the_second = replace(step.object, modified_at=step.object.modified_at.replace(microsecond=0))
        assert still_due(replace(step, object=step.object), to_the_second, (), None) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"etag": '"other"'}, "written anew"),
        ({"size": 1}, "written anew"),
        ({"modified_at": at(TODAY)}, "written anew"),
        ({"tier": OTHER}, "storage class"),
    ],
)
def test_what_changed_since_it_was_planned_is_left(change, said) -> None:
    for step in (only_step([stored(ago(40))]), only_step(over("a.parquet"))):
        assert said in (still_due(step, replace(step.object, **change), (), None) or "")
        assert still_due(step, None, (), None) == "is gone"


def test_a_move_that_a_rule_made_first_is_not_made_twice() -> None:
    step = only_step([stored(ago(100))])
    assert still_due(step, replace(step.object, tier=GLACIER), (), None) == "lies in GLACIER already"
    assert "lies in STANDARD_IA now" in (still_due(step, replace(step.object, tier=IA), (), None) or "")
    assert still_due(step, step.object, (hold(),), TODAY) is None, "a hold keeps nothing from moving"


def test_a_deletion_that_was_held_or_accepted_meanwhile_is_left() -> None:
    step = only_step(over("a.parquet"))
    assert still_due(step, step.object, (hold(),), None) == "held (20261124-7f3a): audit of 2026"
    assert "newest accepted" in (still_due(step, step.object, (), ago(2555)) or "")
    assert still_due(step, replace(step.object, tier=DEEP), (), None) is None, "a rule may have moved it meanwhile"
    away = quarantine_plan([quarantined(ago(100), ago(50))]).steps[0]
    assert still_due(away, away.object, (), ago(100)) is None
    assert still_due(away, away.object, (hold(),), None)


# What holds for every lake.

AGES = st.one_of(st.sampled_from([-1, 0, 29, 30, 34, 35, 89, 90, 95, 2554, 2555, 2556, 3000]), st.integers(0, 3200))
CLASSES = st.sampled_from(
    [
        RetentionClass(),
        COMPACTING,
        RetentionClass("short", (Transition(30, IA),), 60),
        RetentionClass("archive", (Transition(1, GLACIER), Transition(91, DEEP)), 400, SmallObjects.COMPACT),
        RetentionClass("plain", (), 10),
        RetentionClass("for ever", (Transition(45, StorageClass.GLACIER_IR),), None),
    ]
)
NAMES = st.sampled_from(
    ["a.parquet", "b.parquet", "c.parquet-1", "_SUCCESS", "x/_superseded_x.parquet", "notes.txt", "_x.parquet", ""]
)
SIZES = st.sampled_from([0, SMALL, 100 * 1024, SMALLEST_MOVED_BYTES, LARGE])


@st.composite
def lakes(draw: st.DrawFn) -> list[LakeObject]:
    found: dict[str, LakeObject] = {}
    for age in draw(st.lists(AGES, min_size=2, max_size=6)):
        for name in draw(st.lists(NAMES, min_size=1, max_size=5)):
            written = ago(draw(st.integers(0, max(age, 0))))
            tier = draw(st.sampled_from([STANDARD, STANDARD, IA, GLACIER, DEEP, StorageClass.GLACIER_IR, OTHER]))
            each = stored(ago(age), name, size=draw(SIZES), tier=tier, written=written)
            found[each.key] = each
    return list(found.values())


HOLDS = st.lists(
    st.builds(
        lambda table, first, length: hold(table, ago(first), ago(first - length)),
        st.sampled_from(["store", "store_metrics"]),
        st.integers(0, 3200),
        st.integers(0, 900),
    ),
    max_size=2,
)


@given(lakes(), CLASSES, HOLDS, st.one_of(st.none(), AGES.map(ago)), st.booleans(), st.randoms(use_true_random=False))
def test_no_plan_breaks_a_promise(objects, retention, holds, accepted, rules, shuffle: random.Random) -> None:
    found = plan(objects, retention=retention, holds=holds, accepted=accepted, rules=rules)
    deleted: dict[dt.date, set[str]] = {}
    for step in found.steps:
        age = (TODAY - step.day).days
        assert step.object.tier is not OTHER
        if step.step is Step.MOVE:
            assert step.to is retention.due(age), "only to where it belongs"
            assert step.to.rank > step.object.tier.rank, "never hotter"
            assert step.object.size >= SMALLEST_MOVED_BYTES
            assert not step.object.tier.is_archived
        else:
            assert not any(each.covers("store", step.day) for each in holds), "a hold wins"
        if step.step is Step.COMPACT:
            assert retention.small_objects is SmallObjects.COMPACT
            assert step.object.size < SMALLEST_MOVED_BYTES
        if step.step is Step.DELETE:
            assert retention.delete_after_days is not None
            assert age >= retention.delete_after_days, "never before it is due"
            deleted.setdefault(step.day, set()).add(step.object.key)
    data = {
        day: {each.key for each in objects if LAYOUT.day_of(each.key) == day and "notes" not in each.key}
        for day in {LAYOUT.day_of(each.key) for each in objects}
    }
    for day, keys in deleted.items():
        assert keys == {key for key in data[day] if not key.endswith("/")}, "a day goes whole"
    rows = {LAYOUT.day_of(each.key) for each in objects if each.key.rpartition("/")[2][:2] in {"a.", "b.", "c."}}
    with_data = {day for day in rows if day <= TODAY}
    if with_data:
        assert (accepted if accepted in with_data else max(with_data)) not in deleted, "the newest stays"
    counted = sum(tally.objects for tally in found.kept.values()) + len(found.steps)
    assert counted == len(objects) == sum(tally.objects for tally in found.tiers.values()), "each is told once"
    shuffle.shuffle(objects)
    assert plan(objects, retention=retention, holds=holds, accepted=accepted, rules=rules) == found


@given(lakes(), CLASSES, HOLDS, st.one_of(st.none(), AGES.map(ago)), st.booleans())
def test_a_plan_that_was_carried_out_leaves_nothing_to_do(objects, retention, holds, accepted, rules) -> None:
    bucket = Bucket(retention)
    bucket.put(*objects)
    for _ in range(3):  # merging, moving what was merged, nothing
        found = plan(bucket.objects.values(), retention=retention, holds=holds, accepted=accepted, rules=rules)
        bucket.carry_out(found, TODAY)
    assert not found.steps


@pytest.mark.parametrize("rules", [False, True, None], ids=["job alone", "with rules", "rules come and go"])
@pytest.mark.parametrize("retention", [RetentionClass(), COMPACTING], ids=["keep", "compact"])
def test_seven_years_and_more_on_a_moving_clock(rules: bool | None, retention: RetentionClass) -> None:
    """A snapshot every three weeks, a run every week, for ten years.

    Everything is where it belongs, moved once for each tier, deleted when its time is over and not before, and the last
    snapshot stays.
    """
    bucket, chance = Bucket(retention), random.Random(7)
    begin, newest = dt.date(2019, 1, 1), dt.date(2019, 1, 1)
    for passed in range(0, 3650, 7):
        today = begin + dt.timedelta(days=passed)
        if passed % 21 == 0 and passed < 1050:
            newest = today
            bucket.put(stored(today, "a.parquet"), stored(today, "_SUCCESS", size=0))
            bucket.put(*(stored(today, f"small_{number}.parquet", size=70 * 1024) for number in range(2)))
        at_work = chance.random() < 0.5 if rules is None else rules
        if at_work:
            bucket.obey_rules(today)
        for _ in range(2):  # what was merged is moved in the next run of the day
            found = plan(bucket.objects.values(), retention=retention, accepted=newest, rules=at_work, today=today)
            assert not any("billed" in step.reason for step in found.steps)
            bucket.carry_out(found, today)
        for each in bucket.objects.values():
            day = LAYOUT.day_of(each.key)
            age = (today - day).days
            assert age < 2555 or day == newest
            # A week between runs, a rule's grace, and IA's minimum time where it was reached late.
            if each.size >= SMALLEST_MOVED_BYTES and rules is not None:
                assert (
                    each.tier.rank >= retention.due(age - 7 - 1 - POLICY.rule_grace_days - (31 if age > 60 else 0)).rank
                )
    assert {LAYOUT.day_of(key) for key in bucket.objects} == {newest}
    for key, day in bucket.deleted.items():
        age = (day - LAYOUT.day_of(key)).days
        assert 2555 <= age < 2562
    large = [moves for key, moves in bucket.moves.items() if key.endswith("/a.parquet")]
    assert len(large) == 50
    assert all(moves == [IA, GLACIER] for moves in large)
    merged = [moves for key, moves in bucket.moves.items() if key.endswith("merged.parquet")]
    assert len(merged) == (50 if retention is COMPACTING else 0)


@given(st.dates(dt.date(2019, 1, 1), dt.date(2040, 1, 1)), st.times(), st.integers(0, 3000))
def test_a_rule_acts_at_the_midnight_after_its_days_have_passed(day: dt.date, hour: dt.time, days: int) -> None:
    written = dt.datetime.combine(day, hour, dt.UTC)
    acts = dt.datetime.combine(rule_day(written, days), dt.time(), dt.UTC)
    assert dt.timedelta() < acts - (written + dt.timedelta(days=days)) <= dt.timedelta(days=1)
