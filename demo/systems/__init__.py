"""The pretend group's source systems: what serves its ledgers as the real systems would.

Belongs here: the servers, files and pages through which rows are shown, and the life of their processes.
Keep out: which rows there are (``demo.ledgers``) and everything that reads the systems. Start at
``group`` (up, advance, down, state) and ``edit``.
"""
