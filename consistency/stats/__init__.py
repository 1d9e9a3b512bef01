"""Estimators, intervals and tests: numbers in, estimates out."""
