"""Acting on an alert: who it is and what their posts allow is decided here, what becomes of it by alerts.

The gateway writes nothing. A command goes to alerts under an id of the caller's, so that it may be sent again.
"""

from datetime import datetime

from contracts.handling import Commanded, Handled, Outcome
from services.gateway.admission import Actor
from services.gateway.documents import Document, as_day
from services.gateway.owners import Owners
from services.gateway.parts import Figures
from services.gateway.problems import ErrorItem, Problem, not_found
from services.gateway.rights import About, Act, ruling


async def authorised(model: Figures, actor: Actor, alert_id: str, act: Act) -> None:
    """Let pass who may do that about the alert. Raises `Problem`: 404, or 403 with the reason."""
    found = await model.alert(alert_id)
    if found is None:
        raise not_found("cảnh báo này", "such alert")
    document, _ = found
    ruled = ruling(actor.person, act, about(document), actor.catalog, actor.today)
    if not ruled.allowed:
        raise Problem(403, ruled.right, ruled.words.vi, ruled.words.en)


async def command(owners: Owners, alert_id: str, act: Act, asked: Commanded) -> Handled:
    """Have it done. Raises `Problem`: 409 where the alert is over, or asks for nothing; 422 where the end is not ahead;
    503."""
    handled = await owners.command(alert_id, act, asked)
    if handled.outcome is Outcome.NOT_OPEN:
        raise Problem(
            409,
            "not_open",
            "Cảnh báo này đã kết thúc hoặc chưa bắt đầu, nên không còn gì để xử lý.",
            "This alert is over, or has not begun: there is nothing to act on.",
        )
    if handled.outcome is Outcome.NOT_ASKED:
        raise Problem(
            409,
            "not_asked",
            "Chưa ai đề nghị giải trình, hoặc đã giải trình rồi; nếu cần nói thêm, hãy ghi ý kiến.",
            "Nobody asked for an account, or it was given already; what is to be added can be said as a comment.",
        )
    if handled.outcome is Outcome.ENDS_TOO_SOON:
        vi, en = "Thời hạn phải ở phía trước.", "The end must lie ahead."
        pointer = "/due" if act is Act.ASK_ACCOUNT else "/until"
        wrong = ErrorItem(code="ends_too_soon", pointer=pointer, message_vi=vi, message_en=en)
        raise Problem(422, "ends_too_soon", vi, en, errors=[wrong])
    return handled


def about(document: Document) -> About:
    """What rights are decided by, of an alert of the read model."""
    record = document["record"]
    day = as_day((record.get("progress") or {}).get("as_of"))
    as_of = datetime.fromisoformat(day).date() if day is not None else None
    return About(document["province"], document["kpi"], document["org_unit"], document["period"], as_of)
