"""What we exchange."""
