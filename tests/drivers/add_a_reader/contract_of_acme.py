"""The contract of card readers, for the reader of a maker that doesn't exist."""

from __future__ import annotations

from tests.contract import Kit, ReaderContract


class TestAcme(ReaderContract):
    """Step 3 of "Add a reader"."""

    kit = Kit("reader", "acme", tap=lambda reader: reader.tap("04A1B2C3"))
