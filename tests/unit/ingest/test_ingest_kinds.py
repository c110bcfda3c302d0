"""What each kind of KPI asks a figure to bring, and the numbers that cannot be."""

from typing import Any

import pytest

from contracts.catalog import KpiKind
from services.ingest.kinds import KINDS
from tests.unit.ingest.door import codes, figure, observed, problems

WELCOME: list[tuple[str, dict[str, Any]]] = [
    ("signed-share", {"numerator": 913, "denominator": 1000}),
    ("signed-share", {"numerator": 913, "denominator": 1000, "value": 91.3}),
    ("signed-share", {"value": 75.4}),
    ("signed-share", {"value": "75.40"}),
    ("signed-share", {"value": 91.25}),
    ("signed-share", {"numerator": 698, "value": 98}),
    ("signed-share", {"numerator": 0, "denominator": 0}),
    ("ahead-of-plan", {"numerator": 30, "denominator": 20}),
    ("fibre", {"numerator": 2}),
    ("fibre", {"numerator": 2, "denominator": 2, "value": 100}),
    ("fibre", {"members": ["24611", "dak-nong.xa-b"]}),
    ("fibre", {"members": [], "numerator": 0}),
    ("assessed", {"numerator": 20, "value": 74.1}),
    ("assessed", {"numerator": 20, "value": 74.07407407407408}),
    ("plans", {"members": ["so-tttt"]}),
    ("revenue", {"value": 1607294}),
    ("revenue", {"value": -5, "mode": "increment"}),
    ("terminals", {"value": 80}),
    ("speed", {"value": 400.25, "weight": 0.123456789}),
    ("speed", {"value": 400}),
    ("share-gain", {"value": -0.25}),
    ("phones", {"value": 106.6}),
    ("phones", {"numerator": 1066, "denominator": 1000}),
    ("dti", {"rank": 41, "of": 63}),
    ("dti", {"rank": 41}),
    ("open-data", {"done": True, "done_on": "2023-09-01"}),
    ("open-data", {"done": False}),
]


@pytest.mark.parametrize(("kpi", "fields"), WELCOME)
def test_welcome(kpi: str, fields: dict[str, Any]) -> None:
    assert codes(figure(kpi, **fields)) == []


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("signed-share", {}, "schema", "numerator"),
    ("signed-share", {"denominator": 5}, "schema", "numerator"),
    ("signed-share", {"numerator": 1, "denominator": 2, "rank": 3}, "schema", "rank"),
    ("signed-share", {"numerator": 1013, "denominator": 1000}, "numerator_above_denominator", "numerator"),
    ("signed-share", {"numerator": 1, "denominator": 0}, "numerator_above_denominator", "numerator"),
    ("signed-share", {"numerator": -1, "denominator": 10}, "negative", "numerator"),
    ("signed-share", {"value": -1}, "negative", "value"),
    ("signed-share", {"value": 100.1}, "out_of_natural_limits", "value"),
    ("signed-share", {"numerator": 1.25, "denominator": 2}, "schema", "numerator"),
    ("ahead-of-plan", {"numerator": 41, "denominator": 20}, "out_of_natural_limits", "numerator"),
    ("fibre", {"numerator": 3}, "numerator_above_denominator", "numerator"),
    ("fibre", {"numerator": 2, "denominator": 71}, "schema", "denominator"),
    ("fibre", {"members": ["dak-nong.so-tttt"]}, "schema", "members"),
    ("fibre", {"members": ["24611", "dak-nong.xa-a"]}, "schema", "members"),
    ("fibre", {"members": ["24611"], "numerator": 2}, "schema", "numerator"),
    ("fibre", {"value": 50}, "schema", "numerator"),
    ("assessed", {"numerator": 28}, "numerator_above_denominator", "numerator"),
    ("plans", {"members": ["so-y-te"]}, "schema", "members"),
    ("revenue", {"value": -1}, "negative", "value"),
    ("revenue", {"value": 1.125}, "schema", "value"),
    ("revenue", {"numerator": 5}, "schema", "value"),
    ("terminals", {"value": -1}, "negative", "value"),
    ("speed", {"value": 1, "weight": -1}, "negative", "weight"),
    ("share-gain", {"value": -101}, "out_of_natural_limits", "value"),
    ("dti", {"rank": 64}, "out_of_natural_limits", "rank"),
    ("dti", {"rank": 41, "of": 40}, "numerator_above_denominator", "rank"),
    ("open-data", {"done": False, "done_on": "2023-09-01"}, "schema", "done_on"),
    ("open-data", {"done": True, "done_on": "2023-10-01"}, "schema", "done_on"),
    ("open-data", {"value": 1}, "schema", "done"),
    ("growth-of-revenue", {"value": 1.5}, "schema", "kpi"),
]


@pytest.mark.parametrize(("kpi", "fields", "code", "field"), REFUSED)
def test_refused(kpi: str, fields: dict[str, Any], code: str, field: str) -> None:
    found = problems(figure(kpi, **fields))
    assert (found[0].code, found[0].field) == (code, field)


def test_every_kind_of_the_catalog_has_its_row() -> None:
    assert set(KINDS) == set(KpiKind.__args__)  # type: ignore[attr-defined]


def test_members_are_recorded_by_their_ids() -> None:
    assert observed(figure("fibre", members=["24612", "24611"]))["members"] == ["dak-nong.xa-a", "dak-nong.xa-b"]
    assert observed(figure("plans", members=["so-tttt"]))["members"] == ["so-tttt"]


def test_a_number_above_its_whole_is_told_as_people_write_numbers() -> None:
    (found,) = problems(figure("signed-share", numerator=1013, denominator=1000))
    assert found.message_vi == "Tử số 1.013 lớn hơn mẫu số 1.000: hãy kiểm tra lại hai số."
    assert found.message_en == "The numerator 1,013 is above the denominator 1,000: check both figures."
    assert found.value == "1013"
