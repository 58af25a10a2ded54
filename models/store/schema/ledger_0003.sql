-- Lines that the centre holds may move out of this file into a compressed one beside it (models/store/archive.py). What
-- is left of them here is where they went and how the last one's hash was; seals, releases and figures stay.

CREATE TABLE archive (
    last_seq   INTEGER PRIMARY KEY,
    first_seq  INTEGER NOT NULL UNIQUE,
    first_at   REAL NOT NULL,
    last_at    REAL NOT NULL,
    last_hash  BLOB NOT NULL,   -- of its last line: the next line chains to it
    file       TEXT NOT NULL,   -- in the folder `archive` beside this file
    sha256     BLOB NOT NULL,   -- of the whole compressed file
    kinds      TEXT NOT NULL,   -- JSON: how many lines of each kind, so that a search opens no file in vain
    at         REAL NOT NULL,
    CHECK (first_seq <= last_seq)
) STRICT;

CREATE TRIGGER archive_is_not_rewritten BEFORE UPDATE ON archive
    BEGIN SELECT RAISE(ABORT, 'what is said of an archive is never rewritten'); END;
CREATE TRIGGER archive_is_not_removed BEFORE DELETE ON archive
    BEGIN SELECT RAISE(ABORT, 'what is said of an archive is never removed'); END;
CREATE TRIGGER archive_takes_what_is_held_elsewhere BEFORE INSERT ON archive
    WHEN new.first_seq <> (SELECT coalesce(max(last_seq), 0) + 1 FROM archive)
        OR new.last_seq > (SELECT acknowledged FROM ledger)
        OR new.last_hash IS NOT (SELECT hash FROM entry WHERE seq = new.last_seq)
    BEGIN SELECT RAISE(ABORT, 'only the oldest lines move out, and only those that the centre holds'); END;

-- A line may go when it lies in an archive, and not before.
DROP TRIGGER entry_is_not_removed;
CREATE TRIGGER entry_is_not_removed BEFORE DELETE ON entry
    WHEN NOT EXISTS (SELECT 1 FROM archive WHERE last_seq >= old.seq)
    BEGIN SELECT RAISE(ABORT, 'an entry of the ledger is never removed'); END;

-- Seals and releases outlive the lines that they are of.
CREATE TABLE sealed (
    seq        INTEGER PRIMARY KEY,
    at         REAL NOT NULL,
    hash       BLOB NOT NULL,
    public_key BLOB NOT NULL,
    signature  BLOB NOT NULL
) STRICT;
INSERT INTO sealed SELECT seq, at, hash, public_key, signature FROM checkpoint;
DROP TABLE checkpoint;
ALTER TABLE sealed RENAME TO checkpoint;

CREATE TABLE released (
    seq         INTEGER PRIMARY KEY,
    ticket      TEXT NOT NULL,
    person_key  TEXT NOT NULL,
    direction   TEXT NOT NULL CHECK (direction IN ('entry', 'exit')),
    at          REAL NOT NULL,
    passage     TEXT CHECK (passage IN ('passed', 'unknown', 'no_show')),
    settled_by  INTEGER,
    code_step   INTEGER,
    CHECK ((passage IS NULL) = (settled_by IS NULL))
) STRICT;
INSERT INTO released SELECT seq, ticket, person_key, direction, at, passage, settled_by, code_step FROM release;
DROP TABLE release;
ALTER TABLE released RENAME TO release;
CREATE INDEX release_ticket ON release (ticket) WHERE ticket <> '';
CREATE INDEX release_person ON release (person_key) WHERE person_key <> '';
CREATE INDEX release_open ON release (seq) WHERE passage IS NULL;
