"""How an alert climbs, in the words of a mail: who was told before and when, and who will be next. Pure."""

from datetime import datetime

from contracts.alerts import Remark
from services.alerts import figures
from services.alerts.alert import Asked
from services.alerts.audience import unit_of
from services.alerts.figures import Language
from services.alerts.grouping import Member
from services.alerts.phrases import role, say
from services.alerts.scene import Scene


def before_of(scene: Scene, member: Member, language: Language) -> str:
    """`Văn phòng UBND xã (đầu mối phụ trách), lúc 04/09/2023 08:00; …`; empty where it is no news."""
    if not member.escalated:
        return ""
    return "; ".join(
        say(
            language,
            "before",
            name=who.name,
            role=role(language, who.role),
            at=moment(scene, who.at, language),
        )
        for who in member.before
    )


def ahead_of(scene: Scene, member: Member, language: Language) -> str:
    """`nếu đến 07/09/2023 08:00 vẫn chậm, hệ thống sẽ báo lãnh đạo (Huyện Đắk Glong)`; empty where no step is foretold,
    or it lies behind by now."""
    ahead = member.ahead
    if ahead is None or ahead.at <= scene.mail.at:
        return ""
    on = ahead.at.astimezone(scene.catalog.zone).date()
    posts = []
    for entry in ahead.audience:
        of = unit_of(scene.catalog, entry, member.org_unit, on)
        if of is not None:
            posts.append(say(language, "post", role=role(language, entry.role), unit=scene.unit(of, language)))
    return say(language, "ahead", at=moment(scene, ahead.at, language), whom=", ".join(posts)) if posts else ""


def taken_up(scene: Scene, member: Member, language: Language) -> str:
    """`Chủ tịch UBND xã, lúc 05/09/2023 09:00, xử lý đến 12/09/2023 09:00: đã giao Văn phòng`; empty where nobody is at
    it."""
    handling = member.handling
    if handling is None or handling.by is None or handling.at is None or handling.until is None:
        return ""
    person = scene.catalog.people.get(handling.by)
    said = say(
        language,
        "acked",
        name=person.name if person is not None else handling.by,
        at=moment(scene, handling.at, language),
        until=moment(scene, handling.until, language),
    )
    return say(language, "acked_note", acked=said, note=handling.note) if handling.note else said


def account_of(scene: Scene, asked: Asked, language: Language) -> list[tuple[str, str]]:
    """Labels and texts: who asked for an account and until when, and what was answered."""

    def name(person_id: str) -> str:
        person = scene.catalog.people.get(person_id)
        return person.name if person is not None else person_id

    said = say(language, "asked", name=name(asked.by), due=moment(scene, asked.due, language))
    if asked.question:
        said = say(language, "asked_note", asked=said, note=asked.question)
    lines = [(say(language, "l_asked"), said)]
    if asked.given_by is not None and asked.given_at is not None:
        at = moment(scene, asked.given_at, language)
        answer = say(language, "account", name=name(asked.given_by), at=at, answer=asked.answer or "–")
        lines.append((say(language, "l_account"), answer))
    return lines


def closed_by(scene: Scene, remark: Remark, language: Language) -> str:
    """`Chủ tịch UBND huyện: số liệu nguồn sai, đã yêu cầu sửa`."""
    person = scene.catalog.people.get(remark.by)
    return say(language, "closed_by", name=person.name if person is not None else remark.by, note=remark.note)


def moment(scene: Scene, at: datetime, language: Language) -> str:
    """`07/09/2023 08:00`, by the clocks of the province."""
    local = at.astimezone(scene.catalog.zone)
    return f"{figures.day(local.date(), language)} {local:%H:%M}"
