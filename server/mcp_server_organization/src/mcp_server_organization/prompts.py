"""Prompts for the jobs that people do with an organization, and resources to point at."""

from __future__ import annotations

from volcengine_mcp.declare import Argument, Prompt, Resource

from .actions import GetServiceControlPolicy
from .tools import GetOrganizationTree

PROMPTS = (
    Prompt(
        name="review-policy-before-rollout",
        title="上线前评审管控策略 · Review a policy before rollout",
        description="What a service control policy would break, and for whom, before it is attached.",
        arguments=(
            Argument("document", "The policy document as JSON"),
            Argument("target_id", "ID of the unit or account to attach it to"),
        ),
        text=(
            "Review this service control policy before it is attached to {target_id}:\n{document}\n"
            "1. Call PreviewServiceControlPolicy with the document and TargetID {target_id}.\n"
            "2. For the accounts with changes call SimulatePolicies on actions that daily work and recovery need, for "
            "users and for roles.\n"
            "Report the problems with their paths, who would lose what, whether the administrator and break-glass "
            "access stay, and which assumptions the verdicts rest on. Never call something allowed that control "
            "policies merely do not deny: IAM decides after them."
        ),
    ),
    Prompt(
        name="onboard-an-account",
        title="接入成员账号 · Onboard an account",
        description="Where a new account belongs, and which policies it would come under.",
        arguments=(Argument("purpose", "What the account is for"),),
        text=(
            "An account is to be added to the organization for: {purpose}\n"
            "1. Call GetOrganizationTree and choose the unit that fits; name a second choice.\n"
            "2. Call ExplainPolicies for that unit, and say in plain words what an account there may not do.\n"
            "3. Call FindAccounts for accounts with a similar purpose, and compare tags and names.\n"
            "Propose unit, name and tags, with reasons. Change nothing."
        ),
    ),
    Prompt(
        name="should-this-have-been-possible",
        title="该操作本应被允许吗 · Should this have been possible",
        description="Whether the service control policies would let an account do an action.",
        arguments=(
            Argument("account", "Name or ID of the account"),
            Argument("action", "The action, such as ecs:DeleteInstance"),
        ),
        text=(
            "Should {action} have been possible in the account {account}?\n"
            "1. Call FindAccounts to get its ID and unit path.\n"
            "2. Call SimulatePolicies for user, role and root.\n"
            "3. If it is denied or depends on something, call ExplainPolicies and show the statement and where it "
            "hangs; if it is not denied, say at which unit a statement would be needed and preview one.\n"
            "Name the assumptions that the verdict rests on."
        ),
    ),
)

RESOURCES = (
    Resource(uri="organization://tree", title="企业组织结构树 · Organization tree", operation=GetOrganizationTree),
    Resource(
        uri="organization://policies/{PolicyID}",
        title="管控策略 · Service control policy",
        operation=GetServiceControlPolicy,
    ),
)
