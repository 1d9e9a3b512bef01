"""Models: backends that bring replies, and the one layer that tries again."""
