"""Every payload has committed examples, and every example is a promise: it must stay readable."""

import json
from pathlib import Path

import pytest

import contracts
from contracts.generate import payloads
from contracts.statistics import StatisticReported

EXAMPLES = Path(contracts.__file__).parent / "examples"
PROMISED = sorted(EXAMPLES.glob("*/*.json"))


def test_every_payload_has_an_example() -> None:
    without = [name for name in payloads() if not list((EXAMPLES / name).glob("*.json"))]
    assert without == []


def test_no_example_belongs_to_no_payload() -> None:
    assert {folder.name for folder in EXAMPLES.iterdir()} - payloads().keys() == set()


@pytest.mark.parametrize("promised", PROMISED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_example_is_read_and_written_back_without_loss(promised: Path) -> None:
    model = payloads()[promised.parent.name]
    said = json.loads(promised.read_text())
    read = model.model_validate_json(promised.read_bytes())
    assert model.model_validate_json(read.model_dump_json()) == read
    unread = said.keys() - type(read).model_fields.keys()
    assert unread == set(), "the example says something that the model does not know"


@pytest.mark.parametrize("promised", PROMISED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_field_from_the_future_does_not_disturb_a_reader(promised: Path) -> None:
    model = payloads()[promised.parent.name]
    said = {**json.loads(promised.read_text()), "a_field_of_next_year": {"deep": [1]}}
    assert model.model_validate(said) == model.model_validate_json(promised.read_bytes())


@pytest.mark.parametrize(("number", "written"), [("0E-999999999", "0"), ("0.00", "0.00"), ("1E+29", "1" + "0" * 29)])
def test_a_number_is_written_without_an_exponent_and_a_zero_without_its_thousand_million_decimals(
    number: str, written: str
) -> None:
    figure = {"province": "dak-nong", "kpi": "k", "org_unit": "67", "as_of": "2023-09-30", "value": number}
    assert json.loads(StatisticReported.model_validate(figure).model_dump_json())["value"] == written
