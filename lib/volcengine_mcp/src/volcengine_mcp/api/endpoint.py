"""Where the OpenAPI is, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass


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
        workers: requests in flight at once.
    """

    host: str | None = None
    scheme: str = "https"
    region: str = "cn-beijing"
    ca_bundle: str | None = None
    attempt_timeout: float = 30.0
    deadline: float = 60.0
    workers: int = 64
