"""What is left of a visit when it is deleted: of what names people, nothing in any file of either side."""

import random
import re
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from node.roaming.visit import Event
from node.storage import visits
from node.storage.database import Database
from node.storage.visits import Said
from tests.roaming.parks import KEEP_DAYS, Park, post, weekday
from tests.roaming.test_visits import DAY, both

__all__ = ["both"]


async def test_what_names_people_is_in_no_file_of_either_side_some_days_after_the_visit(
    both: tuple[Park, Park], tmp_path: Path
) -> None:
    guest, host = both
    marks = ("Zephyrina", "Quackenbush", "zq@sensors", "Pfefferkorn", "Nordic Sensors", "Mind the dog")
    asked = [await guest.ask(host.place(), asker=f"a{n}") for n in range(6)]
    await post(guest, host)
    for visit in asked:
        await host.say(visit, Event.ACCEPT, note="Mind the dog")
    await post(guest, host)
    passes = [(await guest.visits.passes(visit))[0]["token"] for visit in asked]
    assert left(tmp_path, *marks, passes[0]) == {*marks, passes[0]}
    ends = max(_ends(park) for park in both)
    guest.clock.time = ends + KEEP_DAYS * DAY
    for park in both:
        await park.visits.look_after()
    assert guest.rows("visits") == host.rows("visits") == 6
    guest.clock.pass_by(1)
    for park in both:
        await park.visits.look_after()
        assert [park.rows(table) for table in TABLES] == [0] * len(TABLES)
        park.database.close()
    assert left(tmp_path, *marks, *passes) == set()


@pytest.mark.parametrize("seed", range(2))
def test_between_visits_that_stay_no_copy_of_a_deleted_one_is_left(seed: int, tmp_path: Path) -> None:
    store, draw, alive = Database(tmp_path / "node.db"), random.Random(seed), dict[int, str]()

    def change(db: sqlite3.Connection, step: int) -> None:
        for no in draw.sample(sorted(alive), len(alive) // 12):
            visits.delete(db, no)
            del alive[no]
        for place in range(draw.randint(1, 20)):
            mark = f"mark-{step:03}-{place:02}"
            # Of many lengths, so that pages are split and rows move to their neighbours.
            text = mark + "x" * draw.choice([0, 150, 250, 600, 1600])
            days: dict[str, Any] = {"first": weekday(), "last": weekday(), "ends": 0}
            no = visits.add(
                db, guest="g", id_=mark[5:], side="host", venue="h/v", zone="UTC", asker=None, asked=0,
                request=text.encode(), **days,
            )  # fmt: skip
            visits.say(db, no, Said("guest", 1, 0, "ask", 0, 0, None, None, text))
            visits.keep_pass(db, no, 0, text)
            alive[no] = mark

    for step in range(150):
        store.write_now(partial(change, step=step))
    store.close()
    data = (tmp_path / "node.db").read_bytes()
    found = {each.decode() for each in re.findall(rb"mark-\d{3}-\d\d", data)}
    assert found == set(alive.values())


TABLES = ("visits", "visit_requests", "visit_moves", "visit_passes", "visit_links", "letters", "outbox")


def _ends(park: Park) -> float:
    return float(park.database.read_now(lambda db: db.execute("SELECT max(ends) FROM visits").fetchone()[0]))


def left(folder: Path, *marks: str) -> set[str]:
    """Which of these stand in any of the databases' files."""
    data = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return {mark for mark in marks if mark.encode() in data}
