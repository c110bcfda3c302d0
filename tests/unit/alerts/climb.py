"""An alert that climbs, in the small district: two levels above it, and a clock of the calendar."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from contracts.catalog import Audience, CalendarSpec, EscalationPolicy, EscalationStep, Rule
from services.alerts.alert import Alert, Recipient, Told
from services.alerts.decide import Decision, Happened, Row, Tick, decide
from services.alerts.escalating import Ways
from services.alerts.working_clock import WorkingClock
from services.runtime.catalog import Calendar
from tests.unit.alerts.builders import KEY, NOW, TOLD, a_record, a_rule, seen

DAY = timedelta(days=1)
CHIEF = Recipient("chief", "Chủ tịch UBND huyện", "chief@x.example", "chief", "huyen-a")
LEAD = Recipient("lead", "Lãnh đạo tỉnh", "lead@x.example", "lead", "dak-nong")
PEOPLE: Mapping[str, tuple[Recipient, ...]] = {"chief": (CHIEF,), "lead": (LEAD,), "manager": (TOLD.recipients[1],)}
CLOCK = WorkingClock(Calendar(CalendarSpec(id="c", name_vi="Lịch")), ZoneInfo("Asia/Ho_Chi_Minh"))


def a_policy(name: str = "standard", *steps: tuple[int, str], **fields: object) -> EscalationPolicy:
    """Steps of (days of the calendar, role)."""
    given_steps = [
        EscalationStep(after=days * DAY, clock="calendar", audience=(Audience(role=role, of="parent"),))
        for days, role in steps or ((3, "chief"), (7, "lead"))
    ]
    return EscalationPolicy.model_validate({"id": name, "name_vi": "x", "steps": given_steps, **fields})


class Climb:
    """One alert under a rule with a policy; remembers every decision."""

    def __init__(self, *policies: EscalationPolicy, **rule: object) -> None:
        policies = policies or (a_policy(),)
        self.rule: Rule = a_rule(policy=policies[0].id, policies=policies, **rule)
        self.people = dict(PEOPLE)
        self.alert, self.now, self.version = Alert(KEY), NOW, 0
        self.decisions: list[Decision] = []

    def takes(self, happened: Happened) -> Decision:
        ways = Ways(CLOCK, lambda step: Told(self.people.get(step.audience[0].role, ())))
        decision = decide(self.alert, self.rule, happened, self.now, lambda: TOLD, ways)
        self.alert = replace(decision.alert, rev=self.alert.rev + 1)
        self.decisions.append(decision)
        return decision

    def sees(self, pace: float | None = 0.7, days: float = 0, **fields: object) -> "Climb":
        self.now += days * DAY
        self.version += 1
        self.takes(seen(a_record(pace, version=self.version, **{"as_of": self.now.date(), **fields})))
        return self

    def after(self, days: float) -> "Climb":
        """A tick so many days later."""
        self.now += days * DAY
        self.takes(Tick())
        return self

    @property
    def reminded(self) -> list[datetime]:
        """When everybody was told again."""
        effects = (effect for decision in self.decisions for effect in decision.effects)
        return [effect.wire.at for effect in effects if effect.wire.reason == Row.R1]

    @property
    def climbed(self) -> list[tuple[str, ...]]:
        """Who was told by each step that told anybody."""
        effects = (effect for decision in self.decisions for effect in decision.effects)
        return [effect.meant_for for effect in effects if effect.wire.type == "escalated"]
