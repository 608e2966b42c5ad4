"""What a change would do: requests whose verdict changes, and the actions worth asking about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from volcengine_policy.assumptions import Assumptions
from volcengine_policy.catalogue import known_actions, matching_actions
from volcengine_policy.document import Document, Statement
from volcengine_policy.evaluation import evaluate
from volcengine_policy.kinds import Enablement
from volcengine_policy.path import Node
from volcengine_policy.request import Request
from volcengine_policy.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Change:
    """A request with the verdicts before and after."""

    request: Request
    before: Verdict
    after: Verdict


def compare(
    before: Sequence[Node],
    after: Sequence[Node],
    requests: Iterable[Request],
    *,
    enablement: Enablement,
    is_administrator: bool,
    assumptions: Assumptions | None = None,
) -> tuple[Change, ...]:
    """The requests whose outcome changes, or what it depends on; another decider for the same outcome is no change.

    Raises ValueError for a path that is none.
    """
    changes: list[Change] = []
    for request in requests:
        old, new = (
            evaluate(path, request, enablement=enablement, is_administrator=is_administrator, assumptions=assumptions)
            for path in (before, after)
        )
        if old.outcome is not new.outcome or set(old.depends_on) != set(new.depends_on):
            changes.append(Change(request, old, new))
    return tuple(changes)


def probe_actions(*documents: Document) -> tuple[str, ...]:
    """The known actions that a statement of the documents touches, with either effect, sorted.

    It is a sample by our catalogue, not all that exists. What an Allow list leaves out is not in it: to see what is
    lost when a full-access policy goes, ask about `known_actions()`.
    """
    return tuple(sorted({a for document in documents for s in document.statements for a in touched(s)}))


def touched(statement: Statement) -> frozenset[str]:
    """The known actions that the statement's action elements cover when case is ignored."""
    excluded = _matching(statement.not_actions.texts()) if statement.not_actions is not None else frozenset()
    if statement.actions is not None:
        return _matching(statement.actions.texts()) - excluded
    return frozenset(known_actions()) - excluded if statement.not_actions is not None else frozenset()


def _matching(patterns: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*(matching_actions(pattern) for pattern in patterns))
