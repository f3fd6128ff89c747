"""Sections, progress, certificates and the books tell of the same works; their dirt is the planted one."""

from collections import Counter, defaultdict
from datetime import date, datetime
from decimal import Decimal
from functools import cache

import pytest

from data_contracts.codes import usci_is_valid
from demo.ledgers import certificates as cert_ledger
from demo.ledgers import progress as progress_ledger
from demo.ledgers import sections as section_ledger
from demo.ledgers.certificates import APPROVED_LATE, UNPAID, Certificate, certificates
from demo.ledgers.finance_calendar import Period
from demo.ledgers.finance_vouchers import Line, Voucher
from demo.ledgers.finance_works import works
from demo.ledgers.investment_plan import UNIT_CNY, opening_units, true_months
from demo.ledgers.milestones import revisions
from demo.ledgers.progress import percent
from demo.ledgers.project_lives import lives
from demo.ledgers.section_plan import AT_AS_OF, BUILT, bought_inside, section_plans
from demo.ledgers.sections import sections
from demo.timeline import Row, Timeline, state_at
from demo.world import AS_OF, World

WORLD = World()
CUT_OFF = datetime(2024, 10, 10, 20)
LATER = datetime(2024, 11, 15, 20)
YEAR = [Period(2024, month) for month in range(1, 10)]


@cache
def timeline(table: str) -> Timeline:
    built = {"con_section": section_ledger, "con_progress": progress_ledger, "con_payment_cert": cert_ledger}
    return built[table].build(WORLD)


def section_rows(instant: datetime) -> dict[str, Row]:
    return {str(r["sectionCode"]): r for r in state_at(timeline("con_section"), ["sectionCode"], instant)}


def reports(section: str, until: date = AS_OF) -> list[Row]:
    keys = ["sectionCode", "reportDate"]
    found = [r for r in state_at(timeline("con_progress"), keys, CUT_OFF) if r["sectionCode"] == section]
    return [
        r
        for r in sorted(found, key=lambda r: str(r["reportDate"]))
        if str(r["reportDate"])[:10] <= f"{until}"
    ]


@cache
def certs() -> tuple[Certificate, ...]:
    return certificates(WORLD)


@cache
def booked() -> tuple[tuple[Voucher, Line], ...]:
    return tuple((voucher, line) for voucher in works(WORLD) for line in voucher.lines)


# --- sections ----------------------------------------------------------------------------------------


def test_there_are_about_130_contracts_of_three_natures_with_one_number_each() -> None:
    rows = section_rows(CUT_OFF).values()
    assert 120 <= len(rows) <= 145
    words = {"施工": "construction", "Construction": "construction", "监理": "supervision", "设计": "design"}
    natures = Counter(words.get(str(r["contractNature"]), r["contractNature"]) for r in rows)
    assert set(natures) == {"construction", "supervision", "design"}
    assert len({r["contractNo"] for r in rows}) == len(rows)


def test_one_contractor_has_a_wrong_check_digit_and_its_contract_is_long_finished() -> None:
    wrong = [c for c, r in section_rows(CUT_OFF).items() if not usci_is_valid(str(r["contractorUsci"]))]
    assert wrong == ["CT-2019-002-S01"]


def test_contracts_of_a_project_stay_within_its_planned_total() -> None:
    """R38, with certificates within the amended contract."""
    total: dict[str, int] = defaultdict(int)
    for section in sections(WORLD):
        total[section.project_code] += section.value
    for project in WORLD.projects:
        assert total[project.project_code] <= project.planned_total_cny * 100
    assert all(cert.cumulative <= cert.section.value for cert in certs())


def test_each_of_the_nineteen_has_owner_consultant_and_contractors() -> None:
    built = {s.project_code for s in sections(WORLD) if s.nature == "construction" and s.contractor_usci}
    for project in WORLD.projects:
        if project.role == "construction":
            assert project.owner_usci
            assert project.consultant_usci
            assert project.project_code in built


def test_contracts_change_after_the_bulletin() -> None:
    before, after = section_rows(CUT_OFF), section_rows(LATER)
    assert before["CT-2021-004-S01"]["amendedAmount"] is None
    assert after["CT-2021-004-S01"]["amendedAmount"] is not None
    assert before["CT-2022-008-S02"]["contractorUsci"] != after["CT-2022-008-S02"]["contractorUsci"]
    moved = [c for c in before if before[c]["plannedEndDate"] != after[c]["plannedEndDate"]]
    assert moved


# --- progress ----------------------------------------------------------------------------------------


def test_wulian_road_and_planned_road_2_stand_as_the_bulletin_says() -> None:
    """C07, rows 72 to 74."""
    first, second = reports("CT-2022-004-S01", date(2024, 10, 10)), reports("CT-2022-004-S02")
    assert (first[-1]["physicalPct"], first[-1]["phase"]) == (100, "done")
    assert (second[-1]["reportDate"], second[-1]["physicalPct"]) == ("2024-09-30", 90)
    week_after = reports("CT-2022-004-S02", date(2024, 10, 10))[-1]
    assert (week_after["reportDate"], week_after["physicalPct"]) == ("2024-10-07", 92)
    assert reports("CT-2023-001-S01")[-1]["phase"] == "done"
    assert reports("CT-2023-001-S02")[-1]["phase"] == "finishing"


def test_progress_reaches_100_when_the_section_is_complete_and_not_before() -> None:
    """R35: by the completion milestone of each section."""
    done = {
        r.section_code: r.date_met
        for r in revisions(WORLD)
        if r.section_code and r.milestone_code == "completion" and r.date_met
    }
    for _, _, row in timeline("con_progress").rows:
        if str(row["physicalPct"]) in ("100", "100.0"):
            completed = done[str(row["sectionCode"])]
            assert completed is not None
            assert f"{completed}" <= str(row["reportDate"])
    for code, plan in section_plans(WORLD).items():
        assert plan.completed == done.get(code)
        assert plan.completed is None or percent(plan, plan.completed) == 100
        assert percent(plan, plan.start) < 100


def test_progress_agrees_with_certificates_and_with_statistics() -> None:
    """C03 and R02 within 5 points by section and month; R37 within 15 points by project."""
    for plan in section_plans(WORLD).values():
        for period in plan.months:
            certified = Decimal(100 * plan.built_by(period)) / plan.final
            assert abs(percent(plan, period.last_day) - certified) <= 5, (plan.section_code, period)
    for life in lives(WORLD).values():
        own = [p for p in section_plans(WORLD).values() if p.life is life and p.built_by(AT_AS_OF)]
        if own and life.invested_pct and life.commenced and life.commenced <= AS_OF:
            value = sum(p.final for p in own)
            weighted = sum(percent(p, AS_OF) * p.final for p in own) / value
            assert abs(float(weighted) - min(life.invested_pct[2], 100)) <= 15, life.project.project_code


def test_progress_goes_down_twice_and_is_written_otherwise_now_and_then() -> None:
    highest: dict[str, Decimal] = {}
    down = []
    share = text = 0
    rows = timeline("con_progress").rows
    for _, _, row in rows:
        pct = row["physicalPct"]
        if isinstance(pct, str):
            text += 1
            pct = Decimal(pct.removesuffix("%"))
        assert isinstance(pct, Decimal | int)
        code = str(row["sectionCode"])
        if pct < 1 and highest.get(code, Decimal(0)) > 10:
            share += 1
            continue
        if pct < highest.get(code, Decimal(0)):
            down.append((code, row["note"]))
        highest[code] = max(highest.get(code, Decimal(0)), Decimal(pct))
    assert down == [("CT-2022-007-S01", "监理复核后核减"), ("CT-2023-005-S03", None)]
    assert len(rows) * 0.002 <= share <= len(rows) * 0.02
    assert len(rows) * 0.002 <= text <= len(rows) * 0.02
    late = [r for at, _, r in rows if r["sectionCode"] == "CT-2023-002-S02" and at > CUT_OFF]
    assert late[0]["reportDate"] == "2024-09-23"


# --- certificates ------------------------------------------------------------------------------------


def test_certificates_of_the_year_are_the_works_of_the_statistics() -> None:
    """C04: construction and installation by project, less the concrete bought inside the group."""
    found: dict[str, int] = defaultdict(int)
    for cert in certs():
        if cert.period in YEAR:
            found[cert.project_code] += cert.output
    inside: dict[str, int] = defaultdict(int)
    for (code, period), net in bought_inside(WORLD).items():
        if period in YEAR:
            inside[code] += net * 109 // 100
    for code, months in true_months(WORLD).items():
        works_built = sum(
            units * UNIT_CNY * 100
            for month, components in months.items()
            if date(2024, 2, 1) <= month <= date(2024, 9, 1)
            for name, units in components.items()
            if name in BUILT
        )
        assert abs(found[code] + inside[code] - works_built) <= 1000, code
    assert Decimal("33.2e10") < sum(found.values()) < Decimal("36.6e10")


def test_certificates_run_on_from_what_was_built_before() -> None:
    plans, last = section_plans(WORLD), dict[str, Certificate]()
    opening: dict[str, int] = defaultdict(int)
    for cert in certs():
        before = last.get(cert.section_code)
        start = before.cumulative if before else plans[cert.section_code].opening
        assert cert.cumulative == start + cert.output
        assert before is None or int(cert.cert_no) == int(before.cert_no) + 1
        last[cert.section_code] = cert
    for plan in plans.values():
        opening[plan.life.project.project_code] += plan.opening
    for code, life in lives(WORLD).items():
        if life.invested_pct and code in opening:
            units = opening_units(life)
            assert opening[code] == sum(units.get(name, 0) for name in BUILT) * UNIT_CNY * 100


def test_what_is_paid_is_what_falls_due_and_one_certificate_is_not_paid() -> None:
    """R04; several payments may pay one certificate, wages among them."""
    unpaid = [cert for cert in certs() if not cert.payments]
    assert [(c.section_code, c.period) for c in unpaid] == [(UNPAID, Period(2024, 8))]
    for cert in certs():
        assert cert.payable >= cert.wage >= 0
        assert not cert.payments or sum(fen for _, fen, _ in cert.payments) == cert.payable
        assert sum(fen for _, fen, purpose in cert.payments if purpose == "wage") in (cert.wage, 0)
        assert all(day >= cert.approved_at.date() for day, _, _ in cert.payments)
    assert max(len(cert.payments) for cert in certs()) >= 3


def test_one_certificate_of_august_waits_for_its_approval_until_after_the_bulletin() -> None:
    key = ["section_code", "cert_no"]

    def waiting(instant: datetime) -> set[object]:
        rows = state_at(timeline("con_payment_cert"), key, instant)
        return {r["section_code"] for r in rows if r["approved_at"] is None and r["period_month"] == "202408"}

    assert waiting(CUT_OFF) == {APPROVED_LATE}
    assert waiting(LATER) == set()


def test_amounts_do_not_change_after_the_approval() -> None:
    approved: dict[tuple[object, object], Row] = {}
    corrected = 0
    before: dict[tuple[object, object], Row] = {}
    for _, _, row in sorted(timeline("con_payment_cert").rows, key=lambda event: event[0]):
        key = (row["section_code"], row["cert_no"])
        assert key not in approved
        if key in before and before[key]["payable_cny"] != row["payable_cny"]:
            corrected += 1
        before[key] = row
        if row["approved_at"]:
            approved[key] = row
    assert corrected >= 5


# --- the books ---------------------------------------------------------------------------------------


def test_the_books_owe_each_contractor_what_its_certificates_say() -> None:
    """R03 by certificate: payable and retention as booked, and payments under the certificate's number."""
    owed: dict[str, int] = defaultdict(int)
    withheld: dict[str, int] = defaultdict(int)
    paid: dict[str, int] = defaultdict(int)
    parties: dict[str, set[str | None]] = defaultdict(set)
    for _, line in booked():
        if line.doc and line.account in ("220201", "220204"):
            parties[line.doc].add(line.party)
            side = owed if line.account == "220201" else withheld
            side[line.doc] += line.credit
            paid[line.doc] += line.debit
    last = date(2024, 12, 31)
    for cert in certs():
        assert owed[cert.doc] == cert.payable
        assert withheld[cert.doc] == cert.output - cert.payable - cert.advance_deduct
        assert paid[cert.doc] == sum(fen for day, fen, _ in cert.payments if day <= last)
        assert parties[cert.doc] == {cert.section.contractor_party}


def test_every_works_voucher_balances_and_payments_say_what_they_are_for() -> None:
    totals: dict[int, int] = defaultdict(int)
    for voucher, line in booked():
        totals[id(voucher)] += line.debit - line.credit
    assert set(totals.values()) == {0}
    purposes = Counter(line.purpose for _, line in booked() if line.purpose)
    assert set(purposes) == {"wage", "progress_pay", "other"}
    assert purposes["progress_pay"] > purposes["wage"] > 1000


def test_an_advance_is_worked_off_by_the_certificates() -> None:
    for section in sections(WORLD):
        deducted = sum(c.advance_deduct for c in certs() if c.section_code == section.section_code)
        assert deducted <= cert_ledger.advance(section)


@pytest.mark.slow
@pytest.mark.parametrize("world", [World(seed=7), World(scale=2)], ids=["other seed", "scale 2"])
def test_more_volume_is_of_2023_and_every_seed_has_the_told_progress(world: World) -> None:
    plan = section_plans(world)["CT-2022-004-S02"]
    assert abs(percent(plan, AS_OF) - 90) < Decimal("0.05")
    if world.scale > 1:
        more = [c for c in certificates(world) if c.project_code.startswith("CT-2022-1")]
        assert more
        assert all(day.year == 2023 for c in more for day, _, _ in c.payments)
        assert {c.year for c in more} == {2023}
