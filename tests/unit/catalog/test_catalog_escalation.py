"""Escalation policies in rules.yaml: what a rule has of them, and what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from contracts.catalog import Rule
from services.runtime.catalog.check import Checked, check_folder
from tests.unit.catalog.folders import GOOD, english, written

POLICIES = """\
policies:
  - id: standard
    name_vi: Báo cấp trên
    skip_to: 2
    steps:
      - {after: P3D, audience: [{role: owner, of: unit}]}
      - {after: P7D, audience: [{role: lead, of: province}]}
"""
RULES = POLICIES + GOOD["rules.yaml"] + "    policy: standard\n"


def checked(folder: Path, rules: str = RULES) -> Checked:
    written(folder)
    lead = GOOD["people.yaml"] + "  - {id: lead, name: x, email: x@p.example, posts: [{role: lead, unit: p}]}\n"
    (folder / "people.yaml").write_text(lead, encoding="utf-8")
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    return check_folder(folder)


def test_the_policies_of_the_file_belong_to_every_rule(tmp_path: Path) -> None:
    found = checked(tmp_path)
    assert found.errors == ()
    (rule,) = (item for item in found.folder.items if isinstance(item, Rule))
    assert rule.policy == "standard"
    assert [step.after for step in rule.policies[0].steps] == [timedelta(days=3), timedelta(days=7)]
    assert [step.clock for step in rule.policies[0].steps] == ["working", "working"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("policy: standard", "policy: standar", "rules.yaml:16: there is no escalation policy “standar”; write “stan"),
        ("clear: 0.85", "clear: 0.85, policy: none", "rules.yaml:13: there is no escalation policy “none”; write one"),
        ("[{role: owner, of: unit}]", "[]", "rules.yaml:6: “policies.steps.audience” has 0 and needs at least 1"),
        ("P7D", "P3D", "rules.yaml:7: step 2 of “standard” is no later than step 1; sort the steps by “after”"),
        ("after: P3D", "after: -P3D", "rules.yaml:6: “policies.steps.after” cannot be “-3 days"),
        ("skip_to: 2", "skip_to: 3", "rules.yaml:4: “standard” has 2 steps and none of the number 3; write"),
        (
            "role: lead, of: province",
            "role: chief, of: parent",
            "rules.yaml:7: step 2 of “standard” tells “chief” of the unit above, and nobody holds that role there; "
            "name somebody in people.yaml, or correct “role” or “of”",
        ),
        ("  - id: standard\n", "  - {id: standard, name_vi: y, steps: [{after: P1D, audience: [{role: owner}]}]}\n"
         "  - id: standard\n", "rules.yaml:1: the policy “standard” is declared 2 times; give one of them another id"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_with_its_line_and_what_to_write(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in RULES
    errors = [english(problem) for problem in checked(tmp_path, RULES.replace(old, new, 1)).errors]
    assert any(said in each for each in errors), errors


def test_a_mistake_in_a_policy_is_said_once_and_not_again_of_the_rules_that_name_it(tmp_path: Path) -> None:
    said = [str(problem) for problem in checked(tmp_path, RULES.replace("P3D", "3 ngày", 1)).errors]
    assert said == [
        "rules.yaml:6: “policies.steps.after” không thể là “3 ngày”; hãy viết P3D · "
        "“policies.steps.after” cannot be “3 ngày”; write P3D"
    ]


def test_a_policy_that_no_rule_names_may_wait_for_its_people(tmp_path: Path) -> None:
    unnamed = RULES.replace("    policy: standard\n", "").replace("role: lead", "role: chief")
    assert checked(tmp_path, unnamed).errors == ()
