"""Where a figure will stand at its deadline, in the words of a mail. An estimate: in the KPI's own decimals. Pure."""

from contracts.progress import Landing, ProgressJudged
from services.alerts import figures
from services.alerts.figures import Language
from services.alerts.phrases import say
from services.alerts.rules import day_of
from services.alerts.scene import Scene


def landing_of(scene: Scene, record: ProgressJudged, language: Language) -> str | None:
    """`94,1 % vào 14/12/2023 (80 % khả năng từ 92,2 đến 95,0); khả năng đạt mục tiêu 90 %`; None where nothing is
    forecast. A forecast that does not know the record's latest figure says so."""
    landing = record.landing
    if landing is None or record.target is None:
        return None
    kpi, decimals = scene.kpi, figures.decimals_of(scene.kpi)
    text = say(
        language,
        "landing",
        value=figures.amount(landing.value, kpi, language),
        low=figures.number(landing.low, decimals, language),
        high=figures.number(landing.high, decimals, language),
        deadline=figures.day(record.target.deadline, language),
        chance=chance(landing, language),
    )
    known = day_of(landing.as_of)
    if known is not None and known != day_of(record.as_of):
        text = say(language, "landing_of_former_day", landing=text, as_of=figures.day(known, language))
    return text


def chance(landing: Landing, language: Language) -> str:
    """How likely the target is met, in whole percent; never 0 or 100 where it is not certain."""
    if 0 < landing.p_meet < 0.01:
        return say(language, "chance_below", percent=1)
    if 0.99 < landing.p_meet < 1:
        return say(language, "chance_above", percent=99)
    return say(language, "chance", percent=figures.number(landing.p_meet * 100, 0, language))
