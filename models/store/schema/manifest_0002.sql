-- Deltas exchange rows one by one, each with its openings.
CREATE INDEX opening_by_row ON opening (row);
