"""SimulatePolicies: what the policies say to one request, as they are or with one change that is only imagined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, NoReturn

from pydantic import Field
from volcengine_mcp.answers import Answered, Missing, Said
from volcengine_mcp.declare import Account, Answers, Effect, Part, Tool
from volcengine_mcp.fields import Identifier, Text
from volcengine_policy import Principal, Verdict

from ..actions import READS_PATH, Document
from ..findings import bad
from ..settings import OrganizationSettings

if TYPE_CHECKING:
    from volcengine_policy import Node, Request

    from ..policies import PathRead

Context = Annotated[
    dict[str, str | list[str]],
    Field(description='Condition keys of the request, such as {"volc:SourceIp": "203.0.113.7"}.'),
]


class ImaginedChange(Part):
    """A change to the policies that is only imagined."""

    kind: Literal["add", "change", "detach"] = Field(
        description="add a policy to a node, change a policy's document everywhere, or detach one from a node."
    )
    policy_id: Identifier | None = Field(
        None, alias="PolicyID", description="The policy; left out, add takes Statement as a new one."
    )
    target_id: Identifier | None = Field(
        None, alias="TargetID", description="Node for add and detach; default the account."
    )
    statement: Document | None = Field(None, description="Policy document for change, or for a new policy.")

    def check(self) -> None:
        """Refuse a change from which something is left out. Raises `ArgumentsError`."""
        if self.kind == "add":
            self._need(self.policy_id or self.statement, "Change.PolicyID or Change.Statement")
        else:
            self._need(self.policy_id, "Change.PolicyID")
        if self.kind == "change":
            self._need(self.statement, "Change.Statement")

    def _need(self, value: str | None, what: str) -> None:
        if not value:
            raise bad(f"{what} is required to {self.kind}.")


class AskedRequest(Said):
    """The request that was judged."""

    account_id: str = Field(description="ID of the account or unit.")
    action: str = Field(description="The action.")
    resource: str | None = Field(None, description="TRN of the resource; left out when it is not known.")
    principal: Principal = Field(description="Kind of identity that asks.")
    context: dict[str, str | list[str]] | None = Field(None, description="Condition keys of the request.")


class SimulatedPolicies(Answered):
    """What the policies say to one request."""

    asked: AskedRequest = Field(description="The request that was judged.")
    verdict: Verdict = Field(description="Outcome, Decider (policy, statement, node), Reasons, DependsOn, RestsOn.")
    before: Verdict | None = Field(None, description="The verdict without the imagined change.")


class SimulationRead(NamedTuple):
    """The path with its policies, and the document of a policy that is to be added, or why it could not be read."""

    path: PathRead
    added: str | None = None
    missing: tuple[Missing, ...] = ()


class SimulatePolicies(
    Tool,
    Answers[SimulatedPolicies],
    effect=Effect.READ,
    toolset="policies",
    uses=READS_PATH,
    zh="模拟管控策略判定",
    en="Simulate policies",
):
    """Would the service control policies let this account do this action? Answers by the policies in force, or with
    one imagined change: the verdict, the statement that decides and where it hangs, or what it depends on. Policies
    that allow do not grant: IAM decides after them."""

    account_id: Identifier = Field(description="ID of the account, or of a unit for an account right below it.")
    action: Text = Field(description="One action, such as ecs:RunInstances.")
    resource: Text | None = Field(None, description="TRN of the resource; unknown if left out.")
    principal: Literal["user", "role", "root", "service_linked", "unknown"] = Field(
        "user", description="Kind of identity that asks."
    )
    context: Context | None = None
    change: ImaginedChange | None = Field(None, description="A change to imagine.")

    def check(self, settings: OrganizationSettings) -> None:
        """Refuse a request that is none, and a change from which something is left out."""
        self._request()
        if self.change is not None:
            self.change.check()

    async def read(self, account: Account) -> SimulationRead:
        """The path with its policies, and the document of a policy that is to be added by its ID."""
        from ..policies import read_documents, read_path

        path = await read_path(account, self.account_id)
        change = self.change
        if change is None or change.kind != "add" or change.statement is not None or change.policy_id is None:
            return SimulationRead(path)
        texts, missing = await read_documents(account, {change.policy_id})
        return SimulationRead(path, texts.get(change.policy_id), missing)

    def answer(self, read: SimulationRead, settings: OrganizationSettings) -> SimulatedPolicies:
        """The verdict, with and without the change."""
        from ..organization import coverage

        path = read.path
        nodes = path.nodes
        changed = self._changed(nodes, self.change, read) if self.change is not None else None
        return SimulatedPolicies(
            verdict=self._judged(changed or nodes, path, settings),
            before=self._judged(nodes, path, settings) if changed is not None else None,
            asked=AskedRequest(
                account_id=self.account_id,
                action=self.action,
                resource=self.resource,
                principal=Principal(self.principal),
                context=self.context or None,
            ),
            coverage=coverage(path.organization.read, path.missing),
        )

    def _judged(self, nodes: tuple[Node, ...], path: PathRead, settings: OrganizationSettings) -> Verdict:
        from volcengine_policy import evaluate

        return evaluate(
            nodes,
            self._request(),
            enablement=path.enablement,
            is_administrator=path.is_administrator,
            assumptions=settings.assumptions,
        )

    def _request(self) -> Request:
        from volcengine_policy import Request

        try:
            return Request(self.action, self.resource, Principal(self.principal), _context(self.context))
        except ValueError as error:
            raise bad(str(error)) from error

    def _changed(self, nodes: tuple[Node, ...], change: ImaginedChange, read: SimulationRead) -> tuple[Node, ...]:
        """The path as it would be. Raises `ArgumentsError` when the change does not fit it."""
        from volcengine_policy import attach, detach, replace_policy

        from ..policies import NEW_POLICY, imagined

        target, policy_id = change.target_id or self.account_id, change.policy_id or NEW_POLICY
        try:
            if change.kind == "detach":
                return detach(nodes, target, policy_id)
            statement = change.statement or read.added
            if statement is None:
                _unreadable(policy_id, read.missing)
            if change.kind == "change":
                return replace_policy(nodes, policy_id, imagined(policy_id, statement))
            return attach(nodes, target, imagined(policy_id, statement))
        except ValueError as error:
            raise bad(str(error)) from error


def _unreadable(policy_id: str, missing: Sequence[Missing]) -> NoReturn:
    why = "".join(f" ({each.code}: {each.message.rstrip('.')})" for each in missing)
    raise bad(f"The document of policy {policy_id} cannot be read{why}; give Change.Statement.")


def _context(given: Mapping[str, str | list[str]] | None) -> dict[str, str | tuple[str, ...] | list[str] | None]:
    return {key: value if isinstance(value, str) else tuple(value) for key, value in (given or {}).items()}
