"""The last steps of a run: publish what passed the audit, then say how the run ended.

Belongs here: the masked quarantine, the switch of the published file, the run's verdict. Keep out: checks
that block (they stand on the assets they judge), and how publishing works (``resources.publisher``).
"""
