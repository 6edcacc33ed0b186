"""What a node does again and again while it serves, and once at its start: beats, looking for damage, forgetting.

Each is done for itself, by `housekeeping`; none hurries, and one that was missed is done later.
"""

from collections.abc import Sequence
from functools import partial

import structlog

from node.config import Config
from node.control.parts import Parts
from node.housekeeping import Housekeeping, logged
from node.joining.newcomer import EVERY
from node.photos.photos import ERASE_EVERY
from node.protocol.verdicts import PRUNED_AFTER
from node.roaming import receipts
from node.roaming.issuing import PUBLISH_EVERY
from node.roaming.mailing import EVERY as LETTERS_EVERY
from node.storage import authors, erasure, sessions, sets
from node.storage.scrub import Damage

log = structlog.get_logger()

MINUTELY = 60.0
HOURLY = 3600.0
DAILY = 86_400.0


class Chores:
    """The chores of one node."""

    def __init__(self, parts: Parts, config: Config) -> None:
        self._parts = parts
        self._config = config

    def hand_to(self, housekeeping: Housekeeping) -> None:
        """Has all of them done from now on."""
        parts, every = self._parts, housekeeping.every
        every(self._config.federation.beat_hours * HOURLY, self._beat, "beat")
        every(HOURLY, self._reconsider, "acceptance")
        every(EVERY, lambda: parts.newcomer.go_on(everybody=False), "joining")
        every(HOURLY, parts.pairing.forget_old, "joins")
        every(DAILY, self._prune, "prune")
        every(DAILY, parts.scrub.everybody, "scrub")
        every(MINUTELY, parts.scrub.suspects, "suspects")
        every(DAILY, self._forget, "grace")
        every(HOURLY, self._purge, "purge")
        every(DAILY / 2, lambda: erasure.forget_words(parts.database), "words")
        every(ERASE_EVERY, parts.photos.erase, "photos")
        every(PUBLISH_EVERY, parts.passes.publish, "passes")
        every(HOURLY, parts.passes.forget, "ended passes")
        every(HOURLY, self._forget_sessions, "sessions")
        every(LETTERS_EVERY, parts.mailing.send_due, "letters")
        every(HOURLY, parts.visits.look_after, "visits")
        every(DAILY / 4, lambda: receipts.publish(parts.database, parts.publisher, parts.world.now()), "receipts")

    async def at_the_start(self) -> None:
        """What can't wait: a node that is restarted every day would never come to what is done once a day."""
        await self._parts.publisher.beat()
        await self._forget()
        await self._purge()
        await logged(self._parts.passes.publish, "passes")

    def damaged(self, found: Sequence[Damage]) -> None:
        """The disk lost or altered something: whoever has it is asked for it. A command tells what it found itself."""
        if self._parts.schedule is not None:
            for each in found:
                log.warning("damaged here", author=each.author, altered=len(each.altered), whole=each.whole)
            self._ask_again()

    def _ask_again(self) -> None:
        """What partners couldn't give before, or this node lost, is asked for once more."""
        if self._parts.schedule is not None:
            self._parts.schedule.nudge(retry=True)

    async def _reconsider(self) -> None:
        """Endorsements expire without anybody writing; what a partner couldn't give before, it may give now."""
        await self._parts.reconsider()
        self._ask_again()

    async def _beat(self) -> None:
        await self._parts.publisher.beat()
        if self._config.federation.outbound_only and self._parts.schedule is not None:
            self._parts.schedule.nudge()

    async def _purge(self) -> None:
        await erasure.purge_silent(self._parts.database, self._parts.acceptance.me, self._parts.world.now())

    async def _forget_sessions(self) -> None:
        await self._parts.database.write(partial(sessions.forget_old, now=self._parts.world.now()))

    async def _prune(self) -> None:
        before = self._parts.world.now() - PRUNED_AFTER
        await self._parts.database.write(lambda db: authors.prune(db, before))

    async def _forget(self) -> None:
        """What is held of those who ceased to be accepted goes when the grace period is over."""
        parts = self._parts
        before = parts.world.now() - self._config.trust.grace_days * DAILY
        # An author a job: other changes get their turn in between.
        while await parts.database.write(
            lambda db: sets.forget_dropped(db, parts.trees, me=parts.acceptance.me, before=before)
        ):
            pass
