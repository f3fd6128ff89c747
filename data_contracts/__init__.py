"""What data must be: contracts, rules, metrics, claims and codes.

Belongs here: YAML, and pure functions over it. Keep out: I/O beyond reading these files, clocks,
engines, Dagster. Everything else in the project may import this package; it imports nothing of it.
"""
