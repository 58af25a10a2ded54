-- What the enrolled faces of the event have in common, sealed under the device key: one row, or none.
CREATE TABLE cohort (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    sealed BLOB NOT NULL
) STRICT;
