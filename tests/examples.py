"""How many examples a property is tried with: all of them, or a tenth in the fast run (`MENSHEN_EXAMPLES=few`).

The examples are the same in every run; `MENSHEN_EXAMPLES=other` draws others.
"""

from __future__ import annotations

import os


def examples(count: int) -> int:
    """`count`, unless the run is to be a fast one."""
    return max(count // 10, 10) if os.environ.get("MENSHEN_EXAMPLES") == "few" else count
