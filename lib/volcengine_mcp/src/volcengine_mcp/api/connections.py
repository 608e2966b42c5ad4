"""Connections to the OpenAPI: one TLS context a process, and proxies as the environment says.

The SDK ignores `NO_PROXY` and parses the certificate bundle anew for each client; `Pools` stands in for its pool
manager and does neither.
"""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.util import create_urllib3_context, make_headers

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@lru_cache(maxsize=8)
def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """A verifying context that trusts the PEM file, or certifi's roots; parsed once.

    Raises:
        OSError: the file cannot be read or holds no certificate (`ssl.SSLError` is an `OSError`).
    """
    if ca_bundle is None:
        import certifi

        ca_bundle = certifi.where()
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(cafile=ca_bundle)
    return context


class Pools:
    """Connection pools of one SDK client, direct and by way of proxies; safe to share between threads.

    Args:
        size: connections kept for each host.
        ca_bundle: a PEM file of trusted roots, or None for certifi's.
    """

    def __init__(self, *, size: int, ca_bundle: str | None) -> None:
        self.connection_pool_kw: dict[str, Any] = {}
        self._options: dict[str, Any] = {
            "num_pools": 4,
            "maxsize": size,
            "retries": urllib3.Retry(total=False),
            "ssl_context": tls_context(ca_bundle),
        }
        self._managers: dict[str | None, urllib3.PoolManager] = {}

    def request(self, method: str, url: str, **arguments: Any) -> urllib3.BaseHTTPResponse:
        """Send a request by the way that the environment prescribes for this address."""
        proxy = _proxy(url)
        manager = self._managers.get(proxy) or self._managers.setdefault(proxy, self._manager(proxy))
        return manager.request(method, url, redirect=False, **arguments)

    def clear(self) -> None:
        """Close the idle connections."""
        for manager in self._managers.values():
            manager.clear()

    def _manager(self, proxy: str | None) -> urllib3.PoolManager:
        if proxy is None:
            return urllib3.PoolManager(**self._options)
        parts = urlsplit(proxy)
        headers = None
        if parts.username is not None:
            user_and_password = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers = make_headers(proxy_basic_auth=user_and_password)
        return urllib3.ProxyManager(proxy, proxy_headers=headers, **self._options)


def _proxy(url: str) -> str | None:
    """The proxy for an address; None for loopback, for `NO_PROXY` and where none is configured."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK:
        return None
    proxy = getproxies().get(parts.scheme)
    if not proxy or proxy_bypass(f"{host}:{parts.port}" if parts.port else host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
