"""`GET catalog/{kind}`: how a publisher learns the ids. People are not public, and neither are publishers' contacts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from contracts.base import Id
from contracts.catalog import CatalogObject
from services.gateway import cursors
from services.gateway.parts import Parts
from services.gateway.problems import Problem, not_found
from services.gateway.routes.answers import ERRORS, NOT_FOUND, UNCHANGED, Day, ListParameters, json_answer, position
from services.runtime.catalog.catalog import Catalog

KINDS = ("province", "kpi", "org_unit", "succession", "target", "calendar", "publisher", "rule")

_HIDDEN: dict[str, set[str]] = {"publisher": {"contact", "key_ids"}}


class CatalogQuery(ListParameters):
    """`level`, `under` and `on` are for org units; `kpi` for targets."""

    province: Id | None = Field(None, description="May be left out where there is only one.")
    level: Id | None = Field(None, description="Only units of this level.")
    under: Id | None = Field(None, description="Only units below this one, at any depth.")
    on: Day | None = Field(None, description="Only units that exist on this day.")
    kpi: Id | None = Field(None, description="Only targets of this KPI.")


class CatalogPage(BaseModel):
    """Objects of one kind in the order of their ids, and the version of the catalog that they are from."""

    province: str
    catalog_version: str
    kind: str
    items: list[dict[str, Any]]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


def router(parts: Parts) -> APIRouter:
    """The routes over the catalogs in force."""
    routes = APIRouter(tags=["catalog"])

    @routes.get(
        "/catalog/{kind}",
        response_model=CatalogPage,
        responses={**UNCHANGED, **ERRORS, **NOT_FOUND},
        summary="What a province declares: " + ", ".join(KINDS),
    )
    async def catalog(
        request: Request, kind: Annotated[str, Path(max_length=40)], asked: Annotated[CatalogQuery, Query()]
    ) -> Response:
        if kind not in KINDS:
            names = ", ".join(KINDS)
            raise not_found(f"loại này trong danh mục công khai; có: {names}", f"such public kind; there are: {names}")
        found = chosen(parts.catalogs(), asked.province)
        mark = cursors.mark_of([kind, *asked.model_dump(exclude={"limit", "cursor"}).values(), found.version])
        after = position(asked.cursor, mark, (str,))
        limit = asked.limit or parts.settings.gateway.page_size
        items = [item for item in selected(found, kind, asked) if after is None or item.object_id > after[0]]
        following = cursors.pack(mark, (items[limit - 1].object_id,)) if len(items) > limit else None
        content = {
            "province": found.province.id,
            "catalog_version": found.version,
            "kind": kind,
            "items": [item.model_dump(mode="json", exclude=_HIDDEN.get(kind)) for item in items[:limit]],
            "next": following,
        }
        return json_answer(request, content)

    return routes


def chosen(catalogs: Mapping[str, Catalog], province: str | None) -> Catalog:
    """The catalog of that province, or the only one there is; a problem in words otherwise."""
    if not catalogs:
        raise Problem(
            503,
            "no_catalog",
            "Chưa có danh mục nào; người vận hành cần chạy `tiendo catalog apply`.",
            "There is no catalog yet; an operator has to run `tiendo catalog apply`.",
            headers={"retry-after": "5"},
        )
    if province is None and len(catalogs) == 1:
        return next(iter(catalogs.values()))
    if province is None:
        names = ", ".join(sorted(catalogs))
        raise Problem(400, "which_province", f"Hãy nêu tham số province: {names}.", f"Name a province: {names}.")
    if province not in catalogs:
        raise not_found("danh mục của tỉnh này", "catalog of such a province")
    return catalogs[province]


def selected(catalog: Catalog, kind: str, asked: CatalogQuery) -> list[CatalogObject]:
    """The objects asked for, sorted by id."""
    of_kind: dict[str, Callable[[], Iterable[CatalogObject]]] = {
        "province": lambda: (catalog.province,),
        "kpi": lambda: catalog.kpis.values(),
        "org_unit": lambda: _units(catalog, asked),
        "succession": lambda: catalog.successions,
        "target": lambda: (one for one in catalog.targets if asked.kpi is None or one.kpi == asked.kpi),
        "calendar": lambda: (calendar.spec for calendar in catalog.calendars.values()),
        "publisher": lambda: catalog.publishers,
        "rule": lambda: catalog.rules,
    }
    return sorted(of_kind[kind](), key=lambda item: item.object_id)


def _units(catalog: Catalog, asked: CatalogQuery) -> Iterator[CatalogObject]:
    for unit in catalog.units:
        if asked.level is not None and unit.level != asked.level:
            continue
        if asked.on is not None and not unit.valid_on(asked.on):
            continue
        if asked.under is not None:
            # Without a day: as the tree was on the unit's last.
            day = asked.on or (unit.valid_to - timedelta(days=1) if unit.valid_to else date.max)
            if asked.under not in catalog.units.ancestors(unit.id, day):
                continue
        yield unit
