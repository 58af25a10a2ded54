-- The shared list of persons on a gate's disk. Nothing in it can be read without the device key.

-- The secrets under which documents are keyed and templates turned, sealed under the device key.
CREATE TABLE domain (
    domain TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Listed persons, sealed under the device key. The key is empty for entries known by face alone.
CREATE TABLE entry (
    item TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    domain TEXT NOT NULL REFERENCES domain (domain),
    lookup_key BLOB NOT NULL,           -- the document's keyed hash in that domain
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_by_key ON entry (lookup_key);
CREATE INDEX entry_by_domain ON entry (domain);

-- The list that is held: one row, or none.
CREATE TABLE held (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    site TEXT NOT NULL,
    revision INTEGER NOT NULL,
    count INTEGER NOT NULL,
    digest TEXT NOT NULL,
    issued_at REAL NOT NULL,            -- Unix seconds
    expires_at REAL NOT NULL
) STRICT;

-- The newest that was ever held from a site, also after it was wiped: nobody brings an older one back.
CREATE TABLE newest (
    site TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    issued_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
