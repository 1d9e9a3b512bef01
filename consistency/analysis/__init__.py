"""From trials and judgments to effects, verdicts and the gate's decision."""
