"""The files of a catalog folder: their names, their shapes, and the JSON Schemas by which editors complete them."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import Field

from contracts.base import WireModel
from contracts.catalog import (
    CalendarSpec,
    CatalogObject,
    EscalationPolicy,
    Holiday,
    Kpi,
    OrgUnit,
    Person,
    Province,
    Publisher,
    Rule,
    Succession,
    Target,
)


class FileNames(WireModel):
    """Which file of the folder holds what."""

    org_units: str = "org-units.csv"
    successions: str = "successions.csv"
    kpis: str = "kpis.yaml"
    targets: str = "targets.yaml"
    calendars: str = "calendars.yaml"
    people: str = "people.yaml"
    publishers: str = "publishers.yaml"
    rules: str = "rules.yaml"


class CatalogFile(Province):
    """catalog.yaml: the province itself."""

    files: FileNames = Field(default=FileNames(), description="Only where they are called something else.")


class KpisFile(WireModel):
    """kpis.yaml: what is measured."""

    kpis: tuple[Kpi, ...]


class TargetsFile(WireModel):
    """targets.yaml: what is to be reached, by whom, until when."""

    targets: tuple[Target, ...]


class CalendarsFile(WireModel):
    """calendars.yaml: holidays and days worked in exchange belong to every calendar of the file."""

    holidays: tuple[Holiday, ...] = ()
    extra_working_days: tuple[date, ...] = ()
    calendars: tuple[CalendarSpec, ...]


class PeopleFile(WireModel):
    """people.yaml: who holds which role where."""

    people: tuple[Person, ...]


class PublishersFile(WireModel):
    """publishers.yaml: who may report what."""

    publishers: tuple[Publisher, ...]


class RulesFile(WireModel):
    """rules.yaml: when to alert, and whom. The policies belong to every rule of the file."""

    policies: tuple[EscalationPolicy, ...] = ()
    rules: tuple[Rule, ...]


CATALOG_FILE = "catalog.yaml"

YAML_FILES: dict[str, tuple[type[WireModel], type[CatalogObject]]] = {
    "calendars": (CalendarsFile, CalendarSpec),
    "kpis": (KpisFile, Kpi),
    "targets": (TargetsFile, Target),
    "people": (PeopleFile, Person),
    "publishers": (PublishersFile, Publisher),
    "rules": (RulesFile, Rule),
}
"""Section, which is also the key that holds the list → shape of the file, model of an entry."""

TABLE_FILES: dict[str, tuple[type[CatalogObject], tuple[str, ...]]] = {
    "org_units": (
        OrgUnit,
        (
            "id", "name", "short_name", "name_en", "level", "parent", "valid_from", "valid_to", "external_ids",
            "latitude", "longitude",
        ),
    ),
    "successions": (Succession, ("from_unit", "to_unit", "part", "weight", "effective", "id")),
}  # fmt: skip
"""Section → model of a row, columns."""

OPTIONAL_FILES = frozenset({"successions", "people", "publishers", "rules", "targets"})


def schemas() -> dict[str, dict[str, Any]]:
    """File name → JSON Schema, stricter than the wire: unknown keys are refused."""
    shapes: dict[str, type[WireModel]] = {CATALOG_FILE: CatalogFile}
    shapes.update({f"{section}.yaml": shape for section, (shape, _) in YAML_FILES.items()})
    return {f"{Path(name).stem}.schema.json": _strict(shape.model_json_schema()) for name, shape in shapes.items()}


def write_schemas(folder: Path) -> list[Path]:
    """Write the JSON Schemas into the folder, e.g. `deploy/catalogs/schemas`; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in sorted(schemas().items()):
        path = folder / name
        path.write_text(json.dumps(schema, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        written.append(path)
    return written


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    for part in (schema, *schema.get("$defs", {}).values()):
        if part.get("type") == "object" and "properties" in part:
            part["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
