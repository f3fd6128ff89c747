"""How systems are reached: sources, engine, raw store, decisions log, publisher, settings.

Belongs here: everything that opens a connection or a file. Keep out: what is materialized (``assets``),
when it runs (``pipelines``). Imports ``data_contracts`` only.
"""
