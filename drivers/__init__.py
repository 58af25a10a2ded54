"""What we touch: card readers, cameras, face engines, relays, sensors. See `connect`."""
