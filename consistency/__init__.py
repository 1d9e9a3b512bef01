"""Evaluation-versus-deployment consistency tester."""

__version__ = "0.1.0"
