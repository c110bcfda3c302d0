"""A catalog that people keep changing: each change makes a new version, unless a service would refuse it."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from contracts.catalog import CatalogObject, Kpi, OrgUnit, Parent, Succession, Target
from services.runtime.catalog import Catalog
from services.runtime.catalog.check import errors_in
from tests.unit.metrics.builders import CALENDAR, CIVIL, PROVINCE


class Drafts:
    """The objects of a catalog, and the version that was applied last."""

    def __init__(self, objects: Iterable[CatalogObject]) -> None:
        self._objects = _by_key((PROVINCE, CALENDAR, CIVIL, *objects))
        self._known_errors = set(errors_in(self._objects))
        self.catalog = Catalog.of(self._objects.values(), 1, "1-000000000000")

    def targets(self) -> list[Target]:
        """The last version of each target."""
        return [max(self._versions(name), key=lambda one: one.version) for name in sorted({t.id for t in self._all()})]

    def apply(self, *changed: CatalogObject, without: Iterable[CatalogObject] = ()) -> bool:
        """Make a new version with these objects added or replaced and those left out; whether a service takes it."""
        objects = {**self._objects, **_by_key(changed)}
        for gone in without:
            del objects[_key(gone)]
        if set(errors_in(objects)) - self._known_errors:
            return False
        number = self.catalog.number + 1
        self._objects = objects
        self.catalog = Catalog.of(objects.values(), number, f"{number}-000000000000")
        return True

    def change_target(self, target: Target, on: date, **changes: Any) -> bool:
        """In mid-year: the version so far is valid until a day, another one from then on."""
        if target.valid_from is not None and target.valid_from >= on:
            return False
        ended = target.model_copy(update={"valid_to": on})
        begun = {"version": target.version + 1, "valid_from": on, "valid_to": None}
        return self.apply(ended, target.model_copy(update={**begun, **changes}))

    def drop_target(self, target: Target) -> bool:
        """As if it had never been decided."""
        return self.apply(without=self._versions(target.id))

    def move(self, unit: OrgUnit, to: str, on: date) -> bool:
        """Put a unit below another one from a day on."""
        (*former, last) = unit.parents
        if last.unit == to or (last.valid_from is not None and last.valid_from >= on):
            return False
        parents = (*former, last.model_copy(update={"valid_to": on}), Parent(unit=to, valid_from=on))
        return self.apply(unit.model_copy(update={"parents": parents}))

    def merge(self, units: Iterable[OrgUnit], into: str, on: date) -> bool:
        """Units end on a day, and a new one of their level follows them, below the parent of the first."""
        ended = [unit.model_copy(update={"valid_to": on}) for unit in units]
        above = self.catalog.units.parent(ended[0].id, on)
        if above is None:
            return False
        parents = (Parent(unit=above),)
        heir = OrgUnit(id=into, name=into, level=ended[0].level, parents=parents, valid_from=on)
        followed = [Succession(id=f"{one.id}-{into}", from_unit=one.id, to_unit=into, effective=on) for one in ended]
        return self.apply(*ended, heir, *followed)

    def change_kpi(self, kpi: Kpi, **changes: Any) -> bool:
        """Declare something else of a KPI."""
        return self.apply(kpi.model_copy(update=changes))

    def _all(self) -> list[Target]:
        return [one for one in self._objects.values() if isinstance(one, Target)]

    def _versions(self, name: str) -> list[Target]:
        return [one for one in self._all() if one.id == name]


def _key(item: CatalogObject) -> str:
    return f"{item.object_kind}/{item.object_id}"


def _by_key(objects: Iterable[CatalogObject]) -> dict[str, CatalogObject]:
    return {_key(item): item for item in objects}
