"""Which tier an object is to be moved to, by whom, and why not yet.

The bucket's rules move by upload age and cost less; the job moves only what they will not move in time.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

from radar_pipeline.domain.retention import RetentionClass, Transition
from radar_pipeline.domain.tiers import SMALLEST_MOVED_BYTES, LakeObject, StorageClass

TOO_SMALL = "smaller than 128 KB: moving it costs more than it saves"

_BELONGS = "lies in the tier where it belongs"
_COLDER = "lies in a colder tier than its age asks for: nothing is made hotter"
_OTHER = "lies in a storage class that the policy has no use for"
_LEFT_ARCHIVED = "archived: left to the bucket's rule, since only a rule can move what is archived"
_STUCK = "archived: only a rule of the bucket can move it on, and the policy's rules are not at work"


@dataclass(frozen=True)
class Move:
    """A verdict on the tier of one object.

    Attributes:
        to: Tier to move to; None to leave it.
        reason: Why, in one sentence for a person. The same sentence is the same object wherever it can be.
    """

    to: StorageClass | None
    reason: str


@dataclass(frozen=True)
class MoveJudge:
    """Judges the tiers of one table on one day.

    Attributes:
        retention: How the table ages.
        rules_at_work: Whether the bucket's own rules are set as the policy asks.
        grace_days: How long a rule may be late.
        today: The day.
    """

    retention: RetentionClass
    rules_at_work: bool
    grace_days: int
    today: dt.date

    def judge(self, found: LakeObject, day: dt.date) -> Move:
        """Whether a data file of a day is to be moved now."""
        if found.tier is StorageClass.OTHER:
            return _keep(_OTHER)
        age = (self.today - day).days
        due = self._due(age)
        if due is None or due.to.rank <= found.tier.rank:
            return _keep(_COLDER if found.tier.rank > (due.to.rank if due else 0) else _BELONGS)
        if found.size < SMALLEST_MOVED_BYTES:
            return _keep(TOO_SMALL)
        if found.tier.is_archived:
            return _keep(_LEFT_ARCHIVED if self.rules_at_work else _STUCK)
        if self.today < (paid := self._paid_until(found)):
            return _keep(_paid(found.tier, paid))
        if (after := self._next(due)) is not None and age + due.to.minimum_days > after.after_days:
            return _keep(_straight(due.to, after))
        return self._by_whom(found, day, due)

    def _by_whom(self, found: LakeObject, day: dt.date, due: Transition) -> Move:
        if not self.rules_at_work:
            return _move(due, "no rule of the bucket moves it")
        by_rule = rule_day(found.modified_at, due.after_days)
        grace = dt.timedelta(days=self.grace_days)
        # A rule counts from the upload, and one day more because S3 rounds up to midnight.
        if by_rule > day + dt.timedelta(days=due.after_days + 1) + grace:
            return _move(due, "it was written late, so the bucket's rule would come too late")
        if self.today > by_rule + grace:
            return _move(due, "the bucket's rule did not move it in time")
        return _keep(_left(by_rule))

    def _due(self, age: int) -> Transition | None:
        reached = [each for each in self.retention.transitions if age >= each.after_days]
        return reached[-1] if reached else None

    def _next(self, due: Transition) -> Transition | None:
        later = [each for each in self.retention.transitions if each.after_days > due.after_days]
        return later[0] if later else None

    def _paid_until(self, found: LakeObject) -> dt.date:
        """Until when the object's tier is billed anyway, as far as a listing can tell.

        A copy in place is as old as its tier. A rule leaves ``modified_at`` alone, so an object that a rule moved looks
        older than its time in the tier. Which it was cannot be seen: the later of the two holds.
        """
        since = found.modified_at.date()
        for each in self.retention.transitions:
            if each.to is found.tier and (by_rule := rule_day(found.modified_at, each.after_days)) <= self.today:
                since = by_rule
        return since + dt.timedelta(days=found.tier.minimum_days)


def rule_day(modified_at: dt.datetime, days: int) -> dt.date:
    """The day on which a rule of the bucket acts: S3 adds the days and rounds up to the next midnight UTC.

    Source: S3 user guide, "Lifecycle configuration elements", "Lifecycle rules: Based on an object's age".
    """
    return modified_at.date() + dt.timedelta(days=days + 1)


@lru_cache(maxsize=4096)
def _keep(reason: str) -> Move:
    return Move(None, reason)


@lru_cache(maxsize=4096)
def _move(due: Transition, because: str) -> Move:
    return Move(due.to, f"from day {due.after_days} on it belongs in {due.to}, and {because}")


@lru_cache(maxsize=4096)
def _paid(tier: StorageClass, until: dt.date) -> str:
    return f"{tier} is billed until {until} whatever happens: moved then"


@lru_cache(maxsize=4096)
def _straight(to: StorageClass, after: Transition) -> str:
    return f"goes straight to {after.to} on day {after.after_days}, which is nearer than {to}'s minimum storage time"


@lru_cache(maxsize=4096)
def _left(by_rule: dt.date) -> str:
    return f"left to the bucket's rule, due {by_rule}"
