"""Rendered visitors: people who do not exist, for demos, benches and tests.

No real person's face is behind any of them.
"""

from drivers.camera._visitors.chosen import CHOSEN
from drivers.camera._visitors.identity import Identity, identity
from drivers.camera._visitors.scene import empty_lane, portrait, render, visit, walk

__all__ = ["CHOSEN", "Identity", "empty_lane", "identity", "portrait", "render", "visit", "walk"]
