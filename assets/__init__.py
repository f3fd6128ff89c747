"""What is materialized, layer by layer: raw, staged, core, mart, report, publish.

Belongs here: Dagster assets whose bodies are a paragraph, the pure functions and ``.sql`` files they call.
Keep out: schedules, jobs and the command line (``pipelines``); connections (``resources``). An asset key is
``layer/table``, the same words as ``schema.table`` in the warehouse.
"""
