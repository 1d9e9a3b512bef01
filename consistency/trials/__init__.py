"""Trials: one arm of one pair, run by one model from its opening to its outcome."""
