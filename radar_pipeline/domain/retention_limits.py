"""What S3 accepts as ages of a policy, and what it would bill twice: faults of one retention class, in words.

Source: S3 user guide, "Transitioning objects using Amazon S3 Lifecycle" (supported transitions and constraints).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from radar_pipeline.domain.retention import Transition
from radar_pipeline.domain.tiers import StorageClass

# The rules take ages as 32-bit numbers; a hundred years is a slip of the pen long before.
MOST_DAYS = 36_500

# S3 refuses a rule that moves to STANDARD_IA earlier.
IA_FIRST_DAY = 30

TARGETS = tuple(tier for tier in StorageClass if tier.rank > 0)


@dataclass(frozen=True)
class AgeFault:
    """One thing that is wrong with the ages of a class.

    Attributes:
        at: The transition that it is about, from 0; None for the deletion.
        words: What is wrong and what would be right.
    """

    at: int | None
    words: str


def faults_of(transitions: Sequence[Transition], delete_after_days: int | None) -> tuple[AgeFault, ...]:
    """Everything that is wrong with the ages of a class; empty for a class that S3 can follow."""
    return (*_order(transitions), *_limits(transitions), *_deletion(transitions, delete_after_days))


def _order(transitions: Sequence[Transition]) -> Iterator[AgeFault]:
    for at, (before, after) in enumerate(itertools.pairwise(transitions), 1):
        if after.after_days <= before.after_days:
            yield AgeFault(at, f"{_named(after)} must come after {_named(before)}: ages must grow from line to line")
        if after.to.rank <= before.to.rank:
            yield AgeFault(at, f"{after.to} is not colder than {before.to}: objects never move to a hotter tier")


def _limits(transitions: Sequence[Transition]) -> Iterator[AgeFault]:
    for at, each in enumerate(transitions):
        if each.to is StorageClass.STANDARD_IA and each.after_days < IA_FIRST_DAY:
            yield AgeFault(
                at, f"S3 moves nothing to STANDARD_IA before day {IA_FIRST_DAY}, found day {each.after_days}"
            )
        if at + 1 < len(transitions):
            after = transitions[at + 1]
            paid = each.after_days + each.to.minimum_days
            if each.to.rank < after.to.rank and each.after_days < after.after_days < paid:
                yield AgeFault(at + 1, f"{_stays(each)}, so {after.to} must not be before day {paid}")


def _deletion(transitions: Sequence[Transition], delete_after_days: int | None) -> Iterator[AgeFault]:
    if delete_after_days is None or not transitions:
        return
    last = transitions[-1]
    paid = last.after_days + last.to.minimum_days
    if delete_after_days < paid:
        yield AgeFault(
            None,
            f"{_stays(last)}: data that goes on day {delete_after_days} pays for the move and for the rest all the "
            f"same; leave the move out, or let it go from day {paid} on",
        )


def _named(transition: Transition) -> str:
    return f"{transition.to} (day {transition.after_days})"


def _stays(transition: Transition) -> str:
    return f"{_named(transition)} is billed for {transition.to.minimum_days} days at least"
