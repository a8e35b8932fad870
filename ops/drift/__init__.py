"""What bucket, queues and table are, held against what ops/desired.py says they should be. Nothing is changed here."""
