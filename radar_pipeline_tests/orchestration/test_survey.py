"""What a survey leaves alone because nobody can tell whose it is."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

from radar_pipeline.domain.aging.policy import RetentionPolicy
from radar_pipeline.domain.aging.tiers import LakeObject
from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.lake.listing import TableListing
from radar_pipeline.orchestration.aging.survey import Planner, RulesState


def test_a_folder_that_two_tables_share_is_left_alone() -> None:
    today, layout = dt.date(2026, 11, 24), BronzeLayout("bronze")
    day = today - dt.timedelta(days=4000)
    systems: Any = SimpleNamespace(
        layout=layout,
        registry=SimpleNamespace(names=("promocao", "promoção")),
        lake=None,
        clock=lambda: dt.datetime(2026, 11, 24, tzinfo=dt.UTC),
        settings=SimpleNamespace(first_partition=day),
    )
    written = dt.datetime.combine(day, dt.time(), dt.UTC)
    objects = tuple(
        LakeObject(f"{layout.folder('promoção', each)}a.parquet", 10**6, written, '"1"') for each in (day, today)
    )
    planner = Planner(systems, RetentionPolicy(), (), RulesState(()), today)
    for name, other in (("promoção", "promocao"), ("promocao", "promoção")):
        plan = planner.table(TableListing(name, objects))
        assert not plan.steps
        assert f'is that of "{other}" too' in (plan.problem or "")
