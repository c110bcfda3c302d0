"""The connection to the relay against a real SMTP server: each answer has the fate that it should."""

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from deploy.embedded.ports import LOOPBACK, claimed
from services.alerts.settings import SmtpSettings
from services.alerts.smtp import Answer, Connection, Fate
from tests.integration.alerts.relay import ScriptedRelay, running

MAIL = b"Subject: x\r\n\r\nhello\r\n.leading dot\r\n"
TO = "chu-tich@tan-phu.example"


def settings(relay: ScriptedRelay, **fields: object) -> SmtpSettings:
    given = {"host": LOOPBACK, "port": relay.port, "tls": "none", "command_timeout_s": 2, "data_timeout_s": 0.3}
    return SmtpSettings.model_validate({**given, **fields})


async def sent(relay: ScriptedRelay, times: int = 1, **fields: object) -> list[Answer]:
    connection = Connection(settings(relay, **fields))
    try:
        return [await connection.send(TO, MAIL) for _ in range(times)]
    finally:
        await connection.close()


async def test_many_mails_go_over_one_connection_unchanged() -> None:
    async with running(ScriptedRelay()) as relay:
        answers = await sent(relay, times=3)
    assert [answer.fate for answer in answers] == [Fate.ACCEPTED] * 3
    assert relay.taken == [(TO, MAIL)] * 3
    assert relay.connections == 1


@pytest.mark.parametrize(
    ("reply", "fate"),
    [
        ("451 greylisted", Fate.LATER),
        ("552 too big", Fate.REFUSED),
        ("554 content", Fate.REFUSED),
        ("421 shutting down", Fate.AWAY),
        ("drop", Fate.UNSURE),
        ("hang", Fate.UNSURE),
    ],
)
async def test_what_follows_from_an_answer_to_the_mail_itself(reply: str, fate: Fate) -> None:
    async with running(ScriptedRelay(script=[reply, *(["421 still"] if fate is Fate.AWAY else [])])) as relay:
        first, second = await sent(relay, times=2)
    assert first.fate is fate
    assert second.fate in (Fate.ACCEPTED, Fate.AWAY)


@pytest.mark.parametrize(("reply", "fate"), [("550 no such user", Fate.REFUSED), ("450 mailbox busy", Fate.LATER)])
async def test_a_refused_recipient_leaves_the_connection_usable(reply: str, fate: Fate) -> None:
    async with running(ScriptedRelay(refused={TO: reply})) as relay:
        connection = Connection(settings(relay))
        refused = await connection.send(TO, MAIL)
        other = await connection.send("van-phong@tan-phu.example", MAIL)
        await connection.close()
    assert refused.fate is fate
    assert refused.text == reply
    assert other.fate is Fate.ACCEPTED
    assert relay.connections == 1


async def test_a_refused_sender_is_the_relays_fault_and_not_the_mails() -> None:
    async with running(ScriptedRelay(sender_answer="550 not you")) as relay:
        (answer,) = await sent(relay)
    assert answer.fate is Fate.AWAY


async def test_a_relay_that_is_not_there_is_away() -> None:
    relay = ScriptedRelay(port=claimed(None, ""))
    (answer,) = await sent(relay)
    assert answer.fate is Fate.AWAY
    assert answer.text


async def test_a_connection_that_went_stale_is_opened_again_without_losing_a_try() -> None:
    async with running(ScriptedRelay(script=["250 taken", "drop"])) as relay:
        connection = Connection(settings(relay))
        assert (await connection.send(TO, MAIL)).fate is Fate.ACCEPTED
        assert (await connection.send(TO, MAIL)).fate is Fate.UNSURE
        assert (await connection.send(TO, MAIL)).fate is Fate.ACCEPTED
        await connection.close()
    assert relay.connections == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for the loopback address, with its key, in one file."""
    return _self_signed(tmp_path_factory.mktemp("tls") / "relay.pem")


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_tls_and_sign_in_are_done_before_any_mail(certificate: Path, tls: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    relay = ScriptedRelay()
    async with running(relay, tls=context, implicit=tls == "tls", password="secret"):
        (good,) = await sent(relay, tls=tls, cafile=certificate, username="tiendo", password="secret")
        (bad,) = await sent(relay, tls=tls, cafile=certificate, username="tiendo", password="wrong")
    assert good.fate is Fate.ACCEPTED
    assert bad.fate is Fate.AWAY
    assert "authentication refused" in bad.text


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Path, tls: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with running(ScriptedRelay(), tls=context, implicit=tls == "tls") as relay:
        (answer,) = await sent(relay, tls=tls)
    assert answer.fate is Fate.AWAY
    assert relay.taken == []


async def test_starttls_is_not_skipped_where_the_relay_does_not_offer_it() -> None:
    async with running(ScriptedRelay()) as relay:
        (answer,) = await sent(relay, tls="starttls")
    assert answer.fate is Fate.AWAY
    assert relay.taken == []


def _self_signed(path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl was found, which makes the certificate of the test relay")
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subject = ["-subj", "/CN=relay", "-addext", f"subjectAltName=IP:{LOOPBACK}"]
    files = ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run([*request, *subject, *files], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path
