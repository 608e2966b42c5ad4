"""The envelope of every answer: `ResponseMetadata`, and `Result` or `Error`."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import datetime

from volcengine_sandbox.clock import BEIJING
from volcengine_sandbox.errors import ApiError

Metadata = dict[str, object]


@dataclass(slots=True)
class Heading:
    """What of a request the envelope repeats; parts that are not known are left out."""

    request_id: str
    action: str = ""
    version: str = ""
    service: str = ""
    region: str = ""

    def metadata(self) -> Metadata:
        """`ResponseMetadata`."""
        parts = {"Action": self.action, "Version": self.version, "Service": self.service, "Region": self.region}
        return {"RequestId": self.request_id, **{name: value for name, value in parts.items() if value}}


def request_id(now: float, rng: random.Random) -> str:
    """`yyyymmddHHMMSS` in Beijing time and 20 upper-case hex digits."""
    return datetime.fromtimestamp(now, BEIJING).strftime("%Y%m%d%H%M%S") + f"{rng.getrandbits(80):020X}"


def success(heading: Heading, result: object, absent: bool = False) -> bytes:
    """An answer with a result, or with none at all."""
    envelope: dict[str, object] = {"ResponseMetadata": heading.metadata()}
    if not absent:
        envelope["Result"] = result
    return encode(envelope)


def failure(heading: Heading, error: ApiError) -> bytes:
    """An answer with an error; `CodeN` only where the gateway's number is known."""
    detail: dict[str, object] = {"Code": error.code, "Message": error.message}
    if error.number is not None:
        detail = {"CodeN": error.number} | detail
    return encode({"ResponseMetadata": heading.metadata() | {"Error": detail}})


def encode(value: object) -> bytes:
    """Compact UTF-8 JSON. A lone surrogate, which UTF-8 cannot carry, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
