"""The raw layer: landed batches, exactly what the source said.

Belongs here: deciding what to ask a source for, landing it, and noting what became of the attempt. Keep out:
how a source is spoken to (``resources.sources``), and any judgement on rows (``assets.staged``).
"""
