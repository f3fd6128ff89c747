"""What databases say and how they are spoken to, without any of them running."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from resources.failures import PermanentFailure, TransientFailure
from resources.sources.base import Source
from resources.sources.sql_dialects import AsText
from resources.sources.sql_failures import failure_of


@pytest.mark.parametrize(
    ("said", "kind", "cause"),
    [
        ('FATAL:  password authentication failed for user "reader"', PermanentFailure, "user or password"),
        ('致命错误:  用户 "reader" Password 认证失败', PermanentFailure, "user or password"),
        (
            "(1045, \"Access denied for user 'reader'@'x' (using password: YES)\")",
            PermanentFailure,
            "password",
        ),
        ('FATAL:  database "nc" does not exist', PermanentFailure, "no such database"),
        ("ORA-00942: table or view does not exist", PermanentFailure, "no such table"),
        ("ORA-00904: invalid identifier", PermanentFailure, "no such column"),
        ("Login failed for user 'reader'. Invalid object name", PermanentFailure, "user or password"),
        ("FATAL:  the database system is starting up", TransientFailure, "busy"),
        ("FATAL:  sorry, too many clients already", TransientFailure, "busy"),
        ("connection timeout expired", TransientFailure, "no answer within"),
        ("failed to resolve host 'nc': Name or service not known", TransientFailure, "host name"),
        ("server closed the connection unexpectedly", TransientFailure, "connection broke"),
        (
            "something never seen before, s3cret",
            TransientFailure,
            "database failed (something never seen before, *",
        ),
    ],
)
def test_what_drivers_say_becomes_a_kind_of_failure(said: str, kind: type[Exception], cause: str) -> None:
    source = Source("finance", "postgresql://reader:s3cret@nc/nc")
    failure = failure_of(Exception(said), source, "fin_voucher", "nc/gl_voucher")
    assert isinstance(failure, kind)
    assert cause in str(failure)
    assert "s3cret" not in str(failure)


def test_codes_decide_before_words() -> None:
    class RefusedError(Exception):
        sqlstate = "42703"

    failure = failure_of(RefusedError("列不存在, timeout"), Source("f", "postgresql://h/d"), "t", "w")
    assert isinstance(failure, PermanentFailure)
    assert "no such column" in str(failure)


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        ("mysql+pymysql", "CAST(a AS CHAR)"),
        ("oracle", "CAST(a AS VARCHAR2(4000))"),
        ("mssql", "CONVERT(NVARCHAR(MAX), a, 121)"),
        ("postgresql", "CAST(a AS TEXT)"),
    ],
)
def test_each_dialect_casts_to_text_in_its_own_words(dialect: str, text: str) -> None:
    expression = AsText(sa.type_coerce(sa.column("a"), sa.Text()))
    assert str(expression.compile(dialect=sa.make_url(f"{dialect}://").get_dialect()())) == text
