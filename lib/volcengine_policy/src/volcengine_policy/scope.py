"""Whether control policies restrict a request at all: the feature's switch, the account, the principal."""

from __future__ import annotations

from collections.abc import Iterator

from volcengine_policy.assumptions import Assumptions
from volcengine_policy.kinds import CauseKind, Enablement, Principal
from volcengine_policy.truth import (
    NO,
    YES,
    Cause,
    Judgement,
    every,
    some,
    unknown,
)


def restricted(
    enablement: Enablement, principal: Principal, *, is_administrator: bool, assumptions: Assumptions
) -> Judgement:
    """Whether the policies on the path have a say."""
    return every(_limits(enablement, principal, is_administrator, assumptions))


def _limits(
    enablement: Enablement, principal: Principal, is_administrator: bool, assumptions: Assumptions
) -> Iterator[Judgement]:
    yield _in_force(enablement, assumptions)
    if is_administrator:
        yield assumptions.choose("A-MGMT", {"exempt": NO, "restricted": YES})
    root = assumptions.choose("A-ROOT", {"exempt": NO, "bound": YES})
    linked = assumptions.choose("A-SLR", {"exempt": NO, "restricted": YES})
    match principal:
        case Principal.ROOT:
            yield root
        case Principal.SERVICE_LINKED:
            yield linked
        case Principal.UNKNOWN if not (root.is_true and linked.is_true):
            reason = "whether it is a user, a role, the root user or a service-linked role was not given"
            causes = (*root.causes, *linked.causes)
            yield unknown(Cause(CauseKind.PRINCIPAL, "principal", reason), *causes)
        case _:
            yield YES


def _in_force(enablement: Enablement, assumptions: Assumptions) -> Judgement:
    if enablement is Enablement.ENABLED:
        return YES
    off = assumptions.choose("A-OFF", {"no restriction": NO, "in force": YES})
    if enablement is Enablement.DISABLED:
        return off
    reason = (
        "whether control policies are switched on could not be read"
        if enablement is Enablement.UNKNOWN
        else f"the feature is in transition ({enablement.value})"
    )
    # In transition it is either on or off; when off restricts as well, the state does not matter.
    return some((off, unknown(Cause(CauseKind.ENABLEMENT, enablement.value, reason))))
