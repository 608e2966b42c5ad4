"""Every error of this toolkit.

An error says what happened, to which input, and what to do next, in plain words; it never carries a stack trace,
a header, an SDK repr or a secret.
"""

from __future__ import annotations

from typing import Any

from volcengine_mcp.untrusted import visible


class VolcengineError(Exception):
    """Base of all errors that a user of a server can meet.

    Args:
        code: a stable name: the service's own code where it gave one.
        message: one sentence, what happened.
        hint: one or two sentences, what to do next.
        http_status: status of the service's answer, if there was one.
        request_id: the service's ID of the request, if it gave one.
    """

    outcome = "failed"
    """The kind of error, for metrics: one of few words."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        http_status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.http_status = http_status
        self.request_id = request_id

    def as_dict(self) -> dict[str, Any]:
        """The error as one JSON object; facts that are not known are left out."""
        facts = {
            "Code": self.code,
            "HTTPStatus": self.http_status,
            "Message": self.message,
            "RequestId": self.request_id,
            "Hint": self.hint or None,
        }
        return visible({name: value for name, value in facts.items() if value is not None})


class ConfigurationError(VolcengineError):
    """The server cannot start as it is configured."""

    def __init__(self, message: str) -> None:
        super().__init__("InvalidConfiguration", message)


class CredentialsError(VolcengineError):
    """There is no usable credential for the call."""

    outcome = "unauthorized"


class ArgumentsError(VolcengineError):
    """The arguments of a tool do not fit its schema; nothing was sent."""

    outcome = "invalid"


class ServiceError(VolcengineError):
    """The service answered with an error."""

    outcome = "refused"


class NotSentError(VolcengineError):
    """No connection could be made; the service has seen nothing."""

    outcome = "no_answer"


class NoAnswerError(VolcengineError):
    """The request may have reached the service, but no usable answer came back."""

    outcome = "no_answer"


class OutcomeUnknownError(NoAnswerError):
    """A write may or may not have been done."""


class AbandonedError(VolcengineError):
    """The client gave the call up."""

    outcome = "cancelled"


class OverdueError(VolcengineError):
    """The answer took longer to work out than a call may take."""

    outcome = "overdue"
