"""`tiendo rules explain`: why an alert is as it is, from what is stored of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from services.alerts.alert import Alert, Condition
from services.alerts.explaining import Chapter, Remembered, explained
from services.alerts.recollecting import Recollection
from services.cli import database, settings
from services.cli.catalogs_at_hand import in_force, of_folder
from services.cli.settings import HERE, CommandSettings, Data
from services.runtime.catalog import Catalog
from services.runtime.catalog.problems import Words
from services.runtime.errors import StartError
from services.runtime.mongo import Client

console = Console(soft_wrap=True, highlight=False)


def explain(
    alert: Annotated[str, typer.Argument(metavar="ALERT|KPI", help="Mã cảnh báo, hoặc chỉ tiêu · Alert id, or KPI.")],
    unit: Annotated[str | None, typer.Argument(metavar="[UNIT]", help="Mã đơn vị · Id of the unit.")] = None,
    catalog: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Thư mục danh mục; mặc định: danh mục đang dùng · Default: the catalog in force."
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Cả kỳ trước và cảnh báo đã hết · Former ones too.")] = False,
    data: Data = HERE,
) -> None:
    """Vì sao cảnh báo như vậy, đã báo cho ai, tiếp theo là gì · Why an alert is so, who was told, what comes next."""
    read = settings.of_the_system(data)
    found = database.using(read, lambda client: _remembered(client, read, alert, unit, every))
    if not found:
        raise StartError(str(_nothing(alert, unit)))
    provinces = {one.alert.key.province for one in found}
    catalogs = {province: _catalog(province, catalog, read) for province in provinces}
    for one in found:
        content = catalogs[one.alert.key.province]
        _say(one.alert, content, explained(one, content))


async def _remembered(
    client: Client, read: CommandSettings, alert: str, unit: str | None, every: bool
) -> list[Remembered]:
    stored = Recollection(client[f"{read.mongo.database}_alerts"])
    if unit is None:
        meant: Sequence[Alert] = await stored.named(alert)
        if len(meant) > 1:
            raise StartError(
                f"Nhiều mã bắt đầu bằng {alert}: hãy ghi dài hơn · Several ids begin with {alert}: write more of it."
            )
    else:
        meant = await stored.of(alert, unit)
        meant = meant if every else _current(meant)
    return [await stored.remembered(one) for one in meant]


def _current(alerts: Sequence[Alert]) -> Sequence[Alert]:
    """Those that are not over; where all are, those of the latest period."""
    there = [alert for alert in alerts if alert.condition is not Condition.INACTIVE]
    return there or [alert for alert in alerts if alert.key.period == alerts[0].key.period]


def _nothing(alert: str, unit: str | None) -> Words:
    if unit is None:
        return Words(
            f"Không có cảnh báo nào mang mã {alert}; hãy ghi chỉ tiêu và đơn vị",
            f"No alert has the id {alert}; name its KPI and its unit instead",
        )
    return Words(
        f"Chưa có gì được xét về “{alert}” của “{unit}”: chưa có số liệu, không có mục tiêu, hoặc không có quy tắc nào "
        "theo dõi; `tiendo rules routes` cho biết quy tắc",
        f"Nothing was judged yet of “{alert}” at “{unit}”: there is no figure, no target, or no rule that watches it; "
        "`tiendo rules routes` names the rules",
    )


def _catalog(province: str, folder: Path | None, read: CommandSettings) -> Catalog:
    if folder is None:
        found = in_force(province, read)
        if found is None:
            raise StartError(f"Chưa có danh mục của {province} · There is no catalog of {province}; add --catalog DIR.")
        return found
    content = of_folder(folder)
    if content.province.id != province:
        raise StartError(f"{folder} không phải danh mục của {province} · {folder} is not the catalog of {province}.")
    return content


def _say(alert: Alert, catalog: Catalog, chapters: Sequence[Chapter]) -> None:
    key = alert.key
    kpi, unit = catalog.kpis.get(key.kpi), catalog.units.get(key.org_unit)
    title = Words(
        f"“{kpi.name_vi if kpi else key.kpi}”, {unit.name if unit else key.org_unit}, {key.period}",
        f"“{(kpi.name_en or kpi.name_vi) if kpi else key.kpi}”, "
        f"{(unit.name_en or unit.name) if unit else key.org_unit}, {key.period}",
    )
    console.print(Text(f"{title} ({key.alert_id[:12]})", style="bold"))
    for chapter in chapters:
        console.print(Text(f"{chapter.title}:", style="bold"))
        for line in chapter.lines:
            console.print(Text(f"  {line.vi}"))
            console.print(Text(f"    {line.en}", style="dim"))
