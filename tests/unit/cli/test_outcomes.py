"""What became of the events: asked for as seldom as may be, and never longer than somebody wants to wait."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console

from services.cli import outcomes, send_words
from services.cli.destinations import Gateway, Patience
from services.cli.sending import Contents, Outcome, Ready, Said
from services.gateway.intake import Reported
from tests.unit.cli.http import Answer, Question, serving

PROBLEM = {"message_vi": "Sai.", "message_en": "Wrong."}


class Door:
    """A gateway whose ingest takes event by event, one with each question or all at once, and then says what it was."""

    def __init__(self, taken: int = 10**6, refused: frozenset[int] = frozenset(), busy_after: int = 10**6) -> None:
        self.taken = taken
        self.refused = refused
        self.busy_after = busy_after
        self.examined: list[list[int]] = []
        self.traced = 0

    def answer(self, asked: Question) -> Answer:
        if asked.method == "GET":
            self.traced += 1
            return 200, {}, {"state": "unknown", "text_vi": "Chưa thấy.", "text_en": "Not seen."}
        ids = [one["id"] for one in json.loads(asked.body)]
        self.examined.append(ids)
        if len(self.examined) > self.busy_after:
            return 429, {"retry-after": "60"}, {}
        return 200, {}, {"receipts": [self._receipt(id) for id in ids]}

    def _receipt(self, id: int) -> dict[str, Any]:
        wrong = id in self.refused and id < self.taken
        standing = "same" if id < self.taken and not wrong else "new"
        return {"standing": standing, "problems": [PROBLEM] * wrong, "flags": []}


@contextmanager
def asked(door: Door) -> Iterator[Gateway]:
    with serving(door.answer) as url, Gateway(url, None, Patience(120, lambda _: None)) as gateway:
        yield gateway


def contents(count: int) -> Contents:
    return Contents([Ready(f"line {at}", Reported("s", str(at), "k", b'{"id":%d}' % at, [])) for at in range(count)])


def followed(door: Door, count: int, wait_s: float, turned_away: dict[int, Said] | None = None) -> Outcome:
    with asked(door) as gateway, send_words.bar() as bar:
        return outcomes.followed(gateway, contents(count), turned_away or {}, wait_s, bar)


def test_each_event_is_asked_for_once_when_the_last_of_its_part_is_there() -> None:
    door = Door(refused=frozenset({3, 1_199}))
    outcome = followed(door, 1_200, 30)
    assert [len(ids) for ids in door.examined] == [1, 500, 1, 500, 1, 200]
    assert (outcome.accepted, [one.place for one in outcome.refused], outcome.waiting) == (
        1_198,
        ["line 3", "line 1199"],
        [],
    )


def test_while_nothing_is_there_one_event_is_asked_for_with_growing_pauses() -> None:
    door = Door(taken=100)
    began = time.monotonic()
    outcome = followed(door, 400, 2)
    assert time.monotonic() - began < 4
    assert [len(ids) for ids in door.examined] == [1, 1, 1, 400], "at 0, 0.5, 1.5 and 2 seconds"
    assert (outcome.accepted, len(outcome.waiting), door.traced) == (100, 300, 50)


def test_a_busy_gateway_does_not_keep_anybody_beyond_the_time() -> None:
    door = Door(busy_after=3)
    began = time.monotonic()
    outcome = followed(door, 1_200, 30)
    assert time.monotonic() - began < 5
    assert (outcome.accepted, len(outcome.waiting)) == (500, 700)
    assert len(door.examined) == 4


def test_what_was_turned_away_is_not_called_acknowledged() -> None:
    door = Door()
    turned_away = {2: Said("Sai.", "Wrong."), 7: Said("Sai.", "Wrong.")}
    outcome = followed(door, 10, 30, turned_away)
    assert [len(ids) for ids in door.examined] == [1, 8]
    assert (outcome.accepted, len(outcome.refused)) == (8, 2)
    console = Console(record=True, width=200)
    for line in send_words.became(contents(10), turned_away, outcome, "http://g"):
        console.print(line)
    assert console.export_text().splitlines()[:3] == [
        "acknowledged by http://g: 8 events",
        "accepted: 8 (flagged: 0)",
        "refused: 2",
    ]
