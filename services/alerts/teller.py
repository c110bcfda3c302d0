"""How commands speak of alerts, in both languages: names, moments and amounts by one catalog. Pure."""

from collections.abc import Callable, Sequence
from datetime import date, datetime

from contracts.catalog import Audience, Kpi
from services.alerts import figures
from services.alerts.alert import Recipient
from services.alerts.audience import unit_of
from services.alerts.figures import Language
from services.alerts.phrases import role, say
from services.alerts.ports import RowState
from services.runtime.catalog import Catalog
from services.runtime.catalog.problems import Words


class Teller:
    """Speaks of one KPI; of one that the catalog no longer has, without its unit of measure.

    `discreet`: for whoever may read, so without addresses, nor what relays say, who repeat them.
    """

    def __init__(self, catalog: Catalog, kpi_id: str, *, discreet: bool = False) -> None:
        self.catalog = catalog
        self.discreet = discreet
        self.kpi: Kpi | None = catalog.kpis.get(kpi_id)

    def unit(self, unit_id: str, language: Language) -> str:
        """A unit's name; its id where the catalog has no such unit any more."""
        unit = self.catalog.units.get(unit_id)
        if unit is None:
            return unit_id
        return (unit.name_en or unit.name) if language == "en" else unit.name

    def name(self, person_id: str) -> str:
        """A person's name; their id where the catalog has them no more."""
        person = self.catalog.people.get(person_id)
        return person.name if person is not None else person_id

    def who(self, who: Recipient, language: Language) -> str:
        """`Văn phòng UBND xã <van-phong@tan-phu.example> (đầu mối phụ trách, Xã Tân Phú)`."""
        address = "" if self.discreet else f" <{who.email}>"
        return f"{who.name}{address} ({role(language, who.role)}, {self.unit(who.unit, language)})"

    def posts(self, audience: Sequence[Audience], unit: str, on: date, language: Language) -> str:
        """`lãnh đạo (Huyện Đắk Glong)`: whose posts are meant, of an alert on the unit."""
        posts = []
        for entry in audience:
            of = unit_of(self.catalog, entry, unit, on)
            if of is not None:
                posts.append(say(language, "post", role=role(language, entry.role), unit=self.unit(of, language)))
        return ", ".join(posts)

    def day(self, at: datetime) -> date:
        """The day by the clocks of the province."""
        return at.astimezone(self.catalog.zone).date()

    def moment(self, at: datetime, language: Language) -> str:
        """`07/09/2023 08:00`, by the clocks of the province."""
        return f"{figures.day(self.day(at), language)} {at.astimezone(self.catalog.zone):%H:%M}"

    def amount(self, value: float | None, language: Language) -> str:
        """A value; a dash where there is none."""
        if value is None:
            return "–"
        return figures.number(value, 2, language) if self.kpi is None else figures.amount(value, self.kpi, language)

    def difference(self, value: float, language: Language) -> str:
        """A difference of two values."""
        return figures.number(value, 2, language) if self.kpi is None else figures.difference(value, self.kpi, language)


def both(said: Callable[[Language], str]) -> Words:
    """What is said in either language."""
    return Words(said("vi"), said("en"))


def percent(share: float, language: Language, decimals: int = 0) -> str:
    """A share of one in percent, without the sign."""
    return figures.number(share * 100, decimals, language)


STATES = {
    RowState.QUEUED: Words("chờ gửi", "queued"),
    RowState.LEASED: Words("đang gửi", "being sent"),
    RowState.SENT: Words("đã gửi", "sent"),
    RowState.UNKNOWN: Words("chưa rõ, sẽ gửi lại", "unknown, sent again"),
    RowState.FAILED_RETRY: Words("bị hoãn, sẽ gửi lại", "put off, tried again"),
    RowState.DEAD: Words("không gửi được", "dead"),
    RowState.CANCELLED: Words("đã hủy", "cancelled"),
    RowState.UNCONFIRMED: Words("chưa rõ, không gửi lại", "unknown, not sent again"),
}
"""What became of a mail."""
