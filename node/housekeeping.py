"""House-keeping: what a node does again and again while it serves, driven by APScheduler.

Nothing is scheduled on disk: what was missed while the node was off is done when its time comes again.

    housekeeping = Housekeeping()
    housekeeping.every(3600, purge, "purge")
    housekeeping.start()
"""

from collections.abc import Awaitable, Callable

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from node.errors import BraError

log = structlog.get_logger()

Work = Callable[[], Awaitable[object] | None]


class Housekeeping:
    """Jobs that are done every so many seconds, each for itself."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self.problems: dict[str, str] = {}
        """Why a piece of work failed the last time that it was done, by its name."""

    def every(self, seconds: float, work: Work, name: str) -> None:
        """Does `work` again and again; where it fails, that is logged, and it is tried again next time."""

        async def job() -> None:
            if problem := await logged(work, name):
                self.problems[name] = problem
            else:
                self.problems.pop(name, None)

        # Late is better than not at all: a machine that sleeps each night would never come to what is done once a day.
        self._scheduler.add_job(
            job, "interval", seconds=seconds, jitter=seconds / 20, id=name, coalesce=True, max_instances=1,
            misfire_grace_time=None,
        )  # fmt: skip

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)


async def logged(work: Work, name: str) -> str:
    """Does a piece of work; what goes wrong is logged, and told as a sentence, and ends nothing else."""
    try:
        if (going_on := work()) is not None:
            await going_on
    except BraError as error:
        log.error("scheduled job failed", job=name, problem=str(error))
        return str(error)
    except Exception:
        # A bug must be seen, also where nobody waits for what comes of it.
        log.exception("scheduled job failed", job=name)
        return "an error of the program itself, which is in the log: tell its makers"
    return ""
