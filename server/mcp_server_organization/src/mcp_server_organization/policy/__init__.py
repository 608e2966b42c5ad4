"""The control-policy engine: reading, linting and evaluating service control policies, without any I/O."""

from mcp_server_organization.policy.assumptions import (
    ASSUMPTION_IDS,
    CATALOGUE,
    DEPENDS,
    Assumption,
    Assumptions,
    assumption,
)
from mcp_server_organization.policy.catalogue import (
    SENSITIVE_READS,
    Access,
    access,
    known_actions,
    known_service,
    known_spelling,
)
from mcp_server_organization.policy.document import Document, Effect, Statement, serialise
from mcp_server_organization.policy.evaluation import evaluate
from mcp_server_organization.policy.findings import Finding, Severity, can_be_valid
from mcp_server_organization.policy.lint import lint
from mcp_server_organization.policy.parse import parse
from mcp_server_organization.policy.path import (
    Node,
    NodeKind,
    Policy,
    PolicyType,
    attach,
    check_path,
    detach,
    replace_policy,
)
from mcp_server_organization.policy.preview import Change, compare, probe_actions
from mcp_server_organization.policy.truth import Cause, CauseKind
from mcp_server_organization.policy.verdict import (
    IDENTITY_SENTENCE,
    Decider,
    Enablement,
    Outcome,
    Principal,
    Request,
    Resting,
    Verdict,
)

__all__ = [
    "ASSUMPTION_IDS",
    "CATALOGUE",
    "DEPENDS",
    "IDENTITY_SENTENCE",
    "SENSITIVE_READS",
    "Access",
    "Assumption",
    "Assumptions",
    "Cause",
    "CauseKind",
    "Change",
    "Decider",
    "Document",
    "Effect",
    "Enablement",
    "Finding",
    "Node",
    "NodeKind",
    "Outcome",
    "Policy",
    "PolicyType",
    "Principal",
    "Request",
    "Resting",
    "Severity",
    "Statement",
    "Verdict",
    "access",
    "assumption",
    "attach",
    "can_be_valid",
    "check_path",
    "compare",
    "detach",
    "evaluate",
    "known_actions",
    "known_service",
    "known_spelling",
    "lint",
    "parse",
    "probe_actions",
    "replace_policy",
    "serialise",
]
