"""Simulated places that an agent acts in: deterministic, in memory, one per trial."""
