"""Face engines."""
