"""The report layer: a quarter's bulletin as it is told, one partition a quarter.

Belongs here: what is addressed to readers of one quarter. Keep out: computing figures (``assets.mart``).
"""
