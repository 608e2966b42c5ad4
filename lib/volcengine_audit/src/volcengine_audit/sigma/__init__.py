"""Detections written in Sigma (https://sigmahq.io), run over audit events by a small evaluator of our own.

    book = load_rules([Path("our-rules")])
    for mark in book.marks(event):
        print(mark.level, mark.name, mark.reason)

What of Sigma is understood: selections of fields, lists of them and keywords; the modifiers contains, startswith,
endswith, all, re (with i, m, s), cidr, exists, lt, lte, gt, gte, cased and neq; `*` and `?`; conditions with and, or,
not, parentheses, `1 of` and `all of`; correlations event_count, value_count, value_sum, temporal, temporal_ordered.
"""

from volcengine_audit.sigma.book import Checked, Mark, RuleBook, load_rules
from volcengine_audit.sigma.correlate import Correlation
from volcengine_audit.sigma.derived import KNOWN, MEANINGS, SUPPLIED
from volcengine_audit.sigma.errors import SigmaError
from volcengine_audit.sigma.model import Rule
from volcengine_audit.sigma.prebuilt import FOLDER as BUILT_IN
from volcengine_audit.sigma.surroundings import Logins, Surroundings

__all__ = [
    "BUILT_IN",
    "KNOWN",
    "MEANINGS",
    "SUPPLIED",
    "Checked",
    "Correlation",
    "Logins",
    "Mark",
    "Rule",
    "RuleBook",
    "SigmaError",
    "Surroundings",
    "load_rules",
]
