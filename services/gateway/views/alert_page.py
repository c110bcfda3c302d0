"""The page of one alert: what fell behind, what happened in its episodes, who is at it, and why it is as it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from contracts.alerts import Account, AlertTransition, CloseReason, TakenUp, TransitionType
from contracts.handling import AlertExplained
from contracts.progress import ProgressJudged
from services.gateway.documents import Document
from services.gateway.views.figures import Said, Teller
from services.gateway.views.kpis import owner_of
from services.gateway.views.links import Links, explain_href
from services.gateway.views.numbers import Numbers
from services.gateway.views.reading import Choice, Ground
from services.gateway.views.statuses import Badge, severity_badge
from services.gateway.views.words import Words

_ENDS: Mapping[CloseReason, tuple[str, str]] = {
    CloseReason.RECOVERED: ("on_track", "Đã trở lại gần kế hoạch"),
    CloseReason.TARGET_MET: ("achieved", "Đã đạt mục tiêu"),
    CloseReason.PERIOD_CLOSED_MET: ("achieved", "Hết kỳ, đạt mục tiêu"),
    CloseReason.PERIOD_CLOSED_MISSED: ("missed", "Hết kỳ, không đạt mục tiêu"),
    CloseReason.MANUAL: ("no_target", "Có người đóng cảnh báo"),
    CloseReason.RULE_DISABLED: ("no_target", "Không còn theo dõi: quy tắc đã tắt"),
    CloseReason.RULE_CHANGED: ("no_target", "Quy tắc đã đổi, không còn coi là chậm"),
    CloseReason.RULE_IDENTITY_CHANGED: ("no_target", "Quy tắc không còn theo dõi chỉ tiêu này ở đây"),
    CloseReason.TARGET_REVISED: ("on_track", "Kế hoạch được sửa, nên hết chậm"),
    CloseReason.TARGET_WITHDRAWN: ("no_target", "Mục tiêu được rút lại"),
    CloseReason.ORG_UNIT_RETIRED: ("no_target", "Đơn vị không còn"),
    CloseReason.RETIRED_NO_DATA: ("unknown", "Quá lâu không có số liệu"),
}
"""Shape and word of each end; shapes and tones are those of the statuses."""

_HAPPENED: Mapping[TransitionType, str] = {
    TransitionType.OPENED: "Chậm so với kế hoạch: bắt đầu cảnh báo",
    TransitionType.WORSENED: "Chậm thêm",
    TransitionType.ESCALATED: "Báo lên cấp trên",
    TransitionType.REMINDED: "Nhắc lại những người đã được báo",
    TransitionType.DATA_MISSING: "Quá lâu không có số liệu mới",
    TransitionType.DATA_BACK: "Đã có số liệu mới",
    TransitionType.FLAPPING: "Số liệu lên xuống thất thường",
}


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened; `note`: what somebody wrote."""

    at: str
    code: str
    text: str
    note: str


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of being behind."""

    number: int
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class Charge:
    """Who has taken it up. `over`: the time for it has passed."""

    name: str
    at: str
    until: str
    note: str
    over: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """An account that was asked for; texts are empty until it is given. `overdue`: it should have been."""

    name: str
    due: str
    question: str
    given_by: str
    given_at: str
    answer: str
    overdue: bool


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Everything that the template places."""

    id: str
    seq: int
    open: bool
    badge: Badge
    unit: str
    above: str
    kpi: str
    period: str
    since: str
    owner: str
    said: Said | None
    reasons: list[str]
    split: str
    charge: Charge | None
    asked: Asked | None
    episodes: list[Episode]
    why: list[tuple[str, list[str]]]
    """Titles and sentences, from alerts; empty while it is away."""
    explain_href: str
    board_href: str
    api_href: str
    first_until: str
    """The first day that may be chosen as an end."""


def alert_page(
    document: Document, told: Sequence[Document], why: AlertExplained | None, ground: Ground, words: Words
) -> AlertPage:
    """The page of an alert of the read model, with its transitions, oldest first."""
    alert = AlertTransition.model_validate(document["record"])
    record = alert.progress
    teller, kpi = Teller(words, Numbers(words)), ground.catalog.kpis.get(alert.kpi)
    teller_of = _Timeline(ground, words, teller.numbers)
    parent = ground.catalog.units.parent(alert.org_unit, ground.day)
    return AlertPage(
        id=alert.alert_id,
        seq=alert.seq,
        open=document["state"] == "open",
        badge=_badge(alert, document["state"], words),
        unit=ground.name(alert.org_unit, words),
        above=ground.short_name(parent, words) if parent is not None else "",
        kpi=words.either(kpi.name_vi, kpi.name_en) if kpi is not None else alert.kpi,
        period=alert.period,
        since=teller_of.moment(alert.opened_at) if alert.opened_at is not None else "",
        owner=alert.owner or (owner_of(ground, record) if record is not None else ""),
        said=teller.say(record, kpi, alert.kpi) if record is not None else None,
        reasons=teller.reasons(record, kpi) if record is not None else [],
        split=_split(record, teller, ground, words),
        charge=teller_of.charge(alert.taken_up) if alert.taken_up is not None else None,
        asked=teller_of.asked(alert.account) if alert.account is not None else None,
        episodes=list(teller_of.episodes([AlertTransition.model_validate(one["record"]) for one in told])),
        why=_why(why, words),
        explain_href=explain_href(alert.kpi, alert.org_unit, alert.period),
        board_href=Links(Choice(province=alert.province)).board(anchor=f"kpi-{alert.kpi}", kpi=alert.kpi),
        api_href=f"/api/v1/alerts/{alert.alert_id}",
        first_until=(ground.now.astimezone(ground.catalog.zone).date() + timedelta(days=1)).isoformat(),
    )


def _badge(alert: AlertTransition, state: str, words: Words) -> Badge:
    if state == "open" or alert.close_reason is None:
        return severity_badge(alert.severity, words)
    code, text = _ENDS[alert.close_reason]
    return Badge(code, words(text))


def _split(record: ProgressJudged | None, teller: Teller, ground: Ground, words: Words) -> str:
    return teller.split(record, lambda unit: ground.short_name(unit, words)) if record is not None else ""


def _why(why: AlertExplained | None, words: Words) -> list[tuple[str, list[str]]]:
    chapters = why.chapters if why is not None else ()
    return [
        (words.either(one.title.vi, one.title.en), [words.either(line.vi, line.en) for line in one.lines])
        for one in chapters
    ]


@dataclass(frozen=True, slots=True)
class _Timeline:
    """Puts what happened into words."""

    ground: Ground
    words: Words
    numbers: Numbers

    def moment(self, at: datetime) -> str:
        """When, in the province."""
        return self.numbers.moment(at.astimezone(self.ground.catalog.zone))

    def _end(self, until: datetime) -> str:
        """The end of a day is said as that day."""
        local = until.astimezone(self.ground.catalog.zone)
        if local.time() != time.min:
            return self.moment(until)
        return self.words("hết {day}", day=self.numbers.day(local.date() - timedelta(days=1)))

    def charge(self, taken: TakenUp) -> Charge:
        """Who is at it."""
        over = taken.until <= self.ground.now
        return Charge(self._name(taken.by), self.moment(taken.at), self._end(taken.until), taken.note or "", over)

    def asked(self, account: Account) -> Asked:
        """What account was asked for, and given."""
        given = account.given_at
        return Asked(
            name=self._name(account.asked_by),
            due=self._end(account.due),
            question=account.question or "",
            given_by=self._name(account.given_by) if account.given_by is not None else "",
            given_at=self.moment(given) if given is not None else "",
            answer=account.answer or "",
            overdue=given is None and account.due <= self.ground.now,
        )

    def _name(self, person_id: str) -> str:
        person = self.ground.catalog.people.get(person_id)
        return person.name if person is not None else person_id

    def episodes(self, told: Sequence[AlertTransition]) -> Iterator[Episode]:
        """The latest first, what happened in each in order."""
        for number in sorted({one.episode for one in told}, reverse=True):
            yield Episode(number, [self._step(one) for one in told if one.episode == number])

    def _step(self, told: AlertTransition) -> Step:
        at, words = self.moment(told.at), self.words
        if told.type is TransitionType.CLOSED and told.close_reason is not None:
            code, text = _ENDS[told.close_reason]
            if told.remark is None:
                return Step(at, code, words(text), "")
            text = words("{name} đóng cảnh báo", name=self._name(told.remark.by))
            if told.waived_until is not None:
                until = self._end(told.waived_until)
                text = words("{what}, không báo lại đến {until}", what=text, until=until)
            return Step(at, code, text, told.remark.note)
        badge = severity_badge(told.severity, words)
        if told.type is TransitionType.ACKNOWLEDGED and told.taken_up is not None:
            taken = self.charge(told.taken_up)
            text = words("{name} nhận xử lý đến {until}", name=taken.name, until=taken.until)
            return Step(at, "on_track", text, taken.note)
        if told.type is TransitionType.ACCOUNT_ASKED and told.account is not None:
            account = self.asked(told.account)
            text = words("{name} đề nghị giải trình đến {due}", name=account.name, due=account.due)
            return Step(at, "watch", text, account.question)
        if told.type is TransitionType.ACCOUNT_GIVEN and told.account is not None:
            account = self.asked(told.account)
            return Step(at, "on_track", words("{name} giải trình", name=account.given_by), account.answer)
        if told.remark is not None:
            return Step(at, "watch", words("{name} ghi ý kiến", name=self._name(told.remark.by)), told.remark.note)
        text = words(_HAPPENED.get(told.type, told.type.value))
        if told.type in (TransitionType.OPENED, TransitionType.WORSENED):
            text = words("{what}, mức “{severity}”", what=text, severity=badge.word)
        return Step(at, badge.code, text, "")
