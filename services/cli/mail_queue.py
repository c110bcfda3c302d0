"""`tiendo mail queue | requeue`: what became of mails, and another try for those that the relay refused for good."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, TypedDict

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table

from services.alerts.ports import Listed, RowState
from services.alerts.store import MongoMails
from services.alerts.teller import STATES
from services.cli import database, settings
from services.cli.settings import HERE, CommandSettings, Data
from services.runtime.errors import StartError
from services.runtime.mongo import Client

WIDTH = 150
SHOWN = 12
"""Characters of a row's id that are shown; as many, or more, name it."""

RECENT = 10_000
"""Among so many of the latest dead mails an id is looked for."""


class Which(StrEnum):
    """Which mails are listed."""

    DEAD = "dead"
    WAITING = "waiting"
    CANCELLED = "cancelled"
    SENT = "sent"
    ALL = "all"


_STATES: dict[Which, tuple[RowState, ...]] = {
    Which.DEAD: (RowState.DEAD,),
    Which.WAITING: (RowState.QUEUED, RowState.LEASED, RowState.FAILED_RETRY, RowState.UNKNOWN),
    Which.CANCELLED: (RowState.CANCELLED,),
    Which.SENT: (RowState.SENT, RowState.UNCONFIRMED),
    Which.ALL: tuple(RowState),
}


class _Line(TypedDict):
    id: str
    recipient: str
    reason: str
    state: str
    queued_at: str
    attempts: int
    said: str | None


def queue(
    which: Annotated[Which, typer.Option("--state", help="Thư ở trạng thái nào · Which mails.")] = Which.DEAD,
    limit: Annotated[int, typer.Option(min=1, max=RECENT, help="Nhiều nhất bao nhiêu thư · At most so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="In ra JSON · Print them as JSON.")] = False,
    data: Data = HERE,
) -> None:
    """Liệt kê thư, mới nhất trước, kèm lời máy chủ thư · List mails, the latest first, with what the relay said."""
    listed = _listed(settings.of_the_system(data), which, limit)
    if as_json:
        typer.echo(orjson.dumps([_line(one) for one in listed], option=orjson.OPT_INDENT_2).decode())
    elif listed:
        _show(listed)
    else:
        typer.echo(f"Không có thư nào ({which}) · No such mails ({which}).")


def requeue(
    rows: Annotated[
        list[str] | None, typer.Argument(metavar="ID…", help="Mã thư, như `queue` ghi · Ids, as `queue` shows them.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Mọi thư không gửi được · All that are dead.")] = False,
    data: Data = HERE,
) -> None:
    """Gửi lại thư không gửi được, giữ nguyên Message-ID · Try dead mails again, under the same Message-ID.

    Ends that were cancelled because nobody was told the beginning go with them. The address is the catalog's of now.
    """
    if every == bool(rows):
        raise StartError("Hãy ghi mã thư, hoặc --all · Name mails, or --all.")
    read = settings.of_the_system(data)
    wanted = None if every else _whole(rows or [], _listed(read, Which.DEAD, RECENT))

    async def again(client: Client) -> int:
        return await _mails(client, read).requeue(wanted, datetime.now(UTC))

    many = database.using(read, again)
    typer.echo(f"{many} thư trở lại hàng chờ · {many} back in the queue.")


def _whole(named: Sequence[str], dead: Sequence[Listed]) -> list[str]:
    """The ids that the beginnings of ids stand for."""
    found = []
    for name in named:
        meant = [one.row for one in dead if one.row.startswith(name)]
        if not meant:
            raise StartError(
                f"Không có thư nào không gửi được mang mã {name}; `tiendo mail queue` liệt kê · "
                f"There is no dead mail {name}; `tiendo mail queue` lists them."
            )
        if len(meant) > 1:
            raise StartError(
                f"Nhiều mã bắt đầu bằng {name}: hãy ghi dài hơn · Several ids begin with {name}: write more of it."
            )
        found += meant
    return found


def _listed(read: CommandSettings, which: Which, limit: int) -> list[Listed]:
    async def ask(client: Client) -> list[Listed]:
        return await _mails(client, read).listed(_STATES[which], limit)

    return database.using(read, ask)


def _mails(client: Client, read: CommandSettings) -> MongoMails:
    return MongoMails(client[f"{read.mongo.database}_alerts"])


def _line(one: Listed) -> _Line:
    return {
        "id": one.row,
        "recipient": one.recipient,
        "reason": one.reason,
        "state": one.state.value,
        "queued_at": one.queued_at.isoformat(),
        "attempts": one.attempts,
        "said": one.said,
    }


def _show(listed: Sequence[Listed]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    columns = (
        "người nhận\nrecipient",
        "lý do\nreason",
        "trạng thái\nstate",
        "vào hàng chờ\nqueued",
        "máy chủ thư nói\nsaid",
    )
    table = Table(Column("mã\nid", no_wrap=True), *columns)
    for one in listed:
        at = f"{one.queued_at.astimezone():%d/%m/%Y %H:%M}"
        table.add_row(one.row[:SHOWN], one.recipient, one.reason, str(STATES[one.state]), at, one.said or "")
    console.print(table)
