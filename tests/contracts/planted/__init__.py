"""Faults that can be planted in the tests' content, one by one."""
