"""The tools of this server that are more than one action of the API, one in a file."""

from __future__ import annotations

from .create_service_control_policy import CreateServiceControlPolicy
from .explain_policies import ExplainPolicies
from .find_accounts import FindAccounts
from .get_organization_tree import GetOrganizationTree
from .preview_service_control_policy import PreviewServiceControlPolicy
from .simulate_policies import SimulatePolicies

__all__ = [
    "CreateServiceControlPolicy",
    "ExplainPolicies",
    "FindAccounts",
    "GetOrganizationTree",
    "PreviewServiceControlPolicy",
    "SimulatePolicies",
]
