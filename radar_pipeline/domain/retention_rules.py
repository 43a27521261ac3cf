"""The policy as rules of the bucket (S3's lifecycle configuration), and how what is set differs from it.

Rules move data by upload age, and remove versions, unfinished uploads and quarantined files. They never expire a
current version of bronze: S3 knows no holds, no newest accepted snapshot and no second look.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.retention import RetentionPolicy

# One rule in S3's own shape (``ID``, ``Status``, ``Filter``, ``Transitions``, ...), as boto3 takes and gives it.
Rule = Mapping[str, Any]

OUR_PREFIX = "radar-"
MOST_RULES = 1_000


@dataclass(frozen=True)
class ChangedRule:
    """One of our rules that is set differently.

    Attributes:
        id: Its id.
        differences: What differs, in words.
    """

    id: str
    differences: tuple[str, ...]


@dataclass(frozen=True)
class RulesDiff:
    """How the bucket's rules differ from the policy.

    Attributes:
        missing: Ids of rules that are not set.
        changed: Rules that are set differently.
        unwanted: Ids of ours (``radar-``) that the policy asks for no longer.
        interfering: What rules of others do to our data behind our back, one sentence each.
        deleting: Those of them that delete current data: these are to be shouted.
        moving: Whether the policy's rules are all set and switched on, so that the bucket moves data by itself.
        expiring_quarantine: Whether the bucket removes quarantined files by itself.
    """

    missing: tuple[str, ...] = ()
    changed: tuple[ChangedRule, ...] = ()
    unwanted: tuple[str, ...] = ()
    interfering: tuple[str, ...] = ()
    deleting: tuple[str, ...] = ()
    moving: bool = True
    expiring_quarantine: bool = True

    @property
    def is_clean(self) -> bool:
        """Whether the bucket does what the policy says, and nothing else to our data."""
        return not (self.missing or self.changed or self.unwanted or self.interfering or self.deleting)


def rules_of(
    policy: RetentionPolicy, classes: Mapping[str, str], layout: BronzeLayout, *, held: Collection[str] = ()
) -> tuple[Rule, ...]:
    """The policy as rules.

    Args:
        policy: The policy.
        classes: Retention class by table name, for every table of the registry.
        layout: Where things lie.
        held: Tables under an active hold. While there is one, no rule removes quarantined files; the job does.

    Raises:
        ValueError: It would take more rules than a bucket can have.
    """
    raise NotImplementedError


def diff_rules(wanted: Sequence[Rule], found: Sequence[Rule], layout: BronzeLayout) -> RulesDiff:
    """How what is set differs from what is wanted."""
    raise NotImplementedError
