"""CSV and Parquet connector on real files: encodings, quotes, types, and what is said of damage."""

from __future__ import annotations

import codecs
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.model import Update
from resources.failures import PermanentFailure
from resources.sources.base import Source, probe
from tests.resources.tables import column, contract, read

COLUMNS = (
    column("bill_no", "账单号", key=1),
    column("amount_cny", "金额", kind="decimal", source_unit="元"),
    column("month", "month"),
    column("line", "_row_no"),
)
BILLS = contract(
    {
        "kind": "file", "files": r"bills_(?P<month>\d{6})\.csv", "format": "csv", "encoding": "gb18030",
        "delimiter": ";",
    },
    *COLUMNS,
    name="park_bill",
)  # fmt: skip
UTF8 = contract({**BILLS.transport, "encoding": "utf-8"}, *COLUMNS, name="park_bill")
PARQUET = contract(
    {"kind": "file", "files": r"bills_(?P<month>\d{6})\.parquet", "format": "parquet"},
    *COLUMNS,
    name="park_bill",
)


def drops(folder: Path) -> Source:
    return Source("drops", str(folder))


def csv_file(folder: Path, content: str | bytes, encoding: str = "gb18030") -> Path:
    path = folder / "bills_202409.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def failure(folder: Path) -> str:
    with pytest.raises(PermanentFailure) as caught:
        read(drops(folder), BILLS)
    return str(caught.value)


def test_gb18030_is_read_with_quotes_line_breaks_units_and_blanks(tmp_path: Path) -> None:
    csv_file(tmp_path, '账单号;备注;金额（元）\r\nB1;"甲;乙\r\n丙";１,000.50\r\n\r\nB2;;\r\n')
    rows, proof = read(drops(tmp_path), BILLS)
    assert rows == [
        {
            "bill_no": "B1", "amount_cny": "１,000.50", "month": "202409", "line": "3",
            "amount_cny__unit": "元", "_row_no": 3, "_source_ref": "bills_202409.csv:3", "_row_kind": "data",
            "_unread": None,
        },
        {
            "bill_no": "B2", "amount_cny": None, "month": "202409", "line": "5",
            "amount_cny__unit": "元", "_row_no": 5, "_source_ref": "bills_202409.csv:5", "_row_kind": "data",
            "_unread": None,
        },
    ]  # fmt: skip
    file = proof["files"][0]
    assert (file["rows"], file["blank_rows"], file["month"]) == (2, 1, "202409")
    assert (proof["method"], proof["complete"], proof["full"]) == ("files", True, True)


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_a_byte_order_mark_is_no_part_of_the_first_header(tmp_path: Path, mark: bytes) -> None:
    csv_file(tmp_path, mark + '"账单号";金额\nB1;1\n'.encode())
    assert read(drops(tmp_path), UTF8)[0][0]["bill_no"] == "B1"


def test_the_mark_of_gb18030_is_dropped_too(tmp_path: Path) -> None:
    csv_file(tmp_path, "\ufeff账单号;金额\nB1;1\n")
    assert read(drops(tmp_path), BILLS)[0][0]["bill_no"] == "B1"


def test_a_byte_outside_the_declared_encoding_is_named_with_line_and_offset(tmp_path: Path) -> None:
    good = "账单号;金额\nB1;1\n".encode()
    csv_file(tmp_path, good + b"B2;" + "区域".encode("gb18030") + b"\n")
    with pytest.raises(PermanentFailure) as caught:
        read(drops(tmp_path), UTF8)
    assert str(caught.value) == (
        f"drops / park_bill / bills_202409.csv line 3, byte {len(good) + 3}: c7 f8 d3 f2 is not utf-8 → have "
        "the file saved in the declared encoding, or correct transport.encoding in the contract"
    )


def test_a_utf8_file_under_another_encoding_is_found_by_its_mark(tmp_path: Path) -> None:
    csv_file(tmp_path, codecs.BOM_UTF8 + "账单号;金额\n".encode())
    assert "line 1, byte 0: the file starts as UTF-8, the contract declares gb18030" in failure(tmp_path)


def test_text_in_a_wrong_but_legal_encoding_shows_in_the_headers(tmp_path: Path) -> None:
    csv_file(tmp_path, "账单;金额\n".encode())
    message = failure(tmp_path)
    assert "line 1: headers not there: 账单号, 金额; the first line reads " in message
    assert "correct physicalName, delimiter or encoding in the contract" in message
    with pytest.raises(PermanentFailure, match="headers not there"):
        probe(drops(tmp_path), BILLS)


def test_a_line_with_other_than_the_headers_number_of_values_lands_with_its_text(tmp_path: Path) -> None:
    csv_file(tmp_path, "账单号;金额\nB1;1\nB2;1;000\n合计\nB3;3\n")
    rows, proof = read(drops(tmp_path), BILLS)
    assert [(r["bill_no"], r["amount_cny"], r["month"], r["_row_no"], r["_unread"]) for r in rows] == [
        ("B1", "1", "202409", 2, None),
        (None, None, "202409", 3, "3 values under 2 headers: B2;1;000"),
        (None, None, "202409", 4, "1 values under 2 headers: 合计"),
        ("B3", "3", "202409", 5, None),
    ]
    # Their keys are unknown, so nothing is gone for being absent.
    assert (proof["files"][0]["unread_rows"], proof["rows"], proof["complete"]) == (2, 4, False)


@pytest.mark.parametrize(
    "text", ["账单号;金额\nB1;1;\nB2;2;;\n", "账单号;金额;\nB1;1\nB2;2;\n", "账单号;金额;;\nB1;1;;\nB2;2;;\n"]
)
def test_delimiters_at_the_end_of_a_line_are_no_values(tmp_path: Path, text: str) -> None:
    csv_file(tmp_path, text)
    rows, proof = read(drops(tmp_path), BILLS)
    assert [(r["bill_no"], r["amount_cny"], r["_unread"]) for r in rows] == [
        ("B1", "1", None), ("B2", "2", None),
    ]  # fmt: skip
    assert proof["complete"] is True


def test_an_open_quote_is_named(tmp_path: Path) -> None:
    csv_file(tmp_path, '账单号;金额\nB1;"1\nB2;2\n')
    assert (
        "bills_202409.csv line 3: the line cannot be split into values (unexpected end of data)"
        in failure(tmp_path)
    )


def test_an_empty_file_lacks_its_headers(tmp_path: Path) -> None:
    csv_file(tmp_path, b"")
    assert "headers not there: 账单号, 金额; the first line reads nothing" in failure(tmp_path)


def test_two_headers_of_one_text_are_ambiguous(tmp_path: Path) -> None:
    csv_file(tmp_path, "账单号;金额;金额\n")
    assert "two headers of one text: 金额" in failure(tmp_path)


def test_a_known_file_is_passed_over(tmp_path: Path) -> None:
    csv_file(tmp_path, "账单号;金额\nB1;1\n")
    _, proof = read(drops(tmp_path), BILLS)
    landed = {f["path"]: f["sha256"] for f in proof["files"]}
    rows, proof = read(drops(tmp_path), BILLS, landed=landed)
    assert (rows, proof["unchanged"], proof["full"]) == ([], ["bills_202409.csv"], False)


def test_parquet_values_become_text_without_loss(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"金额": [Decimal("4567.8900"), None], "other": [1, 2], "账单号": ["B1", "B2"]}),
        tmp_path / "bills_202409.parquet",
    )
    rows, proof = read(drops(tmp_path), PARQUET)
    assert [(r["bill_no"], r["amount_cny"], r["month"], r["line"]) for r in rows] == [
        ("B1", "4567.8900", "202409", "1"), ("B2", None, "202409", "2"),
    ]  # fmt: skip
    assert rows[1]["_source_ref"] == "bills_202409.parquet#2"
    assert proof["files"][0]["rows"] == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (pa.scalar(4567.89), "4567.89"),
        (pa.scalar(12), "12"),
        (pa.scalar(True), "true"),
        (pa.scalar(date(2024, 9, 10)), "2024-09-10"),
        (pa.scalar(datetime(2024, 9, 10, 8, 30), pa.timestamp("s")), "2024-09-10 08:30:00"),
        (
            pa.scalar(datetime(2024, 9, 10, tzinfo=UTC), pa.timestamp("s", "Asia/Shanghai")),
            "2024-09-10 08:00:00+0800",
        ),
    ],
)
def test_parquet_types_have_one_text_each(tmp_path: Path, value: pa.Scalar, text: str) -> None:
    pq.write_table(
        pa.table({"账单号": ["B1"], "金额": pa.array([value.as_py()], value.type)}),
        tmp_path / "bills_202409.parquet",
    )
    assert read(drops(tmp_path), PARQUET)[0][0]["amount_cny"] == text


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more"])
def test_a_damaged_parquet_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bills_202409.parquet").write_bytes(content)
    with pytest.raises(PermanentFailure, match=r"bills_202409\.parquet: this cannot be read as parquet \("):
        read(drops(tmp_path), PARQUET)


def test_of_a_replaced_table_only_the_newest_file_counts(tmp_path: Path) -> None:
    table = contract(BILLS.transport, *COLUMNS, update=Update("replace"), name="park_bill")
    csv_file(tmp_path, "账单号;金额\nB1;1\n")
    (tmp_path / "bills_202410.csv").write_bytes("账单号;金额\nB2;2\n".encode("gb18030"))
    rows, proof = read(drops(tmp_path), table)
    assert ([r["bill_no"] for r in rows], proof["superseded"]) == (["B2"], ["bills_202409.csv"])
