"""Who a person is, by the provider's word, and what the administrator's lists let them do.

Threat: anybody with an account at the provider; a name that only looks like a listed one; somebody who has left.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx2

from volcengine_mcp.settings.model import OAuth
from volcengine_mcp.signin.oauth.refusals import UnavailableError, note
from volcengine_mcp.untrusted import visible

logger = logging.getLogger(__name__)

REMEMBERED = 60.0
"""Seconds for which the provider's answer about a token is believed."""

_REFUSAL_REMEMBERED = 5.0
_MAX_REMEMBERED = 10_000
_TIMEOUT = 10.0  # seconds for all requests about one token
_MAX_PAGES = 10  # of 100 organizations each


@dataclass(frozen=True)
class Person:
    """Somebody who may use the server.

    Args:
        login: the name by which the lists know them.
        read_only: whether only tools that change nothing are theirs.
        issuer: the provider.
        subject: what the provider calls them for good, though they may rename themselves.
    """

    login: str
    read_only: bool
    issuer: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Account:
    """What the provider says about the owner of a token."""

    name: str
    subject: str
    organizations: frozenset[str]


class Lists:
    """The administrator's lists. Names are compared exactly, on GitHub without regard to case, as GitHub does."""

    def __init__(self, oauth: OAuth) -> None:
        self._fold: Callable[[str], str] = str.lower if oauth.on_github else str
        self._read_only = frozenset(map(self._fold, oauth.read_only_users))
        self._allowed = frozenset(map(self._fold, oauth.allowed_users))
        self._organizations = frozenset(map(self._fold, oauth.allowed_organizations))

    def read_only(self, account: Account) -> bool | None:
        """Whether somebody may only read; None when they may not enter."""
        if self._named(account.name, self._read_only):
            return True
        if self._named(account.name, self._allowed):
            return False
        if self._organizations & set(map(self._fold, account.organizations)):
            return False
        return None

    def depends_on_organizations(self, name: str) -> bool:
        """Whether a person's organizations decide."""
        named = self._named(name, self._read_only) or self._named(name, self._allowed)
        return bool(self._organizations) and not named

    def _named(self, name: str, names: frozenset[str]) -> bool:
        return "*" in names or self._fold(name) in names


class People:
    """Asks the provider whose token it is, once a minute for each.

    Args:
        oauth: addresses and lists.
        http: kept open for all requests.
        clock: seconds, for how long an answer is believed.
    """

    def __init__(self, oauth: OAuth, http: httpx2.AsyncClient, clock: Callable[[], float] = monotonic) -> None:
        github = oauth.on_github
        self._userinfo = oauth.userinfo_url or "https://api.github.com/user"
        self._organizations = oauth.organizations_url or ("https://api.github.com/user/orgs" if github else "")
        self._organizations_claim = oauth.organizations_claim
        self._user_claim = oauth.user_claim or ("login" if github else "sub")
        self._issuer = "{0.scheme}://{0.netloc}".format(urlsplit(self._userinfo))
        self._lists = Lists(oauth)
        self._http = http
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Account | None]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Account | None]] = {}

    async def person(self, token: str) -> Person | None:
        """The owner of the provider's token; None when the provider or the lists do not let them in.

        Raises:
            UnavailableError: the provider does not answer.
        """
        account = await self._account(token)
        if account is None:
            return None
        read_only = self._lists.read_only(account)
        if read_only is None:
            logger.info("%s is on none of the lists and was not let in", visible(account.name))
            return None
        return Person(account.name, read_only, self._issuer, account.subject)

    async def _account(self, token: str) -> Account | None:
        key = sha256(token.encode()).hexdigest()
        until, account = self._known.get(key, (0.0, None))
        if self._clock() < until:
            self._known.move_to_end(key)
            return account
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask_and_remember(key, token))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        try:
            return await asyncio.shield(task)  # another request may wait for the same answer
        except UnavailableError as refusal:
            raise note(refusal) from None

    async def _ask_and_remember(self, key: str, token: str) -> Account | None:
        try:
            async with asyncio.timeout(_TIMEOUT):
                account = await self._ask(token)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            logger.warning("The OAuth provider's user info cannot be reached: %s", type(error).__name__)
            raise UnavailableError from None
        seconds = REMEMBERED if account else _REFUSAL_REMEMBERED
        self._known[key] = (self._clock() + seconds, account)
        self._known.move_to_end(key)
        while len(self._known) > _MAX_REMEMBERED:
            self._known.popitem(last=False)
        return account

    async def _ask(self, token: str) -> Account | None:
        info = await self._read(self._userinfo, token)
        if not isinstance(info, dict):
            return None
        name = info.get(self._user_claim)
        if not isinstance(name, str) or not name:
            logger.warning("The user info has no %s (oauth.user_claim), so nobody is let in", self._user_claim)
            return None
        if self._user_claim == "email" and info.get("email_verified") not in (True, "true"):
            logger.info("%s is not a verified address and was not let in", visible(name))
            return None
        subject = info.get("sub") or info.get("id") or name
        organizations = await self._memberships(info, token) if self._lists.depends_on_organizations(name) else ()
        return Account(name, str(subject), frozenset(organizations))

    async def _memberships(self, info: dict[str, Any], token: str) -> list[str]:
        if not self._organizations:
            return _names(info.get(self._organizations_claim))
        names: list[str] = []
        address = httpx2.URL(self._organizations).copy_merge_params({"per_page": "100"})
        for _ in range(_MAX_PAGES):
            response = await self._get(str(address), token)
            names += _names(_json(response))
            following = response.links.get("next", {}).get("url") if response.status_code == 200 else None
            if not following:
                break
            address, before = address.join(following), address
            if (address.scheme, address.netloc) != (before.scheme, before.netloc):
                break  # the token is for this provider only
        return names

    async def _read(self, url: str, token: str) -> Any:
        return _json(await self._get(url, token))

    async def _get(self, url: str, token: str) -> httpx2.Response:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "User-Agent": "volcengine-mcp",
        }
        response = await self._http.get(url, headers=headers)
        limited = response.status_code == 403 and (
            "retry-after" in response.headers or response.headers.get("x-ratelimit-remaining") == "0"
        )
        if limited or response.status_code == 429 or response.status_code >= 500:
            logger.warning("%s answered %d", urlsplit(url).netloc, response.status_code)
            raise UnavailableError
        if response.status_code not in (200, 401):
            logger.warning("%s%s answered %d", *urlsplit(url)[1:3], response.status_code)
        return response


def _json(response: httpx2.Response) -> Any:
    """The body of a successful answer; None of any other."""
    if response.status_code != 200:
        return None
    try:
        return response.json()
    except ValueError:
        logger.warning("%s answered with something else than JSON", response.url.netloc.decode())
        return None


def _names(value: Any) -> list[str]:
    """Names in a list of strings or of objects with a `login` or a `name`; a single string is one name."""
    items = value if isinstance(value, list) else [value]
    named = (item.get("login") or item.get("name") if isinstance(item, dict) else item for item in items)
    return [name for name in named if isinstance(name, str) and name]
