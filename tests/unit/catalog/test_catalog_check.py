"""Every mistake of a folder is said with file, line and what to write instead, all in one go."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.catalog import Succession
from services.runtime.catalog import Catalog, codec
from services.runtime.catalog.check import Checked, check_folder
from services.runtime.catalog.loader import load_folder
from tests.unit.catalog.folders import GOOD, english, written

A_CONTACT = "contact: edoc@p.example"

Broken = Callable[..., Checked]


@pytest.fixture
def broken(tmp_path: Path) -> Broken:
    """Checks the good folder with one text replaced in one file, or with a file left out (`old` None)."""

    def check(name: str = "", old: str | None = "", new: str = "") -> Checked:
        written(tmp_path)
        if old is None:
            (tmp_path / name).unlink()
        elif name:
            assert old in GOOD[name]
            (tmp_path / name).write_text(GOOD[name].replace(old, new, 1), encoding="utf-8")
        return check_folder(tmp_path)

    return check


def test_the_good_folder_has_neither_errors_nor_warnings(broken: Broken) -> None:
    checked = broken()
    assert [str(problem) for problem in (*checked.errors, *checked.warnings)] == []
    assert len(checked.folder.objects) == 22


MISTAKES = [
    ("kpis.yaml", "cadence: week", "cadense: week", "kpis.yaml:8: unknown key “cadense”; write “cadence” instead"),
    ("kpis.yaml", "kind: ratio", "kind: raio", "kpis.yaml:3: “kind” cannot be “raio”; write “ratio” instead"),
    ("kpis.yaml", "name_en: Signed", "decimals: 0", "kpis.yaml:2: “name_en” is missing; write “name_en: …”"),
    ("kpis.yaml", "levels: [province]", "levels: province", "kpis.yaml:17: “levels” must be a list; write [province]"),
    ("kpis.yaml", "levels: [commune, p", "levels: [comune, p", "there is no level “comune”; write “commune” instead"),
    ("kpis.yaml", "cadence: week", "calendar: adminstrative", "no calendar “adminstrative”; write “administrative”"),
    ("kpis.yaml", "cadence: week", "period: week", "kpis.yaml:8: weeks do not fit into the months of the calendar"),
    ("kpis.yaml", "cadence: week", "period: month\n    cadence: year", "figures due every year cannot fill"),
    ("kpis.yaml", "kind: ratio", "kind: stock", "a stock cannot be reported by increments; write “modes: [absolute]”"),
    ("kpis.yaml", "unit_of_measure: percent", "unit_of_measure: document", "a ratio is in percent"),
    ("kpis.yaml", "{low: 0, high: 100}", "{low: 100, high: 0}", "kpis.yaml:7: the limits 100 to 0 hold nothing"),
    ("kpis.yaml", "kind: coverage", "kind: ratio", "only a coverage has rosters, this is a ratio"),
    ("kpis.yaml", "level: commune}", "size: 0}", "kpis.yaml:19: a roster of nobody has no coverage"),
    ("kpis.yaml", "level: commune}", "level: commune, size: 3}", "either members, or a size, or a level"),
    (
        "kpis.yaml",
        "      - {unit: p, level",
        "      - {unit: p, size: 2}\n      - {unit: p, level",
        "two rosters at once",
    ),
    ("kpis.yaml", "id: fibre", "id: signed", "kpis.yaml:12: “signed” is declared twice (first at kpis.yaml:2)"),
    ("kpis.yaml", "kind: ratio", "kind: growth", "a growth is derived; write “growth: {of: <kpi>}”"),
    (
        "kpis.yaml",
        "kind: ratio",
        "kind: ratio\n    kind: flow",
        "kpis.yaml:4: “kind” stands twice in one entry (first on line 3); keep one of them",
    ),
    ("kpis.yaml", "kpis:\n", "kpis: [\n", "kpis.yaml:1: the “[” opened on this line is not closed"),
    (
        "targets.yaml",
        "kpi: signed\n    unit",
        "kpi: singed\n    unit",
        "targets.yaml:3: there is no KPI “singed”; write “signed”",
    ),
    ("targets.yaml", "unit: p", "unit: p.x", "targets.yaml:4: there is no unit “p.x”"),
    ("targets.yaml", "unit: p\n", "unit: p\n    level: commune\n", "either “unit:” or “level:”"),
    (
        "targets.yaml",
        "period: 2023",
        "period: 2023-Q5",
        "targets.yaml:7: “2023-Q5” is not a period; write 2023, 2023-H1",
    ),
    (
        "targets.yaml",
        "period: 2023",
        "period: 2023\n    deadline: 2023-12-31",
        "targets.yaml:8: the deadline 2023-12-31 is outside",
    ),
    ("targets.yaml", "on: 2022-12-15", "on: 2023-12-20", "is not before the deadline 2023-12-14"),
    ("targets.yaml", "value: 92", "value: 920", "920 is outside the natural limits of “signed” (0 to 100)"),
    (
        "targets.yaml",
        "value: 92",
        'value: 92\n    comparator: "<="',
        '“signed” is to increase; write “comparator: ">="”',
    ),
    ("targets.yaml", "level: commune", "unit: p", "“p” has two targets for “signed” in 2023 that are valid at once"),
    ("targets.yaml", "value: 92\n    base", "comparator: band\n    base", "a band needs both ends"),
    (
        "targets.yaml",
        "period: 2023",
        "period: 2023\n    plan: {curve: seasonal, shares: [1,1,1,1,1,1,1,1,1,1,1,1]}",
        "add up to 12",
    ),
    ("targets.yaml", "period: 2023", "period: 2023\n    plan: {curve: linaer}", "cannot be"),
    (
        "targets.yaml",
        "period: 2023",
        "period: 2023\n    valid_from: 2023-05-01\n    valid_to: 2023-05-01",
        "valid_to 2023-05-01 is not after",
    ),
    (
        "targets.yaml",
        "period: 2023",
        "period: 2023\n    owner_role: onwer",
        "no role held by anybody, “onwer”; write “owner”",
    ),
    ("org-units.csv", "commune,p.d,,,24611", "commune,p.x,,,24611", "org-units.csv:5: there is no unit “p.x”"),
    ("org-units.csv", "district,p,", "district,p.a,", "a cycle: p.d → p.a → p.d; give one of them another parent"),
    ("org-units.csv", "24612", "24611", "the external id “24611” means both “p.a” and “p.b” on some days"),
    (
        "org-units.csv",
        "p.b,Xã B,commune,p.d,,",
        "p.b,Xã B,commune,p.d,2026-01-01,",
        "valid_to 2025-07-01 is not after valid_from",
    ),
    ("org-units.csv", "commune,p.d,,,24611", "commune,p.d;p,,,24611", "“p.a” has two parents at once, p.d and p"),
    ("org-units.csv", "Xã A,commune", "Xã A,comune", "org-units.csv:5: there is no level “comune”; write “commune”"),
    ("org-units.csv", "p.a,Xã A", "p.A,Xã A", "org-units.csv:5: “id” cannot be “p.A”; write at most 80 small letters"),
    ("org-units.csv", "Tỉnh P,", "Tỉnh P,P,", "org-units.csv:3: the row has 8 cells, the head 7"),
    ("org-units.csv", "external_ids\n", "codes\n", "org-units.csv:2: unknown column “codes”"),
    # the dated tree
    (
        "org-units.csv",
        "p.d,Huyện D,district,p,",
        "p.d,Huyện D,district,p[..2024-01-01];p.a[2024-01-01..],",
        "org-units.csv:4: a cycle: p.d → p.a → p.d (from 2024-01-01 on); give one of them another parent",
    ),
    (
        "org-units.csv",
        "commune,p.d,,,24611",
        "commune,p.d[..2024-02-01];p[2024-01-01..],,,24611",
        "org-units.csv:5: “p.a” has two parents at once, p.d and p",
    ),
    # successions
    ("successions.csv", "p.b,", "p.bb,", "successions.csv:2: there is no unit “p.bb”; write “p.b” instead"),
    ("successions.csv", ",p.c,", ",p.x,", "successions.csv:2: there is no unit “p.x”"),
    ("successions.csv", ",p.c,", ",p.b,", "successions.csv:2: a unit cannot follow itself"),
    (
        "successions.csv",
        "2025-07-01",
        "2026-07-01",
        "“p.b” does not exist on 2026-06-30, the day before it is followed; write the day on which it ended as "
        "“effective”, 2025-07-01",
    ),
    (
        "successions.csv",
        "2025-07-01",
        "2025-01-01",
        "“p.c” does not exist on 2025-01-01, the day on which it follows “p.b”",
    ),
    (
        "successions.csv",
        "p.b,p.c",
        "p.a,p.c",
        "successions.csv:2: “p.a” is followed as a whole on 2025-07-01 and goes on; end it with valid_to",
    ),
    ("successions.csv", "whole,,", "part,1.5,", "successions.csv:2: the weight 1.5 is no share"),
    ("successions.csv", "whole,,", "part,0,", "the weight 0 is no share; write a number above 0"),
    ("successions.csv", "whole,,", "whole,0.5,", "a whole with the weight 0.5 is none; write “part”"),
    ("successions.csv", "whole,,", "part,0.5,", "the weights of “p.b” add up to 0.5; they must make 1"),
    ("successions.csv", "whole,,", "part,,", "only a part of “p.b” is followed, and it ends; write who takes the rest"),
    (
        "successions.csv",
        "p.b,p.c,whole,,",
        "p.b,p.a,part,0.7,2025-07-01\np.b,p.c,part,0.4,",
        "successions.csv:3: the weights of “p.b” add up to 1.1; they must make 1",
    ),
    (
        "successions.csv",
        "p.b,p.c,whole,,",
        "p.b,p.a,part,1,2025-07-01\np.b,p.c,part-default,,",
        "the weights of “p.b” add up to 1; nothing is left for “p.c”; write lower ones",
    ),
    (
        "successions.csv",
        "p.b,p.c,whole,,",
        "p.b,p.a,part,0.1,2025-07-01\np.b,p.c,whole,,",
        "“p.b” is followed as a whole and by others too; write “part” and a weight for each",
    ),
    (
        "successions.csv",
        "p.b,p.c,whole,,",
        "p.b,p.a,part-default,,2025-07-01\np.b,p.c,part-default,,",
        "“p.b” has two parts that take the rest; write “part” for one of them",
    ),
    (
        "successions.csv",
        "p.b,p.c,whole,,2025-07-01",
        "p.b,p.c,whole,,2025-07-01\np.b,p.c,whole,,2025-07-01",
        "successions.csv:3: “p.b--p.c” is declared twice (first at successions.csv:2)",
    ),
    # KPIs that lead back to themselves, and scores
    ("kpis.yaml", "{of: products}", "{of: growth}", "“growth” cannot be derived from itself; name another KPI"),
    (
        "kpis.yaml",
        "{of: products}",
        "{of: score}",
        "kpis.yaml:34: “growth” is derived from itself: growth → score → growth; name another KPI in one of them",
    ),
    ("kpis.yaml", "{of: products}", "{of: product}", "there is no KPI “product”; write “products” instead"),
    ("kpis.yaml", "{kpi: growth, m", "{kpi: grow, m", "kpis.yaml:44: there is no KPI “grow”; write “growth” instead"),
    ("kpis.yaml", "{at_least: 90,", "{at_least: 50,", "the steps must rise; sort them by at_least"),
    ("kpis.yaml", "{at_least: 90, points: 10}", "{at_least: 90, points: 11}", "11 points are more than the maximum"),
    ("kpis.yaml", "growth, maximum: 5}", "growth, maximum: 5, rule: steps}", "the rule “steps” needs its table"),
    ("kpis.yaml", "growth, maximum: 5}", "growth, maximum: 0}", "a maximum of 0 points weighs nothing"),
    ("kpis.yaml", "growth, maximum: 5}", "signed, maximum: 5}", "kpis.yaml:44: “signed” brings points twice"),
    ("kpis.yaml", "{at_least: 50, points: 5}", "{at_least: 50, points: -5}", "-5 points would be taken away"),
    ("kpis.yaml", "rule: steps, steps", "rule: ratio, steps", "kpis.yaml:43: the rule “ratio” has no table"),
    ("kpis.yaml", "growth: {of: products}", "growth: {of: score}", "“growth” is derived from itself"),
    (
        "kpis.yaml",
        "    growth: {of: products}",
        "    period: quarter\n    growth: {of: products}",
        "kpis.yaml:34: “products” is accounted for by the year, this growth by the quarter; write “period: year”",
    ),
    (
        "kpis.yaml",
        "    growth: {of: products}",
        "    calendar: civil\n    growth: {of: products}",
        "this growth by “civil”; write “calendar: administrative”",
    ),
    (
        "kpis.yaml",
        "kind: flow\n    name_vi: Sản",
        "kind: rank\n    name_vi: Sản",
        "kpis.yaml:34: a rank divided by an earlier one says nothing",
    ),
    (
        "kpis.yaml",
        "kind: growth",
        "kind: stock",
        "kpis.yaml:34: a stock is no growth of anything; write “kind: growth” or leave it out",
    ),
    (
        "kpis.yaml",
        "unit_of_measure: ratio\n    levels: [province]\n    growth: {of: products}\n    pillar: economy\n"
        "  - id: score",
        "unit_of_measure: ratio\n    direction: decrease\n    levels: [province]\n    growth: {of: products}\n"
        "    pillar: economy\n  - {id: half, kind: composite, name_vi: Nửa, name_en: Half, unit_of_measure: point, "
        "levels: [province], composite: [{kpi: growth, maximum: 1, rule: half}], pillar: economy}\n  - id: score",
        "kpis.yaml:37: half of a goal is no half of the way where less is better; write “rule: steps” for “growth”",
    ),
    (
        "kpis.yaml",
        "unit_of_measure: product",
        "unit_of_measure: product\n    direction: band",
        "kpis.yaml:46: nobody is best at “products”, whose direction is band; write “rule: steps”",
    ),
    ("kpis.yaml", "kind: composite", "kind: stock", "a stock is not scored; write “kind: composite” or leave it out"),
    (
        "kpis.yaml",
        "levels: [province]\n    composite",
        "levels: [commune]\n    composite",
        "kpis.yaml:44: “growth” has no figures of a commune: it is reported from the level province up; take “commune” "
        "out of the levels of “score”",
    ),
    (
        "targets.yaml",
        "kpi: growth",
        "kpi: products",
        "kpis.yaml:44: nothing says how much of “growth” brings all points; declare a target for it",
    ),
    # plans
    ("targets.yaml", "on: 2023-09-14", "on: 2023-03-01", "targets.yaml:20: the plan's dates must rise"),
    (
        "targets.yaml",
        "on: 2023-09-14",
        "on: 2023-03-14",
        "the plan's dates must rise; sort them and write each day once",
    ),
    (
        "targets.yaml",
        "on: 2023-09-14",
        "on: 2024-09-14",
        "targets.yaml:22: 2024-09-14 is after the deadline 2023-12-14",
    ),
    (
        "targets.yaml",
        "on: 2023-03-14",
        "on: 2022-03-14",
        "targets.yaml:21: 2022-03-14 is before the plan begins with the baseline on 2022-12-15",
    ),
    (
        "targets.yaml",
        "on: 2023-09-14",
        "on: 2023-12-14",
        "targets.yaml:22: the plan ends with 160 on the deadline, the target is 200",
    ),
    ("targets.yaml", "curve: milestones", "curve: steps", "cannot be"),
    (
        "targets.yaml",
        "period: 2023",
        "period: 2023\n    plan: {curve: step, points: [{on: 2023-09-14, value: 90}, {on: 2023-03-14, value: 85}]}",
        "targets.yaml:8: the plan's dates must rise",
    ),
    (
        "targets.yaml",
        "period: 2023",
        "period: 2023\n    plan: {curve: step, points: [{on: 2023-09-14, value: 101}]}",
        "101 is outside the natural limits of “signed” (0 to 100)",
    ),
    (
        "targets.yaml",
        "period: 2023",
        "period: 2021-2025\n    plan: {curve: seasonal, shares: [0,0,50,0,0,0,0,0,0,0,0,50]}",
        "a seasonal plan is for one year",
    ),
    (
        "targets.yaml",
        "period: 2023",
        "period: 2023\n    deadline: 2023-06-14\n    plan: {curve: seasonal, shares: [0,0,50,0,0,0,0,0,0,0,0,50]}",
        "2023-12 has a share of 50 and begins after the deadline 2023-06-14; write 0 for it",
    ),
    (
        "people.yaml",
        "dau-moi@p.example",
        "dau-moi",
        "people.yaml:4: “email” cannot be “dau-moi”; write an e-mail address",
    ),
    ("people.yaml", "unit: p.a}", "unit: p.z}", "people.yaml:7: there is no unit “p.z”"),
    ("people.yaml", "unit: p.a}", "unit: p}", "“owner” holds “owner” of “p” twice"),
    ("publishers.yaml", 'kpis: ["*"]', "kpis: [singed]", "publishers.yaml:5: there is no KPI “singed”; write “signed”"),
    ("publishers.yaml", "urn:p:edoc", "edoc", "publishers.yaml:4: “edoc” is no URI"),
    ("publishers.yaml", A_CONTACT, f"{A_CONTACT}\n    principal: tiendo-x", "publishers.yaml:8: “tiendo-x” is no name"),
    (
        "publishers.yaml",
        A_CONTACT,
        f"{A_CONTACT}\n    principal: ANONYMOUS",
        "publishers.yaml:8: “ANONYMOUS” is no name",
    ),
    ("publishers.yaml", A_CONTACT, f'{A_CONTACT}\n    principal: "*"', "publishers.yaml:8: “principal” cannot be “*”"),
    (
        "publishers.yaml",
        A_CONTACT,
        f"{A_CONTACT}\n    principal: so-y-te\n  - {{id: other, name_vi: x, sources: [urn:p:x], kpis: [signed], "
        "units: [p], contact: x@p.example, principal: so-y-te}",
        "publishers.yaml:9: the principal “so-y-te” is that of “edoc” and of “other”, so that the broker cannot tell "
        "them apart; give each its own",
    ),
    (
        "rules.yaml",
        "fire: 0.80, clear: 0.85",
        "fire: 0.80, clear: 0.75",
        "rules.yaml:6: “behind” clears at 0.75, below 0.80",
    ),
    ("rules.yaml", "fire: 0.80, clear: 0.85", "fire: 0.95, clear: 0.96", "not below “watch” (0.90)"),
    ("rules.yaml", "severity: watch", "severity: critical", "the ladder must go watch, behind, critical"),
    (
        "rules.yaml",
        "    audience:\n      - {role: owner}",
        "    pending_for: {observations: 2, settle: PT6H}\n    audience:\n      - {role: owner}",
        "rules.yaml:7: “pending_for” mixes observations, data_span and settle, which count on different clocks; "
        "keep one of them",
    ),
    (
        "rules.yaml",
        "role: owner",
        "role: chief",
        "rules.yaml:8: there is no role held by anybody, “chief”; write one of owner",
    ),
    ("calendars.yaml", "last: 2023-09-04", "last: 2023-08-04", "ends on 2023-08-04, before it begins"),
    (
        "calendars.yaml",
        "month_starts_on: 15",
        "month_starts_on: 31",
        "calendars.yaml:6: “month_starts_on” cannot be “31”",
    ),
    (
        "catalog.yaml",
        "id: p\n",
        "id: p\ntimezone: x\n",
        "catalog.yaml:2: unknown key “timezone”; write “time_zone” instead",
    ),
    (
        "catalog.yaml",
        "id: p\n",
        "id: p\ntime_zone: Asia/Saigon-2\n",
        "catalog.yaml:2: there is no time zone “Asia/Saigon-2”",
    ),
]


@pytest.mark.parametrize(("file", "old", "new", "said"), [pytest.param(*each, id=each[-1][:50]) for each in MISTAKES])
def test_a_mistake_is_said_with_its_line_and_what_to_write(
    broken: Broken, file: str, old: str, new: str, said: str
) -> None:
    said_all = [english(problem) for problem in broken(file, old, new).errors]
    assert any(said in each for each in said_all), said_all


RUINOUS = (
    "a cycle: ",
    "has two parents at once",
    "means both “p.a” and “p.b” on some days",
    "two targets for “signed” in 2023 that are valid at once",
    "two rosters at once",
    "the plan's dates must rise",
    "add up to 12",
    "the weights of “p.b” add up to 0.5",
    "cannot be derived from itself",
    "is derived from itself: growth → score → growth",
)
"""Mistakes that would make figures wrong or never end: also refused by services that run already."""


@pytest.mark.parametrize(("file", "old", "new", "said"), MISTAKES)
def test_each_mistake_is_said_in_vietnamese_first_and_in_english(
    broken: Broken, file: str, old: str, new: str, said: str
) -> None:
    for problem in broken(file, old, new).errors:
        vietnamese, _, english = problem.message.partition(" · ")
        assert LETTERS.search(vietnamese), problem.message
        assert english, problem.message


LETTERS = re.compile("[ăâđêôơưạảãáàậẩẫấầặẳẵắằẹẻẽéèệểễếềịỉĩíìọỏõóòộổỗốồợởỡớờụủũúùựửữứừỵỷỹýỳ]")


@pytest.mark.parametrize("said", RUINOUS)
def test_a_running_service_refuses_the_same_and_keeps_the_catalog_that_it_has(broken: Broken, said: str) -> None:
    assembler = codec.CatalogAssembler("p")
    old = _applied(assembler, broken())
    assert old is not None
    file, wrong, new, _ = next(mistake for mistake in MISTAKES if said in mistake[3])
    ruined = broken(file, wrong, new)
    with pytest.raises(codec.CatalogRefused) as refused:
        _applied(assembler, ruined)
    assert any(said in english(problem) for problem in refused.value.problems)
    assert assembler.catalog is old
    assert assembler.refusal
    assert _applied(assembler, broken()) is not old
    assert assembler.refusal == ""


def _applied(assembler: codec.CatalogAssembler, checked: Checked) -> Catalog | None:
    """What a service has once all that `apply` writes is on the topic."""
    for record in codec.changes("p", checked.folder.items, assembler.held, assembler.manifest):
        assembler.feed(record.key, record.value)
    return assembler.catalog


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("targets.yaml", "value: 80", "value: 92", "equals its baseline (92); it will be judged like “intent: keep”"),
        (
            "targets.yaml",
            "value: 80",
            "value: 95",
            "targets.yaml:6: warning: already met when it was set: the baseline is 95, the target >= 92; it will be "
            "judged like “intent: keep”, look whether one of them is meant otherwise",
        ),
        ("targets.yaml", "period: 2023", "period: 2023\n    simulated: true", "decided by no authority: signed.p"),
        (
            "people.yaml",
            "      - {role: owner, unit: p.a}\n",
            "",
            "nobody is “owner” of p.a; add a post in people.yaml",
        ),
        ("publishers.yaml", 'kpis: ["*"]', "kpis: [signed]", "no publisher may report “fibre”"),
        (
            "publishers.yaml",
            'kpis: ["*"]',
            'kpis: ["*", growth]',
            "“growth” is derived and nobody reports it; take it out of publishers.yaml",
        ),
        (
            "kpis.yaml",
            "name_en: Fibre",
            "name_en: Fibre\n    calendar: civil",
            "“fibre” goes by the calendar “civil”, this score by “administrative”",
        ),
        ("rules.yaml", ", clear: 0.95", "", "clears where it fires (0.90), so it may flap"),
        (
            "org-units.csv",
            "commune,p.d,,,24611",
            "commune,p.d[2022-01-01..],,,24611",
            "org-units.csv:5: warning: “p.a” has no unit above it at first and is in no sum then",
        ),
        (
            "org-units.csv",
            "p.d,Huyện D,district,p,,,660",
            "p.d,Huyện D,district,p,,2026-01-01,660",
            "“p.a” has no unit above it from 2026-01-01 on and is in no sum then",
        ),
        (
            "org-units.csv",
            "p.c,Xã C",
            "p.e,Xã E,commune,p.d,,2025-07-01,24614\np.c,Xã C",
            "“p.e” ends on 2025-07-01 and nobody follows it, so its figures end there",
        ),
        (
            "org-units.csv",
            "p.c,Xã C",
            "p.e,Xã E,commune,p.d,2025-07-01,,24614\np.c,Xã C",
            "“p.e” begins on 2025-07-01 and follows nobody, so it has no history",
        ),
        (
            "successions.csv",
            "p.b,p.c,whole,,",
            "p.b,p.a,part,,2025-07-01\np.b,p.c,part-default,,",
            "nobody states how “p.b” is divided: all goes to “p.c”, and figures carried over are marked as estimated",
        ),
        (
            "successions.csv",
            "p.b,p.c,whole,,",
            "p.b,p.a,part,,2025-07-01\np.b,p.c,part,,",
            "nobody states how “p.b” is divided: each part gets the same",
        ),
        ("successions.csv", "p.b,p.c,whole,,2025-07-01", "p.a,p.c,part,,2025-07-01", "all goes to “p.a”"),
        (
            "targets.yaml",
            "level: commune\n    value: 92",
            "level: commune\n    value: 90",
            "targets.yaml:5: warning: the targets below “p” (2) are 90 at most, its own is 92",
        ),
        (
            "targets.yaml",
            "value: 200",
            "value: 220",
            "targets.yaml:16: warning: the targets below “p” (2) add up to 200, its own is 220",
        ),
        (
            "targets.yaml",
            "  - id: products.p\n",
            "  - {id: products.next, kpi: products, unit: p, value: 190, period: 2024}\n  - id: products.p\n",
            "targets.yaml:13: warning: easier than 2023: 190 after 200; look whether that is meant",
        ),
        (
            "targets.yaml",
            "value: 92\n    baseline: {value: 80, on: 2022-12-15}\n    period: 2023",
            "value: 92\n    baseline: {value: 80, on: 2022-12-15}\n    period: 2023\n    valid_to: 2023-06-01\n"
            "  - {id: signed.p, version: 2, kpi: signed, unit: p, value: 85, period: 2023, valid_from: 2023-06-01}",
            "targets.yaml:9: warning: easier than version 1: 85 after 92",
        ),
        ("targets.yaml", "value: 160", "value: 30", "the plan goes back on its way from the baseline to the target"),
        (
            "targets.yaml",
            "period: 2023",
            "period: 2023\n    valid_from: 2024-01-01",
            "targets.yaml:8: warning: valid from 2024-01-01, after 2023 ends on 2023-12-14, so it never judges",
        ),
        (
            "targets.yaml",
            "period: 2023",
            "period: 2023\n    valid_to: 2022-12-15",
            "targets.yaml:8: warning: no longer valid on 2022-12-15, before 2023 begins on 2022-12-15",
        ),
        (
            "targets.yaml",
            "value: 200\n    period: 2023",
            "value: 200\n    period: 2023\n    intent: keep",
            "targets.yaml:19: warning: “intent: keep” holds one level all through, so that “plan:” has no effect; take "
            "“plan:” out, or write “intent: reach”",
        ),
        (
            "targets.yaml",
            "value: 1.5",
            "value: 1.200",
            "targets.yaml:31: warning: “1.200” is read as 1.2; write 1200 if the point separates thousands, 1.2 if not",
        ),
        (
            "kpis.yaml",
            "level: commune}",
            "members: [p.a, so-y-te]}",
            "kpis.yaml:19: warning: the members so-y-te are no units of the catalog, and count under just these names",
        ),
        (
            "kpis.yaml",
            "level: commune}",
            "members: [p.a, p.b]}",
            "kpis.yaml:19: warning: the member “p.b” is no more from 2025-07-01 on, and counts as not done after; end "
            "the roster with a valid_to of that day",
        ),
        (
            "kpis.yaml",
            "level: commune}",
            "members: [p.a, p.c], valid_from: 2025-01-01}",
            "the member “p.c” exists from 2025-07-01 on only, and counts as not done before",
        ),
        (
            "kpis.yaml",
            "cadence: week",
            "on_track_pace: 95",
            "kpis.yaml:8: warning: 95 means 9500 %; write 0.95 for 95 %",
        ),
        ("rules.yaml", "fire: 0.90, clear: 0.95", "fire: 90, clear: 95", "90 means 9000 %; write 0.9 for 90 %"),
        (
            "targets.yaml",
            "kpi: growth\n    unit: p\n",
            "kpi: growth\n    unit: p.d\n",
            "kpis.yaml:44: warning: “growth” has no target for p, so it never scores there; declare one, or write "
            "“rule: steps”",
        ),
        (
            "kpis.yaml",
            "{at_least: 50, points: 5}, {at_least: 90, points: 10}",
            "{at_least: 50, points: 0}, {at_least: 101, points: 10}",
            "kpis.yaml:43: warning: no value of “signed” brings points by this table; write more than 0 points",
        ),
        (
            "kpis.yaml",
            "      - {kpi: growth, maximum: 5}\n",
            "      - {kpi: growth, maximum: 5}\n      - {kpi: place, maximum: 5, rule: steps, "
            "steps: [{at_least: 1, points: 5}]}\n"
            "    pillar: economy\n  - id: place\n    kind: rank\n    direction: decrease\n    name_vi: Hạng\n"
            "    name_en: Place\n    unit_of_measure: place\n    levels: [commune]\n    pillar: economy\n"
            "  - id: score-2\n    kind: composite\n    name_vi: Điểm 2\n    name_en: Score 2\n"
            "    unit_of_measure: point\n    levels: [province]\n    composite:\n",
            "kpis.yaml:45: warning: “place” has no figures of a province, since it cannot be added up from below, so "
            "it never scores there",
        ),
    ],
)
def test_what_is_only_odd_is_a_warning(broken: Broken, file: str, old: str, new: str, said: str) -> None:
    checked = broken(file, old, new)
    assert checked.errors == ()
    said_all = [english(problem) for problem in checked.warnings]
    assert any(said in each for each in said_all), said_all


def test_a_band_that_holds_its_baseline_already_is_odd_unless_it_is_to_be_kept(broken: Broken, tmp_path: Path) -> None:
    broken()
    kpis = (tmp_path / "kpis.yaml").read_text(encoding="utf-8")
    (tmp_path / "kpis.yaml").write_text(kpis.replace("kind: ratio", "kind: ratio\n    direction: band"), "utf-8")
    band = "targets:\n  - {id: b, kpi: signed, unit: p, comparator: band, low: 70, high: 90, baseline: {value: 80}, "
    growth = "  - {id: growth.p, kpi: growth, unit: p, value: 1.5, period: 2023}"
    for more, odd in (("period: 2023}", 1), ("period: 2023, intent: keep}", 0)):
        (tmp_path / "targets.yaml").write_text(f"{band}{more}\n{growth}\n", encoding="utf-8")
        checked = check_folder(tmp_path)
        assert checked.errors == ()
        said = [
            str(problem) for problem in checked.warnings if "the baseline is 80, the target 70 to 90" in str(problem)
        ]
        assert len(said) == odd


def test_a_unit_may_give_parts_to_another_on_two_days_under_two_ids(broken: Broken) -> None:
    checked = broken(
        "successions.csv",
        "part,weight,effective\np.b,p.c,whole,,2025-07-01",
        "part,weight,effective,id\np.b,p.c,whole,,2025-07-01,\n"
        "p.a,p.c,part,0.1,2026-07-01,\np.a,p.c,part,0.2,2027-07-01,second",
    )
    assert (checked.errors, checked.warnings) == ((), ())


def test_long_unit_ids_make_succession_ids_that_fit_and_differ(broken: Broken, tmp_path: Path) -> None:
    broken()
    tail = "x" * 60
    rows = "".join(f"{head}.{tail},{tail},whole,,2025-07-01\n" for head in "qr")
    (tmp_path / "successions.csv").write_text(f"from_unit,to_unit,part,weight,effective\n{rows}", encoding="utf-8")
    ids = [item.id for item in load_folder(tmp_path).items if isinstance(item, Succession)]
    assert len(set(ids)) == 2
    assert all(len(each) <= 80 for each in ids)


def test_a_target_that_lasts_is_compared_with_nothing_before_it(broken: Broken) -> None:
    checked = broken(
        "targets.yaml",
        "  - id: products.p\n",
        "  - {id: products.long, kpi: products, unit: p, value: 10, period: 2021-2025}\n  - id: products.p\n",
    )
    assert (checked.errors, checked.warnings) == ((), ())


def test_targets_below_may_ask_for_more_of_a_ratio_than_the_one_above(broken: Broken) -> None:
    checked = broken("targets.yaml", "level: commune\n    value: 92", "level: commune\n    value: 95")
    assert (checked.errors, checked.warnings) == ((), ())


def test_a_missing_file_is_one_error_and_not_a_hundred(broken: Broken) -> None:
    (problem,) = broken("org-units.csv", None).errors
    assert english(problem).startswith("org-units.csv: the file is missing; write org-units.csv into ")


def test_a_mistake_in_an_entry_does_not_make_its_name_unknown(broken: Broken) -> None:
    checked = broken("kpis.yaml", "kind: ratio", "kind: raio")
    assert [problem.file for problem in checked.errors] == ["kpis.yaml"]


def test_all_mistakes_come_in_one_go(broken: Broken, tmp_path: Path) -> None:
    broken()
    for file, old, new in (
        ("kpis.yaml", "cadence: week", "cadense: week"),
        ("targets.yaml", "unit: p", "unit: p.x"),
        ("people.yaml", "dau-moi@p.example", "dau-moi"),
    ):
        (tmp_path / file).write_text(GOOD[file].replace(old, new, 1), encoding="utf-8")
    assert [problem.file for problem in check_folder(tmp_path).errors] == ["kpis.yaml", "people.yaml", "targets.yaml"]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path)
    assert "there is no such folder" in str(check_folder(tmp_path).errors[0])


def test_a_province_with_a_dot_in_its_id_has_no_topics_for_single_publishers(tmp_path: Path) -> None:
    for file, text in GOOD.items():
        content = text.replace("id: p\n", "id: p.q\n", 1) if file == "catalog.yaml" else text
        content = content.replace(A_CONTACT, f"{A_CONTACT}\n    principal: so-y-te")
        (tmp_path / file).write_text(content, encoding="utf-8")
    said = [english(problem) for problem in check_folder(tmp_path).errors]
    assert any(one.startswith("publishers.yaml:8: a topic of “edoc” cannot be named") for one in said), said


def test_of_two_targets_that_are_valid_at_once_one_is_refused_and_neither_is_called_easier(broken: Broken) -> None:
    first = "value: 92\n    baseline: {value: 80, on: 2022-12-15}\n    period: 2023"
    second = "  - {id: signed.p, version: 2, kpi: signed, unit: p, value: 85, period: 2023}"
    checked = broken("targets.yaml", first, f"{first}\n{second}")
    assert ["two targets for" in english(problem) for problem in checked.errors] == [True]
    assert not any("easier than" in english(problem) for problem in checked.warnings)
