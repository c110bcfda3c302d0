"""`tiendo mail`: try the relay, and see what the mails look like before anybody gets one."""

import asyncio
import os
import ssl
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from aiosmtplib import SMTP
from aiosmtplib.errors import SMTPException

from services.alerts.freezing import Letters
from services.alerts.message import Address, Envelope, build
from services.alerts.ports import Catalogs
from services.alerts.render import Rendered, Renderer
from services.alerts.sample_letter import NAME, sample_letter
from services.alerts.samples import SCENES, sample, stage_for
from services.alerts.settings import AlertsSettings, SmtpSettings
from services.cli import mail_audit, mail_queue
from services.runtime import settings
from services.runtime.catalog import Catalog
from services.runtime.catalog.check import check_folder
from services.runtime.errors import StartError

app = typer.Typer(no_args_is_help=True, help="Try the mail relay, and look at the mails.")
app.command()(mail_queue.queue)
app.command()(mail_queue.requeue)
app.command()(mail_audit.audit)

_TEXT = """Thư thử của Tiến Độ: máy chủ thư đã nhận thư này. Không phải làm gì.

A test mail of Tiến Độ: the relay has taken it. Nothing to do.
"""
_HTML = "<p>Thư thử của Tiến Độ: máy chủ thư đã nhận thư này. Không phải làm gì.</p><p>{english}</p>"

_Failure = (SMTPException, OSError, TimeoutError)


@app.command("test")
def try_out(
    to: Annotated[str | None, typer.Argument(help="where to send it; in pilot mode the pilot's address")] = None,
) -> None:
    """Send one test mail through the configured relay, and say in words what happened."""
    read = settings.load(AlertsSettings, os.environ)
    recipient = read.mail.pilot_to or to
    if recipient is None:
        raise StartError("Name the address that the test mail is to go to: tiendo mail test you@your.example")
    if read.mail.pilot_to is not None:
        typer.echo(f"pilot mode: every mail goes to {recipient} only (TIENDO_MAIL_PILOT_TO)")
    asyncio.run(_test(read, recipient))


@app.command()
def preview(
    catalog: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="the catalog: its folder, read only; it gives units, KPIs, people, rules"
        ),
    ],
    out: Annotated[Path, typer.Option(help="the output: folder that the .eml and .html files go to")] = Path(
        "build/mails"
    ),
    kpi: Annotated[str | None, typer.Option(help="id of the KPI; default: a percentage")] = None,
    unit: Annotated[str | None, typer.Option(help="id of the unit; default: the first that reports it")] = None,
) -> None:
    """Write a sample of every kind of mail, under the catalog in FOLDER, as files into the folder of --out.

    The figures are made up; nothing is sent.
    """
    read = settings.load(AlertsSettings, os.environ)
    checked = check_folder(catalog)
    if checked.errors:
        many = len(checked.errors)
        mistakes = (
            "1 mistake: `tiendo catalog check {0}` names it"
            if many == 1
            else f"{many} mistakes: `tiendo catalog check {{0}}` names them"
        )
        raise StartError(f"{catalog} has {mistakes.format(catalog)}.")
    content = Catalog.of(checked.folder.items)
    stage, renderer = stage_for(content, kpi, unit), Renderer()
    letters = Letters(_One(content), renderer, read.smtp, read.mail)
    out.mkdir(parents=True, exist_ok=True)
    for kind in SCENES:
        mail = sample(stage, kind, read.mail.host)
        letter = letters.letter_of(mail, content, stage.kpi)
        (out / f"{kind}.eml").write_bytes(letters.bytes_of(mail, content, stage.kpi, mail.recipient.email))
        (out / f"{kind}.html").write_text(renderer.render(letter).html, encoding="utf-8")
        typer.echo(f"{out / kind}.eml  {letter.subject}")
    if (made := sample_letter(stage, read.mail.host)) is not None:
        digest, publisher = made
        written, rendered = letters.digest_of(digest, content, publisher)
        (out / f"{NAME}.eml").write_bytes(letters.digest_bytes(digest, content, publisher, publisher.contact))
        (out / f"{NAME}.html").write_text(rendered.html, encoding="utf-8")
        typer.echo(f"{out / NAME}.eml  {written.subject}")


async def _test(read: AlertsSettings, recipient: str) -> None:
    smtp = read.smtp
    where = f"{smtp.host}:{smtp.port}"
    client = await _connected(smtp, where)
    try:
        await _signed_in(client, smtp)
        await _handed_over(client, smtp, recipient, _message(read, recipient))
    finally:
        client.close()
    typer.echo("all is well: look into the mailbox")


async def _connected(smtp: SmtpSettings, where: str) -> SMTP:
    context = smtp.ssl_context()
    client = SMTP(
        hostname=smtp.host,
        port=smtp.port,
        timeout=smtp.connect_timeout_s,
        use_tls=smtp.tls == "tls",
        start_tls=False,
        tls_context=context,
    )
    try:
        greeting = await client.connect()
    except ssl.SSLError as error:
        raise StartError(f"{where} and we cannot agree on TLS ({error}): {_TLS_REMEDY}.") from None
    except _Failure as error:
        raise StartError(
            f"No relay answers at {where} ({str(error) or type(error).__name__}): "
            "mend TIENDO_SMTP_HOST or TIENDO_SMTP_PORT."
        ) from None
    typer.echo(f"connected to {where}: {greeting.code} {greeting.message}")
    client.timeout = smtp.command_timeout_s
    if smtp.tls == "starttls":
        try:
            await client.starttls(tls_context=context)
        except (*_Failure, ssl.SSLError) as error:
            client.close()
            raise StartError(f"STARTTLS with {where} does not work ({error}): {_TLS_REMEDY}.") from None
    typer.echo("without TLS (TIENDO_SMTP_TLS is none)" if smtp.tls == "none" else "TLS: yes, the certificate is good")
    return client


_TLS_REMEDY = (
    "set TIENDO_SMTP_TLS to what the relay speaks (starttls, tls, none), or TIENDO_SMTP_CAFILE to its authority"
)


async def _signed_in(client: SMTP, smtp: SmtpSettings) -> None:
    if smtp.username is None or smtp.password is None:
        typer.echo("AUTH: none (TIENDO_SMTP_USERNAME is not set)")
        return
    try:
        await client.login(smtp.username, smtp.password.get_secret_value())
    except _Failure as error:
        raise StartError(
            f"The relay does not let {smtp.username} in ({error}): mend TIENDO_SMTP_USERNAME and TIENDO_SMTP_PASSWORD."
        ) from None
    typer.echo(f"AUTH: signed in as {smtp.username}")


async def _handed_over(client: SMTP, smtp: SmtpSettings, recipient: str, raw: bytes) -> None:
    try:
        await client.mail(smtp.return_path)
    except _Failure as error:
        raise StartError(
            f"The relay refuses the sender {smtp.return_path} ({error}): mend TIENDO_SMTP_SENDER, or allow it there."
        ) from None
    try:
        await client.rcpt(recipient)
    except _Failure as error:
        raise StartError(f"The relay refuses the recipient {recipient} ({error}): try another address.") from None
    try:
        answer = await client.data(raw, timeout=smtp.data_timeout_s)
    except _Failure as error:
        raise StartError(f"The relay refuses the mail itself ({error}): its administrator knows why.") from None
    typer.echo(f"accepted for {recipient}: {answer.code} {answer.message}")


def _message(read: AlertsSettings, recipient: str) -> bytes:
    envelope = Envelope(
        sender=Address(read.smtp.sender, read.mail.sender_name),
        to=Address(recipient),
        subject="[KPI] Thư thử của Tiến Độ",
        date=datetime.now(UTC),
        message_id=f"<{uuid4().hex}@{read.mail.host}>",
        list_id="test.kpi.tiendo",
    )
    return build(envelope, Rendered(_TEXT, _HTML.format(english=_TEXT.strip().splitlines()[-1])))


class _One(Catalogs):
    """The catalog of a folder."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def of(self, province: str) -> Catalog | None:
        return self._catalog

    def provinces(self) -> Collection[str]:
        return (self._catalog.province.id,)

    async def at_least(self, province: str, number: int) -> Catalog:
        return self._catalog
