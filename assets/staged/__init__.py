"""The staged layer: every contract table, typed, normalised, all versions kept; and its quarantine.

Belongs here: taking one landed batch through candidate, rules, disposition and versions, and the ``known``
views over the result. Transaction time (``_known_from``, ``_known_to``) lives here and nowhere else.
Keep out: what a rule says (``data_contracts``), business logic (``assets.core``).
"""
