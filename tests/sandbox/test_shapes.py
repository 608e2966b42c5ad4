"""Answers have every field that the SDK's own models know, spelt the same way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import volcenginesdkcloudtrail as cloudtrail
import volcenginesdkorganization as organization
from sandbox.clients import Caller
from volcengine_sandbox import Sandbox


def missing(value: Any, model: str, module: Any) -> set[str]:
    """Field paths that a model has and a value has not, with the models nested in it."""
    kind = getattr(module, model)
    absent = set()
    for attribute, name in kind.attribute_map.items():
        if name not in value:
            absent.add(f"{model}.{name}")
            continue
        inner = kind.swagger_types[attribute].removeprefix("list[").removesuffix("]")
        items = value[name] if isinstance(value[name], list) else [value[name]]
        if hasattr(module, inner):
            assert items, f"{model}.{name} is empty, so nothing is checked"
            for item in items:
                absent |= missing(item, inner, module)
    return absent


def first(box: Sandbox, what: str) -> str:
    org = next(iter(box.state.organizations.values()))
    keys: dict[str, Iterable[str]] = {
        "AccountId": org.members,
        "InviteId": org.invitations,
        "ApplicationId": org.quits,
        "OrgUnitId": org.units,
        "ParentId": org.units,
        "PolicyID": org.policies,
        "TargetID": org.units,
    }
    return next(iter(keys[what]))


@pytest.mark.parametrize(
    ("action", "needs", "body"),
    [
        ("DescribeAccount", "AccountId", {}),
        ("DescribeAccountInvitation", "InviteId", {}),
        ("DescribeOrganization", "", {}),
        ("DescribeOrganizationalUnit", "OrgUnitId", {}),
        ("DescribeQuitApplication", "ApplicationId", {}),
        ("GetAccountSecureContactInfo", "AccountId", {}),
        ("GetServiceControlPolicy", "PolicyID", {}),
        ("GetServiceControlPolicyEnablement", "", {}),
        ("ListAccounts", "", {"IncludeTags": True, "Limit": 9}),
        ("ListInvitations", "", {}),
        ("ListOrganizationalUnits", "", {}),
        ("ListOrganizationalUnitsForParent", "ParentId", {}),
        ("ListPoliciesForTarget", "TargetID", {}),
        ("ListServiceControlPolicies", "", {}),
        ("ListTagResources", "", {"ResourceType": "account"}),
        ("ListTagsKeys", "", {"ResourceType": "account"}),
        ("ListTagsValues", "", {"ResourceType": "account", "Key": "env"}),
        ("ListTargetsForPolicy", "PolicyID", {}),
        ("ListTrustedServiceAdministrators", "", {"PageNumber": 1, "PageSize": 10}),
        ("ListTrustedServiceStatus", "", {}),
    ],
)
def test_organization(shared: Sandbox, admin: Caller, action: str, needs: str, body: dict[str, Any]) -> None:
    result = admin(action, body | ({needs: first(shared, needs)} if needs else {}))
    assert missing(result, f"{action}Response", organization) == set()


def test_cloud_trail(box: Sandbox, admin: Caller) -> None:
    def call(action: str, body: dict[str, Any]) -> Any:
        return admin(action, body, service="cloud_trail")

    policy = [{"LookupConditionKey": "ResourceType", "LookupConditionValue": "policy"}]
    events = call("LookupEvents", {"LookupConditions": policy})
    assert missing(events, "LookupEventsResponse", cloudtrail) == set()
    assert missing(call("DescribeTrails", {}), "DescribeTrailsResponse", cloudtrail) == set()
    trail = {"TrailName": "t", "IncludeAllEventSources": True, "TosBucketName": "example-bucket"}
    assert missing(call("CreateTrail", trail), "CreateTrailResponse", cloudtrail) == set()
    assert missing(call("UpdateTrail", trail), "UpdateTrailResponse", cloudtrail) == set()


@pytest.mark.parametrize("action", ["CreateServiceControlPolicy", "UpdateServiceControlPolicy"])
def test_written_policies(box: Sandbox, admin: Caller, action: str) -> None:
    body = {"PolicyName": "p", "Statement": '{"Statement":[{"Effect":"Deny","Action":["*"],"Resource":["*"]}]}'}
    made = admin("CreateServiceControlPolicy", body)
    if action.startswith("Update"):
        made = admin(action, body | {"PolicyID": made["PolicyId"]})
    assert missing(made, f"{action}Response", organization) == set()
