"""What an apply would change, in words."""

from decimal import Decimal

from contracts.catalog import CatalogObject, OrgUnit, Target
from services.runtime.catalog import codec
from services.runtime.catalog.difference import Change, differences, rejudged


def values(*objects: CatalogObject) -> dict[str, bytes]:
    return codec.encode_all("p", objects)


def a_target(value: int) -> Target:
    return Target(id="signed.p", kpi="signed", unit="p", value=Decimal(value), period="2023")


def test_a_changed_field_is_said_with_its_old_and_new_value() -> None:
    before, after = values(a_target(92)), values(a_target(90))
    changes = differences(before, after)
    assert changes == [Change("changed", "target", "signed.p.v1", ("value: 92 → 90",))]
    assert rejudged(changes, after, before) == ("signed",)


def test_a_target_that_is_gone_has_its_kpi_judged_anew() -> None:
    before: dict[str, bytes] = values(a_target(92))
    changes = differences(before, {})
    assert [(change.what, change.id) for change in changes] == [("removed", "signed.p.v1")]
    assert rejudged(changes, {}, before) == ("signed",)


def test_a_new_unit_concerns_every_kpi() -> None:
    after = values(OrgUnit(id="x", name="Xã X", level="commune"))
    assert rejudged(differences({}, after), after, {}) == ("*",)


def test_nothing_changed_is_nothing() -> None:
    assert differences(values(a_target(92)), values(a_target(92))) == []
