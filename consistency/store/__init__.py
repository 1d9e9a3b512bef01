"""Where a run lives on disk: the frozen plan, the journal, and what was made of them."""
