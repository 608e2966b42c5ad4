"""What an evaluation answers: the outcome, what decided it, and what it rests or depends on."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from volcengine_policy.kinds import CauseKind, Outcome
from volcengine_policy.model import Model

IDENTITY_SENTENCE = (
    "Control policies grant nothing: the identity (IAM) policies inside the account decide after them, and may "
    "still deny."
)


class Decider(Model):
    """What decided: a node and, when a statement did, its policy and statement."""

    node_id: str = Field(alias="NodeID", description="ID of the unit or account.")
    node_name: str = Field(description="Its name.")
    policy_id: str | None = Field(None, alias="PolicyID", description="ID of the policy that hangs there.")
    policy_name: str | None = Field(None, description="Its name.")
    statement_index: int | None = Field(None, description="Place of the statement in its document, from 0.")
    statement: dict[str, Any] | None = Field(None, description="The statement as it is written.", repr=False)


class Dependence(Model):
    """Something that is not known and that would settle the matter."""

    kind: CauseKind = Field(description="What it is.")
    name: str = Field(description="Its name, such as a condition key or the ID of an assumption.")
    reason: str = Field(description="Why it is not known.")
    where: str = Field(description="Where it was met; may be empty.")


class Resting(Model):
    """An assumption that a verdict rests on: another value may change the outcome."""

    assumption: str = Field(description="ID of the open point; docs/policies.md lists them.")
    value: str = Field(description="The value that is chosen.")
    sentence: str = Field(description="What that value says.")


class Verdict(Model):
    """The answer of the control policies to one request."""

    outcome: Outcome = Field(description="What the policies say; none of them means that a request succeeds.")
    decider: Decider | None = Field(
        None, description="What denied it; left out when nothing did, or an allow is wanting on the path as a whole."
    )
    reasons: tuple[str, ...] = Field(description="Why, in sentences.")
    depends_on: tuple[Dependence, ...] = Field((), description="What would settle the outcome `depends on`.")
    rests_on: tuple[Resting, ...] = Field((), description="Assumptions without which the outcome does not follow.")

    @property
    def denied(self) -> bool:
        """Whether the policies deny for certain."""
        return self.outcome in {Outcome.DENIED_BY_STATEMENT, Outcome.DENIED_FOR_WANT_OF_ALLOW}
