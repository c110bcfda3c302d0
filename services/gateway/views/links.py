"""Addresses within the dashboard. All state is in the address, so that what one sees can be sent to somebody else."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from services.gateway.views.reading import Choice, Ground


def explain_href(kpi: str, unit: str, period: str, **more: str | None) -> str:
    """The page that explains one record; `more`: other words of its address, None for none."""
    chosen = {"kpi": kpi, "unit": unit, "period": period, **more}
    return "/explain?" + urlencode({name: value for name, value in chosen.items() if value is not None})


def view_href(province: str, kpi: str, period: str, view: str = "as_it_is_now", **more: str) -> str:
    """The page that shows a period's figures on the units of another day."""
    return "/view?" + urlencode({"province": province, "kpi": kpi, "period": period, "view": view, **more})


def reformed_href(ground: Ground, kpi: str, period: str) -> str:
    """The same on the units of today; empty where nobody ever followed anybody."""
    return view_href(ground.catalog.province.id, kpi, period) if ground.catalog.successions else ""


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses that keep what was chosen but for what they change."""

    choice: Choice

    def board(self, anchor: str = "", **changes: Any) -> str:
        """The page with these choices changed; None drops one."""
        chosen = {
            "province": self.choice.province,
            "period": self.choice.period,
            "status": self.choice.status.value if self.choice.status else None,
            "kpi": self.choice.kpi,
            "unit": self.choice.unit,
            "alerts": "all" if self.choice.all_alerts else None,
            **changes,
        }
        query = urlencode({name: value for name, value in chosen.items() if value is not None})
        return "/" + (f"?{query}" if query else "") + (f"#{anchor}" if anchor else "")

    def language(self, language: str) -> str:
        """The same page in another language."""
        return self.board(lang=language)
