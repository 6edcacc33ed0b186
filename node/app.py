"""The composition root: the one place that knows every part of a node. It puts them together, nothing else."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from typing import Self

import aiohttp
import structlog
from aiohttp import web

from node import mark
from node.api.tokens import Tokens
from node.chores import HOURLY, Chores
from node.config import Config, load
from node.control import socket
from node.control.joining import endorse
from node.control.operations import NOUNS, Operations
from node.control.parts import Parts, unreported
from node.directory import replica
from node.directory.acceptance import Acceptance, Answer, Choices
from node.directory.authority import Authority
from node.directory.indexing import Indexer
from node.directory.publishing import Publisher
from node.errors import HomeError, InputError
from node.federation import client, outward
from node.federation.arrivals import Arrivals
from node.federation.client import Client
from node.federation.connections import Connections, files_at_most
from node.federation.exchange import Exchange, Progress
from node.federation.receiving import Receiver
from node.federation.schedule import Pace, Schedule
from node.federation.server import Identity, Server
from node.federation.session import Session
from node.federation.signatures import RequestSigner
from node.federation.wire import parse_url
from node.home import Home
from node.housekeeping import Housekeeping, logged
from node.joining.newcomer import Newcomer
from node.joining.pairing import Pairing
from node.joining.reception import Reception
from node.photos.photos import Photos
from node.problem import plain_errors
from node.protocol.blocks import Limits
from node.protocol.names import NodeId, encode_base64
from node.protocol.statements import Card
from node.roaming.desk import Desk
from node.roaming.issuing import Passes
from node.roaming.links import Links
from node.roaming.mailing import Mailing
from node.roaming.messages import Messages
from node.roaming.node_keys import NodeKeys
from node.roaming.post import Post
from node.roaming.sealing import Sealing
from node.roaming.verdicts import Rules as DeskRules
from node.roaming.visits import Visits
from node.storage import authors, meta, sets
from node.storage.database import Database
from node.storage.partners import Partner, everyone, everything_anew
from node.storage.scrub import Damage, Scrub
from node.trust.reach import Rules, Standing
from node.world import World

log = structlog.get_logger()

SWEEP_SECONDS = 2.0
BACKLOG = 512
"""Connections that the system keeps until they are taken: of a longer flood, the others would wait a second each."""


class App:
    """One node, opened from its home. Whoever opens it holds the home's lock."""

    def __init__(
        self,
        home: Home,
        database: Database,
        config: Config,
        world: World,
        http: aiohttp.ClientSession,
        outward: aiohttp.ClientSession,
        passphrase: bytes | None = None,
    ) -> None:
        self.home = home
        self.database = database
        self.config = config
        self.world = world
        self._http = http
        told = partial(self._client, http=outward)
        me = home.load_card().author
        home.settle(database.read_now(lambda db: _stored_card(db, me)))
        key, self._card = home.load_signing_key(passphrase), home.load_card()
        if self._card.signing != key.public or self._card.network != config.node.network:
            raise HomeError(f"{home.card} is not the card of this home's key and network: restore both from one backup")
        self.key = key
        untouched = database.read_now(lambda db: mark.untouched(home, db, self._card))
        self.authority = Authority(self._card, restored=not untouched)
        self.trees = sets.Trees()
        self.limits = Limits(records=config.limits.records_per_author, size=config.limits.bytes_per_author)
        rules = Rules(
            depth=config.trust.depth,
            vouches_listed=config.trust.vouches_listed,
            vouches_honoured=config.trust.vouches_honoured,
            introductions=config.trust.introductions,
        )
        choices = Choices(
            frozenset(config.agreement.recognised), rules, config.trust.honoured, frozenset(config.trust.blocked)
        )
        self.acceptance = Acceptance(self._card.author, choices)
        self.instance, known = self.database.write_now(self._begin)
        self.acceptance.replace(known)
        urls = (config.node.url,) if config.node.url else ()
        self.publisher = Publisher(self.database, self.trees, key, self.authority, urls=urls, world=world)
        self.publisher.after_publish(self._mark)
        self.authority.on_open(lambda: database.read_now(self._mark))
        self.indexer = Indexer(self.database)
        self.kinds = replica.kept(config.directory.kinds)
        self.receiver = Receiver(
            self.database,
            self.trees,
            self.acceptance,
            self.authority,
            self.indexer,
            network=config.node.network,
            limits=self.limits,
            world=world,
            kinds=self.kinds,
        )
        self._signer = RequestSigner(key, self._card)
        pairing, newcomer = self._joining()
        node_keys, messages = NodeKeys(home, self.authority, passphrase, world), Messages(self.acceptance, world)
        passes = Passes(database, self.publisher, self.authority, node_keys, world)
        kept = config.roaming.keep_days
        visits = Visits(database, self.acceptance, messages, passes, key, world, keep_days=kept)
        self.parts = Parts(
            home=home,
            database=self.database,
            trees=self.trees,
            acceptance=self.acceptance,
            authority=self.authority,
            publisher=self.publisher,
            indexer=self.indexer,
            scrub=Scrub(database, self.trees, self._damaged),
            exchange=self.exchange,
            pairing=pairing,
            newcomer=newcomer,
            photos=Photos(database, self.acceptance, told, config.photos, own_url=config.node.url, world=world),
            tokens=Tokens(database, world),
            node_keys=node_keys,
            passes=passes,
            desk=Desk(database, self.acceptance, DeskRules(**config.desk.model_dump()), world),
            messages=messages,
            visits=visits,
            mailing=Mailing(visits, self.acceptance, outward, world, mail=config.mail, url=config.node.url.rstrip("/")),
            network=config.node.network,
            url=config.node.url.rstrip("/"),
            config=config,
            world=world,
        )
        self.parts.desk.on_arrival(visits.arrive)
        self.post = Post(
            database,
            self.acceptance,
            self.authority,
            self.parts.messages,
            Sealing(key, self._card, self.parts.node_keys, self.acceptance, world),
            told,
            pace=self._pace(),
            own_url=config.node.url,
            world=world,
        )
        self.chores = Chores(self.parts, config)
        self.operations = Operations(tuple(noun(self.parts) for noun in NOUNS))

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, home: Home, world: World | None = None, passphrase: bytes | None = None
    ) -> AsyncIterator[Self]:
        """The node of a home, for this process alone, closed at the end. `passphrase`: its signing key's, if any."""
        home.require()
        with home.lock():
            config = load(home.config)
            with closing(Database(home.database)) as database:
                async with client.session() as http, outward.session(database, config.node.url) as out:
                    app = cls(home, database, config, world or World(), http, out, passphrase)
                    with closing(app.receiver):
                        async with app.indexer.running():
                            yield app

    def exchange(self, partner: Partner, progress: Progress | None = None) -> Exchange:
        """A new session with a partner, and what it takes to carry it out; InputError where it is blocked."""
        if self.acceptance.standing(partner.node_id) < Standing.LISTED:
            raise InputError(f"{partner.node_id} is blocked ('bra block --list'): nothing is asked of it or told to it")
        url = parse_url(partner.url or "")
        held = self.database.read_now(lambda db: authors.find(db, partner.node_id))
        session = Session(
            partner.node_id,
            network=self.config.node.network,
            url=url,
            newest_card=held.newest_card if held else None,
            cursor=partner.cursor,
            nonce=encode_base64(self.world.random(32)),
            now=self.world.now,
            outbound_only=self.config.federation.outbound_only,
        )
        talk = self._client(url, partner.node_id)
        return Exchange(session, talk, self.receiver, self.database, sleep=self.world.sleep, progress=progress)

    def _client(self, url: str, node: NodeId, http: aiohttp.ClientSession | None = None) -> Client:
        """For a node at a URL that operators have confirmed; `http`: for one that others have told."""
        seconds = self.config.limits.request_seconds
        world, limits = self.world, self.limits
        return Client(http or self._http, url, node, self._signer, world=world, limits=limits, request_seconds=seconds)

    def _joining(self) -> tuple[Pairing, Newcomer]:
        me = self._card.author

        def begin_rounds(node: NodeId) -> None:
            if self.parts.schedule is not None:
                self.parts.schedule.sync_with(node)

        pairing = Pairing(
            home=self.home,
            database=self.database,
            trees=self.trees,
            acceptance=self.acceptance,
            publisher=self.publisher,
            network=self.config.node.network,
            world=self.world,
            begin_rounds=begin_rounds,
            endorse=lambda db, join: endorse(db, join, me=me, now=self.world.now()),
        )
        return pairing, Newcomer(pairing, self._client)

    @asynccontextmanager
    async def serving(self, host: str | None = None, port: int | None = None) -> AsyncIterator[str]:
        """Serves while the context lasts; yields the URL that it listens at."""
        housekeeping = Housekeeping()
        async with self.answering(housekeeping) as runner:
            host = host or self.config.node.host
            port = self.config.node.port if port is None else port
            site = web.TCPSite(runner, host, port, backlog=BACKLOG)
            try:
                await site.start()
            except OSError as error:
                raise HomeError(f"{site.name} can't be listened on ({error.strerror}): try another --port") from error
            async with socket.listening(self.home, self.operations), self.syncing(housekeeping):
                yield f"http://{host}:{runner.addresses[0][1]}"

    @asynccontextmanager
    async def answering(self, housekeeping: Housekeeping) -> AsyncIterator[web.AppRunner]:
        """All that answers others while the context lasts, wherever it is listened then."""
        arrivals = Arrivals()
        connections = Connections(
            most=min(self.config.limits.connections, files_at_most() * 3 // 4),
            idle_seconds=self.config.limits.idle_seconds,
            clock=asyncio.get_running_loop().time,
        )
        self.parts.connections = connections
        self.database.on_commit(arrivals.committed)
        self.acceptance.on_change(arrivals.tell)
        runner = web.AppRunner(
            self._web(arrivals, connections),
            access_log=None,
            handler_cancellation=True,
            auto_decompress=False,
            shutdown_timeout=2,
        )
        await runner.setup()
        server = runner.server
        assert server is not None
        housekeeping.every(SWEEP_SECONDS, lambda: connections.sweep(server.connections), "connections")
        try:
            yield runner
        finally:
            arrivals.end()
            await runner.cleanup()

    @asynccontextmanager
    async def syncing(self, housekeeping: Housekeeping) -> AsyncIterator[None]:
        """The rounds with all partners, and the house-keeping, while the context lasts."""
        schedule = self.parts.schedule = self._schedule()
        self.parts.housekeeping = housekeeping
        # What the disk did while the node was off.
        checking = asyncio.create_task(logged(self.parts.scrub.everybody, "scrub"))
        try:
            self.chores.hand_to(housekeeping)
            await self._begin_rounds(schedule)
            housekeeping.every(HOURLY, self.post.forget_old, "messages")
            housekeeping.start()
            async with self.post.delivering():
                yield
        finally:
            checking.cancel()
            self.parts.schedule = None
            housekeeping.stop()
            await schedule.stop()
            await asyncio.gather(checking, return_exceptions=True)

    def _web(self, arrivals: Arrivals, connections: Connections) -> web.Application:
        config = self.config
        server = Server(
            Identity(
                self._card,
                self.key,
                self.instance,
                config.node.url.rstrip("/"),
                config.node.security_contact,
                self.earlier_runs,
            ),
            self.database,
            self.trees,
            self.acceptance,
            self.receiver,
            arrivals,
            limits=self.limits,
            requests_per_peer=config.limits.requests_per_peer,
            requests=config.limits.requests,
            request_seconds=config.limits.request_seconds,
            world=self.world,
        )
        # Commands don't serve, and start sooner without all that answers members.
        from node.api.directory import Directory  # noqa: PLC0415
        from node.web import site  # noqa: PLC0415

        directory = Directory(self.database, self.acceptance, self.trees, self.world, self.parts.url)
        app = web.Application(middlewares=[connections.middleware(), plain_errors])
        app.add_routes(server.routes() + self.post.routes(server.caller) + Reception(self.parts.pairing).routes())
        links, operate = Links(self.parts.visits, self.world), partial(self.operations.run, report=unreported)
        owner = site.attach(
            app, directory, self.parts.tokens, self.parts.photos, links, operate, self._http,
            api=config.api, oidc=config.oidc,
        )  # fmt: skip
        self.publisher.on_publish(owner.forget)
        return app

    def _pace(self) -> Pace:
        federation = self.config.federation
        return Pace(federation.poll_seconds, federation.retry_first_seconds, federation.retry_longest_seconds)

    def _schedule(self) -> Schedule:
        federation = self.config.federation
        collect = self.post.collect if federation.outbound_only else None
        schedule = Schedule(self.database, self.exchange, pace=self._pace(), world=self.world, collect=collect)
        self.acceptance.on_change(schedule.nudge)
        if federation.outbound_only:
            # Nobody can ask: what is new here is brought at once.
            self.publisher.on_publish(schedule.nudge)
        return schedule

    async def _begin_rounds(self, schedule: Schedule) -> None:
        await self.chores.at_the_start()
        await replica.narrow(self.database, self._card.author, self.kinds)
        for partner in await self.database.read(everyone):
            if partner.node_id in self.acceptance.partners:
                schedule.sync_with(partner.node_id)

    def _damaged(self, found: Sequence[Damage]) -> None:
        self.chores.damaged(found)

    def _mark(self, db: sqlite3.Connection) -> None:
        """Writes down that this very home has signed its newest state."""
        author = authors.find(db, self._card.author)
        if author and author.head_hash and not self.authority.restored:
            mark.write(self.home, author.head_hash)

    def _begin(self, db: sqlite3.Connection) -> tuple[str, Answer]:
        """Makes sure of this node's own row; the database's name, and who is accepted."""
        author = authors.find(db, self._card.author)
        if author is None or author.head_hash is None:
            # A later card counts from its first head on: until then what others hold was signed under an older one.
            authors.introduce(db, self._card)
        if self.authority.restored:
            # Its own cursors into others' feeds may be of a later time than what it holds.
            everything_anew(db)
        # So may others' into its own feed, also where nothing shows that the disk was set back.
        self.earlier_runs = meta.begin_run(db, self.world.random, authors.newest_arrival(db))
        return meta.instance(db, self.world.random), self.acceptance.recompute(db, self.world.now())


def _stored_card(db: sqlite3.Connection, me: NodeId) -> Card | None:
    """The card that this node's own head is under."""
    author = authors.find(db, me)
    return author.card if author else None
