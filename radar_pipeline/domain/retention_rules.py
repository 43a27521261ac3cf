"""The policy as rules of the bucket: S3's lifecycle configuration, in S3's own shape.

Rules move data by upload age, and remove versions, unfinished uploads and quarantined files. They never expire a
current version of bronze: S3 knows no holds, no newest accepted snapshot and no second look.

S3 has no "all but": of two rules that cover an object, the one that comes first and is cheapest to store by wins. So
either every table ages alike and one rule covers the database, or each table has a rule of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.retention import DEFAULT_CLASS, RetentionPolicy, Transition
from radar_pipeline.domain.tiers import SMALLEST_MOVED_BYTES

# One rule as boto3 takes and gives it (``ID``, ``Status``, ``Filter``, ``Transitions``, ...).
Rule = Mapping[str, Any]

OUR_PREFIX = "radar-"

# Of one bucket, rules of others included. Source: S3 user guide, "Lifecycle configuration elements".
MOST_RULES = 1_000


def rules_of(
    policy: RetentionPolicy, classes: Mapping[str, str], layout: BronzeLayout, *, held: Collection[str] = ()
) -> tuple[Rule, ...]:
    """The policy as rules.

    Args:
        policy: The policy.
        classes: Retention class by table name, for every table of the registry.
        layout: Where things lie.
        held: Tables under an active hold. While there is one, no rule removes quarantined files: the job does, and
            leaves those of the held days.

    Raises:
        ValueError: It would take more rules than a bucket can have.
    """
    rules = (*_tiers(policy, classes, layout), _versions(policy, layout), *_control(policy, layout, is_held=bool(held)))
    if len(rules) > MOST_RULES:
        message = f"the policy takes {len(rules):,} rules, one for each table, and a bucket can have {MOST_RULES:,}"
        raise ValueError(message + "; give all tables the same transitions, or move data by the job alone")
    return rules


def _tiers(policy: RetentionPolicy, classes: Mapping[str, str], layout: BronzeLayout) -> Iterator[Rule]:
    # By prefix, since two names may be stored under one; the first of them in the alphabet decides.
    by_prefix: dict[str, tuple[Transition, ...]] = {}
    for table in sorted(classes):
        by_prefix.setdefault(layout.table_prefix(table), policy.classes[classes[table]].transitions)
    usual = policy.classes[DEFAULT_CLASS].transitions
    if set(by_prefix.values()) <= {usual}:
        by_prefix = {f"{layout.prefix}/": usual}
    for prefix, transitions in by_prefix.items():
        if transitions:
            name = prefix.removeprefix(f"{layout.prefix}/").rstrip("/")
            yield _moving(f"{OUR_PREFIX}tiers{f'-{name}' if name else ''}", prefix, transitions)


def _moving(rule_id: str, prefix: str, transitions: tuple[Transition, ...]) -> Rule:
    # A size of its own makes the rule mean the same whatever the bucket's default for small objects is: S3's since
    # September 2024 leaves them all, the older one takes them to GLACIER.
    small = {"Prefix": prefix, "ObjectSizeGreaterThan": SMALLEST_MOVED_BYTES - 1}
    moves = [{"Days": each.after_days, "StorageClass": str(each.to)} for each in transitions]
    return {"ID": rule_id, "Status": "Enabled", "Filter": {"And": small}, "Transitions": moves}


def _versions(policy: RetentionPolicy, layout: BronzeLayout) -> Rule:
    # A rule with a size in its filter may not do these, so it is one of its own. The expiration takes nothing but
    # delete markers behind which no version is left.
    return {
        "ID": f"{OUR_PREFIX}versions",
        "Status": "Enabled",
        "Filter": {"Prefix": f"{layout.prefix}/"},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
        **_noncurrent(policy),
        **_unfinished(policy),
    }


def _control(policy: RetentionPolicy, layout: BronzeLayout, *, is_held: bool) -> Iterator[Rule]:
    quarantine = {"Expiration": {"Days": policy.quarantine_days}} if not is_held else {}
    yield {
        "ID": f"{OUR_PREFIX}quarantine",
        "Status": "Enabled",
        "Filter": {"Prefix": layout.quarantine_prefix},
        **quarantine,
        **_noncurrent(policy),
    }
    # The ledger, holds and the audit log stay for ever, with all their versions.
    yield {
        "ID": f"{OUR_PREFIX}control",
        "Status": "Enabled",
        "Filter": {"Prefix": f"{layout.control_prefix}/"},
        **_unfinished(policy),
    }


def _noncurrent(policy: RetentionPolicy) -> dict[str, Any]:
    return {"NoncurrentVersionExpiration": {"NoncurrentDays": policy.noncurrent_days}}


def _unfinished(policy: RetentionPolicy) -> dict[str, Any]:
    return {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": policy.unfinished_upload_days}}


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
        deleting: What deletes current data behind our back, one sentence each: these are to be shouted.
        moving: Whether the policy's rules that move data are all set, so that the bucket moves it by itself.
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


def diff_rules(wanted: Sequence[Rule], found: Sequence[Rule], layout: BronzeLayout) -> RulesDiff:
    """How what is set differs from what is wanted.

    Args:
        wanted: The policy's rules (``rules_of``).
        found: All rules of the bucket, as S3 gives them.
        layout: Where things lie.
    """
    ours = {rule["ID"]: rule for rule in found if is_ours(rule)}
    others = [rule for rule in found if not is_ours(rule)]
    changed = {}
    for rule in wanted:
        if rule["ID"] in ours and (differences := _differences(rule, ours[rule["ID"]])):
            changed[rule["ID"]] = ChangedRule(rule["ID"], differences)
    set_right = [rule for rule in wanted if rule["ID"] in ours and rule["ID"] not in changed]
    wanted_ids = {rule["ID"] for rule in wanted}
    acting = [_Acting.of(rule) for rule in others if rule.get("Status") == "Enabled"]
    # Ours too, where somebody changed them or a hold came after them.
    edited = [_Acting.of(rule) for name, rule in ours.items() if name in changed or name not in wanted_ids]
    interfering = [words for rule in acting for words in _interference(rule, wanted, layout)]
    if len(wanted) + len(others) > MOST_RULES:
        interfering.append(f"others have {len(others):,} rules: with ours they are more than {MOST_RULES:,}")
    return RulesDiff(
        missing=tuple(rule["ID"] for rule in wanted if rule["ID"] not in ours),
        changed=tuple(changed.values()),
        unwanted=tuple(sorted(set(ours) - wanted_ids)),
        interfering=tuple(interfering),
        deleting=tuple(words for rule in (*acting, *edited) for words in _deletion(rule, wanted, layout)),
        moving=all(rule in set_right for rule in wanted if rule.get("Transitions")),
        expiring_quarantine=any(_expires(rule) is not None for rule in set_right),
    )


def is_ours(rule: Rule) -> bool:
    """Whether a rule is this platform's to change or to remove."""
    return str(rule.get("ID", "")).startswith(OUR_PREFIX)


@dataclass(frozen=True)
class _Acting:
    """A rule that is switched on, as far as it matters who else it covers."""

    id: str
    prefix: str
    narrowed: str
    rule: Rule

    @staticmethod
    def of(rule: Rule) -> _Acting:
        terms = _filter(rule)
        prefix = str(terms.pop("Prefix", ""))
        return _Acting(str(rule.get("ID", "")), prefix, f" where {_shown(terms)}" if terms else "", rule)

    @property
    def name(self) -> str:
        """How it is called in a sentence."""
        return f'rule "{self.id}" ({f"prefix {self.prefix}" if self.prefix else "the whole bucket"}{self.narrowed})'

    def covers(self, prefix: str) -> bool:
        """Whether some object under a prefix is covered."""
        return prefix.startswith(self.prefix) or self.prefix.startswith(prefix)


def _deletion(acting: _Acting, wanted: Sequence[Rule], layout: BronzeLayout) -> Iterator[str]:
    expiration = acting.rule.get("Expiration") or {}
    if acting.rule.get("Status") != "Enabled" or not ({"Days", "Date"} & set(expiration)):
        return
    when = f"after {expiration['Days']} days" if "Days" in expiration else f"on {expiration['Date']}"
    quarantine = acting.prefix.startswith(layout.quarantine_prefix)
    if is_ours(acting.rule) and quarantine:
        allowed = [days for rule in wanted if (days := _expires(rule)) is not None]
        if allowed and expiration.get("Days", 0) >= min(allowed):
            return
        why = f"the policy keeps them {min(allowed)} days" if allowed else "a hold is active"
        yield f"{acting.name} deletes quarantined files {when}, but {why}"
    elif acting.covers(f"{layout.prefix}/"):
        yield f"{acting.name} deletes bronze data {when}, without a look at holds and accepted snapshots"
    elif acting.covers(f"{layout.control_prefix}/"):
        what = "quarantined files" if quarantine else "ledger, holds, audit log or quarantine"
        yield f"{acting.name} deletes {what} {when}"


def _interference(acting: _Acting, wanted: Sequence[Rule], layout: BronzeLayout) -> Iterator[str]:
    if not acting.covers(f"{layout.prefix}/"):
        return
    moves = {(each.get("Days"), each["StorageClass"]) for rule in wanted for each in rule.get("Transitions", ())}
    for each in acting.rule.get("Transitions") or ():
        if (each.get("Days"), each["StorageClass"]) not in moves:
            when = f"after {each['Days']} days" if "Days" in each else f"on {each.get('Date')}"
            yield f"{acting.name} moves bronze data to {each['StorageClass']} {when}, which the policy does not ask for"
    noncurrent = acting.rule.get("NoncurrentVersionExpiration") or {}
    kept = [
        rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for rule in wanted
        if "NoncurrentVersionExpiration" in rule
    ]
    days = noncurrent.get("NoncurrentDays")
    if days is not None and kept and days < max(kept):
        yield (
            f"{acting.name} removes deleted and replaced versions of bronze data after {days} days, and the policy "
            f"keeps them {max(kept)}: a deletion cannot be taken back for as long"
        )


def _expires(rule: Rule) -> int | None:
    """After how many days a rule deletes current objects; None where it does not."""
    days = (rule.get("Expiration") or {}).get("Days")
    return int(days) if days is not None else None


def _differences(wanted: Rule, found: Rule) -> tuple[str, ...]:
    left, right = _plain(wanted), _plain(found)
    return tuple(
        f"{name}: {right.get(name) or 'none'} is set, {left.get(name) or 'none'} is wanted"
        for name in sorted({*left, *right})
        if left.get(name) != right.get(name)
    )


def _plain(rule: Rule) -> dict[str, str]:
    """A rule as words by element, the same for every way in which S3 may write it."""
    plain = {
        name: _shown(value) for name, value in rule.items() if name not in {"ID", "Filter", "Prefix", "Transitions"}
    }
    plain["Filter"] = _shown(_filter(rule))
    moves = sorted(rule.get("Transitions") or (), key=lambda each: (str(each.get("Date", "")), each.get("Days", 0)))
    plain["Transitions"] = ", ".join(_shown(each) for each in moves)
    return {name: words for name, words in plain.items() if words}


def _filter(rule: Rule) -> dict[str, Any]:
    """The terms of a rule's filter: alone, under ``And``, or as the ``Prefix`` of old rules."""
    given = rule.get("Filter") or {"Prefix": rule.get("Prefix", "")}
    terms = {**given, **(given.get("And") or {})}
    return {name: value for name, value in terms.items() if name != "And" and value not in ("", None, [])}


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(value[name])}" for name in sorted(value))
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each) for each in value)
    return str(value)
