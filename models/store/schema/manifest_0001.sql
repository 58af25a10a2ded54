-- The gate's copy of the manifest. Nobody can be read in it without the document that opens her row.

-- Which rows a document opens. Flat look-up: one descent of one tree.
CREATE TABLE opening (
    lookup_key BLOB NOT NULL,           -- HMAC-SHA256 over document type and number
    row INTEGER NOT NULL,
    wrapped BLOB NOT NULL,              -- the row's data key, under this document's row key
    PRIMARY KEY (lookup_key, row)
) STRICT, WITHOUT ROWID;

-- A row's number is 63 bits of a keyed hash of its ticket, so that a revocation by ticket finds it.
CREATE TABLE ticket (
    row INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE revocation (
    row INTEGER PRIMARY KEY,
    at REAL NOT NULL                    -- Unix seconds
) STRICT;

-- Listed persons, sealed under the device key. The key is empty for entries known by face alone.
CREATE TABLE watch (
    id INTEGER PRIMARY KEY,
    lookup_key BLOB NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
CREATE INDEX watch_by_key ON watch (lookup_key);

-- The manifest in force: one row, or none.
CREATE TABLE manifest (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    event TEXT NOT NULL,
    version INTEGER NOT NULL,
    issuer TEXT NOT NULL,
    issued_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    installed_at REAL NOT NULL,
    tickets INTEGER NOT NULL,
    digest TEXT NOT NULL,
    policy TEXT NOT NULL,               -- JSON
    event_secret BLOB NOT NULL          -- sealed under the device key
) STRICT;

-- The highest version ever installed, event by event: a gate that comes back to an event can't be rolled back.
CREATE TABLE highest (
    event TEXT PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
