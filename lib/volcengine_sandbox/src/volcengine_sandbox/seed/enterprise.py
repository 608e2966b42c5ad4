"""The seeded enterprise: units, accounts, policies, invitations, trails, and the keys to call with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from volcengine_sandbox.clock import DAY, HOUR, MINUTE
from volcengine_sandbox.identity import Identity, access_key, secret_key, session_token
from volcengine_sandbox.organization.invitations import VALIDITY
from volcengine_sandbox.records import (
    CREATED,
    INVITED,
    YES,
    Contact,
    Invitation,
    InvitationStatus,
    Member,
    Organization,
    Policy,
    QuitApplication,
    QuitStatus,
    TargetType,
    Trail,
    TrailSettings,
    TrustedService,
)
from volcengine_sandbox.state import State

COMPANY: Final = "示例云帆集团有限公司"
AGE: Final = 400
"""Days since the organization was created."""
REGION: Final = "cn-beijing"

UNITS: Final = (
    ("Platform", "Root", "平台与公共服务"),
    ("Workloads", "Root", "业务系统"),
    ("Production", "Workloads", "生产环境"),
    ("Development", "Workloads", "研发与测试环境"),
    ("Security", "Root", "安全与合规"),
    ("Sandbox", "Root", "个人试验，可随时清空"),
)
MEMBERS: Final = (
    # account name, show name, unit, joined by invitation
    ("platform-network", "平台网络", "Platform", False),
    ("platform-shared", "公共服务", "Platform", False),
    ("platform-ci", "持续集成", "Platform", False),
    ("prod-web", "生产 Web", "Production", False),
    ("prod-data", "生产数据", "Production", False),
    ("prod-payment", "生产支付 Payment", "Production", True),
    ("prod-mobile", "生产移动端", "Production", True),
    ("dev-web", "研发 Web", "Development", False),
    ("dev-data", "研发数据", "Development", False),
    ("staging-web", "预发 Web", "Development", False),
    ("security-audit", "安全审计", "Security", False),
    ("security-log", "日志归档", "Security", False),
    ("sandbox-lab", "试验田 Lab", "Sandbox", True),
)
POLICIES: Final = (
    (
        "deny-leave-organization",
        "禁止成员退出企业组织",
        {"Effect": "Deny", "Action": ["organization:QuitOrganization"], "Resource": ["*"]},
    ),
    (
        "protect-audit-trail",
        "禁止停用和删除审计跟踪",
        {
            "Effect": "Deny",
            "Action": ["cloud_trail:StopLogging", "cloud_trail:DeleteTrail", "cloud_trail:UpdateTrail"],
            "Resource": ["*"],
        },
    ),
    (
        "deny-instance-deletion",
        "生产环境禁止删除实例",
        {"Effect": "Deny", "Action": ["ecs:DeleteInstance", "ecs:DeleteInstances"], "Resource": ["*"]},
    ),
    (
        "iam-break-glass-only",
        "仅应急用户可变更访问控制",
        {
            "Effect": "Deny",
            "Action": ["iam:*"],
            "Resource": ["*"],
            "Condition": {"StringNotEqualsIfExists": {"volc:UserName": ["break-glass"]}},
        },
    ),
)
TAGS: Final = ("prod", "staging", "dev", "platform", "security", "sandbox")


@dataclass(frozen=True, slots=True)
class Enterprise:
    """The seeded organization, with its parts by name."""

    org: Organization
    units: dict[str, str]
    accounts: dict[str, str]
    policies: dict[str, str]
    outsider: str


def found(state: State) -> Enterprise:
    """Make the enterprise and the accounts around it."""
    born = state.now - AGE * DAY
    owner = state.add_account("group-management", COMPANY, born)
    owner.contact = Contact("+8613800000001", "cloud-admin@example.com", True, True)
    org = state.add_organization(owner, COMPANY, born)
    org.description = "示例企业的多账号组织"
    units = {"Root": org.root_id}
    for number, (name, parent, description) in enumerate(UNITS, 1):
        units[name] = state.add_unit(org, units[parent], name, description, born + number * HOUR).id
    accounts = {owner.name: owner.account_id}
    for number, (name, show_name, unit, invited) in enumerate(MEMBERS, 1):
        joined = born + number * 3 * DAY
        account = state.add_account(name, COMPANY, joined)
        account.contact = Contact(
            f"+86138000010{number:02d}", f"{name}@example.com", phone_verified=number % 3 > 0, email_verified=True
        )
        member = state.add_member(
            org, account, units[unit], show_name, joined, join_type=INVITED if invited else CREATED
        )
        member.allow_exit = YES if invited else member.allow_exit
        member.description = f"{show_name} 账号"
        accounts[name] = account.account_id
        _tag(org, member)
    org.members[accounts["prod-mobile"]].allow_console = 2
    org.tags["unit", units["Production"]] = {"env": "prod", "owner": "workloads"}
    policies = _policies(state, org, units, accounts)
    outsider = _outside(state, org, units)
    _quits(state, org, accounts)
    for principal, days in (("cloud_trail", 380), ("config", 200), ("resource_share", 90)):
        org.trusted[principal] = TrustedService(principal, state.now - days * DAY)
    org.trusted["cloud_trail"].administrators[accounts["security-audit"]] = state.now - 370 * DAY
    _trails(state, org)
    return Enterprise(org, units, accounts, policies, outsider)


def issue_keys(state: State, enterprise: Enterprise) -> dict[str, Identity]:
    """The identities that a user of the sandbox is given."""
    owner = enterprise.org.owner
    rng = state.rng

    def issue(name: str, purpose: str, **parts: object) -> Identity:
        identity = Identity(
            name=name,
            access_key=access_key(rng, "AKTP" if "session_token" in parts else "AKLT"),
            secret_key=secret_key(rng),
            account_id=owner,
            principal_id=str(rng.randrange(10**7, 10**8)),
            purpose=purpose,
            **parts,  # type: ignore[arg-type]
        )
        return state.keys.add(identity)

    return {
        "administrator": issue("ops-admin", "everything in the organization's administrator account"),
        "reader": issue("audit-reader", "may read everything there and change nothing", access="read"),
        "temporary": issue(
            "ops-role/console-session",
            "a temporary credential with a session token, good for 12 hours",
            kind="AssumedRole",
            session_token=session_token(rng),
            expires=state.now + 12 * HOUR,
        ),
        "expired": issue(
            "ops-role/old-session",
            "a temporary credential whose session token has expired",
            kind="AssumedRole",
            session_token=session_token(rng),
            expires=state.now - HOUR,
        ),
        "disabled": issue("former-operator", "a key that was switched off", disabled=True),
        "member": state.root_identity(enterprise.accounts["prod-mobile"]),
        "outsider": state.root_identity(enterprise.outsider),
    }


def _tag(org: Organization, member: Member) -> None:
    environment = next(tag for tag in TAGS if member.account_name.startswith(tag))
    org.tags["account", member.account_id] = {"env": environment, "cost-center": f"cc-{len(org.tags) % 4 + 1:03d}"}


def _policies(state: State, org: Organization, units: dict[str, str], accounts: dict[str, str]) -> dict[str, str]:
    org.policies_enabled, org.policies_switched = True, state.now - 300 * DAY
    ids = {policy.name: policy.id for policy in org.policies.values()}
    for number, (name, description, statement) in enumerate(POLICIES):
        created = state.now - (290 - number * 20) * DAY
        document = json.dumps({"Statement": [statement]}, separators=(",", ":"))
        policy = Policy(state.new_id(), name, document, created, created, description)
        org.policies[policy.id] = policy
        ids[name] = policy.id
    for name, target, kind in (
        ("deny-leave-organization", org.root_id, TargetType.UNIT),
        ("protect-audit-trail", units["Production"], TargetType.UNIT),
        ("deny-instance-deletion", units["Production"], TargetType.UNIT),
        ("iam-break-glass-only", accounts["prod-payment"], TargetType.ACCOUNT),
    ):
        org.attach(ids[name], target, kind, org.policies[ids[name]].created + HOUR)
    return ids


def _outside(state: State, org: Organization, units: dict[str, str]) -> str:
    """Accounts in no organization and the invitations sent to them. Returns the outsider's ID."""
    now = state.now
    plans = (
        # name, company, verified, partner, invited days ago, status
        ("retail-branch", "示例零售分公司", True, False, 2, InvitationStatus.PENDING),
        ("logistics-hub", "示例物流公司", True, False, 5, InvitationStatus.PENDING),
        ("old-brand", "示例旧品牌公司", True, False, 40, InvitationStatus.PENDING),
        ("joint-venture", "示例合资公司", True, False, 60, InvitationStatus.REJECTED),
        ("solo-developer", "个人实名用户", False, False, 0, None),
        ("resale-partner", "示例代理商", True, True, 0, None),
    )
    first = ""
    for name, company, verified, partner, days, status in plans:
        account = state.add_account(name, company, now - 500 * DAY)
        account.verified, account.partner = verified, partner
        first = first or account.account_id
        if status is None:
            continue
        sent = now - days * DAY
        invitation = Invitation(
            id=state.new_id(),
            link_id=state.new_link_id(sent),
            account_id=account.account_id,
            unit_id=units["Workloads"],
            account_name=name,
            show_name=company,
            created=sent,
            updated=sent,
            expires=sent + VALIDITY,
            description="邀请加入集团组织",
            status=status,
        )
        if status is InvitationStatus.REJECTED:
            invitation.reject_reason, invitation.updated = "已加入其他集团", sent + DAY
        org.invitations[invitation.id] = invitation
    return first


def _quits(state: State, org: Organization, accounts: dict[str, str]) -> None:
    now = state.now
    filed, refused = now - 3 * DAY, now - 50 * DAY
    waiting = QuitApplication(state.new_id(), accounts["sandbox-lab"], "试验项目结束", filed, filed)
    rejected = QuitApplication(
        state.new_id(),
        accounts["prod-payment"],
        "拟独立结算",
        refused,
        refused + DAY,
        QuitStatus.REJECTED,
        "生产账号须留在组织内",
        refused + DAY,
    )
    org.quits = {application.id: application for application in (waiting, rejected)}


def _trails(state: State, org: Organization) -> None:
    """A healthy organization trail, and one that a story stops."""
    now, owner = state.now, org.owner
    everything = TrailSettings(
        include_all_event_sources=True,
        trail_type=1,
        tos_bucket_name="example-audit-archive",
        tos_bucket_region=REGION,
        tos_key_prefix="cloudtrail/",
        tos_sse_algorithm="AES256",
    )
    identity = TrailSettings(
        event_rw="Write",
        event_sources=["iam", "sts", "organization"],
        tls_project_name="security-events",
        tls_project_region=REGION,
        tls_topic_name="identity-changes",
    )
    for name, settings, days in (("org-audit-archive", everything, 380), ("identity-events", identity, 120)):
        created = now - days * DAY
        state.trails[owner, name] = Trail(
            name, owner, settings, REGION, created, created, logging=True, started=created + MINUTE
        )
    state.trails[owner, "org-audit-archive"].organization_id = org.id
