"""When and how runs happen: definitions, jobs, schedules, partitions, the command line.

Belongs here: wiring and nothing else. Keep out: what is materialized (``assets``), how systems are reached
(``resources``). To add a job add it to ``jobs``; to add a command add a module to ``cli``.
"""
