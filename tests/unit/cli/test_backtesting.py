"""Rules tried on the ledger: what comes of it is what came of the same figures in the services themselves."""

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from typer.testing import CliRunner, Result

from contracts.alerts import AlertTransition
from contracts.catalog import Audience, EscalationPolicy, EscalationStep, Hold, Person, Post, Rule, Threshold
from contracts.observations import ObservationRecorded
from services.alerts import documents
from services.alerts.deciding import Arrived
from services.alerts.tally import EpisodeTold, MailTold, told_episodes
from services.cli.backtesting import in_order, tried, with_rules_of
from services.cli.commands import app
from services.runtime.catalog import Catalog
from tests.unit.alerts.service import Service, World
from tests.unit.catalog.folders import written
from tests.unit.cli.http import Answer, Question, serving
from tests.unit.metrics.builders import a_catalog, a_target, an_observation
from tests.unit.metrics.engine import Engine

DAY = timedelta(days=1)
COMMUNES = ("p.a.1", "p.a.2", "p.b.1", "p.b.2")
START = datetime(2023, 9, 25, 2, tzinfo=UTC)
END = datetime(2024, 1, 15, 2, tzinfo=UTC)
"""Beyond the end of 2023, which is 14 December, and its days of grace."""

POLICY = EscalationPolicy(
    id="up",
    name_vi="Báo cấp trên",
    steps=(EscalationStep(after=3 * DAY, audience=(Audience(role="manager", of="parent"),)),),
    repeats=(10 * DAY,),
)
RULE = Rule(
    id="behind",
    name_vi="Chậm",
    ladder=(
        Threshold(severity="watch", fire=Decimal("0.90"), clear=Decimal("0.95")),
        Threshold(severity="critical", fire=Decimal("0.50"), clear=Decimal("0.60")),
    ),
    keep_firing_for=Hold(settle=timedelta(hours=30)),
    audience=(Audience(role="owner"),),
    policy="up",
    policies=(POLICY,),
)


def a_person(name: str, role: str, *units: str) -> Person:
    return Person(
        id=name, name=name, email=f"{name}@p.example", posts=tuple(Post(role=role, unit=one) for one in units)
    )


PEOPLE = (a_person("desk", "owner", *COMMUNES), a_person("head.a", "manager", "p.a"), a_person("lead", "manager", "p"))


def a_province(*rules: Rule) -> Catalog:
    target = a_target(None, 92, 0, level="commune", id="t")
    return a_catalog(target, *(rules or (RULE,)), *PEOPLE)


def figures(seed: int = 7) -> list[ObservationRecorded]:
    """Weekly figures of each commune about the line of its plan, some of them late, some corrected."""
    chance, offset = random.Random(seed), iter(range(10**6))
    found = []
    for week in range(15):
        for commune in COMMUNES:
            at = START + timedelta(days=7 * week, minutes=chance.choice([0, 0, 0, 40, 1500]))
            for again in range(chance.choice([1, 1, 1, 2])):
                came = at + again * timedelta(hours=chance.choice([1, 20, 60]))
                share = 72 + 20 * week / 15 - chance.choice([0, 0, 0, 0, 14, 40])
                as_of = (START + timedelta(days=7 * week - 1)).date().isoformat()
                found.append((came, commune, as_of, share))
    return [
        an_observation(commune, as_of, value=f"{share:.2f}", offset=next(offset), reported_at=came, received_at=came)
        for came, commune, as_of, share in sorted(found)
    ]


class Live(NamedTuple):
    """What the services decided."""

    episodes: list[EpisodeTold]
    mails: list[MailTold]


async def lived(catalog: Catalog, observations: Sequence[ObservationRecorded]) -> Live:
    """The quarter in metrics and alerts, each over its own store and topic, as time goes by."""
    engine, world = Engine(catalog, START), World(catalog)
    service = Service(world, start=START)
    said, offset = 0, 0
    for at, together in moments(observations):
        engine.clock.moment = at
        await engine.tick()
        await engine.take(*together, offset=offset)
        offset += len(together)
        records = engine.topic.progress()
        await lets_pass(service, at)
        await service.takes([Arrived(record, at) for record in records[said:]])
        await service.stages.relay_fresh()
        said = len(records)
    await lets_pass(service, END)
    wires = [AlertTransition.model_validate_json(one.value or b"") for one in world.producer.published]
    mails = [documents.to_mail(one["mail"]) for one in world.mails.documents.values()]
    told = [MailTold(mail.at, mail.recipient.person, mail.group.kpi, mail.reason.value) for mail in mails]
    return Live(told_episodes(wires), told)


def moments(observations: Sequence[ObservationRecorded]) -> Iterator[tuple[datetime, list[ObservationRecorded]]]:
    """Every midnight, and every moment at which figures come."""
    coming: dict[datetime, list[ObservationRecorded]] = {}
    for one in observations:
        coming.setdefault(one.received_at, []).append(one)
    midnight = START.replace(hour=17)
    while midnight < END:
        coming.setdefault(midnight, [])
        midnight += DAY
    return iter(sorted(coming.items()))


async def lets_pass(service: Service, until: datetime) -> None:
    """Whatever falls due happens at its very moment, as by the clock on the wall."""
    world = service.world
    while True:
        dues = [one for one in (await world.alerts.next_due(), await world.groups.next_due()) if one is not None]
        at = min([until, *(max(due, service.clock.now()) for due in dues)])
        service.clock.observe(at)
        await service.stages.look(at)
        await service.flusher.flush(at)
        if at == until:
            return


async def backtested(catalog: Catalog, observations: Sequence[ObservationRecorded]) -> Live:
    ledger = [[orjson.loads(one.model_dump_json(exclude_none=True)) for one in observations]]
    found = await tried("k", in_order(ledger), [catalog], END)
    (outcome,) = found.outcomes
    return Live(outcome.episodes, outcome.mails)


@pytest.mark.parametrize("seed", [7, 8])
def test_a_quarter_tried_again_is_the_quarter_as_it_was(seed: int) -> None:
    catalog, observations = a_province(), figures(seed)
    live = asyncio.run(lived(catalog, observations))
    again = asyncio.run(backtested(catalog, observations))
    assert len(live.episodes) > 8
    assert {mail.reason for mail in live.mails} >= {"FIRST", "ESCALATED", "ALL_RESOLVED"}
    assert again.episodes == live.episodes
    assert sorted(again.mails) == sorted(live.mails)


def test_a_slower_rule_is_tried_beside_the_one_in_force() -> None:
    observations = figures()
    slow = a_province(RULE.model_copy(update={"pending_for": Hold(observations=3)}))
    ledger = in_order([[orjson.loads(one.model_dump_json(exclude_none=True)) for one in observations]])
    found = asyncio.run(tried("k", ledger, [slow, with_rules_of(slow, a_province())], END))
    new, now = found.outcomes
    assert found.figures == len(observations)
    assert Live(now.episodes, now.mails) == asyncio.run(backtested(a_province(), observations))
    assert len(new.episodes) < len(now.episodes)
    assert len(new.mails) < len(now.mails)
    assert new.ended == now.ended


def test_partitions_are_one_in_the_order_in_which_figures_came() -> None:
    def came(*hours: int) -> list[dict[str, str]]:
        return [{"received_at": (START + hour * timedelta(hours=1)).isoformat(), "n": str(hour)} for hour in hours]

    found = in_order([came(1, 5, 4), came(2, 3, 6)])
    assert [one.content["n"] for one in found] == ["1", "2", "3", "5", "4", "6"]


def served(observations: Sequence[ObservationRecorded]) -> Callable[[Question], Answer]:
    """The ledger of a running ingest, two entries a page."""
    contents = [one.model_dump(mode="json", exclude_none=True) for one in observations]

    def answer(question: Question) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(question.path).query).items()}
        mine = [one for one in contents if f"{one['province']}/{one['kpi']}" == asked["key"]]
        if "/extent" in question.path:
            part = {"log": "log", "partition": 0, "end": len(contents), "entries": len(mine), "committed": 10**6}
            return 200, {}, {"key": asked["key"], "parts": [part] if mine else [], "removed_before": None}
        page = [one for one in mine if one["raw"]["offset"] >= int(asked["start"])][:2]
        return 200, {}, {"items": page, "next": page[-1]["raw"]["offset"] + 1 if page else None}

    return answer


def products(*values: int) -> list[ObservationRecorded]:
    """Running totals of the commune A, a week apart."""
    found = []
    for week, value in enumerate(values):
        came = datetime(2023, 3, 1, 2, tzinfo=UTC) + week * timedelta(days=7)
        figure = an_observation("p.a", f"{came:%Y-%m-%d}", value=value, kpi="products", offset=week)
        found.append(figure.model_copy(update={"reported_at": came, "received_at": came}))
    return found


def asked(folder: Path, url: str, *more: str) -> Result:
    environment = {"TIENDO_KAFKA_BOOTSTRAP": "127.0.0.1:9", "TIENDO_MONGO_URI": "mongodb://127.0.0.1:9"}
    arguments = ["rules", "backtest", "--catalog", str(folder), "--ingest", url, "--to", "2023-05-31", *more]
    return CliRunner().invoke(app, arguments, env=environment)


def test_the_command_says_what_would_have_changed(tmp_path: Path) -> None:
    now, new = tmp_path / "now", tmp_path / "new"
    for folder in (now, new):
        folder.mkdir()
        written(folder)
    rules = (new / "rules.yaml").read_text(encoding="utf-8")
    slow = rules.replace("    ladder:", "    pending_for: {observations: 2}\n    ladder:", 1)
    assert slow != rules
    (new / "rules.yaml").write_text(slow, encoding="utf-8")
    with serving(served(products(30, 8, 40, 10, 11, 60))) as url:
        said = asked(new, url, "--against", str(now), "--kpi", "products", "--kpi", "growth", "--json")
        assert said.exit_code == 0, said.output
        found = json.loads(said.stdout)
        assert (found["kpis"], found["figures"], found["made_from_others"]) == (1, 6, ["growth"])
        assert (found["tried"]["episodes"], found["before"]["episodes"]) == (1, 2)
        assert (found["tried"]["mails"], found["before"]["mails"]) == (2, 4)
        assert (found["before"]["flaps"], found["tried"]["flaps"]) == (1, 0)
        assert found["before"]["recipients"]["owner"]["mails"] == 4
        said = asked(new, url, "--against", str(now), "--kpi", "products", "--kpi", "growth")
    lines = [" ".join(line.replace("│", " ").split()) for line in said.stdout.splitlines()]
    assert lines[0].startswith("Từ 01/03/2023 đến 31/05/2023: 1 chỉ tiêu, 6 số liệu · from 2023-03-01 to 2023-05-31")
    assert lines[1] == "Không thử được, vì tính từ chỉ tiêu khác: growth · not tried, since made from others: growth"
    assert "đợt cảnh báo · episodes 1 2 -1" in lines
    assert "chập chờn: vừa hết lại chậm · flaps: back at once 0 1 -1" in lines
    assert "owner 0,15 0,31 -0,15" in lines, said.stdout


def test_what_cannot_be_tried_is_said_with_what_to_write(tmp_path: Path) -> None:
    written(tmp_path)
    same = ("--against", str(tmp_path))
    assert "hãy viết “products”" in str(asked(tmp_path, "http://127.0.0.1:9", *same, "--kpi", "produkts").exception)
    away = asked(tmp_path, "http://127.0.0.1:9", *same).exception
    assert "ingest does not answer at http://127.0.0.1:9" in str(away)
    (tmp_path / "rules.yaml").write_text("rules: 3", encoding="utf-8")
    assert "còn lỗi; `tiendo catalog check" in str(asked(tmp_path, "http://127.0.0.1:9").exception)
