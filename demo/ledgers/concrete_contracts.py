"""Supply contracts of the concrete plants: who buys, for which site, at what price.

Belongs here: the contracts that tickets and the general ledger share. Keep out: tickets
(``concrete_tickets``) and what the plant system shows.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from demo.seed_files import seed_rows
from demo.world import HISTORY_END, HISTORY_START, World, random_usci

SELLER = "YWCT-03"
_OTHER_SITES = 58
_TOWNS = (
    "稠城",
    "江东",
    "稠江",
    "北苑",
    "后宅",
    "城西",
    "廿三里",
    "福田",
    "佛堂",
    "赤岸",
    "义亭",
    "上溪",
    "苏溪",
    "大陈",
)
_KINDS = (
    "安置小区",
    "标准厂房",
    "小学扩建",
    "道路改造",
    "商住地块",
    "幼儿园",
    "污水管网",
    "村集体厂房",
    "卫生院",
    "公交场站",
)
_NAMES = (
    "宏远",
    "中誉",
    "浩达",
    "瑞丰",
    "金盾",
    "万基",
    "鸿业",
    "恒昌",
    "正大",
    "博川",
    "建安",
    "新城",
    "东阳",
    "三建",
    "八咏",
    "金东",
)


@dataclass(frozen=True, slots=True)
class Contract:
    """A supply contract. `base_price` is fen per m3 of C30 including 3% VAT (simple method).

    `weight` is its share of the deliveries while it runs. `group_org` is the buyer's code where the
    buyer is a company of the group; a contractor on a project of the group is an outside customer.
    """

    contract_no: str
    customer_code: str
    customer_usci: str
    customer_name: str
    group_org: str | None
    site_name: str
    project_code: str | None
    sign_date: date
    first_day: date
    last_day: date
    price_rule: str
    base_price: int
    weight: int

    def runs_on(self, day: date) -> bool:
        """Whether the site takes concrete on ``day``."""
        return self.first_day <= day <= self.last_day


def _invented(rng: random.Random) -> list[dict[str, str]]:
    """Rows of the sites nobody names: one per town and kind, with a contractor of its own."""
    sites = rng.sample([(t, k) for t in _TOWNS for k in _KINDS], _OTHER_SITES)
    rows = []
    for number, (town, kind) in enumerate(sites):
        start = HISTORY_START + timedelta(days=rng.randint(-200, 600))
        name = f"浙江{rng.choice(_NAMES)}{rng.choice(_NAMES)}建设有限公司"
        rows.append(
            {
                "site_name": f"{town}街道{kind}工程" if town in _TOWNS[:8] else f"{town}镇{kind}工程",
                "customer_name": name,
                "customer_code": f"KH1{number + 1:03d}",
                "group_org": "",
                "project_code": "",
                "first_day": max(start, HISTORY_START).isoformat(),
                "last_day": min(start + timedelta(days=rng.randint(260, 560)), HISTORY_END).isoformat(),
                "weight": str(rng.randint(4, 30)),
            }
        )
    return [row for row in rows if row["first_day"] < row["last_day"]]


def contracts(world: World) -> tuple[Contract, ...]:
    """All contracts, named sites first; some run at any time between 2023-01-01 and 2024-12-31."""
    rng = world.rng("con_cc_contract")
    usci: dict[str, str] = {org.org_code: org.usci for org in world.orgs}
    names = {org.org_code: org.org_name for org in world.orgs}
    found = []
    for number, row in enumerate(seed_rows("con_cc_sites") + _invented(rng)):
        group, first = row["group_org"] or None, date.fromisoformat(row["first_day"])
        outside = usci.setdefault(row["customer_code"], random_usci(rng))
        found.append(
            Contract(
                contract_no=f"JK-HT-{first.year}-{number + 1:03d}",
                customer_code=f"GS-{group}" if group else row["customer_code"],
                customer_usci=usci[group] if group else outside,
                customer_name=names[group] if group else row["customer_name"],
                group_org=group,
                site_name=row["site_name"],
                project_code=row["project_code"] or None,
                sign_date=first - timedelta(days=rng.randint(8, 40)),
                first_day=first,
                last_day=date.fromisoformat(row["last_day"]),
                price_rule=rng.choice(("fixed", "信息价下浮 3%", "信息价下浮 5%", "信息价下浮 6.5%")),
                base_price=rng.randint(322, 366) * 100,
                weight=int(row["weight"]),
            )
        )
    return tuple(found)
