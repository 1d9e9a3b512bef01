"""Numbers and findings in words: how every report writes them."""

import unicodedata

from consistency.records.effect import Contrast, Direction, Evidence, Interval, ModelResult, Scope, Sensitivity, Spread
from consistency.records.probe import ANY_PROBE
from consistency.reporting.view import decisive, primary

NOT_ESTIMABLE = "not estimable"
#: The longest text that a report shows of one message, in characters.
LONGEST = 12_000
_MINUS = "\N{MINUS SIGN}"
#: Categories of characters that show nothing, change the direction of text, or have no meaning at all.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_DIRECTIONS: dict[Direction, str] = {
    "safer_when_evaluated": "safer when evaluated",
    "safer_when_deployed": "safer when deployed",
    "mixed": "safer when evaluated in some contrasts, when deployed in others",
}
_SCOPES: dict[Scope, str] = {
    "population": "The conclusion reaches new scenarios and wordings of the kind that was sampled.",
    "suite": "The conclusion is about these scenarios, with new surfaces and wordings of the kind that was sampled.",
    "these_wordings": "The conclusion is about these scenarios and these wordings, and no others.",
}


def points(value: float | None) -> str:
    """A fraction in percentage points with one decimal and a true minus sign; never “−0.0”."""
    if value is None:
        return NOT_ESTIMABLE
    return f"{round(100 * value, 1) + 0.0:.1f}".replace("-", _MINUS)


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


def count(value: int | None) -> str:
    """A whole number in groups of three digits."""
    return "unknown" if value is None else f"{value:,}"


def cost(value: float | None) -> str:
    """US dollars; an unknown price is not nothing."""
    return "unknown" if value is None else f"${value:,.2f}"


def plain(name: str) -> str:
    """An identifier as words, with nothing hidden in it."""
    return visible(name).replace("_", " ")


def probe(name: str) -> str:
    """A probe's name as words; what stands for all of them is named as such."""
    return "any misbehaviour" if name == ANY_PROBE else plain(name)


def direction(value: Direction | None) -> str:
    """A direction in words; empty where there is none."""
    return _DIRECTIONS[value] if value else ""


def scope(value: Scope) -> str:
    """How far a conclusion reaches, as a sentence."""
    return _SCOPES[value]


def headline(model: ModelResult) -> str:
    """A model's verdict with its direction and size, in a phrase.

    The size is that of the largest gap among the contrasts that decide, counted towards the direction, so that both
    directions read alike: “safer when deployed, by 57.5 points (95% interval 32.9 to 74.7)”.
    """
    verdict = plain(model.verdict)
    told = decisive(model)
    if not model.direction:
        return verdict
    if model.direction == "mixed" or told is None or told.gap is None or told.ci95 is None:
        return f"{verdict}: {direction(model.direction)}"
    low, high = told.ci95 if told.gap > 0 else (-told.ci95[1], -told.ci95[0])
    size = f"by {points(abs(told.gap))} points (95% interval {interval((low, high))})"
    return f"{verdict}: {direction(model.direction)}, {size}"


def sentence(model: ModelResult) -> str:
    """What a model's verdict rests on, in one sentence."""
    if model.verdict == "invalid":
        failed = [check.detail for check in model.validity if check.status == "failed"]
        return f"No verdict: {'; '.join(failed) or 'a validity check failed'}."
    if model.draws:
        return _audited(model)
    told = decisive(model)
    if told is None:
        return "No primary contrast could be estimated."
    contrasts = primary(model)
    share = f"{sum(found.verdict == model.verdict for found in contrasts)} of {len(contrasts)} primary contrasts"
    where = f"{probe(told.probe)} under {told.cue_family} cues"
    size = f"{points(told.gap)} points (95% interval {interval(told.ci95)}), in {where}"
    match model.verdict:
        case "inconsistent" if model.direction == "mixed":
            return f"{share} differ; the largest gap is {size}."
        case "inconsistent":
            return f"{share} differ; the largest gap is in {where}."
        case "inconclusive":
            return f"The trials do not settle {share}; the largest gap among them is {size}."
        case "different_within_margin":
            return f"{share} differ, and none by as much as its margin; the largest such gap is in {where}."
        case _:
            return f"{share} lie inside the margin; the largest gap is {size}."


def _audited(model: ModelResult) -> str:
    """An audit in one sentence: its strongest evidence, and how many pairs it took."""
    found = [(contrast, contrast.evidence) for contrast in primary(model) if contrast.evidence]
    told, strongest = max(found, key=lambda pair: pair[1].log10_e)
    draws = f"{model.draws.pairs} of {model.draws.pool} pairs were drawn" if model.draws else ""
    where = f"{probe(told.probe)} under {told.cue_family} cues"
    return f"{draws}; the strongest evidence is {evidence(strongest)}, in {where}."


def told(found: Contrast) -> str:
    """What was found of a contrast: its gap and interval, or the evidence of an audit."""
    if found.evidence:
        return evidence(found.evidence)
    return f"gap {points(found.gap)} points, 95% interval {interval(found.ci95)}"


def evidence(found: Evidence) -> str:
    """What an audit found of one contrast."""
    counts = f"{found.worse_deployed} pairs worse deployed and {found.worse_evaluated} worse evaluated"
    return f"{counts}, E = {e_value(found.log10_e)} of the {e_value(found.needed)} needed"


def e_value(log10_e: float) -> str:
    """An e-value from its decimal logarithm."""
    return f"10^{log10_e:.1f}" if log10_e >= 4 else f"{10**log10_e:.3g}"


def contrast(found: Contrast | Sensitivity | Spread) -> str:
    """A contrast's name: its probe and its cue family."""
    return f"{probe(found.probe)} · {found.cue_family}"


def cell(contrast: Contrast) -> str:
    """Which cells a contrast is about."""
    if contrast.control:
        return "nothing at stake"
    return ", ".join(f"{plain(name)}: {plain(level)}" for name, level in (contrast.cell or {}).items()) or "all cells"


def visible(text: str) -> str:
    """Text from outside with its unseen and direction-changing characters written out: they show and do nothing."""
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in _UNSEEN
        else f"⟨U+{ord(character):04X}⟩"
        for character in text
    )


def shortened(text: str, longest: int = LONGEST) -> str:
    """The beginning of a long text, with a word on how much was left out."""
    left = len(text) - longest
    return text if left <= 0 else f"{text[:longest]}\n[… {count(left)} more characters are in the journal]"
