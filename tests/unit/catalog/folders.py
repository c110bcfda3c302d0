"""A small catalog without a mistake, to be broken."""

from dataclasses import replace
from pathlib import Path

from services.runtime.catalog.problems import Problem

GOOD = {
    "catalog.yaml": """\
id: p
name_vi: Tỉnh P
levels:
  - {id: province, name_vi: Tỉnh}
  - {id: district, name_vi: Huyện}
  - {id: commune, name_vi: Xã}
""",
    "org-units.csv": """\
# where the units come from
id,name,level,parent,valid_from,valid_to,external_ids
p,Tỉnh P,province,,,,67
p.d,Huyện D,district,p,,,660
p.a,Xã A,commune,p.d,,,24611
p.b,Xã B,commune,p.d,,2025-07-01,24612
p.c,Xã C,commune,p.d,2025-07-01,,24613
""",
    "successions.csv": """\
from_unit,to_unit,part,weight,effective
p.b,p.c,whole,,2025-07-01
""",
    "calendars.yaml": """\
holidays:
  - {first: 2023-09-01, last: 2023-09-04, name_vi: Quốc khánh}
calendars:
  - id: administrative
    name_vi: Hành chính
    month_starts_on: 15
  - id: civil
    name_vi: Dương lịch
    month_starts_on: 1
""",
    "kpis.yaml": """\
kpis:
  - id: signed
    kind: ratio
    name_vi: Văn bản ký số
    name_en: Signed
    unit_of_measure: percent
    natural_limits: {low: 0, high: 100}
    cadence: week
    levels: [commune, province]
    modes: [absolute, increment]
    pillar: government
  - id: fibre
    kind: coverage
    name_vi: Xã có cáp quang
    name_en: Fibre
    unit_of_measure: percent
    levels: [province]
    rosters:
      - {unit: p, level: commune}
    pillar: infrastructure
  - id: products
    kind: flow
    name_vi: Sản phẩm trên sàn
    name_en: Products
    unit_of_measure: product
    levels: [commune, district, province]
    pillar: economy
  - id: growth
    kind: growth
    name_vi: Tăng trưởng
    name_en: Growth
    unit_of_measure: ratio
    levels: [province]
    growth: {of: products}
    pillar: economy
  - id: score
    kind: composite
    name_vi: Điểm
    name_en: Score
    unit_of_measure: point
    levels: [province]
    composite:
      - {kpi: signed, maximum: 10, rule: steps, steps: [{at_least: 50, points: 5}, {at_least: 90, points: 10}]}
      - {kpi: growth, maximum: 5}
      - {kpi: products, maximum: 5, rule: best_peer}
      - {kpi: fibre, maximum: 5}
    pillar: economy
""",
    "targets.yaml": """\
targets:
  - id: signed.p
    kpi: signed
    unit: p
    value: 92
    baseline: {value: 80, on: 2022-12-15}
    period: 2023
  - id: signed.communes
    kpi: signed
    level: commune
    value: 92
    period: 2023
  - id: products.p
    kpi: products
    unit: p
    value: 200
    period: 2023
    plan:
      curve: milestones
      points:
        - {on: 2023-03-14, value: 40}
        - {on: 2023-09-14, value: 160}
  - id: products.communes
    kpi: products
    level: commune
    value: 100
    period: 2023
  - id: growth.p
    kpi: growth
    unit: p
    value: 1.5
    period: 2023
""",
    "people.yaml": """\
people:
  - id: owner
    name: Đầu mối
    email: dau-moi@p.example
    posts:
      - {role: owner, unit: p}
      - {role: owner, unit: p.a}
      - {role: owner, unit: p.b}
      - {role: owner, unit: p.c}
""",
    "publishers.yaml": """\
publishers:
  - id: edoc
    name_vi: Văn bản
    sources: ["urn:p:edoc"]
    kpis: ["*"]
    units: [p]
    contact: edoc@p.example
""",
    "rules.yaml": """\
rules:
  - id: behind
    name_vi: Chậm
    ladder:
      - {severity: watch, fire: 0.90, clear: 0.95}
      - {severity: behind, fire: 0.80, clear: 0.85}
    audience:
      - {role: owner}
""",
}


def written(folder: Path) -> Path:
    """The folder, with the good catalog in it."""
    for file, text in GOOD.items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def english(problem: Problem) -> str:
    """The place and what is said in English, of a problem that is said in both languages."""
    return str(replace(problem, message=problem.message.rpartition(" · ")[2]))
