"""The browser in which pages are looked at."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP *.internal 127.0.0.1",  # this machine under another name
)


@pytest.fixture(scope="module")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    """A browser of the tests of a file."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=str(chromium), args=_ARGUMENTS)
        yield running
        await running.close()
