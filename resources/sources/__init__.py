"""Connectors to the source systems: one module per transport kind, found by ``base.connector_for``.

Belongs here: pulling rows as text with a proof of completeness. Keep out: storing them
(``resources.raw_store``), typing and judging them (``assets.staged``).
"""
