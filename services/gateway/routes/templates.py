"""`GET templates/{kpi}.xlsx`: a spreadsheet to be filled in, for a KPI, a day or period, and the units that report."""

import asyncio
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.base import Id
from contracts.catalog import Kpi, OrgUnit
from services.gateway.parts import Parts
from services.gateway.problems import Problem, not_found, wrong_parameter
from services.gateway.routes.answers import ERRORS, NOT_FOUND, Day, Parameters
from services.gateway.routes.catalog import chosen
from services.gateway.routes.imports import XLSX
from services.gateway.routes.progress import PeriodId
from services.gateway.templates import DERIVED, Wanted, day_that_is_due, reporting_units, template
from services.runtime.catalog.catalog import Catalog
from services.runtime.catalog.periods import Period
from services.runtime.sheets.template import written

_YEARS = 50
"""Farther from today no figure is taken."""


class TemplateQuery(Parameters):
    """Parameters of a template. Without a day it asks for the figures that are due now."""

    province: Id | None = Field(None, description="May be left out where there is only one.")
    period: PeriodId | None = Field(
        None, description="Figures up to the end of this period (2023, 2023-Q3, 2023-09), or up to today if it runs."
    )
    as_of: Day | None = Field(None, description="Figures as of this day, and the units that exist on it.")
    under: Id | None = Field(None, description="Only units below this one, at any depth; an id or external id.")
    org_unit: Id | None = Field(None, description="Only this unit; an id or external id.")


_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The workbook.",
        "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}},
    }
}


def router(parts: Parts) -> APIRouter:
    """The route over the catalogs in force and the last known figures."""
    routes = APIRouter(tags=["imports"])

    @routes.get(
        "/templates/{kpi}.xlsx",
        response_class=Response,
        responses={**_FILE, **ERRORS, **NOT_FOUND},
        summary="A spreadsheet to fill in: a row for each reporting unit, with the last known figures beside",
    )
    async def templates(
        request: Request, kpi: Annotated[Id, Path()], asked: Annotated[TemplateQuery, Query()]
    ) -> Response:
        catalog = chosen(parts.catalogs(), asked.province)
        wanted = wanted_of(catalog, kpi, asked, parts.clock.now().astimezone(catalog.zone).date())
        before = catalog.calendar_of(kpi).period(wanted.kpi.period, wanted.period.first - timedelta(days=1))
        records = [
            record
            for period in (before, wanted.period)
            for record in await parts.model.of_kpi(catalog.province.id, kpi, period.id)
        ]
        content = await asyncio.to_thread(written, template(wanted, records))
        name = f"{kpi}-{wanted.as_of}.xlsx"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(content, 200, headers, XLSX)

    return routes


def wanted_of(catalog: Catalog, kpi_id: str, asked: TemplateQuery, today: date) -> Wanted:
    """What is to be asked for; a problem in words where there is no such KPI, day or unit."""
    kpi = catalog.kpis.get(kpi_id)
    if kpi is None:
        raise not_found("chỉ tiêu này trong danh mục", "such KPI in the catalog")
    if kpi.kind in DERIVED:
        raise Problem(
            400,
            "derived_kpi",
            "Chỉ tiêu này được tính từ chỉ tiêu khác, không đơn vị nào báo cáo: lấy biểu mẫu của chỉ tiêu gốc.",
            "This KPI is derived from others and reported by nobody: take the templates of those.",
        )
    day, period = _when(catalog, kpi, asked, today)
    units = _units(catalog, kpi, asked, day)
    if not units:
        raise not_found(
            f"đơn vị nào báo cáo chỉ tiêu này vào ngày {day:%d/%m/%Y} trong phạm vi đã chọn",
            f"unit among those chosen that reports this KPI on {day.isoformat()}",
        )
    return Wanted(catalog, kpi, day, period, units)


def _when(catalog: Catalog, kpi: Kpi, asked: TemplateQuery, today: date) -> tuple[date, Period]:
    """The day, and the accounting period that it lies in."""
    calendar = catalog.calendar_of(kpi.id)
    day, named = asked.as_of, None
    if asked.period is not None:
        try:
            named = calendar.parse(asked.period)
        except ValueError:
            raise wrong_parameter(
                "period",
                "Không có kỳ này: ghi như 2023, 2023-Q3, 2023-09.",
                "There is no such period: write one like 2023, 2023-Q3, 2023-09.",
            ) from None
        day = day or (min(named.last, today) if named.first <= today else named.last)
    day = day or day_that_is_due(catalog, kpi, today)
    if abs(day.year - today.year) > _YEARS:
        parameter = "period" if asked.as_of is None else "as_of"
        raise wrong_parameter(
            parameter, f"Ngày cách nay hơn {_YEARS} năm.", f"The day is more than {_YEARS} years away from today."
        )
    period = calendar.period(kpi.period, day)
    if named is not None and not (named.contains(day) and period.first <= named.first and named.last <= period.last):
        raise wrong_parameter(
            "period",
            f"Kỳ phải chứa ngày as_of và nằm trong một kỳ hạch toán của chỉ tiêu, như {period.id}.",
            f"The period must contain as_of, and lie within one accounting period of the KPI, such as {period.id}.",
        )
    return day, period


def _units(catalog: Catalog, kpi: Kpi, asked: TemplateQuery, day: date) -> list[OrgUnit]:
    under = None if asked.under is None else _unit(catalog, asked.under, day)
    units = reporting_units(catalog, kpi, day, under)
    one = None if asked.org_unit is None else _unit(catalog, asked.org_unit, day)
    return [unit for unit in units if one in (None, unit.id)]


def _unit(catalog: Catalog, name: str, day: date) -> str:
    """The id of the unit that an id or external id means on that day."""
    unit = catalog.units.resolve(name, day)
    if unit is None:
        raise not_found(
            f"đơn vị này vào ngày {day:%d/%m/%Y} trong danh mục", f"such unit in the catalog on {day.isoformat()}"
        )
    return unit.id
