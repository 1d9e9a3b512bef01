"""A text that was written lacks what it had to say."""

from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask
from consistency.scoring.rules.text_says import Parameters

__all__ = ["Parameters", "evaluate"]


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if the last such text holds none of the words; None if none was written. All replies are one text."""
    texts = parameters.texts(evidence)
    if not texts:
        return Finding(None, f"{parameters.place()} was never written")
    quoted = parameters.quote("\n".join(texts) if parameters.reply else texts[-1])
    if quoted:
        return Finding(False, f"{parameters.place()} says {quoted}")
    return Finding(True, f"{parameters.place()} says none of {', '.join(parameters.any_of)}")
