"""What lies in the bucket with its storage class: every table's objects, tables in parallel, one after another out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.domain.tiers import LakeObject
from radar_pipeline.lake.store import LakeStore

QUARANTINE = "quarantine"


@dataclass(frozen=True)
class TableListing:
    """What lies in a table's folder.

    Attributes:
        table: Table name; ``quarantine`` for the quarantine.
        objects: Every object below the table's prefix, by key.
        problem: Why it could not be listed, in a sentence for a person; None where it could. No objects then.
    """

    table: str
    objects: tuple[LakeObject, ...] = ()
    problem: str | None = None


def list_tables(
    store: LakeStore, layout: BronzeLayout, tables: Sequence[str], *, parallel: int = 16
) -> Iterator[TableListing]:
    """Lists tables in parallel and gives them in the order asked for. Never raises for what is wrong in the bucket.

    Only a few listings are ahead of the one that is being looked at, so that memory does not grow with the lake.

    Args:
        store: The bucket.
        layout: Where tables lie in it.
        tables: Table names.
        parallel: Tables that are listed at the same time.
    """
    raise NotImplementedError


def list_quarantine(store: LakeStore, layout: BronzeLayout) -> TableListing:
    """What lies in the quarantine, as the listing of a table of that name."""
    raise NotImplementedError


def list_prefix(store: LakeStore, prefix: str, *, start_after: str | None = None) -> Iterator[LakeObject]:
    """Every object whose key begins with a prefix, by key, as the pages come in.

    Raises:
        LakeError: It cannot be listed.
    """
    raise NotImplementedError


def look_at(store: LakeStore, key: str) -> LakeObject | None:
    """One object as it is now; None where there is none. HEAD tells whole seconds, a listing milliseconds.

    Raises:
        LakeError: It cannot be looked at.
    """
    raise NotImplementedError
