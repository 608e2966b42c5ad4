"""Where OAuth state is kept: sealed entries in memory, in files or in Redis, and claims that only one process wins.

Threat: who reads the storage must not find a token; who writes to it must not become somebody; two processes must
not both take one authorization code.
"""

from __future__ import annotations

import json
import logging
import os
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic, time
from typing import Any, Protocol, SupportsFloat, TypeVar

from cryptography.fernet import Fernet, InvalidToken
from key_value.aio.errors import BaseKeyValueError, DeserializationError
from key_value.aio.protocols import AsyncKeyValue
from key_value.aio.stores.filetree import FileTreeStore
from key_value.aio.stores.memory import MemoryStore
from key_value.aio.wrappers.base import BaseWrapper
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from volcengine_mcp.signin.oauth.refusals import UnavailableError, note

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_ENTRIES = 5000
"""Entries of a kind that memory keeps; the one that was least recently used goes first."""

LONGEST = 90 * 86400
"""Seconds after which an entry goes that nobody gave an end."""

_REDIS_TIMEOUT = 1.0  # seconds; once more on a fresh connection makes two at most


class Claims(Protocol):
    """Who comes first with a name gets it; nobody else does, in any process that shares the storage."""

    async def first(self, name: str, seconds: int) -> bool:
        """Whether nobody has claimed the name within so many seconds."""

    async def release(self, name: str) -> None:
        """Give a name back."""


async def _reached(work: Awaitable[T]) -> T:
    """The result, or `UnavailableError` when the storage does not answer."""
    try:
        return await work
    except (RedisError, OSError, TimeoutError, BaseKeyValueError) as error:
        logger.warning("The OAuth storage does not answer: %s", type(error).__name__)
        raise note(UnavailableError()) from None


class Vault(BaseWrapper):
    """A store that keeps each entry encrypted and bound to its place, under a name that tells nothing.

    `FernetEncryptionWrapper` would hand out an entry that somebody wrote unencrypted, or copied from another key.

    Args:
        store: where entries are kept.
        key: a Fernet key.
    """

    def __init__(self, store: AsyncKeyValue, key: bytes) -> None:
        self.key_value = store
        self._fernet = Fernet(key)

    async def get(self, key: str, *, collection: str | None = None) -> dict[str, Any] | None:
        """The entry; None as well when it was not written with this key to this place.

        Raises:
            UnavailableError: the storage does not answer.
        """
        place = _place(collection, key)
        try:
            entry = await _reached(_or_corrupt(self.key_value.get(place, collection=collection)))
            if entry is None:
                return None
            opened = json.loads(self._fernet.decrypt(entry["sealed"]))
            value: dict[str, Any] = opened[place]
        except (InvalidToken, KeyError, TypeError, ValueError):
            logger.warning(
                "An entry of the OAuth storage (%s) was not written with this server's key and is ignored. "
                "Did oauth.secret_key, oauth.client_secret or base_url change, or does it differ between replicas?",
                collection,
            )
            return None
        return value

    async def put(
        self, key: str, value: Mapping[str, Any], *, collection: str | None = None, ttl: SupportsFloat | None = None
    ) -> None:
        """Keep an entry for `ttl` seconds.

        Raises:
            UnavailableError: the storage does not answer.
        """
        place = _place(collection, key)
        sealed = self._fernet.encrypt(json.dumps({place: dict(value)}).encode()).decode()
        seconds = LONGEST if ttl is None else ttl
        await _reached(self.key_value.put(place, {"sealed": sealed}, collection=collection, ttl=seconds))

    async def delete(self, key: str, *, collection: str | None = None) -> bool:
        """Forget an entry.

        Raises:
            UnavailableError: the storage does not answer.
        """
        return await _reached(self.key_value.delete(_place(collection, key), collection=collection))


def _place(collection: str | None, key: str) -> str:
    return sha256(f"{collection}\0{key}".encode()).hexdigest()


async def _or_corrupt(work: Awaitable[T]) -> T:
    """The result, or ValueError when what is stored is no entry at all."""
    try:
        return await work
    except (DeserializationError, UnicodeDecodeError) as error:
        raise ValueError("corrupt") from error


class Storage:
    """An open storage.

    Args:
        vault: the entries.
        claims: who came first.
        close: ends its connections.
    """

    def __init__(self, vault: Vault, claims: Claims, close: Callable[[], Awaitable[None]] | None = None) -> None:
        self.vault = vault
        self.claims = claims
        self._close = close

    async def close(self) -> None:
        """End the connections."""
        if self._close is not None:
            await self._close()


def open_storage(address: str, key: bytes) -> Storage:
    """The storage that `oauth.storage` names: `memory`, `file:DIRECTORY` or an address of Redis.

    Raises:
        OSError: the directory cannot be used.
        ValueError: the address is not one of Redis.
    """
    kind, _, rest = address.partition(":")
    if kind == "memory":
        return Storage(Vault(MemoryStore(max_entries_per_collection=MAX_ENTRIES), key), MemoryClaims())
    if kind == "file":
        directory = Path(rest).expanduser().resolve()
        (directory / "claims").mkdir(parents=True, exist_ok=True, mode=0o700)
        directory.chmod(0o700)
        return Storage(Vault(_Files(data_directory=directory / "entries"), key), FileClaims(directory / "claims"))
    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
        address,
        decode_responses=True,
        max_connections=50,
        timeout=2 * _REDIS_TIMEOUT,
        socket_timeout=_REDIS_TIMEOUT,
        socket_connect_timeout=_REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 1),
    )
    client = Redis(connection_pool=pool)
    from key_value.aio.stores.redis import RedisStore

    async def close() -> None:
        await client.aclose()
        await pool.disconnect()

    return Storage(Vault(RedisStore(client=client), key), RedisClaims(client), close)


class _Files(FileTreeStore):
    """A directory of entries that sweeps out the expired ones as it grows."""

    _SWEEP_EVERY = 500

    def __init__(self, data_directory: Path) -> None:
        data_directory.mkdir(exist_ok=True, mode=0o700)
        super().__init__(data_directory=data_directory)
        self._writes = 0

    async def put(
        self, key: str, value: Mapping[str, Any], *, collection: str | None = None, ttl: SupportsFloat | None = None
    ) -> None:
        await super().put(key, value, collection=collection, ttl=ttl)
        self._writes += 1
        if self._writes % self._SWEEP_EVERY == 0:
            await self.cull()


class MemoryClaims:
    """Claims within one process."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    async def first(self, name: str, seconds: int) -> bool:
        """Whether nobody has claimed the name within so many seconds."""
        now = monotonic()
        self._until = {name: until for name, until in self._until.items() if until > now}
        if name in self._until:
            return False
        self._until[name] = now + seconds
        return True

    async def release(self, name: str) -> None:
        """Give a name back."""
        self._until.pop(name, None)


class FileClaims:
    """Claims among the processes that share a directory: only one of them can create a file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    _KEPT = 3600  # seconds, longer than any claim is for

    async def first(self, name: str, seconds: int) -> bool:
        """Whether nobody has claimed the name; it stays claimed for an hour, however few seconds are asked for."""
        return await _reached(to_thread(self._first, name))

    def _first(self, name: str) -> bool:
        before = time() - self._KEPT
        for file in self._directory.iterdir():
            with suppress(FileNotFoundError):
                if file.stat().st_mtime < before:
                    file.unlink()
        file = self._directory / _place("claims", name)
        try:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        return True

    async def release(self, name: str) -> None:
        """Give a name back."""
        await _reached(to_thread((self._directory / _place("claims", name)).unlink, missing_ok=True))


class RedisClaims:
    """Claims among all replicas that share a Redis."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def first(self, name: str, seconds: int) -> bool:
        """Whether nobody has claimed the name within so many seconds."""
        return bool(await _reached(self._client.set(self._key(name), "1", nx=True, ex=seconds)))

    async def release(self, name: str) -> None:
        """Give a name back."""
        await _reached(self._client.delete(self._key(name)))

    def _key(self, name: str) -> str:
        return f"mcp-claims::{_place('claims', name)}"
