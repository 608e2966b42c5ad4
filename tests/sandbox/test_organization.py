"""The organization: every action does what it says and refuses in the documented words."""

from __future__ import annotations

from typing import Any

import pytest
import volcenginesdkorganization as typed
from sandbox.clients import Caller, sdk
from volcengine_sandbox import Sandbox
from volcengine_sandbox.records import InvitationStatus, Organization

STATEMENT = '{"Statement":[{"Effect":"Deny","Action":["ecs:RunInstances"],"Resource":["*"]}]}'
ABSENT = "7999999999999999999"


def org_of(box: Sandbox) -> Organization:
    return next(iter(box.state.organizations.values()))


def unit(box: Sandbox, name: str) -> str:
    return next(u.id for u in org_of(box).units.values() if u.name == name)


def account(box: Sandbox, name: str) -> str:
    return next(a.account_id for a in box.state.accounts.values() if a.name == name)


def policy(box: Sandbox, name: str) -> str:
    return next(p.id for p in org_of(box).policies.values() if p.name == name)


def invitation(box: Sandbox, name: str) -> str:
    return next(i.id for i in org_of(box).invitations.values() if i.account_name == name)


def pending_quit(box: Sandbox) -> dict[str, str]:
    waiting = next(iter(org_of(box).quits.values()))
    return {"ApplicationId": waiting.id, "AccountId": waiting.account_id}


def test_the_sixteen_through_the_typed_sdk(box: Sandbox) -> None:
    api = typed.ORGANIZATIONApi(sdk(box, box.administrator))
    org = org_of(box)
    whole = api.describe_organization(typed.DescribeOrganizationRequest())
    assert (whole.organization.id, whole.owner.account_id) == (org.id, int(org.owner))
    accounts = api.list_accounts(typed.ListAccountsRequest(limit=100, include_tags=True))
    assert (len(accounts.account_list), accounts.total, accounts.offset) == (14, 14, 1)
    assert sum(a.is_owner for a in accounts.account_list) == 1
    assert accounts.account_list[0].tags[0].key == "cost-center"
    one = accounts.account_list[0].account_id
    assert api.describe_account(typed.DescribeAccountRequest(account_id=one)).account.main_name
    assert api.get_account_secure_contact_info(
        typed.GetAccountSecureContactInfoRequest(account_id=one)
    ).phone.startswith("138****")
    units = api.list_organizational_units(typed.ListOrganizationalUnitsRequest()).sub_unit_list
    root = next(u for u in units if u.parent_id == "0")
    assert (root.name, root.depth, len(units)) == ("Root", 0, 7)
    children = api.list_organizational_units_for_parent(
        typed.ListOrganizationalUnitsForParentRequest(parent_id=root.id)
    )
    assert (children.total, {u.depth for u in children.sub_unit_list}) == (4, {1})
    made = api.create_organizational_unit(
        typed.CreateOrganizationalUnitRequest(name="新单元", parent_id=root.id, description="d")
    ).id
    got = api.describe_organizational_unit(typed.DescribeOrganizationalUnitRequest(org_unit_id=made))
    assert (got.organization_unit.name, got.organization_unit.parent_id) == ("新单元", root.id)
    created = api.create_service_control_policy(
        typed.CreateServiceControlPolicyRequest(policy_name="p", statement=STATEMENT)
    )
    got_policy = api.get_service_control_policy(typed.GetServiceControlPolicyRequest(policy_id=created.policy_id))
    assert (got_policy.statement, got_policy.policy_type) == (STATEMENT, "Custom")
    listed = api.list_service_control_policies(typed.ListServiceControlPoliciesRequest(page_size=2))
    assert (listed.total_count, listed.page_number, len(listed.service_control_policies)) == (6, 1, 2)
    assert listed.service_control_policies[0].policy_name == "p"
    switch = api.get_service_control_policy_enablement(typed.GetServiceControlPolicyEnablementRequest())
    assert (switch.status, switch.can_full_access_detach) == ("Enabled", False)
    invitations = api.list_invitations(typed.ListInvitationsRequest()).invitation_list
    assert [i.status for i in invitations] == [1, 1, 5, 3]
    info = api.describe_account_invitation(
        typed.DescribeAccountInvitationRequest(invite_id=invitations[0].id)
    ).invation_info
    assert (info.link_id, info.owner_name) == (invitations[0].link_id, "group-management")
    application = pending_quit(box)["ApplicationId"]
    quit_ = api.describe_quit_application(typed.DescribeQuitApplicationRequest(application_id=application))
    assert quit_.org_quit_application.status == 1
    new_org = typed.ORGANIZATIONApi(sdk(box, box.outsider))
    assert len(new_org.create_organization(typed.CreateOrganizationRequest()).id) == 19


def test_units(box: Sandbox, admin: Caller) -> None:
    parent = unit(box, "Security")
    made = admin("CreateOrganizationalUnit", {"Name": "Forensics", "ParentId": parent})["ID"]
    assert org_of(box).units[made].depth == 2
    admin("UpdateOrganizationalUnit", {"OrgUnitId": made, "Name": "取证", "Description": "d"})
    assert admin("DescribeOrganizationalUnit", {"OrgUnitId": made})["OrganizationUnit"]["Name"] == "取证"
    assert admin.refusal("DeleteOrganizationalUnit", {"OrgUnitId": parent}) == (400, "InvalidParam")
    assert admin("DeleteOrganizationalUnit", {"OrgUnitId": made}) == {}
    assert made not in org_of(box).units
    deeper = parent
    for number in range(4):
        deeper = admin("CreateOrganizationalUnit", {"Name": f"level-{number}", "ParentId": deeper})["ID"]
    refusal = admin.refusal("CreateOrganizationalUnit", {"Name": "too-deep", "ParentId": deeper})
    assert refusal == (400, "ReachedQuotaLimit")


def test_accounts(box: Sandbox, admin: Caller) -> None:
    body = {"AccountName": "new-account", "ShowName": "新账号", "OrgUnitId": unit(box, "Sandbox")}
    made = admin("CreateAccount", body)["AccountId"]
    assert admin("ListAccounts", {"Search": made})["AccountList"][0]["OrgUnitName"] == "Sandbox"
    admin("UpdateAccount", {"AccountId": made, "AccountName": "renamed", "ShowName": "改名"})
    admin("MoveAccount", {"AccountId": made, "ToOrgUnitId": unit(box, "Production")})
    record = admin("DescribeAccount", {"AccountId": made})["Account"]
    assert (record["AccountName"], record["OrgUnitID"], record["JoinType"]) == ("renamed", unit(box, "Production"), 1)
    admin("DisableConsoleLogin", {"AccountId": made})
    assert admin("DescribeAccount", {"AccountId": made})["Account"]["AllowConsole"] == 2
    admin("EnableConsoleLogin", {"AccountId": made, "Password": "12345678"})
    assert admin("DescribeAccount", {"AccountId": made})["Account"]["AllowConsole"] == 1
    assert admin("RemoveAccount", {"AccountId": made}) is None
    assert admin.refusal("DescribeAccount", {"AccountId": made}) == (404, "RecordNotExists")
    for number in range(6):
        admin("CreateAccount", {"AccountName": f"filler-{number}", "ShowName": "x"})
    refusal = admin.refusal("CreateAccount", {"AccountName": "one-too-many", "ShowName": "x"})
    assert refusal == (400, "ReachedQuotaLimit")


def test_lists_of_accounts_are_filtered_ordered_and_paged(shared: Sandbox, admin: Caller) -> None:
    def names(**body: Any) -> list[str]:
        return [record["AccountName"] for record in admin("ListAccounts", body)["AccountList"]]

    newest, oldest = names(Limit=100), names(Limit=100, OrderBy=2)
    assert newest == oldest[::-1]
    assert names(Limit=6) + names(Limit=6, Offset=2) + names(Limit=6, Offset=3) == newest
    assert len(names()) == 10
    past = admin("ListAccounts", {"Offset": 99})
    assert (past["AccountList"], past["Total"], past["Offset"]) == ([], len(newest), 99)
    assert set(names(Search="payment")) == {"prod-payment"}
    assert set(names(OrgUnitId=unit(shared, "Security"))) == {"security-audit", "security-log"}
    assert "Tags" not in admin("ListAccounts")["AccountList"][0]


def test_an_invitation_is_accepted(box: Sandbox, admin: Caller) -> None:
    invitee = Caller(box, box.outsider)
    invite = invitation(box, "retail-branch")
    link = org_of(box).invitations[invite].link_id
    body = {"InviteId": invite, "LinkId": link}
    assert invitee("DescribeAccountInvitation", {"InviteId": invite})["InvationInfo"]["Status"] == 1
    assert Caller(box, box.member).refusal("AcceptInvitation", body) == (400, "PermissionError")
    assert invitee.refusal("AcceptInvitation", body | {"LinkId": "2"}) == (400, "InvalidParam")
    assert invitee("AcceptInvitation", body) is None
    record = admin("DescribeAccount", {"AccountId": box.outsider.account_id})["Account"]
    assert (record["JoinType"], record["OrgUnitID"]) == (2, unit(box, "Workloads"))
    status, error = invitee.error("AcceptInvitation", body)
    assert (status, error["Code"]) == (400, "InvitationInvalidStatus")
    assert error["Message"] == "The invitation record current status can not be [accepted]"
    status, error = admin.error(
        "InviteAccount", {"AccountId": box.outsider.account_id, "AllowExit": 1, "ShowName": "x"}
    )
    assert error["Code"] == "OrgAccountAlreadyInOrg"


def test_invitations_are_sent_cancelled_rejected_and_sent_again(box: Sandbox, admin: Caller) -> None:
    partner = account(box, "resale-partner")
    body = {"AccountId": partner, "AllowExit": 2, "ShowName": "代理"}
    invite = admin("InviteAccount", body)["InviteId"]
    assert admin.refusal("InviteAccount", body) == (400, "RecordAlreadyExists")
    assert admin.refusal("ReInviteAccount", {"InviteId": invite}) == (400, "InvitationInvalidStatus")
    admin("CancelInvitation", {"InviteId": invite})
    assert admin.refusal("CancelInvitation", {"InviteId": invite}) == (400, "InvitationInvalidStatus")
    admin("ReInviteAccount", {"InviteId": invite})
    record = org_of(box).invitations[invite]
    invitee = Caller(box, box.identity_of(partner))
    invitee("RejectInvitation", {"InviteId": invite, "LinkId": record.link_id, "Reason": "不了"})
    assert (record.status, record.reject_reason) == (InvitationStatus.REJECTED, "不了")

    expired = org_of(box).invitations[invitation(box, "old-brand")]
    late = Caller(box, box.identity_of(expired.account_id))
    answer = {"InviteId": expired.id, "LinkId": expired.link_id}
    assert late.refusal("AcceptInvitation", answer) == (400, "InvitationIExpired")
    admin("ReInviteAccount", {"InviteId": expired.id})
    assert late("AcceptInvitation", answer) is None

    solo = account(box, "solo-developer")
    invite = admin("InviteAccount", body | {"AccountId": solo})["InviteId"]
    link = org_of(box).invitations[invite].link_id
    unverified = Caller(box, box.identity_of(solo))
    refusal = unverified.refusal("AcceptInvitation", {"InviteId": invite, "LinkId": link})
    assert refusal == (400, "AccountNotVerified")


def test_pending_invitations_have_a_quota(box: Sandbox, admin: Caller) -> None:
    state = box.state
    others = [state.add_account(f"other-{n}", "x", state.now).account_id for n in range(19)]
    sent = [{"AccountId": number, "AllowExit": 1, "ShowName": "x"} for number in others]
    for body in sent[:18]:
        admin("InviteAccount", body)
    assert admin.refusal("InviteAccount", sent[18]) == (400, "ReachedQuotaLimit")


def test_members_leave(box: Sandbox, admin: Caller) -> None:
    member = Caller(box, box.member)
    application = member("QuitOrganization", {"ApplyReason": "拆分"})["ApplicationID"]
    assert member.refusal("QuitOrganization") == (400, "QuitOrgAccountInProcess")
    own = member("DescribeQuitApplication", {"ApplicationId": application})["OrgQuitApplication"]
    assert (own["ApplyReason"], own["Status"]) == ("拆分", 1)
    decision = {"ApplicationId": application, "AccountId": box.member.account_id, "Reason": "再等等"}
    assert admin("RejectQuitApplication", decision) == {}
    own = member("DescribeQuitApplication", {"ApplicationId": application})["OrgQuitApplication"]
    assert (own["AuditReason"], own["Status"]) == ("再等等", 3)
    assert admin.refusal("AcceptQuitApplication", decision) == (400, "InvalidParam")
    again = member("QuitOrganization")["ApplicationID"]
    assert admin("AcceptQuitApplication", decision | {"ApplicationId": again}) == {}
    assert box.member.account_id not in org_of(box).members
    assert member.refusal("QuitOrganization") == (400, "QuitOrgAccountHadQuited")
    fixed = Caller(box, box.identity_of(account(box, "prod-web")))
    assert fixed.refusal("QuitOrganization") == (400, "QuitOrgAccountNotAllow")
    assert admin.refusal("QuitOrganization") == (400, "QuitOrgAccountNotAllow")
    others = Caller(box, box.identity_of(account(box, "dev-web")))
    refusal = others.refusal("DescribeQuitApplication", {"ApplicationId": application})
    assert refusal == (400, "PermissionError")


def test_policies(box: Sandbox, admin: Caller) -> None:
    made = admin("CreateServiceControlPolicy", {"PolicyName": "deny-run", "Statement": STATEMENT})
    assert "PolicyID" not in made
    one = {"PolicyID": made["PolicyId"]}
    target = {"TargetID": unit(box, "Development")}
    assert admin("AttachServiceControlPolicy", one | target | {"TargetType": 1}) == {}
    admin("AttachServiceControlPolicy", one | {"TargetID": account(box, "prod-web"), "TargetType": 2})
    targets = admin("ListTargetsForPolicy", one)["Targets"]
    assert [(t["TargetType"], t["TargetName"]) for t in targets] == [("OU", "Development"), ("Account", "生产 Web")]
    assert "deny-run" in {p["PolicyName"] for p in admin("ListPoliciesForTarget", target)["Policies"]}
    again = admin.refusal("AttachServiceControlPolicy", one | target | {"TargetType": 1})
    assert again == (400, "DuplicatePolicyAttachmentException")
    assert admin.refusal("DeleteServiceControlPolicy", one) == (400, "InvalidParam")
    wider = STATEMENT.replace("RunInstances", "*")
    changed = admin("UpdateServiceControlPolicy", one | {"PolicyName": "deny-all", "Statement": wider})
    assert (changed["Statement"], changed["PolicyName"]) == (wider, "deny-all")
    assert admin("DetachServiceControlPolicy", one | target) == {}
    assert admin.refusal("DetachServiceControlPolicy", one | target) == (400, "PolicyNotAttachedException")
    admin("RemoveAccount", {"AccountId": account(box, "prod-web")})
    assert admin("ListTargetsForPolicy", one)["Total"] == 0
    assert admin("DeleteServiceControlPolicy", one) == {}
    assert admin.refusal("GetServiceControlPolicy", one) == (400, "PolicyNotFoundException")
    assert len(admin("ListServiceControlPolicies", {"PolicyType": "System"})["ServiceControlPolicies"]) == 1
    found = admin("ListServiceControlPolicies", {"Query": "审计"})["ServiceControlPolicies"]
    assert [p["PolicyName"] for p in found] == ["protect-audit-trail"]


def test_new_nodes_carry_the_preset_policy(box: Sandbox, admin: Caller) -> None:
    made = admin("CreateOrganizationalUnit", {"Name": "n", "ParentId": unit(box, "Root")})["ID"]
    (attached,) = admin("ListPoliciesForTarget", {"TargetID": made})["Policies"]
    assert (attached["PolicyName"], attached["PolicyType"]) == ("FullAccess", "System")


def test_the_policy_switch(box: Sandbox, admin: Caller) -> None:
    assert admin.refusal("EnableServiceControlPolicy") == (400, "PolicyTypeAlreadyEnabledException")
    assert admin("DisableServiceControlPolicy") == {"Status": "Disabled"}
    off = (400, "PolicyTypeNotEnabledException")
    body = {"PolicyID": policy(box, "protect-audit-trail"), "TargetID": unit(box, "Sandbox")}
    assert admin.refusal("AttachServiceControlPolicy", body | {"TargetType": 1}) == off
    assert admin.refusal("DetachServiceControlPolicy", body) == off
    assert admin.refusal("DisableServiceControlPolicy") == off
    status, error = admin.error("EnableServiceControlPolicy")
    assert (status, error["Code"]) == (409, "PolicyEnablementSwitchTooFrequentException")
    assert error["Message"] == "开启管控策略操作过于频繁。请在 5 分钟后再尝试。"
    org_of(box).policies_switched = box.state.now - 301
    assert admin("EnableServiceControlPolicy") == {"Status": "Enabled"}
    assert admin("GetServiceControlPolicyEnablement")["Status"] == "Enabled"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_tags(box: Sandbox, admin: Caller, method: str) -> None:
    ids = [account(box, "prod-web"), account(box, "dev-web")]
    kind = {"ResourceType": "account"}
    tags = [{"Key": "team", "Value": "网关 a/b"}, {"Key": "tier", "Value": ""}]
    assert admin("TagResources", kind | {"ResourceIds": ids, "Tags": tags}, method=method) == {}
    query = kind | {"ResourceIds": ids, "TagFilters": [{"Key": "team", "Values": ["网关 a/b", "x"]}]}
    listed = admin("ListTagResources", query | {"PageSize": 3}, method=method)
    assert (listed["TotalCount"], len(listed["ResourceTags"]), listed["PageNumber"]) == (8, 3, 1)
    assert {"team", "tier"} < set(admin("ListTagsKeys", kind)["Keys"])
    first = admin("ListTagsKeys", kind | {"MaxResults": 3})
    rest = admin("ListTagsKeys", kind | {"MaxResults": 3, "NextToken": first["NextToken"]})
    assert first["Keys"] + rest["Keys"] == ["cost-center", "env", "team", "tier"]
    assert rest["NextToken"] == ""
    assert admin("ListTagsValues", kind | {"Key": "team"})["Values"] == ["网关 a/b"]
    assert admin("ListTagsKeys", kind | {"Filter": {"Key": "te"}})["Keys"] == ["cost-center", "team"]
    admin("UntagResources", kind | {"ResourceIds": ids[:1], "TagKeys": ["team"]}, method=method)
    left = admin("ListTagResources", query, method=method)["ResourceTags"]
    assert {row["ResourceId"] for row in left} == {ids[1]}
    many = [{"Key": f"k{n}", "Value": "v"} for n in range(50)]
    refusal = admin.refusal("TagResources", kind | {"ResourceIds": ids, "Tags": many}, method=method)
    assert refusal == (400, "ReachedQuotaLimit")


def test_delegated_administrators(box: Sandbox, admin: Caller) -> None:
    assert admin("ListTrustedServiceStatus", {"Limit": 2})["Total"] == 3
    body = {"AccountId": account(box, "security-log"), "ServicePrincipal": "config"}
    assert admin("RegisterDelegatedAdministrator", body) == {}
    assert admin.refusal("RegisterDelegatedAdministrator", body) == (400, "RecordAlreadyExists")
    page = {"PageNumber": 1, "PageSize": 10}
    rows = admin("ListTrustedServiceAdministrators", page | {"ServicePrincipal": "config"})["Accounts"]
    assert [(row["AccountId"], row["JoinMethod"]) for row in rows] == [(body["AccountId"], "Created")]
    refusal = admin.refusal("RemoveAccount", {"AccountId": body["AccountId"]})
    assert refusal == (400, "ExistDelegateAdministrator")
    assert admin("DeregisterDelegatedAdministrator", body) == {}
    assert admin.refusal("DeregisterDelegatedAdministrator", body) == (404, "RecordNotExists")
    assert admin("RemoveAccount", {"AccountId": body["AccountId"]}) is None


def test_an_organization_begins_and_ends(box: Sandbox) -> None:
    owner = Caller(box, box.outsider)
    made = owner("CreateOrganization")["ID"]
    assert owner.refusal("CreateOrganization") == (400, "RecordAlreadyExists")
    assert owner("GetServiceControlPolicyEnablement")["Status"] == "Disabled"
    (root,) = owner("ListOrganizationalUnits")["SubUnitList"]
    below = owner("CreateOrganizationalUnit", {"Name": "a", "ParentId": root["ID"]})["ID"]
    assert owner.refusal("DeleteOrganization") == (400, "DeleteOrgExistsUnit")
    owner("DeleteOrganizationalUnit", {"OrgUnitId": below})
    assert owner("DeleteOrganization") is None
    assert made not in box.state.organizations
    assert owner.refusal("DescribeOrganization") == (404, "RecordNotExists")
    assert Caller(box, box.administrator).refusal("DeleteOrganization") == (400, "ExistDelegateAdministrator")
    for name, code in (("resale-partner", "ErrAccountIsPartner"), ("solo-developer", "EnterpriseRealNameVerification")):
        caller = Caller(box, box.identity_of(account(box, name)))
        assert caller.refusal("CreateOrganization") == (400, code)


INVALID, NOT_THERE = (400, "InvalidParam"), (404, "RecordNotExists")
NO_POLICY = (400, "PolicyNotFoundException")
REFUSALS: list[tuple[str, dict[str, Any], tuple[int, str]]] = [
    ("CreateOrganizationalUnit", {"ParentId": ABSENT}, INVALID),
    ("CreateOrganizationalUnit", {"Name": "x", "ParentId": ABSENT}, NOT_THERE),
    ("CreateOrganizationalUnit", {"Name": "Platform", "ParentId": "0"}, (400, "RecordAlreadyExists")),
    ("UpdateOrganizationalUnit", {"OrgUnitId": ABSENT, "Name": "x"}, NOT_THERE),
    ("DeleteOrganizationalUnit", {"OrgUnitId": "{Root}"}, INVALID),
    ("DescribeOrganizationalUnit", {"OrgUnitId": ABSENT}, INVALID),
    ("DescribeOrganizationalUnit", {}, INVALID),
    ("ListOrganizationalUnitsForParent", {"ParentId": ABSENT}, NOT_THERE),
    ("ListOrganizationalUnitsForParent", {"ParentId": "0", "Limit": 101}, INVALID),
    ("DescribeAccount", {}, INVALID),
    ("DescribeAccount", {"AccountId": ""}, INVALID),
    ("DescribeAccount", {"AccountId": 2100000001}, INVALID),
    ("DescribeAccount", {"AccountId": "me"}, INVALID),
    ("DescribeAccount", {"AccountId": "2199999999"}, NOT_THERE),
    ("GetAccountSecureContactInfo", {"AccountId": "2199999999"}, (400, "PermissionError")),
    ("ListAccounts", {"Limit": 0}, INVALID),
    ("ListAccounts", {"Limit": 101}, INVALID),
    ("ListAccounts", {"Offset": 0}, INVALID),
    ("ListAccounts", {"OrderBy": 3}, INVALID),
    ("ListAccounts", {"OrgUnitId": ABSENT}, NOT_THERE),
    ("ListAccounts", {"IncludeTags": "yes"}, INVALID),
    ("CreateAccount", {"AccountName": "four", "ShowName": "x"}, INVALID),
    ("CreateAccount", {"AccountName": "x" * 21, "ShowName": "x"}, INVALID),
    ("CreateAccount", {"AccountName": "prod-web", "ShowName": "x"}, (400, "RecordAlreadyExists")),
    ("CreateAccount", {"AccountName": "orphan", "ShowName": "x", "OrgUnitId": ABSENT}, NOT_THERE),
    ("MoveAccount", {"AccountId": "{prod-web}", "ToOrgUnitId": ABSENT}, NOT_THERE),
    ("RemoveAccount", {"AccountId": "{group-management}"}, (400, "OrgAccountNotAllowRemove")),
    ("RemoveAccount", {"AccountId": "{security-audit}"}, (400, "ExistDelegateAdministrator")),
    ("EnableConsoleLogin", {"AccountId": "{prod-web}", "Password": "short"}, INVALID),
    ("InviteAccount", {"AccountId": "2199999999", "AllowExit": 1, "ShowName": "x"}, NOT_THERE),
    ("InviteAccount", {"AccountId": "{solo-developer}", "AllowExit": 3, "ShowName": "x"}, INVALID),
    ("CancelInvitation", {"InviteId": ABSENT}, NOT_THERE),
    ("DescribeAccountInvitation", {"InviteId": ABSENT}, NOT_THERE),
    ("ListInvitations", {"OrderStr": "name"}, INVALID),
    ("DescribeQuitApplication", {"ApplicationId": ABSENT}, NOT_THERE),
    ("CreateServiceControlPolicy", {"PolicyName": "x", "Statement": "deny"}, INVALID),
    ("CreateServiceControlPolicy", {"PolicyName": "x", "Statement": '{"Statement":[]}'}, INVALID),
    (
        "CreateServiceControlPolicy",
        {"PolicyName": "FullAccess", "Statement": STATEMENT},
        (400, "DuplicatePolicyException"),
    ),
    ("UpdateServiceControlPolicy", {"PolicyID": ABSENT, "PolicyName": "x", "Statement": STATEMENT}, NO_POLICY),
    ("UpdateServiceControlPolicy", {"PolicyID": "{FullAccess}", "PolicyName": "x", "Statement": STATEMENT}, INVALID),
    ("DeleteServiceControlPolicy", {"PolicyID": "{FullAccess}"}, INVALID),
    ("AttachServiceControlPolicy", {"PolicyID": ABSENT, "TargetID": "{Root}", "TargetType": 1}, NO_POLICY),
    (
        "AttachServiceControlPolicy",
        {"PolicyID": "{FullAccess}", "TargetID": "{Root}", "TargetType": 2},
        (400, "TargetNotFoundException"),
    ),
    ("AttachServiceControlPolicy", {"PolicyID": "{FullAccess}", "TargetID": "{Root}", "TargetType": 3}, INVALID),
    (
        "DetachServiceControlPolicy",
        {"PolicyID": "{FullAccess}", "TargetID": "{Root}"},
        (400, "FullAccessScpCantDetach"),
    ),
    ("ListPoliciesForTarget", {"TargetID": ABSENT}, (400, "TargetNotFoundException")),
    ("ListTargetsForPolicy", {"PolicyID": ABSENT}, NO_POLICY),
    ("ListServiceControlPolicies", {"PolicyType": "Mine"}, INVALID),
    ("TagResources", {"ResourceType": "house", "ResourceIds": ["1"], "Tags": [{"Key": "a", "Value": ""}]}, INVALID),
    ("TagResources", {"ResourceType": "unit", "ResourceIds": ["1"], "Tags": [{"Key": "", "Value": ""}]}, INVALID),
    ("TagResources", {"ResourceType": "unit", "ResourceIds": ["1"], "Tags": [{"Key": "a", "Value": ""}]}, NOT_THERE),
    ("ListTagsKeys", {"ResourceType": "unit", "NextToken": "made up"}, INVALID),
    ("ListTrustedServiceAdministrators", {"PageNumber": 1}, INVALID),
    ("RegisterDelegatedAdministrator", {"AccountId": "{prod-web}", "ServicePrincipal": "nope"}, NOT_THERE),
    ("ChangeAccountSecureContactInfo", {}, (404, "InvalidActionOrVersion")),
]


@pytest.mark.parametrize(("action", "body", "expected"), REFUSALS)
def test_refusals(shared: Sandbox, admin: Caller, action: str, body: dict[str, Any], expected: tuple[int, str]) -> None:
    """`{name}` in the table stands for the ID of that unit, account or policy."""
    org = org_of(shared)
    ids = {f"{{{a.name}}}": a.account_id for a in shared.state.accounts.values()}
    ids |= {f"{{{u.name}}}": u.id for u in org.units.values()} | {f"{{{p.name}}}": p.id for p in org.policies.values()}
    filled = {name: ids.get(value, value) if isinstance(value, str) else value for name, value in body.items()}
    assert admin.refusal(action, filled) == expected


def test_messages_are_the_documented_ones(shared: Sandbox, admin: Caller) -> None:
    assert admin.error("DescribeAccount", {"AccountId": "me"})[1] == {
        "Code": "InvalidParam",
        "Message": "The parameter AccountId[me] is invalid.",
    }
    _, error = admin.error("DescribeAccount", {"AccountId": "2199999999"})
    assert error["Message"] == "record 2199999999 not exists"
