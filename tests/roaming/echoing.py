"""The program with a kind of message of the tests' own: what is sent, what comes in and what fails is written down.

    python -m tests.roaming.echoing serve --home …

Sending and writing down are one transaction, as are receiving and writing down; a row too many or too few is a bug.
"""

import asyncio
import sqlite3
from typing import Any

import node.app
from node.cli.main import run
from node.control import socket
from node.control.parts import Operation, Parts, Report
from node.home import Home
from node.protocol.names import NodeId
from node.roaming.messages import Refusal
from tests.nodes import Node

KIND = "echo"


class Echoes:
    """echo, echoes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        parts.messages.on(KIND, take)
        parts.messages.on_failed(KIND, failed)
        parts.database.write_now(make_table)

    def operations(self, report: Report) -> dict[str, Operation]:
        del report
        return {"echo": self.echo, "echoes": self.echoes}

    async def echo(
        self, to: str, numbers: list[int], kind: str = KIND, lasts: float = 86_400, **more: Any
    ) -> dict[str, Any]:
        """Sends a message for each number, and writes down that it did."""

        def send(db: sqlite3.Connection, number: int) -> None:
            db.execute("INSERT INTO echoes VALUES ('sent', ?, ?, '')", (to, number))
            body = {"number": number, **more}
            self._parts.messages.send(db, NodeId(to), kind, body, id=f"echo-{number}", lasts=lasts)

        for number in numbers:
            await self._parts.database.write(lambda db, number=number: send(db, number))  # type: ignore[misc]
        return {}

    async def echoes(self) -> dict[str, Any]:
        return {"echoes": await self._parts.database.read(written)}


def make_table(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE IF NOT EXISTS echoes (what TEXT, node TEXT, number INTEGER, sentence TEXT)")


def take(db: sqlite3.Connection, sender: NodeId, body: dict[str, Any], at: float) -> Refusal | None:
    del at
    if sentence := body.get("refuse"):
        return Refusal(sentence)
    db.execute("INSERT INTO echoes VALUES ('taken', ?, ?, '')", (sender, body["number"]))
    return None


def failed(db: sqlite3.Connection, to: NodeId, id_: str, body: dict[str, Any], sentence: str) -> None:
    del id_
    db.execute("INSERT INTO echoes VALUES ('failed', ?, ?, ?)", (to, body["number"], sentence))


def written(db: sqlite3.Connection) -> list[tuple[str, str, int, str]]:
    return db.execute("SELECT what, node, number, sentence FROM echoes ORDER BY rowid").fetchall()


class Echoing(Node):
    """A node that runs this program."""

    program = (*Node.program[:2], "tests.roaming.echoing")

    def ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return asyncio.run(socket.call(Home(self.home), operation, parameters))

    def echo(self, to: Node, *numbers: int, **more: Any) -> None:
        self.ask("echo", to=to.id, numbers=list(numbers), **more)

    def echoes(self, what: str) -> list[tuple[str, int]]:
        """(node id, number) of all that was sent, taken, or failed."""
        return [(node, number) for each, node, number, _ in self.ask("echoes")["echoes"] if each == what]

    def reasons(self) -> list[str]:
        return [sentence for what, _, _, sentence in self.ask("echoes")["echoes"] if what == "failed"]


if __name__ == "__main__":
    node.app.NOUNS = (*node.app.NOUNS, Echoes)
    run()
