"""A local Volcengine OpenAPI: real signatures, real state, seeded data, faults on demand."""

from volcengine_sandbox.core import RequestRecord
from volcengine_sandbox.faults import Fault
from volcengine_sandbox.identity import Identity
from volcengine_sandbox.sandbox import Sandbox

__all__ = ["Fault", "Identity", "RequestRecord", "Sandbox"]
