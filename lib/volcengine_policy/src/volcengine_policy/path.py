"""The path from the root unit to an account, with the policies on it, and changes to it that are only imagined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from volcengine_policy.document import Document
from volcengine_policy.kinds import NodeKind, PolicyType


@dataclass(frozen=True, slots=True)
class Policy:
    """An attached policy; its document is None when it could not be read."""

    id: str
    name: str
    type: PolicyType
    document: Document | None

    @property
    def readable(self) -> Document | None:
        """The document when its statements can be relied on."""
        return self.document if self.document is not None and self.document.readable else None


@dataclass(frozen=True, slots=True)
class Node:
    """A unit or account on the path.

    `attachments_known` is False when the list of its policies could not be read or may lack some. `default_detached`
    is True when the System policy is known not to be attached here, so that A-DEFAULT does not speak of this node.
    """

    id: str
    name: str
    kind: NodeKind
    policies: tuple[Policy, ...] = ()
    attachments_known: bool = True
    default_detached: bool = False


def check_path(path: Sequence[Node]) -> tuple[Node, ...]:
    """The path as a tuple; raises ValueError unless it runs from a root over units to at most one account."""
    if not path or path[0].kind is not NodeKind.ROOT:
        raise ValueError("a path begins at the root unit; give its nodes from the root down to the account")
    middle = path[1:-1] if path[-1].kind is NodeKind.ACCOUNT else path[1:]
    if any(node.kind is not NodeKind.UNIT for node in middle):
        raise ValueError("between the root unit and the account at the end a path has units only")
    if len({node.id for node in path}) < len(path):
        raise ValueError("a path has every node once; two of these have the same ID")
    return tuple(path)


def attach(path: Sequence[Node], node_id: str, policy: Policy) -> tuple[Node, ...]:
    """The path with the policy attached as well; raises ValueError when the node is not on it or has the policy."""

    def change(node: Node) -> Node:
        if any(present.id == policy.id for present in node.policies):
            raise ValueError(f"policy {policy.id} is already attached to {node.kind} {node.id}")
        detached = node.default_detached and policy.type is not PolicyType.SYSTEM
        return replace(node, policies=(*node.policies, policy), default_detached=detached)

    return _changed(path, node_id, change)


def detach(path: Sequence[Node], node_id: str, policy_id: str) -> tuple[Node, ...]:
    """The path without the policy; raises ValueError when the node is not on it or does not have the policy.

    Without its System policy a node is no longer covered by A-DEFAULT, or the preview would show no difference.
    """

    def change(node: Node) -> Node:
        gone = _attached(node, policy_id)
        left = tuple(policy for policy in node.policies if policy.id != policy_id)
        last = gone.type is PolicyType.SYSTEM and all(p.type is not PolicyType.SYSTEM for p in left)
        return replace(node, policies=left, default_detached=node.default_detached or last)

    return _changed(path, node_id, change)


def replace_policy(path: Sequence[Node], policy_id: str, policy: Policy) -> tuple[Node, ...]:
    """The path with the policy changed wherever it is attached; raises ValueError when that is nowhere."""
    if all(present.id != policy_id for node in path for present in node.policies):
        raise ValueError(f"policy {policy_id} is not attached to any node of this path")
    return tuple(
        replace(node, policies=tuple(policy if p.id == policy_id else p for p in node.policies)) for node in path
    )


def _attached(node: Node, policy_id: str) -> Policy:
    for policy in node.policies:
        if policy.id == policy_id:
            return policy
    raise ValueError(f"policy {policy_id} is not attached to {node.kind} {node.id}")


def _changed(path: Sequence[Node], node_id: str, change: Callable[[Node], Node]) -> tuple[Node, ...]:
    if all(node.id != node_id for node in path):
        raise ValueError(f"node {node_id} is not on this path; it has {', '.join(node.id for node in path)}")
    return tuple(change(node) if node.id == node_id else node for node in path)
