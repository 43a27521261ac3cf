"""Whether the bucket is ready for the daily run: the questions that a person would ask one after another."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from radar_pipeline.domain.layout import BronzeLayout
from radar_pipeline.lake.errors import LakeError, LakeFault
from radar_pipeline.lake.store import LakeStore


@dataclass(frozen=True)
class ProbeStep:
    """One question to the bucket.

    Attributes:
        name: What was asked (``the bucket answers``).
        problem: Why the answer is no; None where it is yes.
        fault: Which part of the way is at fault; None where nothing is.
    """

    name: str
    problem: str | None = None
    fault: LakeFault | None = None


@dataclass(frozen=True)
class ProbeResult:
    """What a probe found.

    Attributes:
        steps: Questions asked, up to the first that failed.
        region: Region the bucket says it is in; None where it does not say.
    """

    steps: tuple[ProbeStep, ...]
    region: str | None = None

    @property
    def problem(self) -> str | None:
        """The first thing that is wrong, or None."""
        return next((step.problem for step in self.steps if step.problem), None)

    @property
    def fault(self) -> LakeFault | None:
        """Which part of the way is at fault, or None."""
        return next((step.fault for step in self.steps if step.fault), None)

    @property
    def is_ready(self) -> bool:
        """Whether everything that the daily run needs is there."""
        return self.problem is None


def probe(store: LakeStore, layout: BronzeLayout, *, ask_region: bool = True) -> ProbeResult:
    """Asks whether the keys work, the bucket is there, its tables can be listed and records can be written.

    Leaves nothing behind: the marker that it writes under the control prefix is removed again.

    Args:
        store: The bucket.
        layout: Where things lie in it.
        ask_region: Ask the bucket by name where it is. That takes a boto3 client, which takes a quarter of a second;
            a wrong region shows in a listing too, only the right one does not.
    """
    marker = f"{layout.control_prefix}/probe/{uuid.uuid4().hex}"
    region: str | None = None

    def bucket() -> None:
        nonlocal region
        region = store.bucket_region()

    questions = (
        *((("the bucket answers", bucket),) if ask_region else ()),
        ("tables can be listed", lambda: store.is_listable(f"{layout.prefix}/")),
        ("records can be written", lambda: store.put(marker, b"")),
        ("records can be read", lambda: store.read(marker)),
        ("files can be moved away", lambda: store.delete(marker)),
    )
    steps: list[ProbeStep] = []
    for name, ask in questions:
        try:
            ask()
        except LakeError as error:
            return ProbeResult((*steps, ProbeStep(name, str(error), error.fault)), region)
        steps.append(ProbeStep(name))
    return ProbeResult(tuple(steps), region)
