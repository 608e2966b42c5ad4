"""The Volcengine SDK prepares and signs: its chain of interceptors is run up to, and not including, the sending.

Parameters are laid out, the endpoint is resolved, credentials are looked up and the request is signed by the SDK's own
code, so that what goes over the wire is what every Volcengine client sends.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import anyio
import anyio.to_thread

from volcengine_mcp.api.credentials import AnyCredential, Credential, ProviderChain
from volcengine_mcp.api.sdk import core
from volcengine_mcp.errors import CredentialsError, NotSentError

if TYPE_CHECKING:
    from volcengine_mcp.api.endpoint import Endpoint
    from volcengine_mcp.declare import Action


@dataclass(frozen=True)
class Signed:
    """A request that is ready to be sent, and good for some minutes."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None


class Signer:
    """Signs the requests of one credential."""

    def __init__(self, endpoint: Endpoint, credential: AnyCredential) -> None:
        sdk = core()
        configuration = sdk.Configuration()
        _keep_our_logging(configuration)
        configuration.region = endpoint.region
        configuration.scheme = endpoint.scheme
        configuration.host = endpoint.host
        configuration.auto_retry = False
        self._configuration = configuration
        self._interceptors = _interceptors()
        self._providers: Any = None
        self._credential: Credential | None = None
        if isinstance(credential, ProviderChain):
            # Remembers which of its providers answered, and that one its credentials until they end.
            self._providers = sdk.auth.providers.DefaultCredentialProvider()
        else:
            self._credential = credential

    def scrub(self, text: str) -> str:
        """The text without the values of the credential that signed last."""
        return self._credential.scrub(text) if self._credential else text

    async def sign(self, action: Action, *, seconds: float) -> Signed:
        """The action as a signed request.

        Args:
            seconds: how long the provider chain may take.

        Raises:
            CredentialsError: the provider chain found none.
            NotSentError: the provider chain took too long.
        """
        if self._providers is not None:
            self._credential = await self._look_up(seconds)
        if self._credential is None:
            raise TypeError("a signer without a provider chain has a credential")
        return self._signed(action, self._credential)

    async def _look_up(self, seconds: float) -> Credential:
        """What the provider chain finds. It may ask the network or read files, so it does that in a thread."""
        look = partial(_found, self._providers)
        try:
            with anyio.fail_after(seconds):
                return await anyio.to_thread.run_sync(look, abandon_on_cancel=True)
        except TimeoutError as error:
            raise NotSentError(
                "CredentialsTimeout",
                f"The provider chain found no credentials within {round(seconds, 1):g} seconds.",
                hint="Check the network to STS and to the metadata service of ECS; "
                "VOLCENGINE_ECS_METADATA_DISABLED=true leaves the latter out.",
            ) from error

    def _signed(self, action: Action, credential: Credential) -> Signed:
        interceptor = core().interceptor
        body = action.wire()
        request = interceptor.Request(
            self._configuration,
            # The SDK's generated clients hand over the facts of an action as such a path.
            f"/{action.wire_name()}/{action.version}/{action.service}/{action.method.lower()}/",
            action.method,
            query_params=[],
            header_params={
                "Accept": "application/json",
                "Content-Type": action.content_type(),
                "User-Agent": _user_agent(),
            },
            body=body,
            post_params=[],
            auth_settings=["volcengineSign"],
        )
        request.ak, request.sk = credential.access_key, credential.secret_key
        request.session_token = credential.session_token or None
        self._interceptors.execute_request(interceptor.InterceptorContext(request=request))
        return Signed(
            method=action.method,
            url=f"{request.url}?{urlencode(request.query_params)}",
            headers=request.header_params,
            # The very text of which the SDK signed the hash.
            body=None if action.method == "GET" else json.dumps(request.body).encode(),
        )


@lru_cache(maxsize=1)
def _interceptors() -> Any:
    """What the SDK's own client does to a request before it sends it. Nothing of a credential is kept in it."""
    parts = core().interceptor
    chain = parts.InterceptorChain()
    for interceptor in (
        parts.BuildRequestInterceptor,
        parts.RuntimeOptionsInterceptor,
        parts.ResolveEndpointInterceptor,
        parts.SignRequestInterceptor,
    ):
        chain.append_request_interceptor(interceptor())
    return chain


@lru_cache(maxsize=1)
def _user_agent() -> str:
    """The SDK's name for itself, by which Volcengine tells its clients apart."""
    return f"volcstack-python-sdk/{version('volcenginesdk-core')}"


def _found(providers: Any) -> Credential:
    """What the provider chain finds, in the calling thread."""
    try:
        found = providers.get_credentials()
    except RuntimeError as error:
        raise CredentialsError(
            "CredentialsMissing",
            "The provider chain found no credentials: no keys in the environment, no OIDC token, "
            "no CLI profile and no ECS role.",
            hint="Sign in with the Volcengine CLI, or set VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY.",
        ) from error
    return Credential(found.ak, found.sk, found.session_token or "")


def _keep_our_logging(configuration: Any) -> None:
    """Take off the stderr handlers that the SDK hangs on its own and on urllib3's logger."""
    for logger in configuration.logger.values():
        logger.removeHandler(configuration.logger_stream_handler)
        logger.propagate = True
