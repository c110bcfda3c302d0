"""What became of the events: asked for as seldom as may be, and never longer than somebody wants to wait."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rich.console import Console

from services.cli import outcomes, send_words
from services.cli.destinations import Gateway, Patience
from services.cli.sending import Contents, Outcome, Ready, Remark, Said
from services.gateway.intake import Reported
from tests.unit.cli.http import Answer, Question, serving

PROBLEM = {"message_vi": "Sai.", "message_en": "Wrong."}


class Door:
    """A gateway whose ingest takes event by event, one with each question or all at once, and then says what it was."""

    def __init__(
        self,
        taken: int = 10**6,
        refused: frozenset[int] = frozenset(),
        busy_after: int = 10**6,
        doubted: frozenset[int] = frozenset(),
    ) -> None:
        self.taken = taken
        self.doubted = doubted
        self.judged_after = 1
        self.refused = refused
        self.busy_after = busy_after
        self.examined: list[list[int]] = []
        self.traced = 0

    def answer(self, asked: Question) -> Answer:
        if asked.method == "GET":
            return 200, {}, self._known(parse_qs(urlsplit(asked.path).query))
        ids = [one["id"] for one in json.loads(asked.body)]
        self.examined.append(ids)
        if len(self.examined) > self.busy_after:
            return 429, {"retry-after": "60"}, {}
        return 200, {}, {"receipts": [self._receipt(id) for id in ids]}

    def _known(self, asked: dict[str, list[str]]) -> dict[str, Any]:
        """Of one event, of which most gateways know nothing; or those with doubts, two to a page."""
        if "id" not in asked:
            assert (asked["source"], asked["state"]) == (["s"], ["accepted_with_doubts"])
            begin = int(asked.get("cursor", ["0"])[0])
            ids = sorted(self.doubted) if not self.judged_after else []
            items = [{"source": "s", "id": str(id), "text_vi": "Ngờ.", "text_en": "Doubtful."} for id in ids]
            following = str(begin + 2) if begin + 2 < len(items) else None
            return {"items": items[begin : begin + 2], "next": following}
        if int(asked["id"][0]) < self.taken:
            self.judged_after = max(0, self.judged_after - 1)
            standing = "not_yet" if self.judged_after else "stands"
            return {"state": "accepted", "text_vi": "Đã nhận.", "text_en": "Taken.", "figure": {"standing": standing}}
        self.traced += 1
        return {"state": "unknown", "text_vi": "Chưa thấy.", "text_en": "Not seen."}

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
    assert (outcome.accepted, len(outcome.waiting)) == (550, 650), "fifty were asked for one by one"
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


def test_figures_that_others_made_doubtful_after_they_were_accepted_are_flagged() -> None:
    door = Door(doubted=frozenset({1, 2, 6, 99}), refused=frozenset({6}))
    door.judged_after = 3
    outcome = followed(door, 10, 30)
    assert outcome.accepted == 9
    assert [(one.place, one.why.en) for one in outcome.flagged] == [("line 1", "Doubtful."), ("line 2", "Doubtful.")]


def test_an_event_that_is_there_after_all_when_it_is_traced_is_accepted() -> None:
    class Late(Door):
        def _known(self, asked: dict[str, list[str]]) -> dict[str, Any]:
            if "id" in asked:
                return {"state": "accepted_with_doubts", "text_vi": "Đã nhận.", "text_en": "Taken."}
            return super()._known(asked)

    door = Late(taken=0, doubted=frozenset({1}))
    door.judged_after = 0
    outcome = followed(door, 3, 0)
    assert (outcome.accepted, outcome.waiting) == (3, [])
    assert [one.place for one in outcome.flagged] == ["line 1"]


def test_cells_of_one_row_are_one_row_that_is_wrong() -> None:
    why = Said("Sai.", "Wrong.")
    wrong = [Remark("row 3", why, "column E"), Remark("row 3", why, "column F"), Remark("row 4", why)]
    lines = [line.plain for line in send_words.of_the_file(Contents(wrong=wrong))]
    assert lines[0] == "wrong, not sent: 2"
    assert lines[1::2] == ["    row 3, column E: Sai.", "    row 3, column F: Sai.", "    row 4: Sai."]
