-- The ledger of one gate. One file is one epoch: a new file draws a new one.

CREATE TABLE ledger (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    gate         TEXT NOT NULL,
    epoch        TEXT NOT NULL,
    acknowledged INTEGER NOT NULL DEFAULT 0,  -- the centre has all entries up to here
    inside       INTEGER NOT NULL DEFAULT 0   -- entries less exits, see release
) STRICT;

-- The lines. `body` is canonical JSON and part of the hash as it stands here.
CREATE TABLE entry (
    seq       INTEGER PRIMARY KEY,
    version   INTEGER NOT NULL,
    at        REAL NOT NULL,
    kind      TEXT NOT NULL,
    body      TEXT NOT NULL,
    prev_hash BLOB NOT NULL,
    hash      BLOB NOT NULL
) STRICT;
CREATE INDEX entry_kind ON entry (kind);

CREATE TABLE checkpoint (
    seq        INTEGER PRIMARY KEY REFERENCES entry (seq),
    at         REAL NOT NULL,
    hash       BLOB NOT NULL,
    public_key BLOB NOT NULL,
    signature  BLOB NOT NULL
) STRICT;

-- Facts are never rewritten.
CREATE TRIGGER entry_is_not_rewritten BEFORE UPDATE ON entry
    BEGIN SELECT RAISE(ABORT, 'an entry of the ledger is never rewritten'); END;
CREATE TRIGGER entry_is_not_removed BEFORE DELETE ON entry
    BEGIN SELECT RAISE(ABORT, 'an entry of the ledger is never removed'); END;

-- What the entries say of releases, kept beside them so that a look-up costs an index search. Follows from `entry` alone:
-- an entry whose body has `opens` makes a row, one with `settles` ends it. `passage` is NULL while the lane waits.
CREATE TABLE release (
    seq         INTEGER PRIMARY KEY REFERENCES entry (seq),
    ticket      TEXT NOT NULL,
    person_key  TEXT NOT NULL,
    direction   TEXT NOT NULL CHECK (direction IN ('entry', 'exit')),
    at          REAL NOT NULL,
    passage     TEXT CHECK (passage IN ('passed', 'unknown', 'no_show')),
    settled_by  INTEGER REFERENCES entry (seq),
    CHECK ((passage IS NULL) = (settled_by IS NULL))
) STRICT;
CREATE INDEX release_ticket ON release (ticket) WHERE ticket <> '';
CREATE INDEX release_person ON release (person_key) WHERE person_key <> '';
CREATE INDEX release_open ON release (seq) WHERE passage IS NULL;

-- How many entries there are of each sort. Follows from `entry` alone.
CREATE TABLE tally (
    kind    TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason  TEXT NOT NULL,
    entries INTEGER NOT NULL,
    PRIMARY KEY (kind, verdict, reason)
) STRICT, WITHOUT ROWID;
