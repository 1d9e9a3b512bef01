"""Judgments: what rules, judges and raters say of one transcript, blind to its arm."""
