"""What the OAuth door keeps: sealed, bounded, shared by replicas, and never a reason to let somebody in."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from security.oauth_door import Browser, Client, Door, door, query
from support.providers import GitHub, free_socket
from support.redis import RedisServer, redis_server
from volcengine_mcp.signin.oauth.storage import open_storage


@pytest.fixture(scope="module")
def lookalike() -> Iterator[tuple[GitHub, str]]:
    provider = GitHub()
    with provider.served() as url:
        yield provider, url


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as server:
        yield server


def _secrets_of_a_sign_in(running: Door) -> tuple[Client, dict[str, str], list[str]]:
    """A sign-in up to a code, another up to a token; the tokens and everything that must not be readable."""
    client = Client(running)
    client.register()
    browser = Browser(running)
    callback = browser.to_callback(client.authorize_url())
    tokens = client.tokens()
    code = query(browser.get(callback).headers["location"])["code"]
    readable = [*tokens.values(), *query(callback).values(), code, *running.provider.tokens, client.state, "octocat"]
    return client, tokens, [secret for secret in readable if isinstance(secret, str) and len(secret) > 6]


def test_files_are_sealed_and_private(lookalike: tuple[GitHub, str], tmp_path: Path) -> None:
    with door(*lookalike, storage=f"file:{tmp_path}/oauth") as running:
        client, tokens, readable = _secrets_of_a_sign_in(running)
        assert client.call(tokens["access_token"]).status_code == 200
        files = [path for path in (tmp_path / "oauth").rglob("*") if path.is_file()]
        kept = "\n".join(f"{path}\n{path.read_text()}" for path in files)
        assert len(files) > 3
        assert [secret for secret in readable if secret in kept] == []
        assert {path.stat().st_mode & 0o077 for path in [tmp_path / "oauth", *files]} == {0}


def test_redis_is_sealed_and_everything_in_it_ends(lookalike: tuple[GitHub, str], redis: RedisServer) -> None:
    with door(*lookalike, storage=redis.url) as running:
        client, tokens, readable = _secrets_of_a_sign_in(running)
        assert client.call(tokens["access_token"]).status_code == 200
        kept = redis.everything()
        assert kept.count("sealed") >= 3
        assert [secret for secret in readable if secret in kept] == []
        assert all(0 < redis.client.ttl(name) <= 90 * 86400 for name in redis.client.keys("*"))


@pytest.mark.parametrize("changes", [{"secret_key": "another-secret" * 3}, {"client_secret": "changed" * 5}])
def test_with_another_key_nobody_is_let_in(
    lookalike: tuple[GitHub, str], tmp_path: Path, changes: dict[str, Any]
) -> None:
    bound = free_socket()
    kept: dict[str, Any] = {"storage": f"file:{tmp_path}"}
    with door(*lookalike, bound=bound.dup(), **kept) as running:
        client = Client(running)
        token = client.tokens()["access_token"]
    with door(*lookalike, bound=bound, **kept | changes):
        assert client.call(token).status_code == 401


def _sealed_files(directory: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in directory.rglob("mcp-*/*.json"):
        found.setdefault(path.parent.name, []).append(path)
    return found


def _garbage(files: list[Path]) -> None:
    for file in files:
        file.write_text("{not json")


def _no_entry(files: list[Path]) -> None:
    for file in files:
        file.write_text(json.dumps({"value": {"sealed": 1}, "created_at": "2026-01-01T00:00:00+00:00"}))


def _swapped(files: list[Path]) -> None:
    first, second = (file.read_text() for file in files)
    files[0].write_text(second)
    files[1].write_text(first)


@pytest.mark.parametrize("damage", [_garbage, _no_entry, _swapped])
@pytest.mark.parametrize("kind", ["mcp-upstream-tokens", "mcp-jti-mappings"])
def test_a_damaged_or_exchanged_entry_lets_nobody_in(
    lookalike: tuple[GitHub, str],
    tmp_path: Path,
    kind: str,
    damage: Callable[[list[Path]], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whoever can write to the storage cannot become somebody else by exchanging two people's entries."""
    with door(*lookalike, storage=f"file:{tmp_path}") as running:
        client = Client(running)
        tokens = [client.tokens("octocat")["access_token"], client.tokens("reader")["access_token"]]
        assert [client.call(token).status_code for token in tokens] == [200, 200]
        files = _sealed_files(tmp_path)[kind]
        assert len(files) == 2
        damage(files)
        assert [client.call(token).status_code for token in tokens] == [401, 401]
    assert "was not written with this server's key" in caplog.text


def test_an_entry_written_in_the_clear_is_ignored(lookalike: tuple[GitHub, str], redis: RedisServer) -> None:
    with door(*lookalike, storage=redis.url) as running:
        client = Client(running)
        token = client.tokens()["access_token"]
        for name in redis.client.keys("mcp-jti-mappings*"):
            entry = json.loads(redis.client.get(name) or "")
            entry["value"] = {"jti": "x", "upstream_token_id": "x", "created_at": 1.0}
            redis.client.set(name, json.dumps(entry))
        assert client.call(token).status_code == 401


def test_two_replicas_are_one_server(lookalike: tuple[GitHub, str], redis: RedisServer) -> None:
    """Sign-in begins on one and ends on the other; of concurrent exchanges on both, one wins."""
    first = free_socket()
    url = f"http://127.0.0.1:{first.getsockname()[1]}"
    kept: dict[str, Any] = {"storage": redis.url, "base_url": url}
    with door(*lookalike, bound=first, **kept) as one, door(*lookalike, **kept) as other:
        client, on_other = Client(one), Client(other)
        client.register()
        browser = Browser(one)
        callback = browser.to_callback(client.authorize_url())
        code = query(browser.get(callback.replace(one.url, other.url)).headers["location"])["code"]
        on_other.client_id, on_other.verifier = client.client_id, client.verifier
        redis.client.client_pause(300)  # milliseconds; then all twenty find the code at once
        with ThreadPoolExecutor(20) as pool:
            exchanges = [pool.submit(side.exchange, code) for side in (client, on_other) * 10]
            answers = [exchange.result() for exchange in exchanges]
        assert sorted(answer.status_code for answer in answers) == [200, *[401] * 19]
        token = next(answer for answer in answers if answer.status_code == 200).json()["access_token"]
        assert client.who(token)[0] == on_other.who(token)[0] == "Octocat"


@pytest.mark.parametrize("storage", ["memory", "file", "redis"])
def test_a_claim_is_won_once_until_it_is_given_back(tmp_path: Path, redis: RedisServer, storage: str) -> None:
    address = {"memory": "memory", "file": f"file:{tmp_path}/oauth", "redis": redis.url}[storage]

    async def contend() -> list[bool]:
        opened = open_storage(address, Fernet.generate_key())
        try:
            won = list(await asyncio.gather(*(opened.claims.first("code", 60) for _ in range(20))))
            won.append(await opened.claims.first("another code", 60))
            await opened.claims.release("code")
            return [*won, await opened.claims.first("code", 60)]
        finally:
            await opened.close()

    won = asyncio.run(contend())
    assert sum(won[:20]) == 1
    assert won[20:] == [True, True]


@pytest.mark.parametrize("storage", ["memory", "file", "redis"])
def test_of_concurrent_exchanges_one_wins_in_every_storage(
    lookalike: tuple[GitHub, str], tmp_path: Path, redis: RedisServer, storage: str
) -> None:
    address = {"memory": "memory", "file": f"file:{tmp_path}/oauth", "redis": redis.url}[storage]
    with door(*lookalike, storage=address) as running:
        client = Client(running)
        code = client.code()
        with ThreadPoolExecutor(20) as pool:
            statuses = [response.status_code for response in pool.map(client.exchange, [code] * 20)]
        assert sorted(statuses) == [200, *[401] * 19]


def test_without_redis_nobody_is_let_in_and_it_recovers(lookalike: tuple[GitHub, str], redis: RedisServer) -> None:
    with door(*lookalike, storage=redis.url) as running:
        client = Client(running)
        token = client.tokens()["access_token"]
        code = client.code()
        browser = Browser(running)
        callback = browser.to_callback(client.authorize_url())
        redis.stop()
        begun = time.monotonic()
        answers = [
            client.call(token),
            client.exchange(code),
            browser.get(client.authorize_url()),
            browser.get(f"{running.url}/consent?txn_id=any"),
            browser.get(callback),
        ]
        assert time.monotonic() - begun < 5 * 2
        assert [answer.status_code for answer in answers] == [503] * 5
        assert answers[0].json() == answers[1].json()
        assert answers[0].json()["error"] == "temporarily_unavailable"
        assert {answer.headers["retry-after"] for answer in answers} == {"5"}
        assert client.register().status_code == 201, "registering needs no storage"
        redis.start()
        assert client.call(token).status_code == 401, "what Redis kept is gone, so the token is"
        assert client.who(client.tokens()["access_token"])[0] == "Octocat"


def test_a_redis_that_does_not_answer_holds_nobody_up_for_long(lookalike: tuple[GitHub, str]) -> None:
    with free_socket() as silent:
        silent.listen(100)  # takes connections and says nothing
        port = silent.getsockname()[1]
        with door(*lookalike, storage=f"redis://127.0.0.1:{port}/0") as running:
            client = Client(running)
            client.register()
            begun = time.monotonic()
            assert Browser(running).get(client.authorize_url()).status_code == 503
            assert time.monotonic() - begun < 4


def test_the_password_of_redis_is_not_logged(lookalike: tuple[GitHub, str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with door(*lookalike, storage="redis://user:pa55word@127.0.0.1:1/0") as running:
        client = Client(running)
        client.register()
        assert Browser(running).get(client.authorize_url()).status_code == 503
    assert "does not answer" in caplog.text
    assert "pa55word" not in caplog.text
