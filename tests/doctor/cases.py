"""All cases, in order: the failures, each made with the real sccache, with the rule that must come first; and the runs
in which nothing is wrong. Not a test itself."""

from tests.doctor import cases_asked, cases_healthy, cases_keys, cases_other, cases_storage
from tests.doctor.registry import FAILURES, HEALTHY

__all__ = ["FAILURES", "HEALTHY", "cases_asked", "cases_healthy", "cases_keys", "cases_other", "cases_storage"]
