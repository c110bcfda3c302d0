"""`tiendo rules routes` and `tiendo rules check`: who would be told, why, and whether it is who was meant."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.commands import app
from services.runtime.errors import StartError
from tests.unit.catalog.folders import written

PEOPLE = """\
people:
  - {id: owner, name: Đầu mối, email: dau-moi@p.example, posts: [{role: owner, unit: p.a}]}
  - {id: chief, name: Chủ tịch, email: chu-tich@p.example, posts: [{role: manager, unit: p}]}
  - id: former
    name: Người cũ
    email: cu@p.example
    posts: [{role: manager, unit: p.d, valid_to: 2023-07-01}]
"""
RULES = """\
rules:
  - id: behind
    name_vi: Chậm
    name_en: Behind
    ladder:
      - {severity: watch, fire: 0.90, clear: 0.95}
      - {severity: behind, fire: 0.80, clear: 0.85}
    audience:
      - {role: owner}
      - {role: manager, of: parent}
  - id: top
    name_vi: Báo lãnh đạo
    selector: {kpis: [signed]}
    ladder: [{severity: behind, fire: 0.70, clear: 0.75}]
    audience: [{role: manager, of: parent}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written(tmp_path)
    (tmp_path / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "rules.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path


def routes(folder: Path, *more: str, severity: str = "behind", at: str = "2023-06-01") -> Result:
    unit = [] if "--org" in more else ["--org", "p.a"]
    asked = ["--catalog", str(folder), "--kpi", "signed", "--severity", severity, "--at", at]
    return CliRunner().invoke(app, ["rules", "routes", *asked, *unit, *more])


def test_it_says_who_is_told_as_what_and_by_which_entry(folder: Path) -> None:
    said = routes(folder).stdout
    assert "Đầu mối <dau-moi@p.example> (owner): dòng 1 của audience: owner của chính đơn vị" in said
    assert "audience entry 1: owner of the unit itself" in said
    assert "Người cũ <cu@p.example> (former): dòng 2 của audience: manager của đơn vị cấp trên trực tiếp" in said
    assert "dưới 0,80" in said
    assert "below a pace of 0.80" in said


def test_a_post_that_is_vacant_on_that_day_is_named(folder: Path) -> None:
    said = routes(folder, at="2023-09-05T20:00").stdout
    assert "khuyết manager của p.d · vacant: manager of p.d" in said
    behind, _ = said.split("- top ")
    assert "cu@p.example" not in said
    assert "chu-tich@p.example" not in behind


def test_where_every_post_is_vacant_it_says_that_the_units_above_are_told(folder: Path) -> None:
    _, top = routes(folder, at="2023-09-05").stdout.split("- top ")
    assert "Chủ tịch <chu-tich@p.example> (chief): mọi chức vụ được nêu đều trống" in top
    assert "so the units above are told" in top


def test_a_rule_without_the_severity_tells_nobody_of_it(folder: Path) -> None:
    said = routes(folder, severity="watch").stdout
    assert "- top (“Báo lãnh đạo” · “Báo lãnh đạo”): không có mức cần theo dõi · has no severity watch" in said


def test_it_says_who_is_told_when_it_climbs_and_nobody_twice(folder: Path) -> None:
    climbs = """\
policies:
  - id: up
    name_vi: Báo cấp trên
    steps:
      - {after: PT4H, audience: [{role: manager, of: parent}]}
      - {after: P3D, clock: calendar, audience: [{role: manager, of: province}]}
      - {after: P7DT2H, clock: calendar, audience: [{role: manager, of: parent}, {role: manager, of: province}]}
"""
    rules = climbs + RULES.replace("    name_en: Behind\n", "    policy: up\n")
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    behind, _ = routes(folder, at="2023-09-05").stdout.split("- top ")
    assert [line.strip() for line in behind.splitlines()[-6:]] == [
        "nếu sau 4 giờ làm việc vẫn chậm · if it is still behind after 4 hours of working time:",
        "khuyết manager của p.d · vacant: manager of p.d",
        "nếu sau 3 ngày vẫn chậm · if it is still behind after 3 days of the calendar:",
        "Chủ tịch <chu-tich@p.example> (chief): manager p",
        "nếu sau 7 ngày 2 giờ vẫn chậm · if it is still behind after 7 days 2 hours of the calendar:",
        "khuyết manager của p.d · vacant: manager of p.d",
    ]


def test_those_who_are_told_can_be_held_against_those_who_are_meant(folder: Path) -> None:
    met = routes(folder, "--verify", "dau-moi@p.example", "--verify", "former")
    assert met.exit_code == 0
    missed = routes(folder, "--verify", "owner", "--verify", "chief")
    assert missed.exit_code == 1
    assert "không được báo: chief · is not told: chief" in missed.stderr
    assert "cũng được báo: former · is told as well: former" in missed.stderr


def test_a_unit_that_is_not_there_on_the_day_is_refused_with_the_day_on_which_it_changes(folder: Path) -> None:
    refused = routes(folder, "--org", "p.c")
    assert isinstance(refused.exception, StartError)
    assert "there is no unit “p.c” on 2023-06-01 (it changes on 2025-07-01)" in str(refused.exception)


def test_an_unknown_unit_is_refused_with_what_looks_like_it(folder: Path) -> None:
    assert "write “p.a” instead" in str(routes(folder, "--org", "p.aa").exception)


def test_check_names_the_mistakes_of_rules_and_only_counts_the_others(folder: Path) -> None:
    (folder / "rules.yaml").write_text(RULES.replace("clear: 0.75", "clear: 0.65"), encoding="utf-8")
    targets = (folder / "targets.yaml").read_text(encoding="utf-8")
    (folder / "targets.yaml").write_text(targets.replace("kpi: growth", "kpi: growing"), encoding="utf-8")
    checked = CliRunner().invoke(app, ["rules", "check", "--catalog", str(folder)])
    assert checked.exit_code == 1
    assert "rules.yaml:14: error: mức “behind” hết báo ở 0.65, thấp hơn ngưỡng báo 0.70" in checked.stderr
    assert "“behind” clears at 0.65, below 0.70 where it fires" in checked.stderr
    assert "growing" not in checked.output
    assert "errors in other files: 2" in checked.stderr


POLICY = """\
policies:
  - id: up
    name_vi: Báo cấp trên
    steps:
      - {after: P3D, audience: [{role: manager, of: parent}]}
"""


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("rules", "kpis: [signed]", "kpis: [sined]", "rules.yaml:18: there is no KPI “sined”; write “signed”"),
        ("rules", "clear: 0.75", "clear: 0.65", "rules.yaml:19: “behind” clears at 0.65, below 0.70 where it"),
        (
            "rules",
            "[{role: manager, of: parent}]}",
            "[]}",
            "rules.yaml:5: “policies.steps.audience” có 0 phần, cần ít nhất 1",
        ),
        (
            "rules",
            "role: owner",
            "role: onwer",
            "rules.yaml:14: there is no role held by anybody, “onwer”; write",
        ),
        (
            "rules",
            "[signed]}",
            "[signed]}\n    policy: upp",
            "rules.yaml:19: there is no escalation policy “upp”; write “up”",
        ),
        ("people", "cu@p.example", "cu.p.example", "people.yaml:6: “email” không thể là “cu.p.example”"),
        (
            "people",
            "posts: [{role: manager, unit: p}]",
            "posts: []",
            "people.yaml:3: “chief” không giữ chức vụ nào",
        ),
    ],
)
def test_check_says_file_line_and_remedy_of_each_mistake(
    folder: Path, name: str, old: str, new: str, said: str
) -> None:
    (folder / "rules.yaml").write_text(POLICY + RULES, encoding="utf-8")
    file = folder / f"{name}.yaml"
    before = file.read_text(encoding="utf-8")
    assert old in before
    file.write_text(before.replace(old, new, 1), encoding="utf-8")
    checked = CliRunner().invoke(app, ["rules", "check", "--catalog", str(folder)])
    assert checked.exit_code == 1
    place, words = said.split(": ", 1)
    (line,) = (one for one in checked.stderr.splitlines() if one.startswith(f"{folder}/{place}: error: "))
    assert words in line


def test_check_of_good_rules_counts_them(folder: Path) -> None:
    checked = CliRunner().invoke(app, ["rules", "check", "--catalog", str(folder)])
    assert checked.exit_code == 0
    assert "2 quy tắc, không có lỗi · 2 rules, no errors" in checked.stdout
