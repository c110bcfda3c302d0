"""A gateway that is busy, away for a while, or turns events away; a key that never stands on the command line."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli.addresses import address
from services.cli.commands import app
from services.cli.destinations import Gateway, Patience, key_of
from services.gateway.intake import Reported
from services.runtime.errors import StartError, Transient
from tests.unit.cli.http import Answer, Question, serving


class Scripted:
    """A server that gives these answers one after the other, the last for ever, and keeps what it was asked."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.bodies: list[Any] = []
        self.keys: list[str | None] = []
        self.url = ""

    def answer(self, asked: Question) -> Answer:
        self.keys.append(asked.key)
        self.bodies.append(json.loads(asked.body or b"null"))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def a_server(*answers: Answer) -> Iterator[Scripted]:
    script = Scripted(list(answers))
    with serving(script.answer) as script.url:
        yield script


def events(count: int) -> list[Reported]:
    return [Reported("s", str(at), "k", json.dumps({"id": at}).encode(), []) for at in range(count)]


def problem(status: int, code: str, **more: Any) -> Answer:
    return status, {}, {"code": code, "detail": "không", "detail_en": "It may not.", **more}


TAKEN: Answer = (202, {}, {})


def test_it_waits_as_long_as_a_busy_gateway_says_and_sends_the_same_again() -> None:
    told: list[str] = []
    busy: Answer = (429, {"retry-after": "1"}, {})
    away: Answer = (503, {"retry-after": "0"}, {})
    with a_server(busy, away, TAKEN) as server, Gateway(server.url, "tdk_x", Patience(0.5, told.append)) as gateway:
        assert gateway.send(events(2)) == {}
    assert server.bodies == [[{"id": 0}, {"id": 1}]] * 3
    assert server.keys == ["Bearer tdk_x"] * 3
    assert told == [
        "the gateway takes so much in a minute; going on in 1 s",
        "the gateway answers 503; trying again",
        "",
    ]


def test_a_gateway_that_stays_away_is_given_up_with_a_sentence() -> None:
    with (
        a_server(problem(503, "unavailable")) as server,
        Gateway(server.url, None, Patience(0.7, lambda _: None)) as gateway,
        pytest.raises(Transient, match="run the same command again"),
    ):
        gateway.send(events(1))
    assert len(server.bodies) == 2, "half a second passed, a whole one did not"


def test_events_that_are_turned_away_are_left_out_and_the_others_sent_again() -> None:
    def wrong(*pointers: str) -> Answer:
        errors = [{"pointer": one, "message_vi": "sai", "message_en": f"wrong {one}"} for one in pointers]
        return problem(422, "invalid_events", errors=errors)

    answers = wrong("/1/data/rank", "/1/data/of"), wrong("/2"), TAKEN
    with a_server(*answers) as server, Gateway(server.url, None, Patience(1, lambda _: None)) as gateway:
        found = gateway.send(events(4))
    assert {at: why.en for at, why in found.items()} == {1: "wrong /1/data/rank", 3: "wrong /2"}
    assert server.bodies[-1] == [{"id": 0}, {"id": 2}]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (problem(401, "no_key"), r"refuses \(401 no_key\): It may not. Set TIENDO_SEND_KEY, or name"),
        (problem(403, "not_your_source"), r"refuses \(403 not_your_source\): It may not.$"),
        (problem(422, "invalid_events"), "422 invalid_events"),
        ((404, {}, "?"), r"no gateway, or one that cannot \(HTTP 404\)"),
        ((404, {}, {"detail": "Not Found"}), r"no gateway, or one that cannot \(HTTP 404\)"),
        ((403, {}, {"code": 7, "detail": None, "detail_en": []}), r"no gateway, or one that cannot \(HTTP 403\)"),
        ((422, {}, {**problem(422, "x")[2], "errors": [{"pointer": "/0"}]}), "no gateway"),
    ],
)
def test_what_no_event_can_mend_is_one_sentence(answer: Answer, sentence: str) -> None:
    with (
        a_server(answer) as server,
        Gateway(server.url, None, Patience(1, lambda _: None)) as gateway,
        pytest.raises(StartError, match=sentence),
    ):
        gateway.send(events(1))
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    "ask",
    [
        lambda gateway: gateway.examined(events(1)),
        lambda gateway: gateway.fate(events(1)[0]),
        lambda gateway: gateway.only_source(),
        lambda gateway: gateway.only_province(),
    ],
    ids=["examined", "fate", "source", "province"],
)
@pytest.mark.parametrize("said", [b"<html>Welcome</html>", {}, [], {"receipts": []}, {"items": [None]}], ids=str)
def test_a_server_that_is_pleased_with_everything_is_no_gateway(ask: Callable[[Gateway], object], said: Any) -> None:
    if said == {"receipts": []}:
        said = {"receipts": [], "items": 1}
    with (
        a_server((200, {}, said)) as server,
        Gateway(server.url, None, Patience(1, lambda _: None)) as gateway,
        pytest.raises(StartError, match=r"no gateway, or one that cannot \(HTTP 200\): mend --to"),
    ):
        ask(gateway)


def test_once_only_the_outcome_is_waited_for_a_busy_gateway_is_not_waited_for_any_longer() -> None:
    with (
        a_server((429, {"retry-after": "60"}, {})) as server,
        Gateway(server.url, None, Patience(120, lambda _: None)) as gateway,
    ):
        gateway.waits_at_most(30)
        with pytest.raises(Transient, match="what was sent is acknowledged"):
            gateway.examined(events(1))
    assert len(server.bodies) == 1


@pytest.mark.parametrize(
    "text",
    [
        "http://host:abc",
        "http://[::1",
        "http://host:99999",
        "http://host:0",
        "http://",
        "127.0.0.1:8080",
        "ftp://host",
        "http://me:secret@host",
        "http://ví dụ.vn",
        f"http://{'a' * 300}.vn",
        "http://host\n",
    ],
)
def test_what_is_no_address_is_refused_with_the_name_of_the_option(text: str) -> None:
    with pytest.raises(StartError, match="--to takes the address of an HTTP server"):
        address(text, "--to")


@pytest.mark.parametrize(
    ("text", "as_asked"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://tiendo.example.vn/cổng/?a=1#b", "https://tiendo.example.vn/c%E1%BB%95ng"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_an_address_is_taken_without_what_a_browser_adds(text: str, as_asked: str) -> None:
    assert address(text, "--to") == as_asked


@pytest.mark.parametrize(
    "arguments",
    [
        ["send", "--to", "http://host:abc"],
        ["dlq", "resume", "--ingest", "http://[::1"],
        ["rebuild", "dak-nong", "--metrics", "http://host:abc"],
    ],
)
def test_a_command_with_a_wrong_address_ends_in_one_sentence(arguments: list[str], tmp_path: Path) -> None:
    file = tmp_path / "figures.jsonl"
    file.write_text("{}")
    asked = [*arguments, *([str(file)] if arguments[0] == "send" else [])]
    result = CliRunner().invoke(app, asked)
    assert isinstance(result.exception, StartError), result.exception


def test_the_key_is_read_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("tdk_of_the_file\n")
    assert key_of({"TIENDO_SEND_KEY": " tdk_x "}, None) == "tdk_x"
    assert key_of({"TIENDO_SEND_KEY": "tdk_x"}, file) == "tdk_of_the_file"
    assert key_of({}, None) is None
    with pytest.raises(StartError, match="no key"):
        key_of({"TIENDO_SEND_KEY": "tdk_x\r\nhost: y"}, None)
