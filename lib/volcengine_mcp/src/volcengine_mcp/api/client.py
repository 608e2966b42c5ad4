"""Calling an action through the Volcengine SDK, off the event loop, with clients kept per credential.

Retries belong to the effect of an action: a read is repeated while its deadline lasts; a write is sent once, because
the API has no idempotency token, unless no connection could be made at all.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import anyio
import anyio.to_thread
from pydantic import BaseModel

from volcengine_mcp.api.credentials import AnyCredential, ProviderChain
from volcengine_mcp.api.fitting import fit
from volcengine_mcp.api.sdk import core
from volcengine_mcp.declare import Action, Answers, Effect
from volcengine_mcp.errors import NotSentError, VolcengineError, is_transient, translate

if TYPE_CHECKING:
    from volcenginesdkcore import ApiClient

CONNECT_TIMEOUT = 5.0
"""Seconds; an endpoint that is there accepts much sooner."""

GENERAL_HOST = "open.volcengineapi.com"
"""The SDK's address for most regions."""

MOST_CLIENTS = 256
"""SDK clients kept; the least recently used goes first."""

MOST_ATTEMPTS = 4
"""Attempts of one call, the first included."""

CLIENT_LIFETIME = 900.0
"""Seconds without a call after which a client, and the keys in it, are let go."""


@dataclass(frozen=True)
class Endpoint:
    """Where the OpenAPI is, and how long to wait for it.

    Attributes:
        host: host and port, or None for the SDK's address of the region.
        scheme: `https` or `http`.
        region: region in the credential scope, such as `cn-beijing`.
        ca_bundle: PEM file of trusted roots; None for certifi's.
        attempt_timeout: seconds that one attempt may take.
        deadline: seconds that a call may take with its retries.
        workers: calls in flight at once.
    """

    host: str | None = None
    scheme: str = "https"
    region: str = "cn-beijing"
    ca_bundle: str | None = None
    attempt_timeout: float = 30.0
    deadline: float = 60.0
    workers: int = 64


@dataclass(frozen=True)
class Answer:
    """What the service answered: the result in its declared shape, and the ID of the request."""

    result: dict[str, Any]
    request_id: str | None = None


R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True)
class Reply(Generic[R]):
    """What the service answered: the result in its declared shape, and the ID of the request."""

    result: R
    request_id: str | None = None


class OpenAPI:
    """The Volcengine OpenAPI at one endpoint, for any number of credentials at once."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._clients: OrderedDict[AnyCredential, tuple[ApiClient, float]] = OrderedDict()
        self._lock = Lock()
        self._limiter: anyio.CapacityLimiter | None = None

    async def call(self, action: Action, credential: AnyCredential, deadline: float | None = None) -> Answer:
        """Send an action and wait for its answer.

        Raises:
            VolcengineError: the service refused it, or no usable answer came.
        """
        latest = monotonic() + self.endpoint.deadline
        deadline = latest if deadline is None else min(latest, deadline)
        try:
            return await self._attempt(action, credential, deadline)
        except VolcengineError as error:
            if not _may_repeat(action, error):
                raise
            return await self._again(action, credential, deadline, error)

    async def send(self, action: Answers[R], credential: AnyCredential, *, deadline: float | None = None) -> Reply[R]:
        """Send an action and wait for its answer, in its declared shape."""
        if not isinstance(action, Action):
            raise TypeError("only an action can be sent")
        answer = await self.call(action, credential, deadline)
        result: Any = action.result.model_validate(answer.result)
        return Reply(result, answer.request_id)

    async def _again(
        self, action: Action, credential: AnyCredential, deadline: float, failure: VolcengineError
    ) -> Answer:
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

    async def _attempt(self, action: Action, credential: AnyCredential, deadline: float) -> Answer:
        """One request in a worker thread; given up, not waited for, when its time is over."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self.endpoint.workers)
        seconds = max(min(self.endpoint.attempt_timeout, deadline - monotonic()), 0.1)
        work = partial(self._send, action, credential, seconds)
        try:
            with anyio.fail_after(seconds + 1.0):
                return await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._limiter)
        except VolcengineError as error:
            error.message = credential.scrub(error.message)
            raise
        except TimeoutError as error:
            raise translate(error, type(action), seconds=seconds) from error

    def _send(self, action: Action, credential: AnyCredential, seconds: float) -> Answer:
        """Sign and send by the SDK, in the calling thread.

        Raises:
            VolcengineError: whatever went wrong, translated.
        """
        sdk = core()
        facts = sdk.UniversalInfo(
            method=action.method,
            service=action.service,
            version=action.version,
            action=action.wire_name(),
            content_type=action.content_type(),
        )
        timeout = (min(CONNECT_TIMEOUT, seconds), seconds)
        try:
            api = sdk.UniversalApi(self._client(credential))
            envelope = api.do_call(facts, action.wire(), _request_timeout=timeout)
        except Exception as error:
            raise translate(error, type(action), seconds=seconds) from error
        return _answer(action, envelope)

    def unreachable(self) -> str | None:
        """Why the endpoint cannot be reached, or None when it answers anything at all. Blocks; sends no credential."""
        import urllib3

        from volcengine_mcp.api.connections import Pools

        url = f"{self.endpoint.scheme}://{self.endpoint.host or GENERAL_HOST}/"
        pools = Pools(size=1, ca_bundle=self.endpoint.ca_bundle)
        try:
            pools.request("GET", url, timeout=urllib3.Timeout(CONNECT_TIMEOUT))
        except urllib3.exceptions.HTTPError:
            return "the OpenAPI endpoint does not answer"
        finally:
            pools.clear()
        return None

    def _client(self, credential: AnyCredential) -> ApiClient:
        """The client kept for a credential, or a new one; those unused for long, or too many, are let go."""
        now = monotonic()
        with self._lock:
            client, _ = self._clients.pop(credential, (None, now))
            client = client or _new_client(self.endpoint, credential)
            self._clients[credential] = client, now
            while len(self._clients) > MOST_CLIENTS or now - next(iter(self._clients.values()))[1] > CLIENT_LIFETIME:
                _, (oldest, _) = self._clients.popitem(last=False)
                oldest.rest_client.pool_manager.clear()
            return client

    def warm_up(self) -> None:
        """Do now, in the calling thread, what the first call would otherwise wait for: imports and certificates."""
        from volcengine_mcp.api.connections import tls_context

        core()
        if self.endpoint.scheme == "https":
            tls_context(self.endpoint.ca_bundle)


def _may_repeat(action: Action, error: BaseException) -> bool:
    """Whether a failed action may be sent again: a read after anything that passes, a write only if none was sent."""
    return is_transient(error) and (action.effect is Effect.READ or isinstance(error, NotSentError))


def _new_client(endpoint: Endpoint, credential: AnyCredential) -> ApiClient:
    from volcengine_mcp.api.connections import Pools

    sdk = core()
    configuration = sdk.Configuration()
    _keep_our_logging(configuration)
    configuration.region = endpoint.region
    configuration.scheme = endpoint.scheme
    configuration.host = endpoint.host
    configuration.auto_retry = False
    configuration.num_max_retries = 0
    if isinstance(credential, ProviderChain):
        configuration.credential_provider = sdk.auth.providers.DefaultCredentialProvider()
    else:
        configuration.ak = credential.access_key
        configuration.sk = credential.secret_key
        configuration.session_token = credential.session_token or None
    client = sdk.ApiClient(configuration)
    client.rest_client.pool_manager = Pools(size=endpoint.workers, ca_bundle=endpoint.ca_bundle)
    client.interceptor_chain.response_interceptors = [_envelope_interceptor()]
    return client


def _keep_our_logging(configuration: Any) -> None:
    """Take off the stderr handlers that the SDK hangs on its own and on urllib3's logger."""
    for logger in configuration.logger.values():
        logger.removeHandler(configuration.logger_stream_handler)
        logger.propagate = True


def _envelope_interceptor() -> Any:
    """Stands in for the SDK's deserialiser, which drops the metadata of a success and the body of a 200 with Error.

    The result of a call is then the whole envelope; an error inside a success is raised with its body.
    """
    sdk = core()

    class KeepEnvelope(sdk.interceptor.ResponseInterceptor):  # type: ignore[name-defined,misc]
        def name(self) -> str:
            return "keep-envelope"

        def intercept(self, context: Any) -> Any:
            response = context.response.http_response
            envelope = json.loads(response.data)
            metadata = envelope.get("ResponseMetadata") if isinstance(envelope, dict) else None
            if not isinstance(metadata, dict) or metadata.get("Error"):
                raise sdk.rest.ApiException(http_resp=response)
            context.response.result = envelope
            return context

    return KeepEnvelope()


def _answer(action: Action, envelope: dict[str, Any]) -> Answer:
    result = envelope.get("Result")
    if result is None:
        result = {}
    elif not isinstance(result, dict):
        result = {"Result": result}
    request_id = envelope["ResponseMetadata"].get("RequestId")
    return Answer(fit(action.result, result), str(request_id) if request_id else None)
