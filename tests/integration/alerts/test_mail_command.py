"""`tiendo mail`: what the operator is told about the relay, and the previews."""

import asyncio
import os
import shutil
import sys
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest

from deploy.embedded.ports import LOOPBACK, claimed
from deploy.embedded.system import ROOT
from services.alerts.sample_letter import NAME
from services.alerts.samples import SCENES
from tests.integration.alerts.relay import ScriptedRelay, running

TO = "van-hanh@tinh.example"


async def tiendo(*arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and everything that was said."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TIENDO_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "mail", *arguments),
        cwd=ROOT,
        env={**own, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


def contents(folder: Path, suffix: str) -> dict[str, bytes]:
    """Name → bytes of the files of one kind."""
    return {file.stem: file.read_bytes() for file in folder.glob(f"*{suffix}")}


def plain(port: int) -> dict[str, str]:
    return {"TIENDO_SMTP_HOST": LOOPBACK, "TIENDO_SMTP_PORT": str(port), "TIENDO_SMTP_TLS": "none"}


async def test_a_test_mail_is_sent_and_every_step_is_told_in_words() -> None:
    async with running(ScriptedRelay()) as relay:
        code, said = await tiendo("test", TO, **plain(relay.port))
    assert code == 0, said
    for words in ("connected to", "without TLS", "AUTH: none", f"accepted for {TO}: 250", "all is well"):
        assert words in said
    ((recipient, raw),) = relay.taken
    mail = BytesParser(policy=policy.default).parsebytes(raw)
    assert recipient == TO
    assert mail["Subject"] == "[KPI] Thư thử của Tiến Độ"


async def test_in_pilot_mode_the_test_goes_to_the_pilot_too() -> None:
    async with running(ScriptedRelay()) as relay:
        code, said = await tiendo("test", TO, **plain(relay.port), TIENDO_MAIL_PILOT_TO="thu@tinh.example")
    assert code == 0, said
    assert [to for to, _ in relay.taken] == ["thu@tinh.example"]
    assert "pilot mode" in said


@pytest.mark.parametrize(
    ("relay", "settings", "named"),
    [
        (ScriptedRelay(refused={TO: "550 no such user"}), {}, f"refuses the recipient {TO}"),
        (ScriptedRelay(sender_answer="550 who are you"), {}, "TIENDO_SMTP_SENDER"),
        (ScriptedRelay(script=["554 spam"]), {}, "refuses the mail itself"),
        (ScriptedRelay(), {"TIENDO_SMTP_TLS": "starttls"}, "TIENDO_SMTP_TLS"),
        (ScriptedRelay(), {"TIENDO_SMTP_TLS": "tls", "TIENDO_SMTP_CONNECT_TIMEOUT_S": "2"}, "TIENDO_SMTP"),
        (
            ScriptedRelay(),
            {"TIENDO_SMTP_USERNAME": "me", "TIENDO_SMTP_PASSWORD": "x"},
            "a password is not sent without TLS",
        ),
    ],
)
async def test_what_does_not_work_is_named_in_one_sentence(
    relay: ScriptedRelay, settings: dict[str, str], named: str
) -> None:
    async with running(relay):
        code, said = await tiendo("test", TO, **{**plain(relay.port), **settings})
    assert code == 2, said
    assert "Traceback" not in said
    assert named in said.splitlines()[-1]


async def test_a_relay_that_is_not_there_is_named() -> None:
    code, said = await tiendo("test", TO, **plain(claimed(None, "")))
    assert code == 2
    assert "Traceback" not in said
    assert "TIENDO_SMTP_PORT" in said


async def test_a_preview_of_every_kind_is_written(tmp_path: Path) -> None:
    code, said = await tiendo("preview", "deploy/catalogs/dak-nong", "--out", str(tmp_path))
    assert code == 0, said
    mails, pages = contents(tmp_path, ".eml"), contents(tmp_path, ".html")
    assert set(mails) == set(pages) == {*SCENES, NAME}
    for raw in mails.values():
        assert str(BytesParser(policy=policy.default).parsebytes(raw)["Subject"]).startswith("[KPI] ")


async def test_an_unknown_kpi_is_named() -> None:
    code, said = await tiendo("preview", "deploy/catalogs/dak-nong", "--kpi", "no-such")
    assert code == 2
    assert "no-such" in said


async def test_one_mistake_in_the_catalog_is_counted_as_one(tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    shutil.copytree(ROOT / "deploy" / "catalogs" / "dak-nong", folder)
    rules = folder / "rules.yaml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("group_wait:", "group_weight:", 1), encoding="utf-8")
    code, said = await tiendo("preview", str(folder), "--out", str(tmp_path / "mails"))
    assert code == 2
    assert f"has 1 mistake: `tiendo catalog check {folder}` names it." in " ".join(said.split())


async def test_the_help_of_the_preview_says_what_goes_in_and_what_comes_out() -> None:
    code, said = await tiendo("preview", "--help")
    assert code == 0
    said = " ".join(said.replace("│", " ").split())
    assert "FOLDER <path> the catalog" in said
    assert "--out <path> the output" in said
