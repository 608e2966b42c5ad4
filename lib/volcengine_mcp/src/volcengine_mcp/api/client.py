"""Calling an action: when to repeat it, how many at once, and which clients are kept for how long.

Retries belong to the effect of an action: a read is repeated while its deadline lasts; a write is sent once, because
the API has no idempotency token, unless no connection could be made at all.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio.to_thread
from pydantic import BaseModel

from volcengine_mcp.api.credentials import AnyCredential
from volcengine_mcp.api.endpoint import Endpoint
from volcengine_mcp.api.fitting import fit
from volcengine_mcp.declare import Action, Answers, Effect
from volcengine_mcp.errors import NotSentError, VolcengineError

if TYPE_CHECKING:
    from volcengine_mcp.api.sending import Connections, Received
    from volcengine_mcp.api.signing import Signer

GENERAL_HOST = "open.volcengineapi.com"
"""The SDK's address for most regions."""

MOST_CLIENTS = 256
"""Clients kept; the least recently used goes first."""

MOST_ATTEMPTS = 4
"""Attempts of one call, the first included."""

CLIENT_LIFETIME = 900.0
"""Seconds without a call after which a client, and the keys in it, are let go."""

R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True)
class Reply(Generic[R]):
    """What the service answered: the result in its declared shape, and the ID of the request."""

    result: R
    request_id: str | None = None


@dataclass
class _Client:
    """What is kept for a credential.

    Attributes:
        calls: how many are using it.
        used: when a call last began or ended, on the clock of `time.monotonic`.
        dismissed: whether it is to be closed as soon as no call uses it.
    """

    signer: Signer
    connections: Connections
    calls: int = 0
    used: float = 0.0
    dismissed: bool = False


class OpenAPI:
    """The Volcengine OpenAPI at one endpoint, for any number of credentials at once. To be used on one event loop.

    Args:
        lifetime: seconds without a call after which a client, and the keys in it, are let go.
    """

    def __init__(self, endpoint: Endpoint, *, lifetime: float = CLIENT_LIFETIME) -> None:
        self.endpoint = endpoint
        self._lifetime = lifetime
        self._clients: OrderedDict[AnyCredential, _Client] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(endpoint.workers)
        self._warm = False
        self._warming = Lock()

    async def send(self, action: Answers[R], credential: AnyCredential, *, deadline: float | None = None) -> Reply[R]:
        """Send an action and wait for its answer, in its declared shape and with its text as the service sent it.

        Args:
            deadline: when the call must be over, on the clock of `time.monotonic`; without one, it may take as long as
                `Endpoint.deadline` says.

        Raises:
            VolcengineError: the service refused it, or no usable answer came.
        """
        if not isinstance(action, Action):
            raise TypeError(f"{type(action).__name__} is not an action")
        if deadline is None:
            deadline = monotonic() + self.endpoint.deadline
        try:
            return await self._attempt(action, credential, deadline)
        except VolcengineError as error:
            if not _may_repeat(action, error):
                raise
            return await self._again(action, credential, deadline, error)

    async def unreachable(self) -> str | None:
        """Why the endpoint cannot be reached, or None when it answers anything at all. Sends no credential."""
        await self._warmed_up()
        from volcengine_mcp.api.sending import Connections

        url = f"{self.endpoint.scheme}://{self.endpoint.host or GENERAL_HOST}/"
        connections = Connections(ca_bundle=self.endpoint.ca_bundle, secure=self.endpoint.scheme == "https")
        try:
            return None if await connections.answers(url) else "the OpenAPI endpoint does not answer"
        finally:
            await connections.close()

    def warm_up(self) -> None:
        """Do now, in the calling thread, what the first call would otherwise wait for: imports and certificates.

        Raises:
            OSError: the trusted certificates cannot be read.
        """
        with self._warming:
            if self._warm:
                return
            from volcengine_mcp.api import signing, translation  # noqa: F401 - imported for later
            from volcengine_mcp.api.sdk import core
            from volcengine_mcp.api.sending import tls_context

            core()
            if self.endpoint.scheme == "https":
                tls_context(self.endpoint.ca_bundle)
            self._warm = True

    async def close(self) -> None:
        """Close all connections and let all keys go. A later call begins anew."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._clients:
            _, client = self._clients.popitem()
            await client.connections.close()
        while self._closing:
            await asyncio.wait(self._closing)

    async def _again(
        self, action: Action, credential: AnyCredential, deadline: float, failure: VolcengineError
    ) -> Reply[Any]:
        """Repeat an action whose first attempt failed, while it may be and the deadline lasts."""
        from tenacity import (
            AsyncRetrying,
            retry_if_exception,
            stop_after_attempt,
            stop_before_delay,
            wait_random_exponential,
        )

        attempts = AsyncRetrying(
            retry=retry_if_exception(partial(_may_repeat, action)),
            stop=stop_after_attempt(MOST_ATTEMPTS) | stop_before_delay(deadline - monotonic()),
            wait=wait_random_exponential(multiplier=0.4, min=0.1, max=5.0),
            reraise=True,
        )
        async for attempt in attempts:
            with attempt:
                if attempt.retry_state.attempt_number == 1:
                    raise failure
                return await self._attempt(action, credential, deadline)
        raise AssertionError("tenacity ends a loop by returning or raising")

    async def _attempt(self, action: Action, credential: AnyCredential, deadline: float) -> Reply[Any]:
        """One request, when it is its turn; given up, and its connection closed, when its time is over."""
        await self._warmed_up()
        async with self._turn(deadline):
            client = self._client(credential)
            client.calls += 1
            try:
                return await self._request(action, client, deadline)
            except VolcengineError as error:
                error.message = client.signer.scrub(error.message)
                raise
            finally:
                client.calls -= 1
                client.used = monotonic()
                if client.dismissed and not client.calls:
                    self._close(client)

    async def _request(self, action: Action, client: _Client, deadline: float) -> Reply[Any]:
        """Sign and send, and read the answer.

        Raises:
            VolcengineError: whatever went wrong, translated.
        """
        from volcengine_mcp.api.sending import CONNECT_SHARE, CONNECT_TIMEOUT, MOST_BYTES, TooLargeError
        from volcengine_mcp.api.translation import too_large, translate

        signed = await client.signer.sign(action, seconds=self._seconds(deadline))
        seconds = self._seconds(deadline)
        try:
            async with asyncio.timeout(seconds):
                received = await client.connections.send(
                    signed,
                    connect=min(CONNECT_TIMEOUT, CONNECT_SHARE * seconds),
                    fresh=action.effect is not Effect.READ,
                )
        except TooLargeError as error:
            raise too_large(type(action), MOST_BYTES) from error
        except Exception as error:
            raise translate(error, type(action), seconds=seconds) from error
        return _reply(action, received)

    def _seconds(self, deadline: float) -> float:
        """How long an attempt may take that begins now."""
        return max(min(self.endpoint.attempt_timeout, deadline - monotonic()), 0.1)

    @asynccontextmanager
    async def _turn(self, deadline: float) -> AsyncIterator[None]:
        """Wait until fewer requests are in flight than may be.

        Raises:
            NotSentError: that was not before the deadline.
        """
        seconds = deadline - monotonic()
        try:
            async with asyncio.timeout(seconds if self._turns.locked() else None):
                await self._turns.acquire()
        except TimeoutError as error:
            raise NotSentError(
                "TooBusy",
                f"Too many requests are in flight: this one's turn did not come within {round(seconds, 1):g} seconds.",
                hint="Try again later, or ask for less at once. An administrator can raise max_concurrent_calls.",
            ) from error
        try:
            yield
        finally:
            self._turns.release()

    async def _warmed_up(self) -> None:
        """Import what a call needs, in a thread: the event loop serves others meanwhile."""
        if self._warm:
            return
        try:
            await anyio.to_thread.run_sync(self.warm_up)
        except OSError as error:
            raise NotSentError(
                "TLSFailure",
                "The trusted certificates could not be read.",
                hint="Check the `ca_bundle` setting.",
            ) from error

    def _client(self, credential: AnyCredential) -> _Client:
        """The client kept for a credential, or a new one; when there are too many, the least recently used goes."""
        client = self._clients.get(credential)
        if client is None:
            from volcengine_mcp.api.sending import Connections
            from volcengine_mcp.api.signing import Signer

            secure = self.endpoint.scheme == "https"
            connections = Connections(ca_bundle=self.endpoint.ca_bundle, secure=secure)
            client = self._clients[credential] = _Client(Signer(self.endpoint, credential), connections)
        client.used = monotonic()
        self._clients.move_to_end(credential)
        if len(self._clients) > MOST_CLIENTS:
            self._close(self._clients.popitem(last=False)[1])
        if self._timer is None:
            self._set_timer()
        return client

    def _set_timer(self) -> None:
        """Look again when the client that is unused for longest may have to go. The timer keeps no process alive."""
        if not self._clients:
            return
        seconds = min(client.used for client in self._clients.values()) + self._lifetime - monotonic()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._let_go)

    def _let_go(self) -> None:
        """Let the clients go that have not been used for long."""
        self._timer = None
        now = monotonic()
        for credential, client in list(self._clients.items()):
            if now - client.used >= self._lifetime:
                del self._clients[credential]
                self._close(client)
        self._set_timer()

    def _close(self, client: _Client) -> None:
        """Close a client's connections, once nobody uses them."""
        client.dismissed = True
        if not client.calls:
            task = asyncio.get_running_loop().create_task(client.connections.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _may_repeat(action: Action, error: BaseException) -> bool:
    """Whether a failed action may be sent again: a read after anything that passes, a write only if none was sent."""
    from volcengine_mcp.api.translation import is_transient

    return is_transient(error) and (action.effect is Effect.READ or isinstance(error, NotSentError))


def _reply(action: Action, received: Received) -> Reply[Any]:
    """What the service answered, out of its envelope.

    Raises:
        VolcengineError: it is an error, or no envelope.
    """
    from volcengine_mcp.api.translation import answered, unreadable

    try:
        envelope = json.loads(received.body) if 200 <= received.status < 300 else None
    except (ValueError, RecursionError) as error:
        raise unreadable(type(action)) from error
    metadata = envelope.get("ResponseMetadata") if isinstance(envelope, dict) else None
    if not isinstance(envelope, dict) or not isinstance(metadata, dict) or metadata.get("Error"):
        raise answered(received.status, received.body, received.headers, type(action))
    result = envelope.get("Result")
    if result is None:
        result = {}
    elif not isinstance(result, dict):
        result = {"Result": result}
    request_id = metadata.get("RequestId")
    return Reply(fit(action.result, result), str(request_id) if request_id else None)
