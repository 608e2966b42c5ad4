"""The control-policy engine: reading, linting and evaluating service control policies, without any I/O."""

from volcengine_policy.assumptions import (
    ASSUMPTION_IDS,
    CATALOGUE,
    DEPENDS,
    Assumption,
    Assumptions,
    assumption,
)
from volcengine_policy.catalogue import (
    SENSITIVE_READS,
    Access,
    access,
    known_actions,
    known_service,
    known_spelling,
)
from volcengine_policy.document import Document, Effect, Statement, serialise
from volcengine_policy.evaluation import evaluate
from volcengine_policy.findings import Finding, Severity, can_be_valid
from volcengine_policy.lint import lint
from volcengine_policy.parse import parse
from volcengine_policy.path import (
    Node,
    NodeKind,
    Policy,
    PolicyType,
    attach,
    check_path,
    detach,
    replace_policy,
)
from volcengine_policy.preview import Change, compare, probe_actions
from volcengine_policy.truth import Cause, CauseKind
from volcengine_policy.verdict import (
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
