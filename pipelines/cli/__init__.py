"""The command line ``jibao``: one module a family of commands.

Belongs here: arguments, printing, exit codes. Keep out: any judgement on data. Exit codes: 0 done, 1 the
answer is no (a claim fails, a run failed), 2 the call itself is wrong.
"""
