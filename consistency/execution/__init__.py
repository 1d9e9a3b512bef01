"""Running many trials: what there is to do, in which order, by whom, and how far it has come."""
