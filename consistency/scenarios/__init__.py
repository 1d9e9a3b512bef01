"""Scenarios: reading them, crossing their factors, rendering matched pairs, and proving the match."""
