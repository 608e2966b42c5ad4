"""Member accounts: creating, describing, moving and removing them, their console login and contacts."""

from __future__ import annotations

from volcengine_sandbox import errors, pages
from volcengine_sandbox.organization.common import MEMBER_QUOTA, declare, member_of, stamps, unit_of, unit_or_root
from volcengine_sandbox.parameters import Flag, Integer, Text
from volcengine_sandbox.records import ENTERPRISE, NO, YES, Member, Organization
from volcengine_sandbox.registry import EMPTY, Call, Caller, Effect, Result

NOT_VERIFIED, VERIFIED = 1, 2
DESCENDING, ASCENDING = 1, 2
_ID = Text("AccountId", required=True)
_NAME = Text("AccountName", required=True, least=5, most=20)
_SHOW_NAME = Text("ShowName", required=True, most=64)
_DESCRIPTION = Text("Description", most=512)


@declare(
    "CreateAccount",
    Effect.WRITE,
    _NAME,
    _SHOW_NAME,
    _DESCRIPTION,
    Text("OrgUnitId"),
    Flag("InheritProfile"),
    Text("VerificationRelationId"),
)
def create_account(call: Call) -> Result:
    """A new account in a unit, the root unless one is named."""
    org = call.organization
    unit = unit_or_root(org, call.text("OrgUnitId"))
    relation = call.text("VerificationRelationId") or org.owner
    if relation not in org.members:
        raise errors.organization("RecordNotExists", relation)
    _free_name(call, call.text("AccountName"))
    if len(org.members) >= MEMBER_QUOTA:
        raise errors.organization("ReachedQuotaLimit", "accounts")
    main_name = call.state.accounts[relation].main_name
    account = call.state.add_account(call.text("AccountName"), main_name, call.now)
    member = call.state.add_member(org, account, unit.id, call.text("ShowName"), call.now)
    member.description, member.verification_id = call.text("Description"), relation
    return {"AccountId": account.account_id}


@declare("UpdateAccount", Effect.WRITE, _ID, _NAME, _SHOW_NAME, _DESCRIPTION)
def update_account(call: Call) -> Result:
    """Change names and description."""
    member = member_of(call, call.organization)
    if call.text("AccountName") != member.account_name:
        _free_name(call, call.text("AccountName"))
    member.account_name = call.state.accounts[member.account_id].name = call.text("AccountName")
    member.show_name, member.updated = call.text("ShowName"), call.now
    member.description = call.text("Description", member.description)
    return EMPTY


@declare("MoveAccount", Effect.WRITE, _ID, Text("ToOrgUnitId", required=True))
def move_account(call: Call) -> Result:
    """Put an account into another unit; other policies apply to it from now on."""
    org = call.organization
    member = member_of(call, org)
    member.unit_id, member.updated = unit_or_root(org, call.text("ToOrgUnitId")).id, call.now
    return EMPTY


@declare("RemoveAccount", Effect.DESTROY, _ID)
def remove_account(call: Call) -> None:
    """Take a member out of the organization; the account itself stays."""
    org = call.organization
    member = member_of(call, org)
    if member.account_id == org.owner:
        raise errors.organization("OrgAccountNotAllowRemove", "the account is the administrator")
    if any(member.account_id in service.administrators for service in org.trusted.values()):
        raise errors.organization("ExistDelegateAdministrator")
    org.remove_member(member.account_id)


@declare("DescribeAccount", Effect.READ, _ID, caller=Caller.MEMBER)
def describe_account(call: Call) -> Result:
    """One member. A member may describe itself only (assumption)."""
    org = call.organization
    if call.account_id not in {org.owner, call.text("AccountId")}:
        raise call.denied()
    member = member_of(call, org)
    main_name = call.state.accounts[member.account_id].main_name
    return {"Account": _wire(org, member) | {"MainName": main_name}}


@declare(
    "ListAccounts",
    Effect.READ,
    *pages.LIMIT_OFFSET,
    Integer("OrderBy", choices=(DESCENDING, ASCENDING)),
    Text("OrgUnitId"),
    Text("Search"),
    Text("VerificationId"),
    Flag("IncludeTags"),
)
def list_accounts(call: Call) -> Result:
    """Members, newest first by default; a unit's own members where one is named, not those below it."""
    org = call.organization
    unit_id, search, verification = call.text("OrgUnitId"), call.text("Search"), call.text("VerificationId")
    if unit_id:
        unit_of(org, unit_id)
    found = [
        member
        for member in org.members.values()
        if (not unit_id or member.unit_id == unit_id)
        and (not verification or member.verification_id == verification)
        and (search.lower() in member.show_name.lower() or search in member.account_id)
    ]
    found.sort(key=lambda member: member.created, reverse=call.integer("OrderBy", DESCENDING) == DESCENDING)

    def wire(member: Member) -> Result:
        record = _wire(org, member) | {
            "IsOwner": int(member.account_id == org.owner),
            "OrgUnitName": org.units[member.unit_id].name,
        }
        if call.parameters.flag("IncludeTags"):
            tags = org.tags.get(("account", member.account_id), {})
            record["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
        return record

    return pages.by_offset(call, "AccountList", found, wire)


@declare("EnableConsoleLogin", Effect.WRITE, _ID, Text("Password", least=8, most=32))
def enable_console_login(call: Call) -> Result:
    """Let a member's root user log in to the console."""
    member = member_of(call, call.organization)
    member.allow_console, member.updated = YES, call.now
    return EMPTY


@declare("DisableConsoleLogin", Effect.DESTROY, _ID)
def disable_console_login(call: Call) -> Result:
    """Keep a member's root user out of the console."""
    member = member_of(call, call.organization)
    member.allow_console, member.updated = NO, call.now
    return EMPTY


@declare("GetAccountSecureContactInfo", Effect.READ, _ID)
def get_contact(call: Call) -> Result:
    """Phone and e-mail, masked. Its error list has no RecordNotExists: a stranger is a PermissionError."""
    account_id = call.text("AccountId")
    if account_id not in call.organization.members:
        raise call.denied()
    account = call.state.accounts[account_id]
    if not account.active:
        raise errors.organization("AccountInactive")
    contact = account.contact
    return {
        "Email": mask_email(contact.email),
        "EmailVerified": VERIFIED if contact.email_verified else NOT_VERIFIED,
        "NewEmail": mask_email(contact.new_email),
        "NewPhone": mask_phone(contact.new_phone),
        "Phone": mask_phone(contact.phone),
        "PhoneVerified": VERIFIED if contact.phone_verified else NOT_VERIFIED,
    }


def mask_phone(phone: str) -> str:
    """`+8613800000000` as `138****0000`."""
    digits = phone.removeprefix("+86")
    return f"{digits[:3]}****{digits[-4:]}" if digits else ""


def mask_email(email: str) -> str:
    """`finance@example.com` as `fi***@example.com`."""
    name, at, domain = email.partition("@")
    return f"{name[:2]}***{at}{domain}" if email else ""


def _free_name(call: Call, name: str) -> None:
    if any(account.name == name for account in call.state.accounts.values()):
        raise errors.organization("RecordAlreadyExists", name)


def _wire(org: Organization, member: Member) -> Result:
    return stamps(member.created, member.updated) | {
        "ID": member.id,
        "AccountID": member.account_id,
        "AccountName": member.account_name,
        "ShowName": member.show_name,
        "Description": member.description,
        "OrgID": org.id,
        "OrgType": ENTERPRISE,
        "OrgUnitID": member.unit_id,
        "OrgVerificationID": member.verification_id,
        "Owner": org.owner,
        "IamRole": member.iam_role,
        "JoinType": member.join_type,
        "AllowExit": member.allow_exit,
        "AllowConsole": member.allow_console,
    }
