"""What the sandbox keeps: accounts, the organization tree and its policies, and trails, as plain records.

Times are epoch seconds here; the services' own spellings are made when a record is answered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

ROOT_NAME = "Root"
ROOT_PARENT = "0"
"""`ParentID` of a root unit."""

FULL_ACCESS_STATEMENT = '{"Statement":[{"Effect":"Allow","Action":["*"],"Resource":["*"]}]}'

YES, NO = 1, 2
"""How `AllowExit` and `AllowConsole` say it."""

CREATED, INVITED = 1, 2
"""`JoinType`."""

ENTERPRISE = 1
"""`OrgType`; no other is known."""


class InvitationStatus(IntEnum):
    """Status of an invitation. The number of EXPIRED is an assumption: the documents name it without one."""

    PENDING = 1
    ACCEPTED = 2
    REJECTED = 3
    CANCELLED = 4
    EXPIRED = 5


class QuitStatus(IntEnum):
    """Status of an application to leave."""

    REVIEWING = 1
    EFFECTIVE = 2
    REJECTED = 3


class TargetType(IntEnum):
    """What a policy is attached to. Requests carry the number, lists the word."""

    UNIT = 1
    ACCOUNT = 2

    @property
    def word(self) -> str:
        """The spelling in lists."""
        return "OU" if self is TargetType.UNIT else "Account"


@dataclass(slots=True)
class Paging:
    """How numbered lists behave, where first-party sources disagree.

    by_record: the number counts records from 1, not pages (as the Terraform provider has it).
    largest: rows that a page has at most, whatever was asked for.
    total: whether the answer says how many rows there are.
    stuck: every page is the first one.
    """

    by_record: bool = False
    largest: int = 100
    total: bool = True
    stuck: bool = False


@dataclass(slots=True)
class Contact:
    """Secure contact of an account, in clear; answers are masked."""

    phone: str = ""
    email: str = ""
    phone_verified: bool = False
    email_verified: bool = False
    new_phone: str = ""
    new_email: str = ""


@dataclass(slots=True)
class Account:
    """An account, whether in an organization or not."""

    account_id: str
    name: str
    main_name: str
    created: float
    verified: bool = True
    partner: bool = False
    active: bool = True
    contact: Contact = field(default_factory=Contact)


@dataclass(slots=True)
class Unit:
    """A unit of an organization; the root has depth 0."""

    id: str
    name: str
    parent_id: str
    depth: int
    created: float
    updated: float
    description: str = ""


@dataclass(slots=True)
class Member:
    """The membership of an account. `id` is the record, not the account."""

    id: str
    account_id: str
    unit_id: str
    account_name: str
    show_name: str
    created: float
    updated: float
    description: str = ""
    join_type: int = CREATED
    allow_exit: int = NO
    allow_console: int = YES
    iam_role: str = "OrganizationAccessControlRole"
    verification_id: str = ""


@dataclass(slots=True)
class Invitation:
    """An invitation. PENDING past its expiry counts as expired."""

    id: str
    link_id: str
    account_id: str
    unit_id: str
    account_name: str
    show_name: str
    created: float
    updated: float
    expires: float
    allow_exit: int = YES
    description: str = ""
    status: InvitationStatus = InvitationStatus.PENDING
    reject_reason: str = ""

    def status_at(self, now: float) -> InvitationStatus:
        """The status with expiry taken into account."""
        expired = self.status is InvitationStatus.PENDING and now > self.expires
        return InvitationStatus.EXPIRED if expired else self.status


@dataclass(slots=True)
class QuitApplication:
    """A member's application to leave."""

    id: str
    account_id: str
    reason: str
    created: float
    updated: float
    status: QuitStatus = QuitStatus.REVIEWING
    audit_reason: str = ""
    audited: float | None = None


@dataclass(slots=True)
class Policy:
    """A service control policy; `statement` is the document as JSON text."""

    id: str
    name: str
    statement: str
    created: float
    updated: float
    description: str = ""
    system: bool = False


@dataclass(slots=True)
class Attachment:
    """A policy on a unit or an account."""

    policy_id: str
    target_id: str
    target_type: TargetType
    attached: float


@dataclass(slots=True)
class TrustedService:
    """A service that may act across the organization, and the accounts that administer it."""

    principal: str
    enabled: float
    administrators: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Organization:
    """An organization: one tree of units, its members and everything about them, in order of creation."""

    id: str
    name: str
    owner: str
    root_id: str
    created: float
    updated: float
    description: str = ""
    units: dict[str, Unit] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    invitations: dict[str, Invitation] = field(default_factory=dict)
    quits: dict[str, QuitApplication] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    attachments: list[Attachment] = field(default_factory=list)
    policies_enabled: bool = False
    policies_switched: float | None = None
    trusted: dict[str, TrustedService] = field(default_factory=dict)
    tags: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def attach(self, policy_id: str, target_id: str, target_type: TargetType, now: float) -> None:
        """Put a policy on a target."""
        self.attachments.append(Attachment(policy_id, target_id, target_type, now))

    def attach_full_access(self, target_id: str, target_type: TargetType, now: float) -> None:
        """Put the system policy on a new node.

        Assumption: like its analogues at other clouds, it sits on every unit and account from the start.
        """
        for policy in self.policies.values():
            if policy.system:
                self.attach(policy.id, target_id, target_type, now)

    def remove_member(self, account_id: str) -> None:
        """Take an account out, with its attachments and tags."""
        del self.members[account_id]
        self.forget("account", account_id)

    def forget(self, resource_type: str, resource_id: str) -> None:
        """Drop what hangs on a unit or account that is gone."""
        self.attachments = [a for a in self.attachments if a.target_id != resource_id]
        self.tags.pop((resource_type, resource_id), None)


@dataclass(slots=True)
class TrailSettings:
    """What CreateTrail and UpdateTrail set."""

    event_rw: str = "All"
    event_sources: list[str] = field(default_factory=list)
    include_all_event_sources: bool = False
    trail_type: int = 0
    tos_bucket_name: str = ""
    tos_bucket_region: str = ""
    tos_bucket_project: str = ""
    tos_key_prefix: str = ""
    tos_sse_algorithm: str = ""
    tos_sse_kms_key_id: str = ""
    tos_account_id: str = ""
    tos_write_role_trn: str = ""
    tls_project_name: str = ""
    tls_project_region: str = ""
    tls_project_topic_project: str = ""
    tls_topic_name: str = ""
    tls_account_id: str = ""
    tls_write_role_trn: str = ""


@dataclass(slots=True)
class Trail:
    """A trail of one account."""

    name: str
    account_id: str
    settings: TrailSettings
    region: str
    created: float
    updated: float
    logging: bool = False
    started: float | None = None
    stopped: float | None = None
    delivered: float | None = None
    delivery_error: str = ""
    organization_id: str = "0"
