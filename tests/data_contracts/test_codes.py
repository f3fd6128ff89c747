"""Codes of the field: known examples, and the SQL form of every validator equal to the Python form."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.codes import (
    USCI_ALPHABET,
    VALIDATORS,
    organisation_check_digit,
    usci_check_digit,
    usci_is_valid,
)

FIRST_17 = st.text(USCI_ALPHABET, min_size=17, max_size=17)
DIGITS = st.text("0123456789", max_size=8)


def test_the_worked_example_of_gb_32100() -> None:
    assert usci_check_digit("91350100M000100Y4") == "3"
    assert usci_is_valid("91350100M000100Y43")


@pytest.mark.parametrize(("first8", "check"), [("M000100Y", "4"), ("D2143569", "X")])
def test_the_examples_of_gb_11714(first8: str, check: str) -> None:
    assert organisation_check_digit(first8) == check


@pytest.mark.parametrize(
    "text",
    [
        "91350100M000100Y44",  # wrong check digit
        "91350100M000100Y4",  # 17 characters
        "91350100M000100Y430",  # 19 characters
        "91350100m000100y43",  # small letters: to be normalised first
        "91350100O000100Y43",  # O is not in the alphabet
        "９１350100M000100Y43",  # full-width digits: to be normalised first
        "91350100M000100Y43\n",
        "",
    ],
)
def test_what_is_no_usci(text: str) -> None:
    assert not usci_is_valid(text)


@given(FIRST_17, st.integers(0, 17), st.sampled_from(USCI_ALPHABET))
def test_every_single_error_in_a_usci_is_found(first17: str, at: int, other: str) -> None:
    valid = first17 + usci_check_digit(first17)
    wrong = valid[:at] + other + valid[at + 1 :]
    assert usci_is_valid(wrong) == (wrong == valid)


@pytest.mark.parametrize(
    ("validator", "text", "valid"),
    [
        ("region_code", "330782", True),
        ("region_code", "331102", True),
        ("region_code", "990782", False),
        ("region_code", "33078", False),
        ("project_code", "2405-330782-04-01-123456", True),
        ("project_code", "2405-330782-04-01-12345X", True),
        ("project_code", "2405-990782-04-01-123456", False),
        ("project_code", "2405-330782-04-01-X23456", False),
        ("project_code", "2017-330782-48-03-012345-000", False),
        ("industry_code", "3021", True),
        ("industry_code", "0111", True),
        ("industry_code", "0011", False),
        ("industry_code", "9800", False),
        ("industry_code", "302", False),
    ],
)
def test_codes_by_shape(validator: str, text: str, valid: bool) -> None:
    assert VALIDATORS[validator].is_valid(text) is valid
    assert _by_sql(validator, [text]) == [valid]


DB = duckdb.connect()


def _by_sql(validator: str, texts: list[str | None]) -> list[bool | None]:
    """What the SQL form says of each text, in order."""
    rows = ", ".join(
        f"({i}, " + ("NULL" if t is None else "'" + t.replace("'", "''") + "'") + ")"
        for i, t in enumerate(texts)
    )
    query = f"SELECT {VALIDATORS[validator].sql('code')} FROM (VALUES {rows}) AS t(i, code) ORDER BY i"
    return [row[0] for row in DB.execute(query).fetchall()]


@pytest.mark.parametrize("validator", sorted(VALIDATORS))
def test_null_is_neither_valid_nor_wrong(validator: str) -> None:
    assert _by_sql(validator, [None]) == [None]


USCI = FIRST_17.map(lambda text: text + usci_check_digit(text))
PROJECT = st.tuples(
    st.sampled_from(["2405-330782", "2405-990782", "240-330782", "2405-33078X"]),
    st.sampled_from(["-04-01-", "-4-01-", "--04-01-"]),
    st.text("0123456789XY", min_size=5, max_size=7),
).map("".join)
ANY_CODE = st.one_of(
    USCI,
    st.tuples(USCI, st.integers(0, 17), st.characters(codec="utf-8", min_codepoint=32)).map(
        lambda t: t[0][: t[1]] + t[2] + t[0][t[1] + 1 :]
    ),
    st.text(USCI_ALPHABET, min_size=16, max_size=19),
    PROJECT,
    DIGITS,
    st.tuples(DIGITS, st.sampled_from(["\n", " ", "\u3000", "０"])).map("".join),
    st.text(st.characters(codec="utf-8", min_codepoint=1), max_size=20),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(ANY_CODE, min_size=1, max_size=40))
def test_the_sql_form_says_what_the_python_form_says(texts: list[str]) -> None:
    for name, validator in VALIDATORS.items():
        by_python = [validator.is_valid(text) for text in texts]
        assert _by_sql(name, list(texts)) == by_python, name
