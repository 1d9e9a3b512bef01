"""All randomness: independent streams, each named and derived from a digest."""

import hashlib
import random


def of_trial(study_seed: int, pair: str, arm: str) -> int:
    """The seed of one trial, the same for every model; it tells nothing of the arm."""
    return number("trial", study_seed, pair, arm, bits=31)


def number(*parts: str | int, bits: int = 63) -> int:
    """A number from 0 to 2**bits − 1 that the parts alone decide; ("a", "bc") is not ("ab", "c")."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16]) >> (128 - bits)


def stream(name: str, *parts: str | int) -> random.Random:
    """A random stream of its own for this name and these parts; the same on every machine and Python."""
    return random.Random(number(name, *parts))
