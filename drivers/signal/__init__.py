"""Lamps, buzzers and voices."""
