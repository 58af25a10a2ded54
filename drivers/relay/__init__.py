"""Relays that drive a turnstile."""
