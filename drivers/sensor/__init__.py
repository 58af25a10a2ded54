"""Passage sensors and other inputs."""
