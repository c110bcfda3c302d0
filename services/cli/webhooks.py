"""`tiendo webhooks`: which systems are called with the transitions of alerts, and what became of the calls."""

import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar
from uuid import uuid4

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table

from contracts.alerts import Severity, TransitionType
from services.alerts.webhooks import endpoint as endpoints
from services.alerts.webhooks.endpoint import Endpoint, Wanted, WrongUrl
from services.alerts.webhooks.store import Call, CallState, MongoWebhooks
from services.cli import database, settings
from services.cli.settings import HERE, Data
from services.runtime.errors import StartError
from services.runtime.mongo import Client

app = typer.Typer(
    no_args_is_help=True, help="Webhook: báo cho hệ thống khác khi có cảnh báo · Call other systems about alerts."
)

OVERLAP_HOURS = 24
WIDTH = 150
TEST_S = 30.0
"""How long `test` waits for the answer."""

TEST_TYPE = "vn.tiendo.webhook.test.v1"

EndpointId = Annotated[
    str, typer.Argument(metavar="ID", help="Mã, như `list` ghi · Id, as `list` shows it.", show_default=False)
]
T = TypeVar("T")

_WORDS = {
    CallState.QUEUED: "chờ gọi · queued",
    CallState.DELIVERED: "đã nhận · taken",
    CallState.DEAD: "không nhận · dead",
}


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Nơi nhận · Where to call.", show_default=False)],
    province: Annotated[str, typer.Option(help="Id của tỉnh · Id of the province.", show_default=False)],
    types: Annotated[
        list[TransitionType] | None, typer.Option("--type", help="Chỉ loại này; có thể lặp lại · Only these.")
    ] = None,
    severities: Annotated[list[Severity] | None, typer.Option("--severity", help="Chỉ mức này · Only these.")] = None,
    kpis: Annotated[list[str] | None, typer.Option("--kpi", help="Chỉ chỉ tiêu này · Only these.")] = None,
    units: Annotated[
        list[str] | None,
        typer.Option("--unit", help="Chỉ đơn vị này và cấp dưới · Only these and all below."),
    ] = None,
    note: Annotated[str, typer.Option(help="Để làm gì · What it is for.")] = "",
    data: Data = HERE,
) -> None:
    """Thêm một nơi nhận và in khóa bí mật, một lần · Add a receiver, and show its secret, this once.

    Every call is signed with it (Standard Webhooks); the secret goes to standard output, all else to standard error.
    """
    try:
        where = endpoints.checked(url)
    except WrongUrl as error:
        raise StartError(str(error)) from None
    wanted = Wanted(tuple(types or ()), tuple(severities or ()), tuple(kpis or ()), tuple(units or ()))
    secret = endpoints.new_secret()
    new = Endpoint(uuid4().hex[:10], province, where, datetime.now(UTC), (secret,), wanted, note)
    _with(data, lambda webhooks: webhooks.add(new))
    typer.echo(f"{new.id}: {where}. Khóa chỉ hiện lần này · The secret is shown this once:", err=True)
    typer.echo(secret.written)


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="In ra JSON · Print them as JSON.")] = False,
    data: Data = HERE,
) -> None:
    """Các nơi nhận · The receivers."""
    found = _with(data, lambda webhooks: webhooks.endpoints())
    if as_json:
        typer.echo(orjson.dumps([_line(one) for one in found], option=orjson.OPT_INDENT_2).decode())
    elif found:
        _show(found)
    else:
        typer.echo("Chưa có nơi nhận nào; `tiendo webhooks add` thêm · There is none; `tiendo webhooks add` adds one.")


@app.command()
def rotate(
    endpoint: EndpointId,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=24 * 30, help="Khóa cũ còn dùng bao lâu · How long the old secret is used beside.")
    ] = OVERLAP_HOURS,
    data: Data = HERE,
) -> None:
    """Khóa mới; trong thời gian chuyển, mỗi lần gọi ký bằng cả hai · A new secret; both sign for a while."""
    secret = endpoints.new_secret()
    until = datetime.now(UTC) + timedelta(hours=overlap_hours)
    _change(data, endpoint, lambda one: endpoints.rotated(one, secret, until))
    typer.echo(f"Khóa cũ dùng đến {until.astimezone():%d/%m/%Y %H:%M} · The old one is used until then.", err=True)
    typer.echo(secret.written)


@app.command()
def enable(endpoint: EndpointId, data: Data = HERE) -> None:
    """Gọi lại nơi đã trả lời 410 hoặc đang tạm nghỉ · Call one again that answered 410, or that is being waited for."""
    _change(data, endpoint, lambda one: replace(one, state="active", failures=0, paused_until=None))
    typer.echo(f"{endpoint}: gọi lại · called again.")


@app.command()
def remove(endpoint: EndpointId, data: Data = HERE) -> None:
    """Bỏ nơi nhận và những lần gọi còn chờ · Remove a receiver, and the calls that wait."""
    if not _with(data, lambda webhooks: webhooks.remove(endpoint)):
        raise _unknown(endpoint)
    typer.echo(f"{endpoint}: đã bỏ · removed.")


@app.command()
def calls(
    endpoint: EndpointId,
    state: Annotated[CallState | None, typer.Option(help="Chỉ trạng thái này · Only these.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="In ra JSON · Print them as JSON.")] = False,
    data: Data = HERE,
) -> None:
    """Các lần gọi, mới nhất trước, kèm câu trả lời · Calls, the latest first, with what was answered."""
    states = (state,) if state is not None else tuple(CallState)
    found = _with(data, lambda webhooks: webhooks.calls(endpoint, states, limit))
    if as_json:
        typer.echo(orjson.dumps([_call(one) for one in found], option=orjson.OPT_INDENT_2).decode())
        return
    if not found:
        typer.echo("Không có lần gọi nào · No calls.")
        return
    table = Table(
        Column("mã\nid", no_wrap=True), "sự kiện\nevent", "trạng thái\nstate", "số lần\ntries", "trả lời\nanswer"
    )
    for one in found:
        answer = " ".join(part for part in (str(one.status or ""), one.said) if part)
        table.add_row(one.id, one.event, _WORDS[one.state], str(one.attempts), answer[:80])
    _console().print(table)


@app.command()
def redeliver(
    endpoint: EndpointId,
    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CALL]…", help="Mã lần gọi; mặc định: mọi lần không nhận · Default: all dead ones."),
    ] = None,
    data: Data = HERE,
) -> None:
    """Gọi lại, cùng mã và nội dung · Call once more, under the same ids and with the same bodies."""
    many = _with(data, lambda webhooks: webhooks.again(endpoint, named or None, datetime.now(UTC)))
    typer.echo(f"{many} lần gọi trở lại hàng chờ · {many} back in the queue.")


@app.command("test")
def try_out(endpoint: EndpointId, data: Data = HERE) -> None:
    """Gọi thử một lần và in câu trả lời · Make a call that means nothing, and print the answer."""
    known = _one(data, endpoint)
    call = _test_call(known)
    _with(data, lambda webhooks: webhooks.put([call]))
    until = time.monotonic() + TEST_S
    while time.monotonic() < until:
        found = _with(data, lambda webhooks: webhooks.call(call.id))
        if found is not None and found.tried_at is not None:
            taken = found.state is CallState.DELIVERED
            word = "đã nhận · taken" if taken else "không nhận · not taken"
            typer.echo(f"{word}: {found.status or ''} {found.said}".strip())
            if not taken:
                raise typer.Exit(1)
            return
        time.sleep(0.5)
    raise StartError("Dịch vụ alerts không gọi trong 30 giây; nó có chạy không? · alerts made no call; does it run?")


def _test_call(endpoint: Endpoint) -> Call:
    now, mark = datetime.now(UTC), uuid4().hex
    body = orjson.dumps(
        {
            "specversion": "1.0",
            "id": mark,
            "source": "urn:tiendo:alerts",
            "type": TEST_TYPE,
            "time": now.isoformat(),
            "datacontenttype": "application/json",
            "data": {"note": "Gọi thử, không phải cảnh báo · A test, and no alert."},
        }
    )
    return Call(f"msg_{mark}", endpoint.id, mark, 1, mark, body, now)


def _change(data: Data, endpoint: str, how: Callable[[Endpoint], Endpoint]) -> None:
    changed = how(_one(data, endpoint))
    if not _with(data, lambda webhooks: webhooks.replace(changed)):
        raise _unknown(endpoint)


def _one(data: Data, endpoint: str) -> Endpoint:
    for one in _with(data, lambda webhooks: webhooks.endpoints()):
        if one.id == endpoint:
            return one
    raise _unknown(endpoint)


def _unknown(endpoint: str) -> StartError:
    return StartError(
        f"Không có nơi nhận {endpoint}; `tiendo webhooks list` liệt kê · "
        f"There is no receiver {endpoint}; `tiendo webhooks list` lists them."
    )


def _with(data: Data, work: Callable[[MongoWebhooks], Awaitable[T]]) -> T:
    read = settings.of_the_system(data)

    async def run(client: Client) -> T:
        return await work(MongoWebhooks(client[f"{read.mongo.database}_alerts"]))

    return database.using(read, run)


def _line(one: Endpoint) -> dict[str, object]:
    return {
        "id": one.id,
        "province": one.province,
        "url": one.url,
        "types": one.wanted.types,
        "severities": one.wanted.severities,
        "kpis": one.wanted.kpis,
        "units": one.wanted.units,
        "note": one.note,
        "state": one.state,
        "failures": one.failures,
        "paused_until": one.paused_until,
        "secrets": len(one.secrets),
    }


def _call(one: Call) -> dict[str, object]:
    return {
        "id": one.id,
        "event": one.event,
        "state": one.state.value,
        "queued_at": one.queued_at,
        "tries": one.attempts,
        "tried_at": one.tried_at,
        "status": one.status,
        "answer": one.said,
    }


def _show(found: Sequence[Endpoint]) -> None:
    table = Table(Column("mã\nid", no_wrap=True), "tỉnh\nprovince", "nơi nhận\nURL", "chỉ\nonly", "trạng thái\nstate")
    for one in found:
        wanted = one.wanted
        only = ", ".join(str(part) for part in (*wanted.types, *wanted.severities, *wanted.kpis, *wanted.units))
        table.add_row(one.id, one.province, one.url, only or "tất cả · all", _standing(one))
    _console().print(table)


def _standing(one: Endpoint) -> str:
    if one.state == "gone":
        return "đã trả lời 410 · answered 410"
    if one.failures:
        return f"không trả lời, {one.failures} lần · away, {one.failures} tries"
    return "đang gọi · called"


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
