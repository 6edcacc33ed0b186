"""Partners: how things stand with each, and what an operator decides about one.

Rules:

- what is lost by a decision is shown before it is made, by name; it is made by typing the organisation's name
- a decision is made about one node, by its id: names may change meanwhile, and look alike
- who isn't a partner has a page here, too: it may be endorsed, or blocked
"""

from typing import Any, get_args

from node.api.refusals import Refused
from node.api.role import Role
from node.kinds.endorsement import Method
from node.sentence import said
from node.web.ground import Ground
from node.web.page import Answer, Asked, Page, View, see

NODE = "{node:bra1[a-z2-7]{32}}"
PARTNERS = "/operate/partners"
METHODS: tuple[str, ...] = get_args(get_args(Method)[0])
DECISIONS = {"block": "block", "remove": "partner-remove", "expel": "expel", "withdraw": "endorse-withdraw"}
"""What is asked about with a what-if: the word in the address, and the operation."""
_TOLD_TO_ALL = ("expel", "withdraw")
"""Those that others read the reason of, and that therefore need one."""


class PartnersPages:
    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def pages(self) -> list[Page]:
        one = f"{PARTNERS}/{NODE}"
        return [
            Page(PARTNERS, show=self._list, do=self._sync, role=Role.OPERATOR),
            Page(one, show=self._one, do=self._do, role=Role.OPERATOR),
            Page(f"{one}/{{act:{'|'.join(DECISIONS)}}}", show=self._ask, do=self._decide, role=Role.OPERATOR),
        ]

    async def _list(self, _: Asked) -> Answer:
        operate = self._ground.operate
        found = await operate("partner-list", {})
        values = {
            "partners": found["partners"],
            "waiting": (await operate("join-list", {}))["joins"],
            "invitations": [
                each for each in (await operate("invitation-list", {}))["invitations"] if each["state"] == "open"
            ],
            "blocked": (await operate("block-list", {}))["blocked"],
        }
        return View("operate/partners.html", values, parts=("partners",))

    async def _sync(self, _: Asked) -> Answer:
        done = await self._ground.operate("sync", {})
        return see(PARTNERS, done="failed" if any("problem" in each for each in done["partners"]) else "synced")

    async def _one(self, asked: Asked) -> Answer:
        node = asked.path("node")
        values = {
            "found": await self._ground.operate("partner-show", {"node": node}),
            "why": await self._ground.operate("trust-why", {"node": node}),
            "methods": METHODS,
        }
        return View("operate/partner.html", values, parts=("partner",))

    async def _do(self, asked: Asked) -> Answer:
        node, what = asked.path("node"), asked.form.get("what")
        if what == "unblock":
            await self._ground.operate("unblock", {"node": node})
        elif what == "endorse":
            method = asked.form.get("method", "")
            if method not in METHODS:
                raise Refused.fields([("method", "choose how you compared keys")], 422)
            name = asked.form.get("organisation", "").strip()
            await self._ground.operate(
                "endorse", {"node": node, "method": method, **({"organisation": name} if name else {})}
            )
        else:
            raise Refused(said("choose what is to be done"), 422)
        return see(asked.request.path, done=what)

    async def _ask(self, asked: Asked) -> Answer:
        node, act = asked.path("node"), asked.path("act")
        blocked = act in ("block", "expel")
        lost = await self._ground.operate("trust-what-if", {"without": [node], "blocked": blocked})
        [about] = lost["without"]
        if act == "withdraw" and (await self._ground.operate("partner-show", {"node": node}))["partner"]:
            # It stays a partner, and so here everybody stays whom they are.
            lost = {"unreachable": [], "unlisted": [], "unhonoured": []}
        values = {"about": about, "act": act, "lost": lost, "name": _typed(about), "needed": act in _TOLD_TO_ALL}
        return View("operate/decide.html", values)

    async def _decide(self, asked: Asked) -> Answer:
        node, act = asked.path("node"), asked.path("act")
        reason = asked.form.get("reason", "").strip()
        if act in _TOLD_TO_ALL and not reason:
            raise Refused.fields([("reason", "write why: everybody may read it")], 422)
        about = await self._ground.operate("partner-show", {"node": node})
        if " ".join(asked.form.get("name", "").split()) != _typed(about):
            raise Refused.fields([("name", f"type {_typed(about)!r} to go on, exactly as it is written here")], 422)
        await self._ground.operate(DECISIONS[act], {"node": node, **({"reason": reason} if reason else {})})
        return see(f"{PARTNERS}/{node}", done=act)


def _typed(about: dict[str, Any]) -> str:
    """What has to be typed to decide about a node: its name as one line, or its id where it has none."""
    return " ".join(about["organisation"].split()) or str(about["node_id"])
