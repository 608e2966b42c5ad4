"""CreateServiceControlPolicy: the action of that name, behind a check of the document."""

from __future__ import annotations

from pydantic import Field
from volcengine_mcp.declare import Account, Answers, Effect, Tool
from volcengine_mcp.errors import ArgumentsError
from volcengine_mcp.fields import Text
from volcengine_policy import Finding

from .. import actions
from ..findings import MOST_ALIKE, shown
from ..records import CreateServiceControlPolicyResult
from ..settings import OrganizationSettings


class CreatedPolicy(CreateServiceControlPolicyResult):
    """The new policy, and what the check of its document said."""

    findings: list[Finding] | None = Field(None, description="Warnings about the document; left out without any.")


class CreateServiceControlPolicy(
    Tool,
    Answers[CreatedPolicy],
    effect=Effect.WRITE,
    toolset="policies",
    uses=(actions.CreateServiceControlPolicy,),
    zh="创建管控策略",
    en="Create service control policy",
):
    """Create a custom service control policy (SCP). Its document is checked first, and refused if it cannot be valid.

    Returns its ID and warnings; nothing is restricted yet, as it is attached to no unit or account. This server
    cannot attach, change or delete it. Preview it first with PreviewServiceControlPolicy.
    """

    policy_name: Text = Field(description="Name of the policy, unique in the organization.")
    statement: actions.Document = Field(description=f"Policy document, such as {actions.DOCUMENT_EXAMPLE}.")
    description: str | None = Field(None, description="Description of the policy.")

    def check(self, settings: OrganizationSettings) -> None:
        """Refuse a document that cannot be valid."""
        errors = [finding for finding in self._findings() if finding.severity.value == "error"]
        if not errors:
            return
        message = " ".join(f"{finding.path or 'The document'}: {finding.message}" for finding in errors[:MOST_ALIKE])
        if len(errors) > MOST_ALIKE:
            message += f" And {len(errors) - MOST_ALIKE} more problems; PreviewServiceControlPolicy tells them."
        hint = " ".join(dict.fromkeys(finding.advice for finding in errors[:MOST_ALIKE]))
        raise ArgumentsError("InvalidPolicyDocument", message, hint=f"{hint} Nothing was sent.")

    async def read(self, account: Account) -> CreateServiceControlPolicyResult:
        """Create the policy, once."""
        return await account.send(
            actions.CreateServiceControlPolicy(
                policy_name=self.policy_name, statement=self.statement, description=self.description
            )
        )

    def answer(self, read: CreateServiceControlPolicyResult, settings: OrganizationSettings) -> CreatedPolicy:
        """What the service answered, with the warnings."""
        created = read.model_dump(by_alias=True, exclude_unset=True)
        remarks = shown(self._findings())
        return CreatedPolicy.model_validate(created | ({"Findings": remarks} if remarks else {}))

    def _findings(self) -> tuple[Finding, ...]:
        from datetime import UTC, datetime

        from volcengine_policy import lint, parse

        return lint(parse(self.statement), now=datetime.now(UTC))
