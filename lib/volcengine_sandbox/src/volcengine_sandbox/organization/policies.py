"""Service control policies: documents, attachments and the switch. They are kept, not enforced on calls."""

from __future__ import annotations

import json
import math
from typing import Final

from volcengine_sandbox import errors, pages
from volcengine_sandbox.clock import MINUTE, beijing
from volcengine_sandbox.organization.common import ATTACHMENT_QUOTA, POLICY_QUOTA, declare
from volcengine_sandbox.parameters import Integer, Text
from volcengine_sandbox.records import Attachment, Organization, Policy, TargetType
from volcengine_sandbox.registry import EMPTY, Call, Effect, Result

SWITCH_PAUSE: Final = 5 * MINUTE
"""Seconds between two switches of the feature. Assumption: the number is not documented."""
LONGEST_STATEMENT: Final = 4096
"""Characters. Assumption: the limit is not documented."""
ON, OFF = "Enabled", "Disabled"
"""Statuses. Switching is immediate here, so `PendingEnable` and `PendingDisable` are never seen."""

_ID = Text("PolicyID", required=True)
_TARGET = Text("TargetID", required=True)
_DOCUMENT = (
    Text("PolicyName", required=True, most=64),
    Text("Statement", required=True, most=LONGEST_STATEMENT),
    Text("Description", most=512),
)
_SORT = (Text("SortBy", choices=("CreateDate", "UpdateDate")), Text("SortOrder", choices=("Desc", "Asc")))


@declare("GetServiceControlPolicyEnablement", Effect.READ)
def get_enablement(call: Call) -> Result:
    """Whether the feature is on."""
    return {"Status": _status(call.organization), "CanFullAccessDetach": False}


@declare("EnableServiceControlPolicy", Effect.WRITE)
def enable(call: Call) -> Result:
    """Switch the feature on."""
    org = call.organization
    if org.policies_enabled:
        raise errors.organization("PolicyTypeAlreadyEnabledException")
    return _switch(call, org, on=True)


@declare("DisableServiceControlPolicy", Effect.DESTROY)
def disable(call: Call) -> Result:
    """Switch the feature off (assumption: its errors mirror those of switching on)."""
    org = call.organization
    _need_enabled(org)
    return _switch(call, org, on=False)


@declare("CreateServiceControlPolicy", Effect.WRITE, *_DOCUMENT)
def create_policy(call: Call) -> Result:
    """A custom policy. This answer alone spells its ID `PolicyId`."""
    org = call.organization
    _valid_statement(call.text("Statement"))
    _free_name(org, call.text("PolicyName"))
    if len(org.policies) >= POLICY_QUOTA:
        raise errors.organization("ReachedQuotaLimit", "policies")
    policy = Policy(
        call.state.new_id(),
        call.text("PolicyName"),
        call.text("Statement"),
        call.now,
        call.now,
        call.text("Description"),
    )
    org.policies[policy.id] = policy
    result = _wire(policy)
    result["PolicyId"] = result.pop("PolicyID")
    return result


@declare("UpdateServiceControlPolicy", Effect.WRITE, _ID, *_DOCUMENT)
def update_policy(call: Call) -> Result:
    """Replace name, document and description of a custom policy."""
    org = call.organization
    policy = _custom(org, call.text("PolicyID"))
    _valid_statement(call.text("Statement"))
    if call.text("PolicyName") != policy.name:
        _free_name(org, call.text("PolicyName"))
    policy.name, policy.statement = call.text("PolicyName"), call.text("Statement")
    policy.description, policy.updated = call.text("Description"), call.now
    return _wire(policy) | {"Statement": policy.statement}


@declare("DeleteServiceControlPolicy", Effect.DESTROY, _ID)
def delete_policy(call: Call) -> Result:
    """Delete a custom policy (assumption: an attached one is refused with InvalidParam)."""
    org = call.organization
    policy = _custom(org, call.text("PolicyID"))
    if any(attachment.policy_id == policy.id for attachment in org.attachments):
        raise errors.organization("InvalidParam", "PolicyID", policy.id)
    del org.policies[policy.id]
    return EMPTY


@declare("GetServiceControlPolicy", Effect.READ, _ID)
def get_policy(call: Call) -> Result:
    """One policy with its document."""
    policy = _found(call.organization, call.text("PolicyID"))
    return _wire(policy) | {"Statement": policy.statement}


@declare(
    "ListServiceControlPolicies",
    Effect.READ,
    *pages.NUMBER_SIZE,
    Text("PolicyType", choices=("System", "Custom")),
    Text("Query"),
    *_SORT,
)
def list_policies(call: Call) -> Result:
    """Policies without their documents, newest first by default (assumption)."""
    kind, query = call.text("PolicyType"), call.text("Query").lower()
    found = [
        policy
        for policy in call.organization.policies.values()
        if (not kind or kind == _kind(policy)) and (query in policy.name.lower() or query in policy.description.lower())
    ]
    by_update = call.text("SortBy") == "UpdateDate"
    found.sort(
        key=lambda policy: policy.updated if by_update else policy.created, reverse=call.text("SortOrder") != "Asc"
    )
    return pages.by_number(call, "ServiceControlPolicies", found, _wire)


@declare(
    "AttachServiceControlPolicy",
    Effect.WRITE,
    _ID,
    _TARGET,
    Integer("TargetType", required=True, choices=(int(TargetType.UNIT), int(TargetType.ACCOUNT))),
)
def attach_policy(call: Call) -> Result:
    """Put a policy on a unit or an account."""
    org = call.organization
    _need_enabled(org)
    policy = _found(org, call.text("PolicyID"))
    target, kind = call.text("TargetID"), TargetType(call.integer("TargetType"))
    if target not in (org.units if kind is TargetType.UNIT else org.members):
        raise errors.organization("TargetNotFoundException")
    there = [attachment for attachment in org.attachments if attachment.target_id == target]
    if any(attachment.policy_id == policy.id for attachment in there):
        raise errors.organization("DuplicatePolicyAttachmentException")
    if len(there) >= ATTACHMENT_QUOTA:
        raise errors.organization("ReachedQuotaLimit", "policies on one target")
    org.attach(policy.id, target, kind, call.now)
    return EMPTY


@declare("DetachServiceControlPolicy", Effect.DESTROY, _ID, _TARGET)
def detach_policy(call: Call) -> Result:
    """Take a policy off a target; the preset one stays."""
    org = call.organization
    _need_enabled(org)
    policy = _found(org, call.text("PolicyID"))
    attachment = next(
        (a for a in org.attachments if a.policy_id == policy.id and a.target_id == call.text("TargetID")), None
    )
    if attachment is None:
        raise errors.organization("PolicyNotAttachedException")
    if policy.system:
        raise errors.organization("FullAccessScpCantDetach")
    org.attachments.remove(attachment)
    return EMPTY


@declare("ListPoliciesForTarget", Effect.READ, _TARGET, *pages.LIMIT_OFFSET)
def list_policies_for_target(call: Call) -> Result:
    """The policies on a unit or an account itself, not those it inherits."""
    org = call.organization
    target = call.text("TargetID")
    if target not in org.units and target not in org.members:
        raise errors.organization("TargetNotFoundException")

    def wire(attachment: Attachment) -> Result:
        policy = org.policies[attachment.policy_id]
        return {
            "AttachedTime": beijing(attachment.attached),
            "Description": policy.description,
            "PolicyID": policy.id,
            "PolicyName": policy.name,
            "PolicyType": _kind(policy),
        }

    return pages.by_offset(call, "Policies", [a for a in org.attachments if a.target_id == target], wire)


@declare(
    "ListTargetsForPolicy",
    Effect.READ,
    _ID,
    *pages.LIMIT_OFFSET,
    Text("SortBy"),
    Text("SortOrder", choices=("Desc", "Asc")),
)
def list_targets(call: Call) -> Result:
    """Where a policy is attached, oldest attachment first unless asked otherwise."""
    org = call.organization
    policy = _found(org, call.text("PolicyID"))
    there = [attachment for attachment in org.attachments if attachment.policy_id == policy.id]
    there.sort(key=lambda attachment: attachment.attached, reverse=call.text("SortOrder") == "Desc")

    def wire(attachment: Attachment) -> Result:
        target = attachment.target_id
        name = org.units[target].name if target in org.units else org.members[target].show_name
        return {
            "AttachedTime": beijing(attachment.attached),
            "TargetID": target,
            "TargetName": name,
            "TargetType": attachment.target_type.word,
        }

    return pages.by_offset(call, "Targets", there, wire)


def _switch(call: Call, org: Organization, on: bool) -> Result:
    since = math.inf if org.policies_switched is None else call.now - org.policies_switched
    if since < SWITCH_PAUSE:
        minutes = math.ceil((SWITCH_PAUSE - since) / MINUTE)
        raise errors.organization("PolicyEnablementSwitchTooFrequentException", minutes)
    org.policies_enabled, org.policies_switched = on, call.now
    return {"Status": _status(org)}


def _status(org: Organization) -> str:
    return ON if org.policies_enabled else OFF


def _need_enabled(org: Organization) -> None:
    if not org.policies_enabled:
        raise errors.organization("PolicyTypeNotEnabledException")


def _found(org: Organization, policy_id: str) -> Policy:
    if policy_id not in org.policies:
        raise errors.organization("PolicyNotFoundException")
    return org.policies[policy_id]


def _custom(org: Organization, policy_id: str) -> Policy:
    """A policy that may change; the preset one is an InvalidParam (assumption)."""
    policy = _found(org, policy_id)
    if policy.system:
        raise errors.organization("InvalidParam", "PolicyID", policy_id)
    return policy


def _kind(policy: Policy) -> str:
    return "System" if policy.system else "Custom"


def _free_name(org: Organization, name: str) -> None:
    if any(policy.name == name for policy in org.policies.values()):
        raise errors.organization("DuplicatePolicyException")


def _valid_statement(text: str) -> None:
    """Refuse what is not a policy document: JSON with a list `Statement` of Allow or Deny, Action and Resource."""
    try:
        document = json.loads(text)
        statements = document["Statement"]
        ok = bool(statements) and all(
            statement["Effect"] in {"Allow", "Deny"}
            and ("Action" in statement or "NotAction" in statement)
            and "Resource" in statement
            for statement in statements
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        ok = False
    if not ok:
        raise errors.organization("InvalidParam", "Statement", text)


def _wire(policy: Policy) -> Result:
    return {
        "CreateDate": beijing(policy.created),
        "Description": policy.description,
        "PolicyID": policy.id,
        "PolicyName": policy.name,
        "PolicyType": _kind(policy),
        "UpdateDate": beijing(policy.updated),
    }
