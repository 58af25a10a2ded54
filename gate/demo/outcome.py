"""How the evening went."""

from __future__ import annotations

from dataclasses import dataclass, field

from gate.demo.readers import Wire
from gate.demo.stories import Story
from models.record import DecisionBody
from models.store.ledger_db import Verification


@dataclass(frozen=True, slots=True)
class Told:
    """How a story went: what stands in the ledger of it, and what is wrong with that."""

    story: Story
    decisions: tuple[DecisionBody, ...]
    leaves: tuple[str, ...]
    pictures: int
    relay_ms: tuple[float, ...]
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether all went as it must."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole evening."""

    told: tuple[Told, ...]
    ledger: Verification
    counts: dict[str, int] = field(default_factory=dict)
    ready_s: float = 0.0
    sold_s: float = 0.0
    exit_status: int = 0
    wire: Wire | None = None
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every story went as it must, the ledger verifies, and the lane ended in good order."""
        return self.exit_status == 0 and self.ledger.ok and all(one.ok for one in self.told)
