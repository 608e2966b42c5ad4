"""OAuth across two replicas: a sign-in goes on in whichever replica is asked, and Redis alone remembers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import cast

import httpx2
import pytest
from scale.machines import Nginx, site
from security.oauth_door import Browser, Client, Clock, Door, oauth_settings
from support.http import ACCEPT, PATIENCE, Running, answer_of, request
from support.providers import GitHub
from support.redis import RedisServer, redis_server
from support.servers import eventually
from volcengine_mcp.settings.model import Settings
from volcengine_mcp.signin.oauth.gate import Gate
from volcengine_sandbox import Sandbox


@dataclass
class Place:
    """Everything that a sign-in needs."""

    door: Door
    nginx: Nginx
    replicas: list[Running]
    redis: RedisServer
    box: Sandbox

    def call(self, token: str, at: str | None = None) -> httpx2.Response:
        """List the accounts, through nginx or straight at a replica."""
        headers = {**ACCEPT, "Authorization": f"Bearer {token}"}
        body = request("tools/call", "ListAccounts")
        return httpx2.post(f"{at or self.door.url}/mcp", json=body, headers=headers, verify=False, timeout=PATIENCE)


def works(answer: httpx2.Response) -> bool:
    """Whether a call was done."""
    return answer.is_success and not answer_of(answer)["result"].get("isError")


def signed(box: Sandbox) -> int:
    """How many calls have reached Volcengine; readiness asks without a key."""
    return sum(bool(record.access_key) for record in box.requests)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Two replicas of a server behind OAuth, their provider, their Redis and nginx."""
    provider = GitHub()
    with Sandbox() as box, provider.served() as provider_url, redis_server(tmp_path) as redis:
        given = oauth_settings(provider_url, storage=redis.url, secret_key="s" * 40).model_dump(exclude_unset=True)
        variables: dict[str, object] = {
            f"MCP_SERVER_OAUTH_{name.upper()}": value if isinstance(value, str) else " ".join(value)
            for name, value in given.items()
        }
        variables |= {
            "MCP_SERVER_AUTH": "oauth",
            "VOLCENGINE_CREDENTIAL_TYPE": "env",
            "VOLCENGINE_ACCESS_KEY": box.administrator.access_key,
            "VOLCENGINE_SECRET_KEY": box.administrator.secret_key,
        }
        with site(tmp_path, box, variables) as (nginx, replicas):
            door = Door(nginx.url, provider, provider_url, cast("Gate", None), Settings(), Clock())
            yield Place(door, nginx, replicas, redis, box)


def test_sign_in_spans_replicas_and_outlives_one(place: Place) -> None:
    client = Client(place.door)
    token = client.tokens()["access_token"]
    steps = Counter(place.nginx.served)
    assert len(steps) == 2, "each replica took part"
    assert min(steps.values()) >= 2
    for _ in range(4):
        assert works(place.call(token))
    for replica in place.replicas:
        eventually(lambda replica=replica: len(replica.calls()) == 2)  # type: ignore[misc]
        assert {call["identity"] for call in replica.calls()} == {"Octocat"}

    other = Client(place.door)
    assert other.register().status_code == 201
    callback = Browser(place.door).to_callback(other.authorize_url())
    place.replicas[0].send(SIGKILL)
    place.replicas[0].process.wait()
    # The consent was given with both there; the rest of the way is the survivor's.
    assert Browser(place.door).get(callback).status_code in (400, 403), "another browser ends nobody's sign-in"
    late = Client(place.door)
    assert works(place.call(late.tokens()["access_token"]))
    assert works(place.call(token))


def client_tokens(client: Client) -> dict[str, str]:
    """Fresh tokens for a client that is registered."""
    answer = client.exchange(client.code())
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


def test_code_is_spent_once_whichever_replicas_are_asked(place: Place) -> None:
    client = Client(place.door)
    code = client.code()
    fresh = [Client(place.door) for _ in range(12)]
    for copy in fresh:
        copy.client_id, copy.verifier = client.client_id, client.verifier
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda copy: copy.exchange(code), fresh))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 11}
    assert {answer.json()["error"] for answer in answers if answer.status_code == 401} == {"invalid_grant"}


def test_without_redis_nobody_gets_in_and_with_it_everybody_does_again(place: Place) -> None:
    client = Client(place.door)
    token = client.tokens()["access_token"]
    assert works(place.call(token))
    waiting = Client(place.door)
    assert waiting.register().status_code == 201
    sent = signed(place.box)

    place.redis.stop()
    for replica in place.replicas:
        ready = httpx2.get(f"{replica.url}/readyz", timeout=PATIENCE)
        assert (ready.status_code, ready.json()["reason"]) == (503, "the OAuth storage does not answer")
        assert httpx2.get(f"{replica.url}/healthz").status_code == 200
    for refusal in (place.call(token, at=replica.url) for replica in place.replicas):
        assert (refusal.status_code, refusal.json()["error"]) == (503, "temporarily_unavailable")
        assert refusal.headers["retry-after"]
        assert "redis" not in refusal.text.lower()
    # nginx asks both in vain, and then leaves them alone for some seconds.
    in_vain = [place.call(token), waiting.exchange("any"), Browser(place.door).get(waiting.authorize_url())]
    assert {refusal.status_code for refusal in in_vain} <= {502, 503}
    assert signed(place.box) == sent

    place.redis.start()
    for replica in place.replicas:
        eventually(lambda replica=replica: httpx2.get(f"{replica.url}/readyz").status_code == 200)  # type: ignore[misc]
    again = Client(place.door)
    eventually(lambda: again.register().status_code == 201)
    assert works(place.call(again.tokens()["access_token"]))
    assert works(place.call(client_tokens(waiting)["access_token"])), "a registration outlives the storage"
    assert place.redis.url not in "".join(replica.log for replica in place.replicas)
