"""The page on which spreadsheets are sent: what it offers, and that it keeps no secret."""

import pytest

from services.gateway.routes.dashboard import WEB
from tests.unit.gateway.test_routes import Gateway
from tests.unit.ingest.door import CATALOG, EDOC


async def page(profile: str, query: str = "") -> str:
    async with Gateway(profile, {"dak-nong": CATALOG}).client() as client:
        answer = await client.get(f"/imports{query}")
    assert answer.status_code == 200
    return answer.text


async def test_it_asks_for_a_key_where_one_is_needed() -> None:
    assert 'id="key" type="password"' in await page("production")
    assert 'id="key"' not in await page("embedded")


@pytest.mark.parametrize(("language", "button"), [("vi", "Kiểm tra tệp"), ("en", "Check the file")])
async def test_it_speaks_both_languages_and_offers_sources_and_kpis(language: str, button: str) -> None:
    text = await page("embedded", f"?lang={language}")
    assert button in text
    assert f'<option value="{EDOC}">' in text
    assert '<option value="signed-share">' in text
    assert "growth-of-revenue" not in text, "nobody reports what is derived"


async def test_nothing_in_it_runs_inline() -> None:
    text = await page("embedded")
    assert "<script>" not in text
    assert "style=" not in text
    assert " on" not in [part[:3] for part in text.split('"')]


def test_the_key_is_kept_for_the_tab_only() -> None:
    script = (WEB / "static" / "imports.js").read_text(encoding="utf-8")
    assert "localStorage" not in script
    assert "cookie" not in script
    assert "innerHTML" not in script


async def test_without_a_catalog_it_is_there_all_the_same() -> None:
    async with Gateway("embedded", {}).client() as client:
        assert (await client.get("/imports")).status_code == 200
