"""The words that policies and verdicts use for what there are only a few of. Apart, so that importing them is cheap."""

from __future__ import annotations

from enum import StrEnum


class NodeKind(StrEnum):
    """What a node is; the root is a unit too (inferred)."""

    ROOT = "root"
    UNIT = "unit"
    ACCOUNT = "account"


class PolicyType(StrEnum):
    """Preset or own (Volcengine docs 6723/1176972)."""

    SYSTEM = "System"
    CUSTOM = "Custom"


class Enablement(StrEnum):
    """Whether the feature is on (Volcengine docs 6723/1176973); UNKNOWN when it could not be read."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_ENABLE = "PendingEnable"
    PENDING_DISABLE = "PendingDisable"
    UNKNOWN = "Unknown"


class Principal(StrEnum):
    """Who asks. UNKNOWN may be any of the others, so that a Deny may depend on A-ROOT and A-SLR."""

    UNKNOWN = "unknown"
    USER = "user"
    ROLE = "role"
    ROOT = "root"
    SERVICE_LINKED = "service_linked"


class Outcome(StrEnum):
    """The outcomes; none of them says that a request succeeds."""

    ALLOWED = "allowed by policies"
    DENIED_BY_STATEMENT = "denied by a statement"
    DENIED_FOR_WANT_OF_ALLOW = "denied for want of an allow"
    DEPENDS = "depends on"


class CauseKind(StrEnum):
    """What a verdict can depend on."""

    CONDITION_KEY = "condition key"
    ASSUMPTION = "assumption"
    POLICY = "unreadable policy"
    STATEMENT = "unclear statement"
    RESOURCE = "resource"
    PRINCIPAL = "principal"
    ENABLEMENT = "enablement"
