"""Every error that the sandbox can answer with: codes, HTTP statuses and message templates.

Sources: BytePlus "Common errors" and docs 6408/78947 for the gateway; docs 6723/* and 7015/* for the services.
Templates are wire data and kept as documented, also where their English or Chinese is odd. Where the
reference has not seen a message, the text here is the sandbox's own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Template:
    """A documented error: HTTP status, message with `%s`, and the gateway's number where it is known."""

    status: int
    message: str
    number: int | None = None


GATEWAY = {
    "MissingParameter": Template(400, "The request is missing %s parameter.", 100002),
    "MissingAuthenticationToken": Template(401, "Request is missing Authentication Token.", 100003),
    "MissingRequestInfo": Template(400, "The request is missing %s information.", 100004),
    "MissingSignature": Template(401, "The request is missing signature.", 100005),
    # 400 here; docs 6408/78947 say 403, BytePlus and observed answers say 400.
    "InvalidTimestamp": Template(400, "The signature of the request is expired.", 100006),
    "ServiceNotFound": Template(404, "This service[%s] not found.", 100007),
    "InvalidActionOrVersion": Template(404, "Could not find operation %s for version %s.", 100008),
    "InvalidAccessKey": Template(401, "The accesskey [%s] included in the request is invalid.", 100009),
    "SignatureDoesNotMatch": Template(
        401,
        "The request signature we calculated does not match the signature you provided. Check your Secret "
        "Access Key and signing method. Consult the service documentation for details.",
        100010,
    ),
    "AccessDenied": Template(403, "User is not authorized to perform: %s on resource: %s", 100013),
    "InvalidAuthorization": Template(
        400, "Invalid 'Authorization' header, Pls check your authorization header.", 100024
    ),
    "InvalidCredential": Template(
        400, "Invalid credential in 'Authorization', Pls check your authorization header.", 100025
    ),
    "InvalidSecretToken": Template(401, "Invalid secret token, msg: %s.", 100026),
    "AccountFlowLimitExceeded": Template(429, "Request speed exceeds the account flow control limit.", 100027),
    "MethodNotAllowed": Template(405, "The method %s is not allowed."),
    "RequestEntityTooLarge": Template(413, "The request body is larger than %s bytes."),
    "InternalError": Template(500, "The request has failed due to an unknown error."),
    "InternalServiceError": Template(502, "The service answered with an error."),
    "ServiceUnavailableTemp": Template(503, "The service is unavailable for the moment."),
    "InternalServiceTimeout": Template(504, "The service did not answer in time."),
}

ORGANIZATION = {
    "AccountInactive": Template(400, "The account inactive"),
    "AccountNotVerified": Template(400, "account not verified/account not enterprise verified"),
    "ConcurrentException": Template(400, "concurrent request exception"),
    "DeleteOrgExistsUnit": Template(400, "Please remove organization units first"),
    "DuplicatePolicyAttachmentException": Template(400, "管控策略已绑定该目标"),
    "DuplicatePolicyException": Template(400, "策略名称已存在"),
    "EnterpriseRealNameVerification": Template(400, "The account %s not a enterprise verified account"),
    "ErrAccountIsPartner": Template(400, "Account is partner"),
    "ExistDelegateAdministrator": Template(
        400, "This account is trusted service delegated administrator, please deregister it before remove it"
    ),
    "FullAccessScpCantDetach": Template(400, "系统预置的管控策略不可解绑"),
    "InternalError": Template(500, "Unknown internal error: %s"),
    "InvalidParam": Template(400, "The parameter %s[%s] is invalid."),
    "InvitationIExpired": Template(400, "The invitation is expired"),
    "InvitationInvalidStatus": Template(400, "The invitation record current status can not be [%s]"),
    "OrgAccountAlreadyInOrg": Template(400, "The account %s already in org"),
    "OrgAccountNotAllowRemove": Template(400, "Remove is not allow: %s"),
    "PermissionError": Template(400, "No permission to perform action[%s] on resource %s"),
    "PolicyEnablementSwitchTooFrequentException": Template(409, "开启管控策略操作过于频繁。请在 %s 分钟后再尝试。"),
    "PolicyNotAttachedException": Template(400, "管控策略未绑定该目标"),
    "PolicyNotFoundException": Template(400, "管控策略不存在"),
    "PolicyTypeAlreadyEnabledException": Template(400, "管控策略功能已开启"),
    "PolicyTypeNotEnabledException": Template(400, "管控策略功能未开启"),
    "QuitOrgAccountHadQuited": Template(400, "The account %s has quited"),
    "QuitOrgAccountInProcess": Template(400, "The account %s quit application has been submitted"),
    "QuitOrgAccountNotAllow": Template(400, "The account %s is not allowed to quit"),
    "ReachedQuotaLimit": Template(400, "The quota of %s is reached"),
    "RecordAlreadyExists": Template(400, "record %s already exists"),
    "RecordNotExists": Template(404, "record %s not exists"),
    "TargetNotFoundException": Template(400, "绑定目标不存在"),
}

CLOUD_TRAIL = {
    "AccessDenied": Template(403, "You have no permission for this action."),
    "InternalError": Template(500, "The request has failed due to an unknown error."),
    "InvalidEventSources": Template(400, "The specified event source '%s' is invalid"),
    "InvalidParameter": Template(400, "The parameter '%s' is invalid."),
    "InvalidParameterEndTime": Template(400, "The specified EndTime is invalid."),
    "InvalidParameterStartTime": Template(400, "The specified StartTime is invalid."),
    "InvalidTimeRange": Template(400, "The end time must be later than the start time."),
    "InvalidTlsProjectName": Template(400, "The specified TLS project name is invalid."),
    "InvalidTlsTopicName": Template(400, "The specified TLS topic name is invalid."),
    "InvalidTosBucketName": Template(400, "The specified TOS bucket name is invalid."),
    "InvalidTosBucketPrefix": Template(400, "The specified TOS bucket prefix is invalid."),
    "InvalidTrailConfiguration": Template(400, "You must specify at least one TOS bucket or TLS project."),
    "InvalidTrailName": Template(400, "The specified trail name '%s' is invalid."),
    "ParameterMissing": Template(400, "The request parameter %s is missing."),
    "TrailAlreadyExists": Template(409, "Trail '%s' already exists."),
    "TrailNotExist": Template(404, "Trail '%s' does not exist."),
    "TrailQuotaExceeded": Template(400, "The number of specified trail has exceeded the quota"),
}

SERVICES = {"organization": ORGANIZATION, "cloud_trail": CLOUD_TRAIL}


class ApiError(Exception):
    """A call that is refused: what goes into `ResponseMetadata.Error`, and the HTTP status."""

    def __init__(self, status: int, code: str, message: str, number: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.number = number

    @classmethod
    def of(cls, catalogue: dict[str, Template], code: str, *values: object) -> ApiError:
        """The error `code` of a catalogue, its template filled with `values`."""
        template = catalogue[code]
        return cls(template.status, code, template.message % values if values else template.message, template.number)


def gateway(code: str, *values: object) -> ApiError:
    """An error that the API gateway answers with, before any service is reached."""
    return ApiError.of(GATEWAY, code, *values)


def organization(code: str, *values: object) -> ApiError:
    """An error of the Organization service."""
    return ApiError.of(ORGANIZATION, code, *values)


def cloud_trail(code: str, *values: object) -> ApiError:
    """An error of the Cloud Trail service."""
    return ApiError.of(CLOUD_TRAIL, code, *values)


def invalid(service: str, name: str, value: object = "") -> ApiError:
    """A parameter with a value that the service refuses, in the service's own words."""
    if service == "organization":
        return organization("InvalidParam", name, value)
    if name in {"StartTime", "EndTime"}:
        return cloud_trail(f"InvalidParameter{name}")
    return cloud_trail("InvalidParameter", name)


def missing(service: str, name: str) -> ApiError:
    """A required parameter that is not there, in the service's own words."""
    return (
        organization("InvalidParam", name, "") if service == "organization" else cloud_trail("ParameterMissing", name)
    )
