"""What can go wrong at a store.

StoreError
├── StoreFailed     (OSError)          the disk or the file failed: the store is closed; reopen and verify
├── StoreBusy       (BlockingIOError)  another process writes this file
├── UnsafeStore     (RuntimeError)     a setting that durability or secrecy needs did not take effect
├── WrongStore      (ValueError)       a sound file, but not this one: another gate's, another kind, another version
├── UnknownRelease  (ValueError)       there is no open release of that number; nothing was written
└── UnsafeKey       (PermissionError)  a key file that others can read, or that holds no key
"""

from __future__ import annotations


class StoreError(Exception):
    """Root of all errors that a store raises on purpose."""


class StoreFailed(StoreError, OSError):
    """The disk or the database failed. The store is closed; whether the last line is in it, only reopening tells."""


class StoreBusy(StoreError, BlockingIOError):
    """Another process holds the writer's lock."""


class UnsafeStore(StoreError, RuntimeError):
    """SQLite did not take a setting that we can't do without."""


class WrongStore(StoreError, ValueError):
    """The file belongs to another gate, another kind of store or another version of this program."""


class UnknownRelease(StoreError, ValueError):
    """A release that never was, or is settled already."""


class UnsafeKey(StoreError, PermissionError):
    """A signing key that is no secret, or no key."""
