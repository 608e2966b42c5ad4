"""CheckTrailCoverage: whether the audit log is kept."""

from __future__ import annotations

from time import time

from pydantic import Field
from volcengine_audit.models import Assessment
from volcengine_mcp.answers import Answered, Coverage
from volcengine_mcp.declare import Account, Answers, Effect, Tool

from .. import actions
from ..settings import CloudTrailSettings


class TrailCoverage(Coverage):
    """Which trails the findings rest on."""

    region: str = Field(description="Region that was asked.")
    looked: str = Field(description="Where trails were looked for.")


class CheckTrailCoverageAnswer(Answered, Assessment):
    """How well the audit log is kept."""

    coverage: TrailCoverage | None = Field(None, description="Which trails were looked at.")


class CheckTrailCoverage(
    Tool,
    Answers[CheckTrailCoverageAnswer],
    effect=Effect.READ,
    toolset="trails",
    uses=(actions.DescribeTrails,),
    zh="检查跟踪覆盖情况",
    en="Check trail coverage",
):
    """Judge whether this account's audit log is kept: trails that are off or fail to deliver, miss sources or writes,
    or cover one account only; each finding with its reason."""

    async def read(self, account: Account) -> actions.DescribeTrailsResult:
        """The trails, those of the organization included."""
        return await account.send(actions.DescribeTrails(include_organization_trail=1))

    def answer(self, read: actions.DescribeTrailsResult, settings: CloudTrailSettings) -> CheckTrailCoverageAnswer:
        """The findings."""
        from volcengine_audit import assess_trails

        trails = [trail.model_dump(by_alias=True, exclude_unset=True) for trail in read.trails or () if trail]
        coverage = TrailCoverage(
            complete=True,
            region=settings.region,
            looked="The trails that DescribeTrails tells this key of, those of the organization included.",
        )
        return CheckTrailCoverageAnswer(**dict(assess_trails(trails, now=time())), coverage=coverage)
