"""`tiendo mail audit`: whether everybody was told what they were promised; exit code 1 where somebody was not."""

import sys
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table

from services.alerts.audit_store import MongoBooks
from services.alerts.auditing import Broken, Promise
from services.alerts.auditing import audit as audited
from services.cli import database, settings
from services.cli.mail_queue import SHOWN, WIDTH
from services.cli.settings import HERE, Data
from services.runtime.catalog.problems import Words

WORDS = {
    Promise.BEGINNING: Words("cảnh báo đang mở mà chưa được báo", "an alert is open and they were not told"),
    Promise.END: Words("đã báo có cảnh báo mà chưa báo kết thúc", "told that it fired, not how it ended"),
    Promise.UNDECIDED: Words("có thư mà không có quyết định", "there is a mail that nothing decided"),
    Promise.UNQUEUED: Words("đã quyết định gửi mà không có thư", "a mail was decided and is not there"),
    Promise.UNDELIVERED: Words("thư không gửi được", "a mail was given up"),
}
REMEDIES = {
    Promise.UNDELIVERED: Words("`tiendo mail queue` cho biết vì sao", "`tiendo mail queue` says why"),
}
OTHERWISE = Words(
    "hãy báo cho người nhận biết và gửi nhật ký cho người phát triển; sau khi khôi phục cơ sở dữ liệu thì điều này có "
    "thể xảy ra",
    "tell the recipient yourself and report it with the log; it may follow from a database that was restored",
)


def audit(
    as_json: Annotated[bool, typer.Option("--json", help="In ra JSON · Print them as JSON.")] = False,
    data: Data = HERE,
) -> None:
    """Soát xem ai đã không được báo điều phải báo · Look whether anybody was not told what they were promised."""
    read = settings.of_the_system(data)
    broken = database.using(read, lambda client: audited(MongoBooks(client[f"{read.mongo.database}_alerts"])))
    if as_json:
        typer.echo(orjson.dumps([one._asdict() for one in broken], option=orjson.OPT_INDENT_2).decode())
    elif broken:
        _show(broken)
    else:
        typer.echo("Mọi lời hứa với người nhận đều được giữ · Every promise to a recipient was kept.")
    if broken:
        raise typer.Exit(1)


def _show(broken: list[Broken]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    table = Table("người nhận\nrecipient", "điều không giữ\nwhat was not kept", Column("cảnh báo, thư\nalert, mail"))
    for one in broken:
        about = [f"{one.alert[:SHOWN]} #{one.episode}"] if one.alert is not None else []
        about += [f"{one.group[:SHOWN]} / {one.seq}"] if one.seq is not None else []
        table.add_row(one.person, str(WORDS[one.promise]), ", ".join(about))
    console.print(table)
    for promise in dict.fromkeys(one.promise for one in broken):
        console.print(f"{WORDS[promise]}: {REMEDIES.get(promise, OTHERWISE)}")
