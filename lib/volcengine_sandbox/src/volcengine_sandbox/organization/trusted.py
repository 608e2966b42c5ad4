"""Trusted services and the accounts that administer them on behalf of the organization."""

from __future__ import annotations

from volcengine_sandbox import errors, pages
from volcengine_sandbox.clock import beijing
from volcengine_sandbox.organization.common import declare, member_of
from volcengine_sandbox.parameters import Integer, Text
from volcengine_sandbox.records import INVITED, Organization, TrustedService
from volcengine_sandbox.registry import EMPTY, Call, Effect, Result

_ACCOUNT = Text("AccountId", required=True)
_SERVICE = Text("ServicePrincipal", required=True)


@declare("RegisterDelegatedAdministrator", Effect.WRITE, _ACCOUNT, _SERVICE)
def register_administrator(call: Call) -> Result:
    """Let a member administer a trusted service."""
    org = call.organization
    member = member_of(call, org)
    service = _service(call, org)
    if member.account_id in service.administrators:
        raise errors.organization("RecordAlreadyExists", member.account_id)
    service.administrators[member.account_id] = call.now
    return EMPTY


@declare("DeregisterDelegatedAdministrator", Effect.DESTROY, _ACCOUNT, _SERVICE)
def deregister_administrator(call: Call) -> Result:
    """Take that right away."""
    org = call.organization
    service = _service(call, org)
    if call.text("AccountId") not in service.administrators:
        raise errors.organization("RecordNotExists", call.text("AccountId"))
    del service.administrators[call.text("AccountId")]
    return EMPTY


@declare("ListTrustedServiceStatus", Effect.READ, *pages.LIMIT_OFFSET)
def list_trusted_services(call: Call) -> Result:
    """Trusted services that are on."""
    services = list(call.organization.trusted.values())

    def wire(service: TrustedService) -> Result:
        return {"ServicePrincipal": service.principal, "EnableTime": beijing(service.enabled)}

    return pages.by_offset(call, "EnabledServicePrincipals", services, wire)


@declare(
    "ListTrustedServiceAdministrators",
    Effect.READ,
    Integer("PageNumber", required=True, least=1),
    Integer("PageSize", required=True, least=1, most=pages.LARGEST_SIZE),
    Text("ServicePrincipal"),
)
def list_administrators(call: Call) -> Result:
    """Delegated administrators, of one service or of all."""
    org = call.organization
    wanted = call.text("ServicePrincipal")
    rows = [
        (service.principal, account_id, since)
        for service in org.trusted.values()
        if not wanted or service.principal == wanted
        for account_id, since in service.administrators.items()
    ]

    def wire(row: tuple[str, str, float]) -> Result:
        principal, account_id, since = row
        member = org.members[account_id]
        return {
            "AccountId": account_id,
            "AccountName": member.account_name,
            "DelegationEnabledTime": beijing(since),
            "DisplayName": member.show_name,
            "JoinMethod": "Invited" if member.join_type == INVITED else "Created",
            "Owner": org.owner,
            "ServicePrincipal": principal,
        }

    return pages.by_number(call, "Accounts", rows, wire)


def _service(call: Call, org: Organization) -> TrustedService:
    """A service is trusted once seeded; there is no action here that switches trust on."""
    if call.text("ServicePrincipal") not in org.trusted:
        raise errors.organization("RecordNotExists", call.text("ServicePrincipal"))
    return org.trusted[call.text("ServicePrincipal")]
