"""Where the page of an inbox is."""

from __future__ import annotations

from pathlib import Path

from radar_pipeline.local.home import Home
from radar_pipeline.local.ports import HOST
from radar_pipeline.local.state import load_state


def page_url(port: int) -> str:
    """The page of the inbox at a port; its APIs lie below it."""
    return f"http://{HOST}:{port}"


def inbox_page(home: Path) -> str | None:
    """The page of a stack's inbox, as the stack remembers it; None where there never was one.

    Args:
        home: The stack's folder.

    Raises:
        LocalStackError: The stack's memory is damaged.
    """
    port = load_state(Home(home).state).ports.get("inbox")
    return None if port is None else page_url(port)
