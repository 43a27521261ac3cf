"""The words of a retention plan: what is to be done with which object, and what stays, each with its reason."""

from __future__ import annotations

import datetime as dt
import itertools
import pickle
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Any, overload

from radar_pipeline.domain.aging.tiers import LakeObject, StorageClass

QUARANTINE = "quarantine"


class Step(StrEnum):
    """What is to be done with an object."""

    KEEP = "keep"
    MOVE = "move"
    COMPACT = "compact"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One object that something is to be done with.

    Attributes:
        object: The object as it was listed.
        table: Table name.
        day: Its ``cog_dt_ingestion``.
        step: What is to be done; never ``keep``.
        to: Tier to move to; None for other steps.
        reason: Why, in one sentence for a person.
        quarantined: Whether it lies in the quarantine, where no snapshot stands.
    """

    object: LakeObject
    table: str
    day: dt.date
    step: Step
    to: StorageClass | None
    reason: str
    quarantined: bool = False


@dataclass(frozen=True)
class Tally:
    """How much of something there is."""

    objects: int = 0
    bytes: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(self.objects + other.objects, self.bytes + other.bytes)


# So many steps are packed, and unpacked, at once.
_BLOCK = 2_000

_OBJECT = attrgetter(*(each.name for each in fields(LakeObject)))
_REST = attrgetter(*(each.name for each in fields(PlannedStep) if each.name != "object"))


class Steps(Sequence[PlannedStep]):
    """Steps in their order, packed: some 30 bytes each instead of 500, so that a plan of years fits in memory.

    Each pass over them makes them anew, a block at a time.
    """

    def __init__(self, steps: Iterable[PlannedStep] = ()) -> None:
        self._blocks: list[tuple[frozenset[Step], bytes]] = []
        self._tallies: dict[Step, Tally] = {}
        left = iter(steps)
        while block := list(itertools.islice(left, _BLOCK)):
            for kind, of_kind in itertools.groupby(block, attrgetter("step")):
                sizes = [each.object.size for each in of_kind]
                self._tallies[kind] = self.tally(kind) + Tally(len(sizes), sum(sizes))
            objects = zip(*(_OBJECT(each.object) for each in block), strict=True)
            columns = list(objects), list(zip(*map(_REST, block), strict=True))
            self._blocks.append((frozenset(each.step for each in block), zlib.compress(pickle.dumps(columns), 1)))

    def tally(self, kind: Step) -> Tally:
        """How much of one step there is."""
        return self._tallies.get(kind, Tally())

    def of(self, kind: Step) -> Iterator[PlannedStep]:
        """The steps of one kind."""
        return (each for each in self._unpack(lambda kinds: kind in kinds) if each.step is kind)

    def _unpack(self, wanted: Callable[[frozenset[Step]], bool]) -> Iterator[PlannedStep]:
        for kinds, packed in self._blocks:
            if wanted(kinds):
                objects, rest = pickle.loads(zlib.decompress(packed))  # noqa: S301 - packed by this process itself
                yield from map(PlannedStep, map(LakeObject, *objects), *rest)

    def __iter__(self) -> Iterator[PlannedStep]:
        return self._unpack(bool)

    def __len__(self) -> int:
        return sum(tally.objects for tally in self._tallies.values())

    @overload
    def __getitem__(self, index: int) -> PlannedStep: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[PlannedStep, ...]: ...

    def __getitem__(self, index: Any) -> Any:
        return tuple(self)[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Steps({list(self)!r})"


@dataclass(frozen=True)
class TablePlan:
    """What is to be done with one table.

    Attributes:
        table: Table name.
        steps: Objects that something is to be done with, by key.
        kept: What stays as it is, by the reason in words.
        tiers: What lies where now.
        problem: Why the table could not be planned; nothing is done with it then.
    """

    table: str
    steps: Steps = field(default_factory=Steps)
    kept: Mapping[str, Tally] = field(default_factory=lambda: MappingProxyType({}))
    tiers: Mapping[StorageClass, Tally] = field(default_factory=lambda: MappingProxyType({}))
    problem: str | None = None


@dataclass(frozen=True)
class RetentionPlan:
    """What is to be done with the lake on one day.

    Attributes:
        made_at: When it was made, UTC.
        tables: One plan for each table.
        stops: Why nothing of it may be deleted as it stands (bounds exceeded), one sentence each; empty where it may.
    """

    made_at: dt.datetime
    tables: tuple[TablePlan, ...]
    stops: tuple[str, ...] = ()
