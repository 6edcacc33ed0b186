"""Visits in the order in which people deal with them: what waits for an answer, who is coming, and what is over.

Rules:

- the first page shows the newest of each stage, what is to be done first; a stage alone goes on in pages
"""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from node.roaming.visit import Stage
from node.web.page import Asked

PAGE = 50


class _Place(BaseModel):
    """Where in the list a page begins."""

    model_config = ConfigDict(frozen=True)

    stage: Stage | None = Field(None, description="a stage: waiting, coming or over")
    before: int | None = Field(None, ge=1, description="the cursor that the page before ended with")


async def stages(asked: Asked, listing: Callable[..., Awaitable[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """By their stages, visits as `listing` gives them for `stage`, `before` and `limit`."""
    place = asked.query(_Place)
    chosen = [place.stage] if place.stage else list(Stage)
    before = place.before if place.stage else None
    return {each.value: await listing(stage=each, before=before, limit=PAGE) for each in chosen}
