"""The documents keep up with the code: settings, rejection codes, decision records, links."""

import ast
import re
from pathlib import Path

import pytest

from contracts.statistics import RejectionCode
from docs import generate_settings
from services.gateway.keys import Refusal
from services.gateway.problems import ErrorItem
from services.gateway.rights import Right

ROOT = Path(__file__).parents[3]
RECORDS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def test_the_page_of_settings_is_what_the_models_say() -> None:
    written = generate_settings.PAGE.read_text(encoding="utf-8")
    assert written == generate_settings.page(), "run `python -m docs.generate_settings`"


def test_the_publishers_page_explains_every_rejection_code() -> None:
    text = (ROOT / "docs" / "for-publishers.md").read_text(encoding="utf-8")
    explained = re.findall(r"(?m)^\| `(\w+)` \|", text.split("## Codes")[1].split("\n## ")[0])
    assert sorted(explained) == sorted(RejectionCode)


SAYS_CODE = {"Problem": 1, "SheetRefused": 0, "NotRead": 0, "Unusable": 1, "Mark": 2}
"""What is made of a code, which is its argument at this place."""


def codes_of_the_doors() -> set[str]:
    """The codes that the gateway's answers and its reader of spreadsheets write out."""
    codes = set()
    for folder in ("services/gateway", "services/runtime/sheets"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    at = SAYS_CODE.get(node.func.id)
                    said = [word.value for word in node.keywords if word.arg == "code"]
                    said += [] if at is None else node.args[at : at + 1]
                    codes |= {str(one.value) for one in said if isinstance(one, ast.Constant)}
    return codes


def test_the_pages_of_publishers_and_of_who_acts_name_every_code_and_place_of_an_error() -> None:
    pages = [(ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("for-publishers.md", "acting.md")]
    text = "".join(pages)
    codes = codes_of_the_doors()
    assert {"missing_scope", "media_type", "no_table", "not_yes_or_no", "formula", "hidden_row"} < codes
    named = set(re.findall(r"`(\w+)`", text))
    assert codes - named == {"error"}  # what the framework alone may answer
    assert {*Refusal, *ErrorItem.model_fields} <= named
    assert {right for right in Right if right.startswith("not_")} <= named


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_decision_record_has_all_its_parts_and_stands_in_the_index(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    titles = re.findall(r"(?m)^## (.+)$", text)
    assert titles == ["Context", "Decision", "Rejected", "Consequences", "Look at it again when"]
    assert text.startswith(f"# {record.name[:4]} · ")
    assert f"]({record.name})" in (record.parent / "README.md").read_text(encoding="utf-8")


def test_no_two_decision_records_have_the_same_number() -> None:
    numbers = [int(record.name[:4]) for record in RECORDS]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    text = re.sub(r"(?s)```.*?```", "", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, fragment = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target} leads nowhere"
        if fragment and there.suffix == ".md":
            assert fragment in _anchors(there.read_text(encoding="utf-8")), f"{target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"`((?:contracts|deploy|docs|locks|services|tests)/[\w/.-]+)`", page.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


def _anchors(text: str) -> set[str]:
    """The anchors of headings, as code forges make them."""
    titles = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
