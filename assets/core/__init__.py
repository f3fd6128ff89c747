"""The core layer: conformed dimensions and facts at natural keys, one SELECT a file.

Belongs here: ``.sql`` files, and the code that runs them in order with comments and lineage. Keep out:
anything that filters for one figure (``data_contracts.metrics``).
"""
