"""Control totals of sheets: what a 小计 or 合计 row says beside the sum of the rows that were read.

Belongs here: comparing both while the batch lies in the candidate table, as landed, rejected and unchanged
rows included; later no table holds a whole file any more. Keep out: judging the difference (R34).

Which rows a control row sums is seen from where it stands: below rows, those since the control row before it
(小计); below another control row, all rows above (合计).
"""

from __future__ import annotations

import re

from assets.staged.candidate import relation
from assets.staged.load import Batch
from data_contracts.model import Column, TableContract
from resources.engine import Session

_NUMBERS = ("decimal", "integer")
_MONEY = "DECIMAL(38,6)"


def record_control_totals(warehouse: Session, contract: TableContract, batch: Batch) -> None:
    """``meta.control_total``: a row for each number of each control row of the batch; repeatable."""
    warehouse.run(
        "DELETE FROM meta.control_total WHERE table_name = :t AND batch_id = :b",
        t=contract.name, b=batch.batch_id,
    )  # fmt: skip
    columns = _summed(contract)
    if not columns:
        return
    long = " UNION ALL ".join(
        f"SELECT _source_ref, _row_no, _row_kind, '{c.name}' AS column_name, "
        f'CAST("{c.name}" AS {_MONEY}) AS amount FROM {relation(contract)}'
        for c in columns
    )
    warehouse.run(
        f"INSERT INTO meta.control_total {_totals(long)}",
        t=contract.name, b=batch.batch_id, k=batch.known_utc,
    )  # fmt: skip


def _summed(contract: TableContract) -> list[Column]:
    """Numbers that stand in the sheet itself; a version in the file's name is none."""
    if contract.transport["kind"] != "workbook":
        return []
    named = re.compile(contract.transport.get("files", "")).groupindex
    return [c for c in contract.public if c.kind in _NUMBERS and not c.is_technical and c.source not in named]


def _totals(long: str) -> str:
    """Running sums per sheet and column; a control row reads the two that may be meant."""
    sheet = "PARTITION BY sheet, column_name ORDER BY _row_no"
    return f"""
WITH cells AS (
  SELECT *, regexp_replace(_source_ref, '![0-9]+$', '') AS sheet, _row_kind = 'control' AS is_control
  FROM ({long})
), placed AS (
  SELECT *, count(*) FILTER (WHERE is_control) OVER ({sheet} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
      AS part,
    coalesce(lag(is_control) OVER ({sheet}), FALSE) AS below_control
  FROM cells
), summed AS (
  SELECT *, sum(amount) FILTER (WHERE NOT is_control) OVER ({sheet}) AS above,
    sum(amount) FILTER (WHERE NOT is_control) OVER (
      PARTITION BY sheet, column_name, part ORDER BY _row_no) AS since_control,
    count(*) FILTER (WHERE NOT is_control) OVER ({sheet}) AS rows_above,
    count(*) FILTER (WHERE NOT is_control) OVER (
      PARTITION BY sheet, column_name, part ORDER BY _row_no) AS rows_since
  FROM placed
)
SELECT :t, :b, CAST(:k AS TIMESTAMP), sheet, _row_no, column_name,
  CASE WHEN regexp_matches(sheet, '20[0-9]{{2}}(0[1-9]|1[0-2])')
    THEN {
        _quarter_of(
            "regexp_extract(sheet, '(20[0-9]{2})(0[1-9]|1[0-2])', 1)",
            "regexp_extract(sheet, '(20[0-9]{2})(0[1-9]|1[0-2])', 2)",
        )
    }
    ELSE strftime(CAST(:k AS TIMESTAMP) + INTERVAL 8 HOUR, '%Y') || 'Q'
      || CAST(quarter(CAST(:k AS TIMESTAMP) + INTERVAL 8 HOUR) AS VARCHAR) END,
  amount, coalesce(CASE WHEN below_control THEN above ELSE since_control END, 0),
  CASE WHEN below_control THEN rows_above ELSE rows_since END
FROM summed WHERE is_control AND amount IS NOT NULL"""


def _quarter_of(year: str, month: str) -> str:
    return f"{year} || 'Q' || CAST((CAST({month} AS INTEGER) + 2) // 3 AS VARCHAR)"
