"""An inviter whose answers are lies: the newcomer refuses each, and nothing is changed there."""

from collections.abc import Callable
from typing import Any

import pytest

from node.errors import BraError
from node.federation.client import Client
from node.joining.invitation import Link
from node.joining.messages import LONGEST
from node.joining.newcomer import Newcomer
from node.protocol.canonical import decode, encode
from node.protocol.names import NodeId, encode_base64
from tests.joining.conftest import Side
from tests.joining.test_hostile import PARIS, state


class Liar(Client):
    """The way to the inviter's node, on which its honest answers are changed."""

    def __init__(self, change: Callable[[bytes], bytes], *parts: Any, **limits: Any) -> None:
        super().__init__(*parts, **limits)
        self._change = change

    async def join(self, request: bytes) -> bytes:
        return self._change(await super().join(request))


def lying(side: Side, change: Callable[[bytes], bytes]) -> Newcomer:
    """The newcomer's side of joining of a node to which the inviter's answers come changed."""
    app = side.app

    def client(url: str, node: NodeId) -> Client:
        limits = {"world": app.world, "limits": app.limits, "request_seconds": 10}
        return Liar(change, app._http, url, node, app._signer, **limits)

    return Newcomer(app.parts.pairing, client)


def with_members(**different: Any) -> Callable[[bytes], bytes]:
    return lambda answer: encode(decode(answer) | different)


ANSWERS: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda answer: b"",
    "what is not JSON": lambda answer: b"<html>",
    "what is nested without end": lambda answer: b"[" * 100_000,
    "too much": lambda answer: answer + b" " * LONGEST,
    "a member more": with_members(more=1),
    "a wrong proof": with_members(proof=encode_base64(bytes(32))),
    "a confirmation that nobody made": with_members(confirmed=True),
    "another node's key card": with_members(key_card=PARIS.signed_record("organisation", "self").as_value()),
    "a key card that was changed": lambda answer: answer.replace(b"Lund Park", b"Oslo Park"),
    "a key card that is none": with_members(key_card=[]),
}


@pytest.mark.parametrize("what", ANSWERS)
async def test_an_inviter_is_refused_that_answers_with(what: str, lund: Side, tartu: Side) -> None:
    link = await lund.invite()
    before = await state(tartu)
    with pytest.raises(BraError):
        await lying(tartu, ANSWERS[what]).join(Link.parse(link))
    assert await state(tartu) == before
    assert (await tartu.does("join", link=link))["node_id"] == lund.id


async def test_an_answer_that_lies_later_confirms_nothing_and_is_shown(lund: Side, tartu: Side) -> None:
    await tartu.does("join", link=await lund.invite())
    await tartu.confirm(lund)
    await lying(tartu, with_members(confirmed=True)).go_on()
    [join] = await tartu.waiting()
    assert "somebody may be in between" in join["problem"]
    assert await tartu.partners() == []
