import smtplib
import subprocess
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from deploy.embedded import mail
from deploy.embedded.mail_sink import Mailbox
from deploy.embedded.ports import LOOPBACK
from deploy.embedded.processes import Supervisor


def a_mail(subject: str = "Chậm tiến độ: 3 chỉ tiêu") -> EmailMessage:
    message = EmailMessage(policy.SMTPUTF8)
    message["From"] = "Tiến độ <tien-do@daknong.example>"
    message["To"] = "nguyen.van.a@daknong.example"
    message["Subject"] = subject
    message.set_content("Xã Đắk R'Măng đang chậm.\n.Một dòng bắt đầu bằng dấu chấm.\n", cte="8bit")
    return message


def send(port: int, *messages: EmailMessage) -> None:
    with smtplib.SMTP(LOOPBACK, port) as client:
        for message in messages:
            client.send_message(message)


def test_each_mail_is_a_file_that_says_what_was_sent(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        sink = mail.start(supervisor, tmp_path / "mail")
        send(sink.port, a_mail())
    (file,) = sink.folder.iterdir()
    assert file.name == "000001-nguyen.van.a@daknong.example.eml"
    kept = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert kept["Subject"] == "Chậm tiến độ: 3 chỉ tiêu"
    assert kept["Delivered-To"] == "nguyen.van.a@daknong.example"
    assert kept["Return-Path"] == "<tien-do@daknong.example>"
    body = kept.get_body()
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == a_mail().get_content()
    assert sink.child.exit_code() == 0


def test_the_order_of_arrival_goes_on_after_a_restart(tmp_path: Path) -> None:
    for number in (1, 2):
        with Supervisor(tmp_path) as supervisor:
            sink = mail.start(supervisor, tmp_path / "mail")
            send(sink.port, a_mail(f"mail {number}a"), a_mail(f"mail {number}b"))
    files = sorted((tmp_path / "mail").iterdir())
    subjects = [message_from_bytes(file.read_bytes(), policy=policy.default)["Subject"] for file in files]
    assert subjects == ["mail 1a", "mail 1b", "mail 2a", "mail 2b"]


def test_it_takes_vietnamese_addresses_and_one_file_a_recipient(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        sink = mail.start(supervisor, tmp_path / "mail")
        with smtplib.SMTP(LOOPBACK, sink.port) as client:
            client.ehlo()
            assert {"8bitmime", "smtputf8"} <= client.esmtp_features.keys()
            recipients = ["nguyễn@huyện.example", "b@huyện.example"]
            options = ["SMTPUTF8", "BODY=8BITMIME"]
            client.sendmail("a@huyện.example", recipients, "Subject: Tiến độ\r\n\r\nChậm.".encode(), options)
    assert sorted(file.name for file in sink.folder.iterdir()) == [
        "000001-nguyễn@huyện.example.eml",
        "000002-b@huyện.example.eml",
    ]


def test_a_hostile_recipient_cannot_choose_another_folder(tmp_path: Path) -> None:
    file = Mailbox(tmp_path / "mail").keep("a@x.example", "../../etc/passwd@x.example", b"")
    assert file.parent == tmp_path / "mail"
    assert file.name == "000001-.._.._etc_passwd@x.example.eml"


def test_a_taken_port_ends_it_with_a_sentence(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        sink = mail.start(supervisor, tmp_path / "mail")
        command = [sys.executable, "-m", "deploy.embedded.mail_sink"]
        command += ["--folder", str(tmp_path / "second"), "--port", str(sink.port)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert second.returncode == 1
    assert second.stderr.startswith(f"Port {sink.port} on 127.0.0.1 is taken by another program")
    assert "Traceback" not in second.stderr
