"""Faults: what a sandbox can be told to do wrong, the rules that say when, and how one is written as text."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Final

from volcengine_sandbox import errors
from volcengine_sandbox.gateway import Claim

KINDS: Final = {
    "latency": "wait `delay` seconds, then answer as usual",
    "throttle": "429 AccountFlowLimitExceeded; nothing is done",
    "status": "the gateway error of `status` 500, 502, 503 or 504; nothing is done",
    "error": "an error of your own: `status`, `code`, `message`; nothing is done",
    "error_in_200": "the same error inside an HTTP 200; nothing is done",
    "not_json": "HTTP 200 with an HTML page; nothing is done",
    "empty": "HTTP 200 with an empty body; nothing is done",
    "reset_before": "the connection is reset; nothing is done",
    "hang": "no answer until the client leaves, or for `delay` seconds and then a reset; nothing is done",
    "reset_after": "the work is done, then the connection is reset",
    "truncated": "the work is done, half of the answer is sent, then the connection is closed",
    "missing_result": "the work is done, the answer has no `Result`",
    "list_result": "the work is done, the `Result` is inside a list",
    "no_metadata": "the work is done, the answer has no `ResponseMetadata`",
}
STATUS_CODES: Final = {
    500: "InternalError",
    502: "InternalServiceError",
    503: "ServiceUnavailableTemp",
    504: "InternalServiceTimeout",
}
LONGEST_DELAY: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something to do wrong, and for which requests.

    kind: one of `KINDS`.
    action, access_key: only requests with these; any when None.
    times: how many matching requests it hits; without end when None.
    delay: seconds to wait before the fault shows; also valid for kinds other than `latency`.
    status, code, message: of the error that the kinds `status`, `error` and `error_in_200` answer.

    Raises ValueError when the parts do not make sense.
    """

    kind: str
    action: str | None = None
    access_key: str | None = field(default=None, repr=False)
    times: int | None = None
    delay: float = 0.0
    status: int = 500
    code: str = "InternalError"
    message: str = "The request has failed due to an unknown error."

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no fault kind {self.kind!r}; the kinds are {', '.join(KINDS)}.")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times must be 1 or more, not {self.times}.")
        if not 0 <= self.delay <= LONGEST_DELAY:
            raise ValueError(f"delay must be 0 to {LONGEST_DELAY:g} seconds, not {self.delay}.")
        if self.kind == "status" and self.status not in STATUS_CODES:
            raise ValueError(f"status must be one of {', '.join(map(str, STATUS_CODES))}, not {self.status}.")
        if not 200 <= self.status <= 599:
            raise ValueError(f"status must be 200 to 599, not {self.status}.")

    def concerns(self, claim: Claim) -> bool:
        """Whether a request is meant."""
        return self.action in {None, claim.action} and self.access_key in {None, claim.access_key}

    def error(self) -> errors.ApiError | None:
        """The error that is answered instead of doing the work, or None when this kind has none."""
        match self.kind:
            case "throttle":
                return errors.gateway("AccountFlowLimitExceeded")
            case "status":
                return errors.gateway(STATUS_CODES[self.status])
            case "error" | "error_in_200":
                return errors.ApiError(200 if self.kind == "error_in_200" else self.status, self.code, self.message)
        return None


@dataclass(slots=True)
class Rule:
    """A fault in force, and how many more requests it hits."""

    id: str
    fault: Fault
    left: int | None

    def describe(self) -> dict[str, object]:
        """For the control endpoint; the access key is an ID and no secret."""
        return {"id": self.id, "left": self.left} | asdict(self.fault)


class FaultRules:
    """The faults in force, oldest first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._count = 0

    def add(self, fault: Fault) -> str:
        """Put a fault into force. Returns its ID."""
        with self._lock:
            self._count += 1
            rule = Rule(f"fault-{self._count}", fault, fault.times)
            self._rules.append(rule)
            return rule.id

    def remove(self, rule_id: str) -> bool:
        """Lift one fault. False when there is none with this ID."""
        with self._lock:
            before = len(self._rules)
            self._rules = [rule for rule in self._rules if rule.id != rule_id]
            return len(self._rules) < before

    def clear(self) -> None:
        """Lift all faults."""
        with self._lock:
            self._rules.clear()

    def list(self) -> list[dict[str, object]]:
        """The faults in force."""
        with self._lock:
            return [rule.describe() for rule in self._rules]

    def take(self, claim: Claim) -> Fault | None:
        """The oldest fault that concerns a request; counts as one hit."""
        if not self._rules:
            return None
        with self._lock:
            rule = next((rule for rule in self._rules if rule.fault.concerns(claim)), None)
            if rule is not None and rule.left is not None:
                rule.left -= 1
                if rule.left == 0:
                    self._rules.remove(rule)
            return rule.fault if rule else None


def parse(text: str) -> Fault:
    """Read `kind=latency; delay=0.5`, the form of the `X-Sandbox-Fault` header. Raises ValueError."""
    pairs = (part.partition("=") for part in text.split(";") if part.strip())
    return build((name.strip(), value.strip()) for name, _, value in pairs)


def build(pairs: Iterable[tuple[str, object]]) -> Fault:
    """Make a fault from named values, numbers also as text. Raises ValueError that says what is wrong."""
    values = dict(pairs)
    known = {item.name for item in fields(Fault)}
    if unknown := sorted(values.keys() - known):
        raise ValueError(f"A fault has no {unknown[0]!r}; it has {', '.join(sorted(known))}.")
    kind = values.get("kind")
    if not isinstance(kind, str):
        raise ValueError(f"A fault needs a kind: one of {', '.join(KINDS)}.")  # noqa: TRY004 - one error for callers
    try:
        texts = {
            name: str(values[name])
            for name in ("action", "access_key", "code", "message")
            if values.get(name) is not None
        }
        numbers = {name: int(str(values[name])) for name in ("times", "status") if values.get(name) is not None}
        fault = replace(Fault(kind), **texts, **numbers)  # type: ignore[arg-type]
        return replace(fault, delay=float(str(values.get("delay") or 0)))
    except ValueError as error:
        raise ValueError(f"The fault cannot be read: {error}") from None
