"""Service control policies of Volcengine: read, checked, evaluated and compared, without any I/O.

Names are imported when they are first used: a program that only needs the shapes of answers loads no engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from volcengine_policy.assumptions import (
        ASSUMPTION_IDS,
        DEPENDS,
        Assumption,
        Assumptions,
        assumption,
        assumption_texts,
    )
    from volcengine_policy.catalogue import Access, access, is_sensitive, known_actions, known_service, known_spelling
    from volcengine_policy.document import Document, Effect, Statement, plain, serialise
    from volcengine_policy.evaluation import evaluate
    from volcengine_policy.findings import Finding, Severity, can_be_valid, finding_texts
    from volcengine_policy.kinds import CauseKind, Enablement, NodeKind, Outcome, PolicyType, Principal
    from volcengine_policy.linting import lint
    from volcengine_policy.parsing import parse
    from volcengine_policy.path import Node, Policy, attach, check_path, detach, replace_policy
    from volcengine_policy.preview import Change, compare, probe_actions
    from volcengine_policy.request import Request
    from volcengine_policy.verdict import IDENTITY_SENTENCE, Decider, Dependence, Resting, Verdict

__all__ = [
    "ASSUMPTION_IDS",
    "DEPENDS",
    "IDENTITY_SENTENCE",
    "Access",
    "Assumption",
    "Assumptions",
    "CauseKind",
    "Change",
    "Decider",
    "Dependence",
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
    "assumption_texts",
    "attach",
    "can_be_valid",
    "check_path",
    "compare",
    "detach",
    "evaluate",
    "finding_texts",
    "is_sensitive",
    "known_actions",
    "known_service",
    "known_spelling",
    "lint",
    "parse",
    "plain",
    "probe_actions",
    "replace_policy",
    "serialise",
]

_MODULES = (
    ("assumptions", ("ASSUMPTION_IDS", "DEPENDS", "Assumption", "Assumptions", "assumption", "assumption_texts")),
    ("catalogue", ("Access", "access", "is_sensitive", "known_actions", "known_service", "known_spelling")),
    ("document", ("Document", "Effect", "Statement", "plain", "serialise")),
    ("evaluation", ("evaluate",)),
    ("findings", ("Finding", "Severity", "can_be_valid", "finding_texts")),
    ("kinds", ("CauseKind", "Enablement", "NodeKind", "Outcome", "PolicyType", "Principal")),
    ("linting", ("lint",)),
    ("parsing", ("parse",)),
    ("path", ("Node", "Policy", "attach", "check_path", "detach", "replace_policy")),
    ("preview", ("Change", "compare", "probe_actions")),
    ("request", ("Request",)),
    ("verdict", ("IDENTITY_SENTENCE", "Decider", "Dependence", "Resting", "Verdict")),
)
_HOMES = {name: module for module, names in _MODULES for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
