"""`performate show`: everything that is known about one analysis, and where it is stuck."""
