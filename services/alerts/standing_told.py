"""What a rule asks, what an alert's figures are, and what would clear it, in words for whoever asks why. Pure."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

from contracts.catalog import Hold, Rule
from contracts.progress import ProgressJudged
from services.alerts import figures
from services.alerts.alert import Alert, Condition, Episode, Head
from services.alerts.figures import Language
from services.alerts.pace import from_baseline
from services.alerts.phrases import say
from services.alerts.rules import Verdict, clears_at, day_of
from services.alerts.scene import gap_of
from services.alerts.teller import Teller, both, percent
from services.runtime.catalog.problems import Words


def rule_told(rule: Rule | None, alert: Alert, teller: Teller) -> Iterator[Words]:
    """The rule as far as it bears on the alert; None: it is gone, or switched off."""
    if rule is None:
        name = alert.key.rule
        yield Words(f"“{name}” không còn hoặc đã tắt", f"“{name}” is gone, or switched off")
        return
    yield Words(f"“{rule.name_vi}” ({rule.id})", f"“{rule.name_en or rule.name_vi}” ({rule.id})")
    for rung in rule.ladder:
        level, bounds = f"severity_{rung.severity}", {"fire": float(rung.fire), "clear": clears_at(rung)}
        yield Words(_rung("vi", level, bounds), _rung("en", level, bounds))
    yield from _held(rule.pending_for, Words("chỉ báo khi đã chậm", "told only once it was behind"))
    yield from _held(rule.keep_firing_for, Words("chỉ kết thúc khi đã hết chậm", "over only once it was clear"))
    if alert.open is not None and alert.open.record.completeness is not None:
        share = float(rule.min_completeness)
        yield Words(
            f"số liệu tổng hợp chỉ được xét khi ít nhất {percent(share, 'vi')} % đơn vị đã báo cáo, hoặc kỳ đã hết",
            f"a sum of units is judged once {percent(share, 'en')}% of them have reported, or the period is over",
        )
    if rule.worsen_step is not None:
        step = float(rule.worsen_step)
        yield Words(
            f"báo lại khi thiếu thêm {teller.difference(step, 'vi')}",
            f"told again when the gap has grown by {teller.difference(step, 'en')}",
        )


def figures_told(alert: Alert, teller: Teller) -> Iterator[Words]:
    """The newest record that was judged, and of an open episode since when and how badly."""
    head = alert.head
    if head is None:
        yield Words("chưa có số liệu nào được xét", "no figure was judged yet")
        return
    yield both(lambda language: _standing(head, teller, language))
    version = Words(f" (bản thứ {head.version})", f" (version {head.version})")
    yield _VERDICTS.get(head.verdict, Words(head.verdict, head.verdict)).then(version)
    if alert.open is not None:
        yield from _episode(alert.open, teller)


def clearing_told(rule: Rule | None, alert: Alert, teller: Teller) -> Iterator[Words]:
    """From which figure on it is over; of one that is not open, what would raise it or let it be."""
    if rule is None:
        return
    mildest = rule.ladder[0]
    fire, clear = float(mildest.fire), clears_at(mildest)
    if alert.condition is Condition.INACTIVE:
        yield Words(
            f"không có cảnh báo nào đang mở; sẽ báo khi tiến độ dưới {percent(fire, 'vi')} %",
            f"nothing is open; a pace below {percent(fire, 'en')}% would raise it",
        )
    elif alert.open is None:
        yield Words(
            f"một số liệu có tiến độ từ {percent(fire, 'vi')} % trở lên",
            f"a figure at a pace of {percent(fire, 'en')}% or more",
        )
    else:
        worth = _worth(alert.open.record, mildest.clear if mildest.clear is not None else mildest.fire, teller)
        yield Words(
            f"số liệu có tiến độ từ {percent(clear, 'vi')} % trở lên",
            f"figures at a pace of {percent(clear, 'en')}% or more",
        ).then(worth)
        yield from _held(rule.keep_firing_for, Words("và đã hết chậm", "and once it was clear"))


def clearing_figure(record: ProgressJudged, clear: Decimal, decimals: int) -> Decimal | None:
    """What the figure of that very day would have to be for a pace of `clear`, rounded to the side on which it is; None
    where pace is not measured from a baseline."""
    target = record.target
    if record.planned is None or target is None or target.baseline is None or not from_baseline(record):
        return None
    baseline, planned = (Fraction(repr(number)) for number in (target.baseline, record.planned))
    scaled = (baseline + Fraction(clear) * (planned - baseline)) * 10**decimals
    return Decimal(ceil(scaled) if planned >= baseline else floor(scaled)).scaleb(-decimals)


def _worth(record: ProgressJudged, clear: Decimal, teller: Teller) -> Words:
    """The pace as a value of that day, so that what is read does clear it."""
    if teller.kpi is None or record.target is None or record.planned is None:
        return Words("", "")
    figure = clearing_figure(record, clear, figures.decimals_of(teller.kpi))
    if figure is None:
        return Words("", "")
    rises = record.planned >= (record.target.baseline or 0.0)
    vi, en = ("từ {} trở lên", "{} or more") if rises else ("từ {} trở xuống", "{} or less")
    return Words(
        f"; theo kế hoạch của ngày ấy là {vi.format(teller.amount(float(figure), 'vi'))}",
        f"; by the plan of that day, {en.format(teller.amount(float(figure), 'en'))}",
    )


def _standing(head: Head, teller: Teller, language: Language) -> str:
    said = [say(language, "standing", value=teller.amount(head.value, language))]
    if head.planned is not None:
        said.append(say(language, "planned", planned=teller.amount(head.planned, language)))
    if head.pace is not None:
        said.append(f"{say(language, 'l_pace').lower()} {percent(head.pace, language, 1)}{_PERCENT[language]}")
    day = day_of(head.as_of)
    return (f"{say(language, 'l_standing', day=figures.day(day, language))}: " if day is not None else "") + " · ".join(
        said
    )


def _episode(episode: Episode, teller: Teller) -> Iterator[Words]:
    since, kpi, worst = day_of(episode.since), teller.kpi, episode.worst_shortfall
    if since is not None:
        key = "since_readings" if episode.readings > 1 else "since"

        def long(language: Language) -> str:
            day = figures.day(since, language)
            return f"{say(language, 'l_since').lower()} {say(language, key, day=day, readings=episode.readings)}"

        yield both(long)
    if kpi is not None and worst is not None:
        yield Words("nặng nhất: ", "at worst: ").then(
            both(lambda language: gap_of(worst, episode.record, kpi, language))
        )


def _rung(language: Language, level: str, bounds: dict[str, float]) -> str:
    shown = {name: percent(bound, language) for name, bound in bounds.items()}
    return f"{say(language, level).lower()}: {say(language, 'pace_bounds', **shown)}"


def _held(hold: Hold, begins: Words) -> Iterator[Words]:
    if hold.observations > 1:
        count = hold.observations
        yield begins.then(Words(f" trong {count} lần báo cáo liên tiếp", f" in {count} reports in a row"))
    elif hold.data_span is not None:
        yield begins.then(both(lambda language: _FIGURES_OF[language].format(_span(hold.data_span, language))))
    elif hold.settle is not None:
        yield begins.then(both(lambda language: _SETTLED[language].format(_span(hold.settle, language))))


def _span(span: timedelta | None, language: Language) -> str:
    hours = (span or timedelta(0)) / timedelta(hours=1)
    number, (vi, en) = (hours / 24, ("ngày", "day")) if hours % 24 == 0 else (hours, ("giờ", "hour"))
    read = figures.number(number, 0, language)
    return f"{read} {vi}" if language == "vi" else f"{read} {en}{'s' * (number != 1)}"


_PERCENT = {"vi": " %", "en": "%"}
_FIGURES_OF = {"vi": " trong số liệu của {}", "en": " in the figures of {}"}
_SETTLED = {"vi": " được {} mà không có số liệu nói khác", "en": " for {} without a figure that says otherwise"}

_VERDICTS = {
    Verdict.BREACH.value: Words("dưới ngưỡng báo", "below where it fires"),
    Verdict.BAND.value: Words(
        "giữa ngưỡng báo và ngưỡng hết báo: giữ như trước",
        "between where it fires and where it clears: it stays as it was",
    ),
    Verdict.CLEAR.value: Words("từ ngưỡng hết báo trở lên", "at or above where it clears"),
    Verdict.NONE.value: Words("không xét được số liệu này", "this figure says nothing either way"),
}
