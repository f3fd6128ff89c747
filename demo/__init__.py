"""A pretend group whose source systems can be started, loaded, edited and advanced in time.

Belongs here: ledgers and the systems that show them, standing where the real systems stand: behind a database
URL, a folder of workbooks and an HTTP API. Keep out: anything the product would import; only the command line
and tests know this package.
"""
