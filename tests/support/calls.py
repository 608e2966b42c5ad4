"""The 19 tools of the contract, each with arguments that a fresh sandbox answers well."""

from __future__ import annotations

from typing import Any

from volcengine_sandbox import Identity, Sandbox

DENY = {"Statement": [{"Effect": "Deny", "Action": ["ecs:DeleteInstance"], "Resource": ["*"]}]}

TITLES = {
    "cloud-trail": {
        "CreateTrail": "创建跟踪",
        "DescribeTrails": "列出跟踪列表",
        "LookupEvents": "查询审计事件列表",
    },
    "organization": {
        "CreateOrganization": "创建企业组织",
        "CreateOrganizationalUnit": "创建企业组织单元",
        "CreateServiceControlPolicy": "创建管控策略",
        "DescribeAccount": "查询成员账号信息",
        "DescribeAccountInvitation": "成员账号查询加入企业组织邀请信息",
        "DescribeOrganization": "查询企业组织信息",
        "DescribeOrganizationalUnit": "查询组织单元信息",
        "DescribeQuitApplication": "查询成员账号退出申请信息",
        "GetAccountSecureContactInfo": "查询成员账号安全信息",
        "GetServiceControlPolicy": "查询管控策略详情",
        "GetServiceControlPolicyEnablement": "查询管控策略启用状态",
        "ListAccounts": "获取企业组织内账号列表",
        "ListInvitations": "查询全部加入企业组织邀请",
        "ListOrganizationalUnits": "获取企业组织所有单元列表",
        "ListOrganizationalUnitsForParent": "获取企业组织单元列表",
        "ListServiceControlPolicies": "获取管控策略列表",
    },
}
"""The tools by server, with the Chinese names that the public servers give them."""


def arguments(box: Sandbox, key: str) -> dict[str, dict[str, Any]]:
    """Good arguments for every tool of a server, as its administrator calls it."""
    if key == "cloud-trail":
        return {
            "CreateTrail": {"TrailName": "new-trail", "TosBucketName": "audit", "EventRW": "Write", "TrailType": 0},
            "DescribeTrails": {},
            "LookupEvents": {"MaxResults": 5},
        }
    organization = next(iter(box.state.organizations.values()))
    unit = next(unit for unit in organization.units.values() if unit.id != organization.root_id)
    policy = next(policy for policy in organization.policies.values() if not policy.system)
    account = next(iter(organization.members))
    return {
        "CreateOrganizationalUnit": {"ParentId": organization.root_id, "Name": "新单元", "Description": "测试"},
        "CreateServiceControlPolicy": {"PolicyName": "no-delete", "Statement": DENY},
        "DescribeAccount": {"AccountId": account},
        "DescribeOrganization": {},
        "DescribeOrganizationalUnit": {"OrgUnitId": unit.id},
        "DescribeQuitApplication": {"ApplicationId": next(iter(organization.quits))},
        "GetAccountSecureContactInfo": {"AccountId": account},
        "GetServiceControlPolicy": {"PolicyID": policy.id},
        "GetServiceControlPolicyEnablement": {},
        "ListAccounts": {"Limit": 20},
        "ListInvitations": {},
        "ListOrganizationalUnits": {},
        "ListOrganizationalUnitsForParent": {"ParentId": organization.root_id},
        "ListServiceControlPolicies": {"PolicyType": "Custom"},
    }


def as_outsider(box: Sandbox) -> dict[str, dict[str, Any]]:
    """The tools that are for an account that is in no organization yet."""
    invitation = invitation_of(box, box.outsider)
    return {"DescribeAccountInvitation": {"InviteId": invitation}, "CreateOrganization": {}}


def invitation_of(box: Sandbox, identity: Identity) -> str:
    """The ID of the pending invitation to an identity's account."""
    return next(
        invitation.id
        for organization in box.state.organizations.values()
        for invitation in organization.invitations.values()
        if invitation.account_id == identity.account_id
    )
