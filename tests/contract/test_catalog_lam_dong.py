"""The catalog of Lâm Đồng shows the reform of 1 July 2025 on real units, beside the catalog of Đắk Nông."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import get_args

import pytest

from contracts.catalog import KpiKind, OrgUnit
from services.runtime.catalog import codec
from services.runtime.catalog.carrying import carry
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.check import Checked, check_folder
from services.runtime.catalog.files import YAML_FILES
from services.runtime.catalog.portable import Amount, AnyFigure, Counted, figure_of
from services.runtime.catalog.tenancy import refuse_claimed

CATALOGS = Path(__file__).parents[2] / "deploy" / "catalogs"
FOLDER = CATALOGS / "lam-dong"
REFORM = date(2025, 7, 1)
EVE = REFORM - timedelta(days=1)


@pytest.fixture(scope="module")
def checked() -> Checked:
    return check_folder(FOLDER)


@pytest.fixture(scope="module")
def catalog(checked: Checked) -> Catalog:
    return Catalog.of(checked.folder.items)


def test_it_has_no_errors_and_warns_only_of_what_is_simulated(checked: Checked) -> None:
    assert [str(problem) for problem in checked.errors] == []
    (warning,) = checked.warnings
    assert "simulated, decided by no authority" in warning.message


def test_one_province_ends_where_the_other_begins(catalog: Catalog) -> None:
    before = {level: len(catalog.units.of_level(level, EVE)) for level in ("province", "district", "commune")}
    after = {level: len(catalog.units.of_level(level, REFORM)) for level in ("province", "district", "commune")}
    assert before == {"province": 1, "district": 8, "commune": 71}
    assert after == {"province": 1, "district": 0, "commune": 28}
    assert catalog.units.roots(EVE) == ("lam-dong.dak-nong",)
    assert catalog.units.roots(REFORM) == ("lam-dong",)
    assert len(catalog.units.descendants("lam-dong.dak-nong", EVE, "commune")) == 71
    assert len(catalog.units.children("lam-dong", REFORM)) == 28


def test_a_national_code_means_another_unit_after_the_reform(catalog: Catalog) -> None:
    names = [unit.name for day in (EVE, REFORM) if (unit := catalog.units.resolve("24611", day)) is not None]
    assert names == ["Phường Nghĩa Đức", "Phường Bắc Gia Nghĩa"]


def test_every_commune_goes_somewhere_whole_and_every_new_one_comes_from_somewhere(catalog: Catalog) -> None:
    heirs = set()
    for commune in catalog.units.of_level("commune", EVE):
        (share,) = catalog.lineage.onto(commune, EVE, REFORM)
        assert share.weight == 1
        heirs.add(share.unit)
    assert heirs == set(catalog.units.of_level("commune", REFORM))
    came_from = [unit for heir in heirs for unit in catalog.lineage.origins(heir, EVE, REFORM)]
    assert sorted(came_from) == sorted(catalog.units.of_level("commune", EVE))


def carried_to_today(catalog: Catalog, figures: Mapping[str, AnyFigure]) -> dict[str, AnyFigure]:
    """As it is now; it is checked on the way that the view can be undone."""
    carried = carry(figures, catalog.units, catalog.lineage, since=EVE, on=REFORM)
    assert carried.undo() == figures
    assert not carried.missing
    assert not carried.estimated
    return dict(carried.figures)


def test_the_figures_of_71_communes_make_those_of_28_and_the_same_province(catalog: Catalog) -> None:
    communes = catalog.units.of_level("commune", EVE)
    signed = {unit: figure_of("ratio", numerator=10 + n, denominator=90 + n) for n, unit in enumerate(communes)}
    now = carried_to_today(catalog, signed)
    assert set(now) == set(catalog.units.of_level("commune", REFORM))
    assert sum(each.numerator for each in now.values() if isinstance(each, Counted)) == sum(range(10, 81))
    assert sum(each.denominator for each in now.values() if isinstance(each, Counted)) == sum(range(90, 161))
    bac_gia_nghia = catalog.lineage.origins("lam-dong.phuong-bac-gia-nghia", EVE, REFORM)
    assert len(bac_gia_nghia) == 4
    products = {unit: figure_of("stock", value=28) for unit in communes}
    assert carried_to_today(catalog, products)["lam-dong.phuong-bac-gia-nghia"] == Amount(Fraction(4 * 28))


def test_what_cannot_be_carried_over_says_why(catalog: Catalog) -> None:
    figures = {
        "lam-dong.dak-nong": figure_of("rank", value=41),
        "lam-dong.dak-nong.huyen-dak-mil": figure_of("ratio", numerator=913, denominator=1000),
        "lam-dong.dak-nong.gia-nghia.phuong-nghia-duc": figure_of("ratio", value=91),
    }
    carried = carry(figures, catalog.units, catalog.lineage, since=EVE, on=REFORM)
    assert carried.figures == {}
    assert {unit.rpartition(".")[2]: left.reason.code for unit, left in carried.left.items()} == {
        "dak-nong": "rank_stands_alone",
        "huyen-dak-mil": "no_successor",
        "phuong-nghia-duc": "no_parts",
    }
    assert carried.undo() == figures


def test_three_communes_kept_their_bounds_and_can_be_looked_back_at(catalog: Catalog) -> None:
    communes = catalog.units.of_level("commune", REFORM)
    now = {unit: figure_of("flow", value=10) for unit in communes}
    back = carry(now, catalog.units, catalog.lineage, since=REFORM, on=EVE)
    assert sorted(unit.rpartition(".")[2] for unit in back.figures) == ["xa-quang-hoa", "xa-quang-son", "xa-quang-truc"]
    assert {left.reason.code for left in back.left.values()} == {"merged_with_others"}
    assert len(back.left) == 25


def test_targets_span_the_reform(catalog: Catalog) -> None:
    old, new = catalog.units.of_level("commune", EVE)[0], catalog.units.of_level("commune", REFORM)[0]
    for unit, day in ((old, EVE), (new, REFORM)):
        judging = catalog.targets.judging("edoc-signed-share", unit, "2021-2025", day)
        assert judging is not None
        assert judging.value == 100
    versions = catalog.targets.versions("edoc-signed-share", new, "2025")
    assert [f"v{target.version}: {target.value}" for target in versions] == ["v1: 96", "v2: 98"]
    assert catalog.targets.judging("edoc-signed-share", "lam-dong", "2021-2025", EVE) is None
    assert catalog.targets.judging("edoc-signed-share", "lam-dong.dak-nong", "2021-2025", REFORM) is None


def test_every_kind_of_kpi_is_there_and_every_plan_curve(catalog: Catalog) -> None:
    assert {kpi.kind for kpi in catalog.kpis.values()} == set(get_args(KpiKind))
    curves = {target.plan.curve for target in catalog.targets if target.plan is not None}
    assert curves == {"milestones", "seasonal", "step"}
    assert {kpi.calendar for kpi in catalog.kpis.values()} == {"administrative", "calendar"}
    assert all(target.simulated for target in catalog.targets)


def test_every_unit_has_somebody_who_gets_the_mail_while_it_exists(catalog: Catalog) -> None:
    for unit in catalog.units:
        day = EVE if unit.valid_to == REFORM else REFORM
        for role in ("owner", "manager"):
            assert catalog.people.holding(role, unit.id, day), (role, unit.id)
    assert all(person.email.endswith("lam-dong.example") for person in catalog.people)


def test_publishers_may_report_for_the_units_of_the_day(catalog: Catalog) -> None:
    publisher = catalog.publishers.by_source("urn:tiendo:source:lam-dong:edoc")
    assert publisher is not None
    for day in (EVE, REFORM):
        for commune in catalog.units.of_level("commune", day):
            assert catalog.publishers.may_report(publisher, "edoc-signed-share", commune, day)


def test_both_catalogs_can_be_applied_to_one_system(checked: Checked) -> None:
    def unit_ids(each: Checked) -> set[str]:
        return {item.id for item in each.folder.items if isinstance(item, OrgUnit)}

    dak_nong = check_folder(CATALOGS / "dak-nong")
    refuse_claimed("lam-dong", unit_ids(checked), {"dak-nong": unit_ids(dak_nong)})
    assert len(unit_ids(checked)) == 109


@pytest.mark.parametrize("province", ["dak-nong", "lam-dong"])
def test_a_service_takes_it_from_the_wire(province: str) -> None:
    values = codec.encode_all(province, check_folder(CATALOGS / province).folder.items)
    assembler = codec.CatalogAssembler(province)
    for key, value in values.items():
        assembler.feed(key, value)
    digests = {key: codec.digest_of(value) for key, value in values.items()}
    assert assembler.feed(codec.manifest_key(province), codec.encode(codec.make_manifest(province, 1, digests)))
    assert all(unit.startswith(province) for unit in assembler.unit_ids)


def test_every_yaml_file_names_its_schema_on_the_first_line() -> None:
    for name in ("catalog", *YAML_FILES):
        first = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
        found = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
        assert found, name
        assert (FOLDER / found[1]).is_file()
