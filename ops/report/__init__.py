"""`performate report`: figures from log lines, a line at a time, with memory that does not grow with their number."""
