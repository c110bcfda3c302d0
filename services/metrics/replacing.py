"""Which definition the records of a KPI were judged by before the one in force, be it by another process.

Known from memory where the catalog changed in this process, else from what is noted of the last judgement of them all.
"""

from collections.abc import Mapping

from services.metrics.annals import Annals
from services.metrics.definition import Definition
from services.metrics.duties import since_any
from services.metrics.memory import Definitions
from services.metrics.replaced import Replaced
from services.metrics.store import Store
from services.runtime.catalog import Catalog
from services.runtime.catalog.rejudging import Comparison, Marks, Touched, touched_by_marks


class Replacing:
    """Asked before anything is judged, at no cost where nothing is replaced."""

    def __init__(self, store: Store, annals: Annals, definitions: Definitions) -> None:
        self._store = store
        self._annals = annals
        self._definitions = definitions
        self._looked_up: set[str] = set()
        self._restored: dict[str, tuple[Definition, Mapping[str, str]]] = {}
        self._between: dict[str, Mapping[str, Mapping[str, str]]] = {}
        self._known: dict[str, tuple[Definition, Replaced]] = {}
        self._comparisons: dict[str, tuple[Catalog, Catalog, Comparison]] = {}
        self._marks: dict[str, tuple[Catalog, Marks]] = {}

    def forget(self) -> None:
        """Somebody else may judge meanwhile."""
        self._looked_up.clear()
        self._restored.clear()
        self._between.clear()
        self._known.clear()

    async def look_up(self, wanted: Mapping[str, Definition | None]) -> None:
        """Find out by which catalog these KPIs were judged last, once since anything was forgotten."""
        new = [key for key in wanted if key not in self._looked_up]
        if not new:
            return
        judged, replaced = await self._store.judged(new), self._definitions.replaced
        for key in new:
            definition, before = wanted[key], judged.get(key)
            if definition is None or before is None or before["catalog"] == definition.catalog.version:
                replaced.pop(key, None)
                continue
            marks = before.get("marks", {})
            if (former := await self._annals.judged_by(key, marks)) is not None:
                replaced[key] = former
                self._restored[key] = former, marks
        self._looked_up.update(new)

    async def note(self, wanted: Mapping[str, Definition | None]) -> None:
        """Before records of these KPIs are judged one by one: note by what, where others stay as another catalog judged
        them. The next one may differ from this one where it does not differ from the former."""
        replaced = self._definitions.replaced
        if not replaced:
            return
        new = {
            key: definition.catalog
            for key, definition in wanted.items()
            if definition is not None
            and key in replaced
            and definition.catalog.version not in self._between.get(key, {})
        }
        if not new:
            return
        judged = await self._store.judged(list(new))
        noted = {}
        for key, catalog in new.items():
            before = judged.get(key)
            known = self._between.get(key, {}) if before is None else before.get("between", {})
            new_here = catalog.version not in known
            self._between[key] = {**known, catalog.version: self._marks_of(catalog).of(key.split("/", 1)[1])}
            self._known.pop(key, None)
            if new_here and before is not None and before["catalog"] != catalog.version:
                noted[key] = {**before, "between": self._between[key]}
        await self._store.mark_judged(noted)

    def settled(self, key: str) -> None:
        """All records of the KPI are judged by the definition in force."""
        self._definitions.replaced.pop(key, None)
        self._restored.pop(key, None)
        self._between.pop(key, None)
        self._known.pop(key, None)

    def of(self, key: str, definition: Definition | None) -> Replaced | None:
        """What this definition replaced; None once all records are judged by it."""
        former = self._definitions.replaced.get(key)
        if former is None or definition is None:
            return None
        known = self._known.get(key)
        if known is None or known[0] is not definition or known[1].former is not former:
            touched = self._touched(key, former, definition)
            others = [marks for one, marks in self._between.get(key, {}).items() if one != definition.catalog.version]
            if others:
                touched = touched.and_all(since_any(others, self._marks_of(definition.catalog).of(definition.kpi_id)))
            known = self._known[key] = definition, Replaced(former, touched, bool(others))
        return known[1]

    def _touched(self, key: str, former: Definition, definition: Definition) -> Touched:
        restored = self._restored.get(key)
        if restored is not None and restored[0] is former:
            return touched_by_marks(restored[1], self._marks_of(definition.catalog).of(definition.kpi_id))
        return self._comparison(former.catalog, definition.catalog).of(definition.kpi_id)

    def _comparison(self, before: Catalog, after: Catalog) -> Comparison:
        known = self._comparisons.get(after.province.id)
        if known is None or known[0] is not before or known[1] is not after:
            known = self._comparisons[after.province.id] = before, after, Comparison(before, after)
        return known[2]

    def _marks_of(self, catalog: Catalog) -> Marks:
        known = self._marks.get(catalog.province.id)
        if known is None or known[0] is not catalog:
            known = self._marks[catalog.province.id] = catalog, Marks(catalog)
        return known[1]
