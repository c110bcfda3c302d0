"""Where a figure will stand at its deadline, how sure that is, and how good such forecasts have been. Estimates: in the
decimals in which the KPI's figures are shown."""

from dataclasses import dataclass
from datetime import date

from contracts.explanations import Explanation, Landings
from contracts.progress import Landing, ProgressJudged, TargetJudged
from services.gateway.documents import as_day
from services.gateway.views.figures import Teller
from services.gateway.views.numbers import Measure, Numbers
from services.gateway.views.words import Words

SKILL = "landing_skill"
STEPS = ("landing", SKILL)
"""Steps of an explanation that are told here, and not in the calculation."""


@dataclass(frozen=True, slots=True)
class IssuedRow:
    """A forecast that went out."""

    as_of: str
    value: str
    between: str
    chance: str
    held: bool | None
    target: str
    """The target that it was made for; empty where all were made for the same."""
    remark: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that the page of a record says of its future; texts are empty where there is nothing to say."""

    sentence: str
    skill: str
    issued: list[IssuedRow]
    score: str


def outlook(
    record: ProgressJudged, said: Explanation, measure: Measure, words: Words, numbers: Numbers
) -> Outlook | None:
    """The outlook of a record; None where nothing is forecast and nothing was."""
    landing, issued = record.landing, said.landings
    if landing is None and issued is None:
        return None
    return Outlook(
        sentence=sentence(landing, record, measure, words, numbers) if landing is not None else "",
        skill=" ".join(words.either(one.text_vi, one.text_en) for one in said.formula if one.code == SKILL),
        issued=_rows(issued, measure, words, numbers) if issued is not None else [],
        score=_score(issued, measure, words, numbers) if issued is not None else "",
    )


def sentence(landing: Landing, record: ProgressJudged, measure: Measure, words: Words, numbers: Numbers) -> str:
    """“Theo đà hiện nay sẽ đạt 94,1 % vào 14/12/2023 …”; from which figures, where those are not the latest."""
    assert record.target is not None  # nothing is forecast without a target
    said = words(
        "Theo đà hiện nay sẽ đạt {value} vào {day} (80 % khả năng từ {low} đến {high}), khả năng đạt mục tiêu {chance}",
        value=numbers.value(landing.value, measure),
        day=numbers.day(record.target.deadline),
        low=_bare(landing.low, measure, numbers),
        high=_bare(landing.high, measure, numbers),
        chance=chance(landing.p_meet, words, numbers),
    )
    known = as_day(landing.as_of)
    if known is None or known == as_day(record.as_of):
        return f"{said}."
    day = numbers.day(date.fromisoformat(known))
    return words("{landing}; tính từ số liệu đến {day}.", landing=said, day=day)


def chance(probability: float, words: Words, numbers: Numbers) -> str:
    """In whole percent; never 0 or 100 where it is not certain."""
    percent = Measure("percent", 0)
    if 0 < probability < 0.01:
        return words("dưới {percent}", percent=numbers.value(1, percent))
    if 0.99 < probability < 1:
        return words("trên {percent}", percent=numbers.value(99, percent))
    return numbers.value(probability * 100, percent)


def _bare(value: float, measure: Measure, numbers: Numbers) -> str:
    return numbers.plain(value, measure.decimals, fixed=measure.percent)


def _rows(issued: Landings, measure: Measure, words: Words, numbers: Numbers) -> list[IssuedRow]:
    several = len({one.target for one in issued.issued}) > 1
    return [
        IssuedRow(
            as_of=numbers.day(one.as_of),
            value=numbers.value(one.value, measure),
            between=f"{_bare(one.low, measure, numbers)} – {_bare(one.high, measure, numbers)}",
            chance=chance(one.p_meet, words, numbers),
            held=one.held,
            target=_target(one.target, measure, words, numbers) if several and one.target is not None else "",
            remark=words.either(one.not_scored.text_vi, one.not_scored.text_en) if one.not_scored is not None else "",
        )
        for one in reversed(issued.issued)
    ]


def _target(target: TargetJudged, measure: Measure, words: Words, numbers: Numbers) -> str:
    goal = Teller(words, numbers).goal(target, measure)
    return words("{goal}, phiên bản {version}", goal=goal, version=target.version)


def _score(issued: Landings, measure: Measure, words: Words, numbers: Numbers) -> str:
    """What came, and how far off was what had been said."""
    if issued.came is None:
        return ""
    at_the_deadline = issued.came_as_of is None or issued.came_as_of >= issued.deadline
    came = words(
        "Đến hạn {day}: {came}, {met}." if at_the_deadline else "Số cuối cùng trước hạn ({day}): {came}, {met}.",
        day=numbers.day(issued.deadline if at_the_deadline else issued.came_as_of),
        came=numbers.value(issued.came, measure),
        met=words("đạt mục tiêu") if issued.met else words("không đạt mục tiêu"),
    )
    if issued.mean_absolute_error is None or issued.brier is None:
        return f"{came} {words('Chưa có dự báo nào kiểm chứng được.')}"
    held = words("{held}/{tested} khoảng dự báo đã đúng", held=issued.intervals_held, tested=issued.scored)
    error = words("sai trung bình {error}", error=numbers.distance(issued.mean_absolute_error, measure))
    brier = words("điểm Brier {brier} (0 là tốt nhất, 1 là kém nhất)", brier=numbers.plain(issued.brier, 2))
    return f"{came} {held}; {error}; {brier}."
