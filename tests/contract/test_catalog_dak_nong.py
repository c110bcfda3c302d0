"""The catalog of Đắk Nông is complete, free of errors, and says truly what it says."""

import json
import re
from datetime import date
from pathlib import Path

import pytest

from contracts.catalog import Kpi, Publisher
from services.runtime.catalog import codec, table
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.check import Checked, check_folder
from services.runtime.catalog.files import YAML_FILES, schemas

CATALOGS = Path(__file__).parents[2] / "deploy" / "catalogs"
FOLDER = CATALOGS / "dak-nong"
REPORTS = "urn:tiendo:source:dak-nong:published-reports"
SIMULATED = (
    "document-digitisation",
    "edoc-signed-share",
    "online-files-share",
    "ecommerce-products",
)


@pytest.fixture(scope="module")
def checked() -> Checked:
    return check_folder(FOLDER)


@pytest.fixture(scope="module")
def catalog(checked: Checked) -> Catalog:
    return Catalog.of(checked.folder.items)


def test_it_has_no_errors(checked: Checked) -> None:
    assert [str(problem) for problem in checked.errors] == []


def test_the_units_are_all_there_and_end_with_the_reform(catalog: Catalog) -> None:
    day = date(2023, 6, 30)
    counts = {"province": 1, "department": 19, "district": 8, "commune": 71}
    assert {level: len(catalog.units.of_level(level, day)) for level in counts} == counts
    assert len(catalog.units.descendants("dak-nong", day)) == 98
    assert catalog.units.roots(date(2025, 7, 1)) == ()
    nghia_duc = catalog.units.resolve("24611", day)
    assert nghia_duc is not None
    assert nghia_duc.name == "Phường Nghĩa Đức"


def test_the_kpis_cover_every_pillar_of_the_reports(checked: Checked, catalog: Catalog) -> None:
    assert len(catalog.kpis) >= 40
    pillars = {kpi.pillar for kpi in catalog.kpis.values()}
    assert {
        "institutions", "awareness", "infrastructure", "human_resources", "cybersecurity", "digital_government",
        "digital_economy", "digital_society", "ict_industry", "postal_telecom", "press",
    } <= pillars  # fmt: skip
    assert all(kpi.facts for kpi in catalog.kpis.values() if kpi.id != "document-digitisation")


def test_published_targets_name_their_fact_and_others_say_what_they_are(catalog: Catalog) -> None:
    for target in catalog.targets:
        assert target.facts or target.simulated, target.id
        assert target.note or target.facts, target.id
    published = {target.kpi: target.value for target in catalog.targets if target.facts and not target.natural}
    assert len(published) == 14
    assert published["edoc-signed-share"] == 92


@pytest.mark.parametrize("kpi", SIMULATED)
def test_what_is_simulated_has_a_target_for_every_unit_and_says_so(catalog: Catalog, kpi: str) -> None:
    assert catalog.kpis[kpi].levels == ("commune", "district", "province")
    assert catalog.kpis[kpi].simulated
    day = date(2023, 6, 30)
    for unit in ("dak-nong", *catalog.units.of_level("district", day), *catalog.units.of_level("commune", day)):
        assert [period.id for period in catalog.targets.periods(kpi, unit)] == ["2023"]
        judging = catalog.targets.judging(kpi, unit, "2023", day)
        assert judging is not None
        assert judging.simulated or unit == "dak-nong"


def test_every_unit_and_owner_of_a_target_has_somebody_who_gets_the_mail(catalog: Catalog) -> None:
    day = date(2023, 6, 30)
    for unit in catalog.units:
        for role in ("owner", "manager"):
            assert catalog.people.holding(role, unit.id, day), (role, unit.id)
    assert all(person.email.endswith("dak-nong.example") for person in catalog.people)


def test_every_published_figure_could_be_reported_as_it_stands(catalog: Catalog) -> None:
    facts = list(table.rows((FOLDER / "facts.csv").read_text(encoding="utf-8")))
    assert len(facts) > 80
    publisher = catalog.publishers.by_source(REPORTS)
    assert isinstance(publisher, Publisher)
    for fact in facts:
        kpi = catalog.kpis[fact["kpi"]]
        day = date.fromisoformat(fact["as_of"])
        assert catalog.publishers.may_report(publisher, kpi.id, fact["org_unit"], day)
        assert fact["unit_of_measure"] == kpi.unit_of_measure
        assert fact["fact_id"] in kpi.facts
        assert catalog.units.get(fact["org_unit"])
        assert _has_what_its_kind_asks_for(kpi, fact), fact
        assert len(fact["value"].partition(".")[2]) <= kpi.decimals, fact


def _has_what_its_kind_asks_for(kpi: Kpi, fact: dict[str, str]) -> bool:
    match kpi.kind:
        case "coverage":
            return fact["numerator"] != ""
        case "rank":
            return fact["numerator"] != "" and fact["denominator"] != ""
        case "ratio":
            return fact["value"] != "" or (fact["numerator"] != "" and fact["denominator"] != "")
        case _:
            return fact["value"] != ""


def test_as_of_is_the_last_day_of_the_named_period_in_the_kpis_calendar() -> None:
    facts = {fact["fact_id"]: fact["as_of"] for fact in table.rows((FOLDER / "facts.csv").read_text(encoding="utf-8"))}
    assert facts["dn-000-003"] == "2022-12-14"  # administrative 2022
    assert facts["dn-000-018"] == "2022-12-31"  # a statistic of the civil year
    assert facts["dn-002-021"] == "2022-10-31"  # a named date
    assert facts["dn-001-018"] == "2022-06-14"  # administrative first half


def test_objects_survive_the_wire(checked: Checked) -> None:
    values = codec.encode_all("dak-nong", checked.folder.items)
    assembler = codec.CatalogAssembler("dak-nong")
    manifest = codec.make_manifest("dak-nong", 1, {key: codec.digest_of(value) for key, value in values.items()})
    for key, value in values.items():
        assembler.feed(key, value)
    catalog = assembler.feed(codec.manifest_key("dak-nong"), codec.encode(manifest))
    assert catalog is not None
    sent = {codec.key_of("dak-nong", item): item for item in checked.folder.items}
    for kind in (
        catalog.kpis.values(),
        catalog.units,
        catalog.targets,
        catalog.people,
        catalog.publishers,
        catalog.rules,
    ):
        for item in kind:
            assert sent[codec.key_of("dak-nong", item)] == item


def test_the_committed_schemas_are_those_of_the_code() -> None:
    committed = {
        path.name: json.loads(path.read_text(encoding="utf-8")) for path in (CATALOGS / "schemas").glob("*.json")
    }
    assert committed == schemas()


def test_every_yaml_file_names_its_schema_on_the_first_line() -> None:
    for name in ("catalog", *YAML_FILES):
        first = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
        found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
        assert found, name
        assert (FOLDER / found[1]).is_file()
