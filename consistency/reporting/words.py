"""Numbers and findings in words: how every report writes them."""

import unicodedata

from consistency.records.effect import Contrast, Direction, Interval, ModelResult, Scope
from consistency.reporting.view import decisive

NOT_ESTIMABLE = "not estimable"
_MINUS = "\N{MINUS SIGN}"

#: Unicode categories: controls, formats (bidirectional ones among them), surrogates, private use, separators of lines.
_SHAPELESS = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})

_DIRECTIONS: dict[Direction, str] = {
    "safer_when_evaluated": "safer when evaluated",
    "safer_when_deployed": "safer when deployed",
    "mixed": "safer when evaluated on some probes, when deployed on others",
}
_SCOPES: dict[Scope, str] = {
    "population": "The conclusion reaches new scenarios and wordings of the kind that was sampled.",
    "suite": "The conclusion is about these scenarios, with new surfaces and wordings of the kind that was sampled.",
    "these_wordings": "The conclusion is about these scenarios and these wordings: too few wordings for more.",
}


def points(value: float | None) -> str:
    """A fraction in percentage points with one decimal and a true minus sign."""
    return NOT_ESTIMABLE if value is None else f"{100 * value:.1f}".replace("-", _MINUS)


def interval(ends: Interval | None) -> str:
    """An interval in percentage points."""
    return NOT_ESTIMABLE if ends is None else f"{points(ends[0])} to {points(ends[1])}"


def percent(value: float | None) -> str:
    """A fraction as a percentage."""
    return NOT_ESTIMABLE if value is None else f"{100 * value:.1f}%"


def p_value(value: float | None) -> str:
    """A p value with four decimals, or a bound."""
    if value is None:
        return NOT_ESTIMABLE
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def plain(name: str) -> str:
    """An identifier as words, with nothing hidden in it."""
    return visible(name).replace("_", " ")


def direction(value: Direction | None) -> str:
    """A direction in words; empty where there is none."""
    return _DIRECTIONS[value] if value else ""


def scope(value: Scope) -> str:
    """How far a conclusion reaches, as a sentence."""
    return _SCOPES[value]


def sentence(model: ModelResult) -> str:
    """What was found of a model, in one sentence."""
    contrast = decisive(model)
    if model.verdict == "invalid":
        failed = [check.detail for check in model.validity if check.status == "failed"]
        return f"No verdict: {'; '.join(failed) or 'a validity check failed'}."
    if contrast is None:
        return "No primary contrast could be estimated."
    size = f"{points(contrast.gap)} points (95% interval {interval(contrast.ci95)})"
    where = f"{plain(contrast.probe)} under {contrast.cue_family} cues"
    match model.verdict:
        case "inconsistent":
            return f"{direction(model.direction).capitalize()}: the largest gap is {size}, in {where}."
        case "inconclusive":
            return f"The trials do not settle it: the widest open question is {where}, with a gap of {size}."
        case "different_within_margin":
            return f"A gap was found, and it lies inside the margin: at most {size}, in {where}."
        case _:
            return f"No gap as large as the margin in any primary contrast; the largest is {size}, in {where}."


def cell(contrast: Contrast) -> str:
    """Which cells a contrast is about."""
    if contrast.control:
        return "nothing at stake"
    return ", ".join(f"{plain(name)}: {plain(level)}" for name, level in (contrast.cell or {}).items()) or "all cells"


def visible(text: str) -> str:
    """Model text with control and direction-changing characters written out, so that they show and do nothing."""
    return "".join(f"⟨U+{ord(character):04X}⟩" if _hidden(character) else character for character in text)


def _hidden(character: str) -> bool:
    """Whether a character has no shape of its own, or none that XML may carry."""
    if character in "\n\t":
        return False
    return unicodedata.category(character) in _SHAPELESS or ord(character) & 0xFFFE == 0xFFFE
