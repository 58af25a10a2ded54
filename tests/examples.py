"""How many examples a property is tried with: two fifths of all, or a tenth in the fast run (`MENSHEN_EXAMPLES=few`).

The examples are the same in every run, so that more of them find nothing new the second time. `MENSHEN_EXAMPLES=all`
tries all, as `make fuzz` does, and `MENSHEN_EXAMPLES=other` draws others.
"""

from __future__ import annotations

import os

_SHARES = {"few": 0.1, "all": 1.0, "other": 1.0}


def examples(count: int) -> int:
    """So many of `count`, and ten at least."""
    return max(int(count * _SHARES.get(os.environ.get("MENSHEN_EXAMPLES", ""), 0.4)), 10)
