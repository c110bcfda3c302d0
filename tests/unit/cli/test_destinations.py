"""A gateway that is busy, away for a while, or turns events away; a key that never stands on the command line."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from services.cli.destinations import Gateway, Patience, key_of
from services.gateway.intake import Reported
from services.runtime.errors import StartError, Transient

Answer = tuple[int, dict[str, str], Any]


class Scripted:
    """A server that gives these answers one after the other, the last for ever, and keeps what it was asked."""

    def __init__(self, answers: list[Answer]) -> None:
        self.answers = answers
        self.bodies: list[Any] = []
        self.keys: list[str | None] = []
        self.url = ""

    def answer(self, key: str | None, body: bytes) -> Answer:
        self.keys.append(key)
        self.bodies.append(json.loads(body))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def a_server(*answers: Answer) -> Iterator[Scripted]:
    script = Scripted(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, headers, said = script.answer(self.headers["authorization"], body)
            content = json.dumps(said).encode()
            self.send_response(status)
            for name, text in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        script.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield script
        server.shutdown()


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


def test_the_key_is_read_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("tdk_of_the_file\n")
    assert key_of({"TIENDO_SEND_KEY": " tdk_x "}, None) == "tdk_x"
    assert key_of({"TIENDO_SEND_KEY": "tdk_x"}, file) == "tdk_of_the_file"
    assert key_of({}, None) is None
    with pytest.raises(StartError, match="no key"):
        key_of({"TIENDO_SEND_KEY": "tdk_x\r\nhost: y"}, None)
