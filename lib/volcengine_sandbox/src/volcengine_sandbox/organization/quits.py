"""Applications of members to leave: filed by the member, decided by the administrator."""

from __future__ import annotations

from volcengine_sandbox import errors
from volcengine_sandbox.clock import beijing
from volcengine_sandbox.organization.common import declare, stamps
from volcengine_sandbox.parameters import Text
from volcengine_sandbox.records import NO, Organization, QuitApplication, QuitStatus
from volcengine_sandbox.registry import EMPTY, Call, Caller, Effect, Result

_DECISION = (
    Text("AccountId", required=True),
    Text("ApplicationId", required=True),
    Text("Reason", most=128),
)


@declare("QuitOrganization", Effect.DESTROY, Text("ApplyReason", most=30), caller=Caller.ANYONE)
def quit_organization(call: Call) -> Result:
    """The calling member applies to leave."""
    org = call.state.organization_of(call.account_id)
    if org is None:
        raise errors.organization("QuitOrgAccountHadQuited", call.account_id)
    if any(call.account_id in service.administrators for service in org.trusted.values()):
        raise errors.organization("ExistDelegateAdministrator")
    if org.owner == call.account_id or org.members[call.account_id].allow_exit == NO:
        raise errors.organization("QuitOrgAccountNotAllow", call.account_id)
    mine = [q for q in org.quits.values() if q.account_id == call.account_id]
    if any(application.status is QuitStatus.REVIEWING for application in mine):
        raise errors.organization("QuitOrgAccountInProcess", call.account_id)
    application = QuitApplication(call.state.new_id(), call.account_id, call.text("ApplyReason"), call.now, call.now)
    org.quits[application.id] = application
    return {"ApplicationID": application.id}


@declare("AcceptQuitApplication", Effect.DESTROY, *_DECISION)
def accept_quit(call: Call) -> Result:
    """Let the member go."""
    org = call.organization
    application = _decide(call, org, QuitStatus.EFFECTIVE)
    if application.account_id in org.members:
        org.remove_member(application.account_id)
    return EMPTY


@declare("RejectQuitApplication", Effect.WRITE, *_DECISION)
def reject_quit(call: Call) -> Result:
    """Keep the member."""
    _decide(call, call.organization, QuitStatus.REJECTED)
    return EMPTY


@declare("DescribeQuitApplication", Effect.READ, Text("ApplicationId", required=True), caller=Caller.MEMBER)
def describe_quit(call: Call) -> Result:
    """One application, for the administrator and for the member who filed it."""
    org = call.organization
    application = _found(call, org)
    if call.account_id not in {application.account_id, org.owner}:
        raise call.denied()
    audited = "" if application.audited is None else beijing(application.audited)
    return {
        "OrgQuitApplication": stamps(application.created, application.updated)
        | {
            "ID": application.id,
            "OrgID": org.id,
            "Owner": org.owner,
            "AccountID": application.account_id,
            "ApplyReason": application.reason,
            "AuditReason": application.audit_reason,
            "AuditedTime": audited,
            "Status": int(application.status),
        }
    }


def _found(call: Call, org: Organization) -> QuitApplication:
    application = org.quits.get(call.text("ApplicationId"))
    if application is None:
        raise errors.organization("RecordNotExists", call.text("ApplicationId"))
    return application


def _decide(call: Call, org: Organization, status: QuitStatus) -> QuitApplication:
    application = _found(call, org)
    if application.account_id != call.text("AccountId"):
        raise errors.organization("InvalidParam", "AccountId", call.text("AccountId"))
    # Assumption: deciding twice is an InvalidParam; the codes of both actions are not documented.
    if application.status is not QuitStatus.REVIEWING:
        raise errors.organization("InvalidParam", "ApplicationId", application.id)
    application.status, application.audit_reason = status, call.text("Reason")
    application.audited = application.updated = call.now
    return application
