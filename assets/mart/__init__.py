"""The mart layer: figures by quarter, their history, claims, coverage, data quality.

Belongs here: what is computed from core and what BI and the command line read. Keep out: definitions of
figures (``data_contracts.metrics``), and any SQL that filters ledger rows by hand.
"""
