"""The figures that the province really published, as events.

`facts.csv` stands beside the catalog. An event carries what the KPI's kind asks for, the published percentage beside
its parts, and the fact's id as evidence.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from contracts.catalog import Kpi
from deploy.embedded.demo.events import Said
from services.runtime.catalog import table
from services.runtime.catalog.catalog import Catalog

SOURCE = "urn:tiendo:source:dak-nong:published-reports"


def published_figures(file: Path, catalog: Catalog, at: datetime) -> list[Said]:
    """One event a row, said at `at`, in the order of the file."""
    return [
        Said(source=SOURCE, id=row["fact_id"], at=at, data=_data(row, catalog.kpis[row["kpi"]], catalog.province.id))
        for row in table.rows(file.read_text(encoding="utf-8"))
    ]


def _data(row: dict[str, str], kpi: Kpi, province: str) -> dict[str, Any]:
    data: dict[str, Any] = {
        "province": province,
        "kpi": kpi.id,
        "org_unit": row["org_unit"],
        "as_of": row["as_of"],
        **_figure(row, kpi),
        "unit_of_measure": row["unit_of_measure"],
        "evidence": f"urn:tiendo:fact:{row['fact_id']}",
    }
    if row["status"] != "actual":
        data["status"] = row["status"]
    if row["check"]:
        data["note"] = row["check"]
    return data


def _figure(row: dict[str, str], kpi: Kpi) -> dict[str, Any]:
    if kpi.kind == "rank":
        return {"rank": int(row["numerator"]), "of": int(row["denominator"])}
    parts = {name: row[name] for name in ("numerator", "denominator") if row[name]}
    if kpi.kind == "coverage":
        return {**parts, "value": row["value"]} if len(parts) == 2 else {"numerator": row["numerator"]}
    # A numerator without its denominator is in no sum, but tells a repeated figure from a chance.
    return {**parts, "value": row["value"]} if kpi.kind == "ratio" else {"value": row["value"]}
