"""Whether the instrument works: what is known beforehand, run through the same path as any model."""
