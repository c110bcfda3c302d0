"""A letter as text and as HTML. HTML is one column with its styles inlined, and small enough not to be clipped."""

import re
from dataclasses import dataclass

import css_inline
from jinja2 import Environment, PackageLoader, StrictUndefined

from services.alerts.compose import Letter
from services.alerts.compose_digest import DigestLetter

_BEFORE_UNIT = re.compile(r" (?=(?:điểm )?%)|(?<=điểm) (?=%)")


@dataclass(frozen=True, slots=True)
class Rendered:
    """Both bodies of one mail."""

    text: str
    html: str


def bound(text: str) -> str:
    """The text with each number tied to its unit, so that no line of a narrow screen begins with `%`."""
    return _BEFORE_UNIT.sub("\u00a0", text)


class Renderer:
    """Holds the compiled templates."""

    def __init__(self) -> None:
        environment = Environment(
            loader=PackageLoader("services.alerts", "templates"),
            autoescape=lambda name: name is not None and name.endswith(".html"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["bound"] = bound
        self._of = {
            kind: (environment.get_template(f"{kind}.txt"), environment.get_template(f"{kind}.html"))
            for kind in (Letter.template, DigestLetter.template)
        }
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)

    def render(self, letter: Letter | DigestLetter) -> Rendered:
        """Both bodies. The text has no line that ends in spaces, save the signature's mark."""
        as_text, as_html = self._of[letter.template]
        lines = [line.rstrip() for line in as_text.render(letter=letter).strip().splitlines()]
        text = "\n".join("-- " if line == "--" else line for line in lines) + "\n"
        return Rendered(text, self._inliner.inline(as_html.render(letter=letter)))
