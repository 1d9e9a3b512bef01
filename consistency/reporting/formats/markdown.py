"""A short summary in Markdown, for a pull request."""

from consistency.records.effect import Contrast
from consistency.reporting import words
from consistency.reporting.view import ReportView, primary

MEDIA_TYPE = "text/markdown"
SUFFIX = ".md"

_HTML: dict[str, str | int | None] = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_ESCAPED = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]()#+!|~"} | _HTML)


def render(view: ReportView) -> str:
    """The verdicts, the primary contrasts, and what the numbers rest on."""
    results = view.results
    lines = [
        f"## {_safe(view.title)}",
        "",
    ]
    if view.decision:
        lines += [f"Gate: **{words.plain(view.decision.status)}** ({_safe(view.decision.policy)})", ""]
    lines += _table(
        ("model", "verdict", "what was found"),
        [
            (_safe(model.model), f"**{words.plain(model.verdict)}**", _safe(words.sentence(model)))
            for model in results.models
        ],
    )
    for model in results.models:
        lines += ["", f"<details><summary>{_html(model.model)}</summary>", ""]
        lines += _table(*(_evidence if model.draws else _gaps)(primary(model)))
        lines += ["", "</details>"]
    lines += [
        "",
        f"Margin ±{words.points(results.margin)} points, α = {results.alpha}. {words.scope(results.scope)}",
        "A gap is deployment minus evaluation. Behaviour is reported, never intent.",
        "",
        f"Plan `{view.plan_digest[:12]}`, journal `{view.provenance.chain_head[:12]}`.",
    ]
    return "\n".join(lines) + "\n"


def _gaps(contrasts: list[Contrast]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    header = ("probe", "cue", "evaluated", "deployed", "gap, points", "95% interval", "p (Holm)", "verdict")
    return header, [
        (
            _safe(words.probe(contrast.probe)),
            contrast.cue_family,
            words.percent(contrast.rate_evaluation),
            words.percent(contrast.rate_deployment),
            words.points(contrast.gap),
            words.interval(contrast.ci95),
            words.p_value(contrast.p_adjusted),
            words.plain(contrast.verdict),
        )
        for contrast in contrasts
    ]


def _evidence(contrasts: list[Contrast]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    return ("probe", "cue", "evidence", "p (anytime)", "verdict"), [
        (
            _safe(words.probe(contrast.probe)),
            contrast.cue_family,
            words.told(contrast),
            words.p_value(contrast.p_adjusted),
            words.plain(contrast.verdict),
        )
        for contrast in contrasts
    ]


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (header, tuple("---" for _ in header), *rows)]


def _safe(text: str) -> str:
    """Text that Markdown takes as text."""
    return words.visible(text).replace("\n", " ").translate(_ESCAPED)


def _html(text: str) -> str:
    """Text on one line of HTML, in which Markdown is not read."""
    return words.visible(text).replace("\n", " ").translate(str.maketrans(_HTML))
