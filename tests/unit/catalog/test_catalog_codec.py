"""Objects as records of the catalog topic: what is written, and when a reader switches."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import CatalogObject, Manifest, OrgUnit, Parent, Province
from services.runtime.catalog import codec
from services.runtime.catalog.codec import CatalogAssembler, CatalogRecord, CatalogRefused, CatalogUnreadable

PROVINCE = Province(id="dak-nong", name_vi="Tỉnh Đắk Nông")


def units(*names: str) -> tuple[CatalogObject, ...]:
    return (PROVINCE, *(OrgUnit(id=name, name=f"Xã {name}", level="commune") for name in names))


def apply(assembler: CatalogAssembler, objects: tuple[CatalogObject, ...], floor: int = 0) -> list[CatalogRecord]:
    records = codec.changes("dak-nong", objects, assembler.held, assembler.manifest, floor)
    for record in records:
        assembler.feed(record.key, record.value)
    return list(records)


def test_the_first_apply_writes_every_object_and_the_manifest_last() -> None:
    records = codec.changes("dak-nong", units("a", "b"), {}, None)
    assert [record.key for record in records] == [
        "dak-nong/province/dak-nong",
        "dak-nong/org_unit/a",
        "dak-nong/org_unit/b",
        "dak-nong/catalog/dak-nong",
    ]
    assert records[1].ce_type == "vn.tiendo.catalog.org_unit.v1"
    assert records[-1].ce_type == "vn.tiendo.catalog.catalog.v1"


def test_applying_the_same_again_writes_nothing() -> None:
    assembler = CatalogAssembler("dak-nong")
    assert apply(assembler, units("a"))
    assert apply(assembler, units("a")) == []


def test_only_what_changed_is_written_and_what_is_gone_becomes_a_tombstone() -> None:
    assembler = CatalogAssembler("dak-nong")
    apply(assembler, units("a", "b"))
    records = apply(assembler, units("a", "c"))
    assert [(record.key, record.value is None) for record in records] == [
        ("dak-nong/org_unit/c", False),
        ("dak-nong/org_unit/b", True),
        ("dak-nong/catalog/dak-nong", False),
    ]
    assert assembler.catalog is not None
    assert assembler.catalog.number == 2
    assert [unit.id for unit in assembler.catalog.units] == ["a", "c"]


def test_an_interrupted_apply_leaves_the_old_catalog_standing_and_can_be_finished() -> None:
    assembler = CatalogAssembler("dak-nong")
    apply(assembler, units("a"))
    old = assembler.catalog
    *objects, _manifest = codec.changes("dak-nong", units("b"), assembler.held, assembler.manifest)
    for record in objects:
        assert assembler.feed(record.key, record.value) is None
    assert assembler.catalog is old
    apply(assembler, units("b"))
    assert assembler.catalog is not None
    assert [unit.id for unit in assembler.catalog.units] == ["b"]


def test_the_version_names_the_content_and_the_number_only_rises() -> None:
    first, second = CatalogAssembler("dak-nong"), CatalogAssembler("dak-nong")
    apply(first, units("a"))
    apply(second, units("a"), floor=7)
    assert first.catalog is not None
    assert second.catalog is not None
    assert first.catalog.version.split("-")[1] == second.catalog.version.split("-")[1]
    assert (first.catalog.number, second.catalog.number) == (1, 8)


def test_other_provinces_and_unknown_kinds_are_left_alone() -> None:
    assembler = CatalogAssembler("dak-nong")
    values = codec.encode_all("dak-nong", units("a")) | {"dak-nong/weather/rain": b"{}"}
    manifest = codec.make_manifest("dak-nong", 1, {key: codec.digest_of(value) for key, value in values.items()})
    assembler.feed("lam-dong/org_unit/z", b"not even json")
    for key, value in values.items():
        assembler.feed(key, value)
    assert assembler.feed("dak-nong/catalog/dak-nong", codec.encode(manifest)) is assembler.catalog is not None


def test_a_complete_catalog_that_cannot_be_read_is_said_and_the_old_one_stays() -> None:
    assembler = CatalogAssembler("dak-nong")
    apply(assembler, units("a"))
    old = assembler.catalog
    values = codec.encode_all("dak-nong", units("a")) | {"dak-nong/kpi/k": b'{"id":"k","kind":"oracle"}'}
    digests = {key: codec.digest_of(value) for key, value in values.items()}
    assembler.feed("dak-nong/kpi/k", values["dak-nong/kpi/k"])
    with pytest.raises(CatalogUnreadable, match="dak-nong/kpi/k"):
        assembler.feed("dak-nong/catalog/dak-nong", codec.encode(codec.make_manifest("dak-nong", 2, digests)))
    assert assembler.catalog is old


def a_cycle() -> tuple[CatalogObject, ...]:
    return (
        PROVINCE,
        OrgUnit(id="a", name="Xã A", level="commune", parents=(Parent(unit="b"),)),
        OrgUnit(id="b", name="Xã B", level="commune", parents=(Parent(unit="a"),)),
    )


def test_a_catalog_that_would_make_figures_wrong_is_refused_and_the_old_one_stays_until_it_is_mended() -> None:
    assembler = CatalogAssembler("dak-nong")
    apply(assembler, units("a"))
    old = assembler.catalog
    with pytest.raises(CatalogRefused, match="a cycle: a → b → a; give one of them another parent") as refused:
        apply(assembler, a_cycle())
    assert refused.value.problems[0].file == "dak-nong/org_unit/a"
    assert assembler.catalog is old
    assert assembler.refusal.startswith("dak-nong/org_unit/a: các đơn vị trực thuộc nhau theo vòng: a → b → a; ")
    assert "a cycle: a → b → a; " in assembler.refusal
    apply(assembler, units("a", "b"))
    assert assembler.catalog is not old
    assert assembler.refusal == ""


def test_a_refusal_names_a_few_problems_and_counts_the_others() -> None:
    level = [OrgUnit(id=f"u{number}", name="U", level="commune", parents=(Parent(unit="x"),)) for number in range(5)]
    with pytest.raises(CatalogRefused, match=r"; and 2 more$"):
        apply(CatalogAssembler("dak-nong"), (PROVINCE, *level))


def test_a_manifest_that_is_no_json_is_said() -> None:
    with pytest.raises(CatalogUnreadable, match="catalog/dak-nong"):
        CatalogAssembler("dak-nong").feed("dak-nong/catalog/dak-nong", b"\xff")


@given(st.lists(st.sets(st.sampled_from("abcdef")), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_a_reader_sees_only_catalogs_that_somebody_applied(versions: list[set[str]], chance: random.Random) -> None:
    """Applies are cut short at random places; whatever is switched to is one of the applied sets, whole."""
    assembler = CatalogAssembler("dak-nong")
    for names in versions:
        records = codec.changes("dak-nong", units(*names), assembler.held, assembler.manifest)
        for record in records[: chance.randint(0, len(records))]:
            switched = assembler.feed(record.key, record.value)
            if switched is not None:
                assert {unit.id for unit in switched.units} == names
    apply(assembler, units("a", "b"))
    assert assembler.catalog is not None
    assert [unit.id for unit in assembler.catalog.units] == ["a", "b"]


@given(st.permutations(list(codec.encode_all("dak-nong", units("a", "b", "c")).items())))
def test_the_order_of_the_objects_does_not_matter(items: list[tuple[str, bytes]]) -> None:
    assembler = CatalogAssembler("dak-nong")
    digests = {key: codec.digest_of(value) for key, value in items}
    manifest: Manifest = codec.make_manifest("dak-nong", 1, digests)
    assembler.feed(codec.manifest_key("dak-nong"), codec.encode(manifest))
    assert assembler.missing == 4
    switched = [assembler.feed(key, value) for key, value in items]
    assert all(catalog is None for catalog in switched[:-1])
    assert switched[-1] is not None
    assert switched[-1].version == manifest.version
