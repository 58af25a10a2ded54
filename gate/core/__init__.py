"""The decision, as pure functions: no clock, no file, no thread, no log, no randomness."""
