"""What can lie between a phone and the server: links that cut, proxies that repeat, portals that lie.

Two of them: `Proxy` knows HTTP and does to each request what it is told; `Line` knows only bytes and is slow, far and
cut now and then.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Self

HEAD_BYTES = 64 * 1024
SLACK_S = 0.1
"""What a line that was woken too late may catch up with: a busy machine must not make it slower."""
PORTAL = b"<!doctype html><title>Wi-Fi</title><p>Please sign in to the network."


@dataclass(frozen=True)
class Trouble:
    """What happens to one request.

    `cut_up`: the connection ends after `at` bytes of the request's body (below 0: within its head). `cut_down`: after
    `at` bytes of the answer (0: the server has done it and the phone never hears of it). `delay`: `seconds` later.
    `twice`: sent twice at once, one answer comes back. `again_later`: a second copy reaches the server `seconds` later,
    when others have overtaken it. `answer`: the server never sees it, `status` and `body` come back. `half`: half of
    the answer's body, with a length that fits. `half_up`: the same of the request's.
    """

    kind: str
    at: int = 0
    seconds: float = 0.0
    status: int = 502
    body: bytes = b""
    type: str = "text/html"


@dataclass
class Exchange:
    """One request as the proxy saw it; times by time.monotonic()."""

    number: int
    method: str
    path: str
    head: bytes
    body: bytes
    began: float
    trouble: Trouble | None = None
    status: int | None = None
    ended: float | None = None

    def header(self, name: str) -> str | None:
        """The value of a request header."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name.lower().encode():
                return value.strip().decode()
        return None


Decide = Callable[[Exchange], Trouble | None]


class Looped:
    """Something that lives on an event loop in a thread of its own, from `with` to its end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._held: set[asyncio.Task[None]] = set()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        raise NotImplementedError

    def start_more(self) -> list[Coroutine[Any, Any, None]]:
        """What else runs on the loop."""
        return []

    def _run(self, work: Awaitable[None]) -> None:
        async def awaited() -> None:
            await work

        asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(30)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._quietly, "127.0.0.1", 0, limit=HEAD_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        self._held |= {asyncio.create_task(work) for work in self.start_more()}

    async def _quietly(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self.serve(reader, writer)
        writer.transport.abort()

    async def _end(self) -> None:
        assert self._server is not None
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class Proxy(Looped):
    """Passes requests on, one per connection, and does to each what `decide` says; `log` has all of them."""

    def __init__(self, upstream_port: int, decide: Decide = lambda _: None) -> None:
        super().__init__()
        self.upstream_port = upstream_port
        self.decide = decide
        self.log: list[Exchange] = []
        self._later: set[asyncio.Task[Any]] = set()

    @property
    def base(self) -> str:
        """Where phones reach the server through this."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a request whole, then let happen to it what was decided."""
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        exchange = Exchange(len(self.log), method, path, head, b"", time.monotonic())
        size = int(exchange.header("content-length") or 0)
        exchange.body = await reader.readexactly(size)
        self.log.append(exchange)
        exchange.trouble = trouble = self.decide(exchange)
        answer = await self._answer(exchange, trouble)
        exchange.ended = time.monotonic()
        if answer is None:
            return
        if answer.startswith(b"HTTP/1.1 ") and len(answer) > 12:
            exchange.status = int(answer[9:12])
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def _answer(self, exchange: Exchange, trouble: Trouble | None) -> bytes | None:
        """The bytes that go back; None where the phone hears nothing."""
        head = _closing(exchange.head)
        whole = head + exchange.body
        if trouble is None:
            return await self._ask(whole)
        if trouble.kind == "delay":
            await asyncio.sleep(trouble.seconds)
            return await self._ask(whole)
        if trouble.kind == "answer":
            return _canned(trouble)
        if trouble.kind == "cut_up":
            await self._ask(whole[: len(head) + trouble.at], hear=False)
            return None
        if trouble.kind == "half_up":
            half = exchange.body[: len(exchange.body) // 2]
            return await self._ask(_with_length(head.removesuffix(b"\r\n\r\n"), len(half)) + half)
        if trouble.kind == "twice":
            one, other = await asyncio.gather(self._ask(whole), self._ask(whole))
            return one if exchange.number % 2 else other
        if trouble.kind == "again_later":
            again = asyncio.create_task(self._ask_later(whole, trouble.seconds))
            self._later.add(again)
            again.add_done_callback(self._later.discard)
            return await self._ask(whole)
        answer = await self._ask(whole)
        if trouble.kind == "cut_down":
            return answer[: trouble.at] or None
        if trouble.kind == "half":
            front, _, body = answer.partition(b"\r\n\r\n")
            return _with_length(front, len(body) // 2) + body[: len(body) // 2]
        raise ValueError(trouble.kind)

    async def _ask_later(self, whole: bytes, seconds: float) -> bytes:
        await asyncio.sleep(seconds)
        return await self._ask(whole)

    async def _ask(self, whole: bytes, hear: bool = True) -> bytes:
        """What the server answers; 502 where it is not there, as a reverse proxy says it."""
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream_port)
            writer.write(whole)
            await writer.drain()
            return (await reader.read() if hear else b"") or _canned(Trouble("answer"))
        except OSError:
            return _canned(Trouble("answer"))
        finally:
            if writer is not None:
                writer.close()  # in order: what was sent arrives


@dataclass
class Wire:
    """Bytes that were sent over the line, both ways, and how often it was cut."""

    up: int = 0
    down: int = 0
    cuts: int = 0


class Line(Looped):
    """A slow link: so many bits a second each way, a delay each way, and all connections cut every so often."""

    def __init__(
        self, upstream_port: int, bits_per_s: float, delay_s: float, cut_every_s: float | None
    ) -> None:
        super().__init__()
        self._upstream_port = upstream_port
        self._bytes_per_s = bits_per_s / 8
        self._delay_s = delay_s
        self._cut_every_s = cut_every_s
        self._free = {"up": 0.0, "down": 0.0}
        self._open: set[asyncio.StreamWriter] = set()
        self.wire = Wire()

    def start_more(self) -> list[Coroutine[Any, Any, None]]:
        """The one who cuts."""
        return [self._cut()] if self._cut_every_s else []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes both ways; the first have waited for the connection to be made."""
        await asyncio.sleep(2 * self._delay_s)
        theirs, ours = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        self._open |= {writer, ours}
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, ours, "up"))
                both.create_task(self._carry(theirs, writer, "down"))
        except* OSError:
            pass
        finally:
            self._open -= {writer, ours}
            ours.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, way: str) -> None:
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        arriving = asyncio.create_task(self._arrive(on_the_way, target))
        try:
            # Small pieces: what was sent before a cut has arrived, as far as it came.
            while data := await source.read(1460):
                now = time.monotonic()
                self._free[way] = max(now - SLACK_S, self._free[way]) + len(data) / self._bytes_per_s
                if (wait := self._free[way] - now) > 0.002:
                    await asyncio.sleep(wait)
                if target.is_closing():
                    return  # cut before its turn came: it has never left
                setattr(self.wire, way, getattr(self.wire, way) + len(data))
                on_the_way.put_nowait((time.monotonic() + self._delay_s, data))
            on_the_way.put_nowait((time.monotonic() + self._delay_s, b""))
            await arriving
        finally:
            arriving.cancel()

    async def _arrive(self, on_the_way: asyncio.Queue[tuple[float, bytes]], to: asyncio.StreamWriter) -> None:
        while True:
            at, data = await on_the_way.get()
            if (wait := at - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if not data:
                to.close()
                return
            to.write(data)
            await to.drain()

    async def _cut(self) -> None:
        assert self._cut_every_s is not None
        while True:
            await asyncio.sleep(self._cut_every_s)
            self.wire.cuts += 1
            for writer in self._open:
                writer.transport.abort()


def troubles(random: Random, share: float) -> Decide:
    """For a seed: the same trouble for the same number of a request, every `share` of them."""

    def decide(exchange: Exchange) -> Trouble | None:
        dice = Random(f"{seed} {exchange.number}")
        if dice.random() > share:
            return None
        return dice.choice(
            (
                Trouble("cut_up", at=-dice.randrange(1, len(exchange.head))),
                Trouble("cut_up", at=dice.randrange(len(exchange.body) or 1)),
                Trouble("cut_down"),
                Trouble("cut_down", at=dice.randrange(1, 400)),
                Trouble("delay", seconds=dice.uniform(0.05, 0.6)),
                Trouble("twice"),
                Trouble("again_later", seconds=dice.uniform(0.05, 1.5)),
                Trouble("answer", status=502),
                Trouble("answer", status=200, body=PORTAL),
                Trouble("answer", status=404, body=PORTAL),
                Trouble("half"),
                Trouble("half_up"),
            )
        )

    seed = random.getrandbits(64)
    return decide


def _closing(head: bytes) -> bytes:
    """One request per connection: simple, and every connection has an end to wait for."""
    lines = [
        line
        for line in head.split(b"\r\n")[:-2]
        if not line.lower().startswith((b"connection:", b"keep-alive:"))
    ]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""])


def _with_length(head: bytes, size: int) -> bytes:
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % size, b"", b""])


def _canned(trouble: Trouble) -> bytes:
    head = f"HTTP/1.1 {trouble.status} Told\r\nContent-Type: {trouble.type}\r\nConnection: close"
    return _with_length(head.encode(), len(trouble.body)) + trouble.body
