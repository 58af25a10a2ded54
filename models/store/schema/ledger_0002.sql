-- The step of a changing ticket code (see models/totp.py) that a release was opened by: a picture of a code that was
-- used once opens nothing more. NULL for cards and for codes on paper. Follows from `entry`, as the rest of the row does.
ALTER TABLE release ADD COLUMN code_step INTEGER;
