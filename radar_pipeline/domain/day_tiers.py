"""In which tier each day of a table lies, as far as a reader of the day is concerned, and in few words.

What belongs here: from objects to days, and days in a row as one span. What does not: where that is noted (catalogue,
orchestration).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from radar_pipeline.domain.layout import BronzeLayout, is_data_file
from radar_pipeline.domain.tiers import LakeObject, StorageClass

# First day, last day, tier: every day between them that has data lies in that tier.
Span = tuple[dt.date, dt.date, StorageClass]


def tiers_of_days(objects: Iterable[LakeObject], layout: BronzeLayout) -> dict[dt.date, StorageClass]:
    """The coldest tier among the data files of each day; what its coldest file forbids is forbidden for the day."""
    found: dict[dt.date, StorageClass] = {}
    for each in objects:
        if not is_data_file(each.key) or (day := layout.day_of(each.key)) is None:
            continue
        known = found.get(day)
        if known is None or each.tier.rank > known.rank:
            found[day] = each.tier
    return found


def spans_of(days: Mapping[dt.date, StorageClass]) -> tuple[Span, ...]:
    """Days by tier, neighbours of one tier as one span. Days without data between them do not part them."""
    spans: list[Span] = []
    for day in sorted(days):
        if spans and spans[-1][2] is days[day]:
            spans[-1] = (spans[-1][0], day, days[day])
        else:
            spans.append((day, day, days[day]))
    return tuple(spans)


def changed_days(days: Mapping[dt.date, StorageClass], known: Sequence[Span]) -> dict[dt.date, StorageClass]:
    """Days whose tier is another than the one that is known. What nothing is known of counts as STANDARD."""
    changed = {}
    for day, tier in days.items():
        was = next((each for first, last, each in known if first <= day <= last), StorageClass.STANDARD)
        if was is not tier:
            changed[day] = tier
    return changed
