"""Connections to the OpenAPI: kept, verified, by way of proxies as the environment says, and closed when given up.

Threat: keys go to whoever answers. Every connection of an `https` endpoint is verified, by one TLS context a process;
connections of one credential never serve another.
"""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import anyio.to_thread
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from volcengine_mcp.errors import NotSentError

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

    from volcengine_mcp.api.signing import Signed

CONNECT_TIMEOUT = 5.0
"""Seconds; an endpoint that is there accepts much sooner."""

CONNECT_SHARE = 0.8
"""The part of an attempt's time that connecting may take at most.

As it ends first, a request whose time is over while it still connects is known not to have been sent.
"""

KEEP_ALIVE = 60.0
"""Seconds without a request after which a connection is closed.

Routers forget idle connections without telling, after a few minutes, and what is sent then is lost in silence.
"""

MOST_BYTES = 64 * 2**20
"""Bytes of an answer that are read."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class TooLargeError(Exception):
    """The answer is longer than `MOST_BYTES`."""


@dataclass(frozen=True)
class Received:
    """What came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@lru_cache(maxsize=8)
def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """A verifying context that trusts the PEM file, or certifi's roots; parsed once a process, which takes 20 ms.

    Raises:
        OSError: the file cannot be read or holds no certificate (`ssl.SSLError` is an `OSError`).
    """
    if ca_bundle is None:
        import certifi

        ca_bundle = certifi.where()
    context = ssl.create_default_context(cafile=ca_bundle)
    context.set_alpn_protocols(("http/1.1",))
    return context


class Connections:
    """The connections of one credential. To be made on the event loop on which it is used.

    Args:
        ca_bundle: a PEM file of trusted roots, or None for certifi's.
        secure: whether the endpoint speaks TLS.
    """

    def __init__(self, *, ca_bundle: str | None, secure: bool) -> None:
        self._tls = tls_context(ca_bundle) if secure else None
        self._kept: aiohttp.ClientSession | None = None
        self._fresh: aiohttp.ClientSession | None = None
        self._proxies: dict[str, str | None] = {}

    async def send(self, request: Signed, *, connect: float, fresh: bool) -> Received:
        """Send a request, once, and read its answer. Cancelling closes the connection.

        Args:
            connect: seconds that making a connection may take.
            fresh: use a connection of the request's own. A server may close a kept connection at the very moment
                when a request goes out on it; nobody can tell then whether it was carried out. A read is repeated, and
                a write, which is not, does not go out on such a connection.

        Raises:
            aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError,
            NotSentError: no connection could be made.
            aiohttp.ClientError, OSError: the connection was lost later.
            TooLargeError: the answer is longer than `MOST_BYTES`.
        """
        session = self._session(fresh=fresh)
        async with session.request(
            request.method,
            URL(request.url, encoded=True),
            headers={**request.headers, "Accept-Encoding": "identity"},
            data=request.body,
            proxy=self._proxy(request.url),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=connect, ceil_threshold=math.inf),
        ) as response:
            return Received(response.status, response.headers, await _body(response))

    async def answers(self, url: str) -> bool:
        """Whether anything answers at an address, whatever it says. No credential is sent."""
        timeout = aiohttp.ClientTimeout(total=2 * CONNECT_TIMEOUT, connect=CONNECT_TIMEOUT)
        try:
            session = self._session(fresh=True)
            async with session.get(url, proxy=self._proxy(url), allow_redirects=False, timeout=timeout):
                return True
        except (aiohttp.ClientError, OSError, NotSentError):
            return False

    async def close(self) -> None:
        """Close all connections, also those in use."""
        for session in (self._kept, self._fresh):
            if session is not None:
                await session.close()

    def _session(self, *, fresh: bool) -> aiohttp.ClientSession:
        session = self._fresh if fresh else self._kept
        if session is None:
            session = aiohttp.ClientSession(
                connector=_Connector(
                    resolver=_Resolver(),
                    ssl=self._tls or True,
                    limit=0,  # The limit is one for all credentials, and lies above.
                    **({"force_close": True} if fresh else {"keepalive_timeout": KEEP_ALIVE}),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=(_once,),
            )
            if fresh:
                self._fresh = session
            else:
                self._kept = session
        return session

    def _proxy(self, url: str) -> str | None:
        origin = url.partition("?")[0]
        if origin not in self._proxies:
            self._proxies[origin] = proxy_for(origin)
        return self._proxies[origin]


async def _body(response: aiohttp.ClientResponse) -> bytes:
    """The answer's body, as long as it is of a size that can be an answer."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MOST_BYTES:
            raise TooLargeError
        chunks.append(chunk)
    return b"".join(chunks)


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a GET again by itself when its connection is lost: some actions that write are GETs."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


class _Connector(aiohttp.TCPConnector):
    """Makes connections; whatever a proxy does meanwhile is the proxy's failure, and nothing has been sent."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Connection:
        """Make a connection, or take a kept one."""
        try:
            return await super().connect(req, traces, timeout)
        except (aiohttp.ClientSSLError, aiohttp.ClientHttpProxyError, TimeoutError):
            raise
        except (aiohttp.ClientError, OSError) as error:
            if req.proxy is None:
                raise
            cause = error if isinstance(error, OSError) else OSError(str(error))
            raise aiohttp.ClientProxyConnectionError(req.connection_key, cause) from error


class _Resolver(AbstractResolver):
    """Looks names up in threads that the end of the process does not wait for, unlike those of asyncio's own."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        look = partial(socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM)
        found = await anyio.to_thread.run_sync(look, abandon_on_cancel=True)
        return [
            ResolveResult(
                hostname=host,
                # A link-local address of IPv6 means nothing without its interface.
                host=f"{address[0]}%{address[3]}" if len(address) == 4 and address[3] else str(address[0]),
                port=port,
                family=family_,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for family_, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Nothing is kept."""


def proxy_for(url: str) -> str | None:
    """The proxy for an address; None for loopback, for `NO_PROXY` and where none is configured.

    Raises:
        NotSentError: it is of a kind that cannot be used.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK:
        return None
    proxy = getproxies().get(parts.scheme)
    if not proxy or proxy_bypass(f"{host}:{parts.port}" if parts.port else host):
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        raise NotSentError(
            "ProxyFailure",
            "The proxy in the environment is not an HTTP proxy.",
            hint="Give an http:// address in HTTPS_PROXY, or except the endpoint in NO_PROXY.",
        )
    return proxy
