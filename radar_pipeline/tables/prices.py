"""Reads ``s3_prices.yaml`` and says, with the line, everything that is wrong with it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import yaml

from radar_pipeline.domain.prices import PriceList, Retrieval, RetrievalPrice, TierPrice
from radar_pipeline.domain.tiers import StorageClass
from radar_pipeline.tables.nodes import NodeReader, RegistryError, describe, is_empty, read_root

DEFAULT_PATH = Path(__file__).with_name("s3_prices.yaml")

_SECTIONS = ("region", "as_of", "source", "tiers", "retrievals")
_PRICED = tuple(str(tier) for tier in StorageClass if tier is not StorageClass.OTHER)
_ARCHIVES = tuple(str(tier) for tier in StorageClass if tier.is_archived)
_WANTED = ("storage", "put", "get")
_TIER_KEYS = (*_WANTED, "transition", "retrieval", "smallest", "overhead", "standard_overhead")
_RETRIEVAL_KEYS = ("gigabyte", "requests")
_PRICE = re.compile(r"\d{1,4}(\.\d{1,8})?")
_SIZE = re.compile(r"(\d{1,4})\s*KB")

_Entries = Mapping[str, tuple[yaml.Node, yaml.Node]]


def load_prices(path: Path | None = None) -> PriceList:
    """Reads a price list, the one of this package where none is named.

    Raises:
        RegistryError: Where the file cannot be read or anything in it is wrong; all mistakes at once.
    """
    path = path or DEFAULT_PATH
    root = read_root(path)
    if root is None or is_empty(root):
        raise RegistryError([f"{path}: is empty; expected the sections {', '.join(_SECTIONS)}"])
    read = _Reader(NodeReader(str(path)))
    return read.prices(root)


class _Reader:
    """Reads one file."""

    def __init__(self, nodes: NodeReader) -> None:
        self._nodes = nodes

    def prices(self, root: yaml.Node) -> PriceList:
        sections = self._nodes.mapping(root, "", "the file", _SECTIONS)
        for name in _SECTIONS:
            if name not in sections:
                self._nodes.note(root, "", f"{name} is missing")
        values = {name: value for name, (_, value) in sections.items()}
        prices = PriceList(
            region=self._nodes.text(values["region"], "", "region") if "region" in values else "",
            as_of=self._day(values["as_of"]) if "as_of" in values else dt.date.min,
            source=self._nodes.text(values["source"], "", "source") if "source" in values else "",
            tiers=self._tiers(values["tiers"]) if "tiers" in values else {},
            retrievals=self._retrievals(values["retrievals"]) if "retrievals" in values else {},
        )
        self._nodes.finish()
        return prices

    def _day(self, node: yaml.Node) -> dt.date:
        try:
            return dt.date.fromisoformat(_word(node))
        except ValueError:
            self._nodes.note(node, "", f"as_of must be a day such as 2026-01-31, found {describe(node)}")
            return dt.date.min

    def _tiers(self, node: yaml.Node) -> Mapping[StorageClass, TierPrice]:
        entries = self._nodes.mapping(node, "", "tiers", _PRICED)
        # A tier without a price would count as free, and free is what a plan would move everything to.
        for name in _PRICED:
            if name not in entries and isinstance(node, yaml.MappingNode):
                self._nodes.note(node, "", f"{name} is missing in tiers")
        return MappingProxyType({StorageClass(name): self._tier(key, value) for name, (key, value) in entries.items()})

    def _tier(self, key: yaml.Node, node: yaml.Node) -> TierPrice:
        where = f"tier {key.value}"
        entries = self._nodes.mapping(node, where, "a tier", _TIER_KEYS)
        for name in _WANTED:
            if name not in entries:
                self._nodes.note(key, where, f"{name} is missing")
        return TierPrice(
            storage=self._price_of(entries, where, "storage"),
            put=self._price_of(entries, where, "put"),
            get=self._price_of(entries, where, "get"),
            transition=self._price_of(entries, where, "transition"),
            retrieval=self._price_of(entries, where, "retrieval"),
            smallest_bytes=self._kilobytes(entries, where, "smallest"),
            overhead_bytes=self._kilobytes(entries, where, "overhead"),
            standard_overhead_bytes=self._kilobytes(entries, where, "standard_overhead"),
        )

    def _retrievals(self, node: yaml.Node) -> Mapping[StorageClass, Mapping[Retrieval, RetrievalPrice]]:
        read = {}
        for name, (_, value) in self._nodes.mapping(node, "", "retrievals", _ARCHIVES).items():
            speeds = self._nodes.mapping(
                value, f"retrievals of {name}", "retrievals", [str(each) for each in Retrieval]
            )
            found = {Retrieval(speed): self._retrieval(key, each) for speed, (key, each) in speeds.items()}
            read[StorageClass(name)] = MappingProxyType(found)
        return MappingProxyType(read)

    def _retrieval(self, key: yaml.Node, node: yaml.Node) -> RetrievalPrice:
        where = f"retrieval {key.value}"
        entries = self._nodes.mapping(node, where, "a retrieval", _RETRIEVAL_KEYS)
        for name in _RETRIEVAL_KEYS:
            if name not in entries:
                self._nodes.note(key, where, f"{name} is missing")
        return RetrievalPrice(
            gigabyte=self._price_of(entries, where, "gigabyte"), requests=self._price_of(entries, where, "requests")
        )

    def _price_of(self, entries: _Entries, where: str, what: str) -> float:
        if what not in entries:
            return 0.0
        node = entries[what][1]
        if _PRICE.fullmatch(_word(node)):
            return float(_word(node))
        self._nodes.note(node, where, f"{what} must be a price in USD such as 0.0125, found {describe(node)}")
        return 0.0

    def _kilobytes(self, entries: _Entries, where: str, what: str) -> int:
        if what not in entries:
            return 0
        node = entries[what][1]
        if found := _SIZE.fullmatch(_word(node)):
            return int(found[1]) * 1024
        self._nodes.note(node, where, f'{what} must be a size such as "128 KB", found {describe(node)}')
        return 0


def _word(node: yaml.Node) -> str:
    return str(node.value).strip() if isinstance(node, yaml.ScalarNode) else ""
