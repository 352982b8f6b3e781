"""Evidence: the plan that is frozen before the first trial, and what a table of trials says about its claims.

    plan = make_plan(policy, task, claims, seed=7, block=256, max_trials=20_000, engine=world.engine)
    judgement = judge(plan, trials, baselines, rerun, {})    # from the tables alone: no simulator, no policy

One idea, one file:

    plan.py             what will be tried and how it will be decided
    freezing.py         a plan is written once and never changes
    tables.py           where two tables differ; several policies' trials in one file
    faults.py           what makes trials no evidence
    courses.py          from claims and rows to the processes that decide
    estimates.py        what searches for rare events found
    judgement.py        the verdict, its sentences, verdict.json
    agreement.py        whether a record and what was computed again say the same
    junit.py            the verdict for a build server
    comparison*.py      the same for two policies on the same trials
"""

from jangin.evidence.agreement import first_difference
from jangin.evidence.courses import begin, fed
from jangin.evidence.estimates import Estimate, read_estimates, search_table
from jangin.evidence.faults import Rerun, limit_faults, null_faults, row_faults
from jangin.evidence.judgement import NOT_SHOWN, Judgement, judge, results
from jangin.evidence.junit import junit
from jangin.evidence.plan import PLAN, Plan, check_claims, check_same, make_plan, read_plan, reference_column
from jangin.evidence.tables import by_policy, differing, together

TRIALS, BASELINES, VERDICT = "evidence/trials.parquet", "evidence/baselines.parquet", "evidence/verdict.json"
SEARCH, JUNIT = "evidence/search.parquet", "evidence/junit.xml"
BLOCKS = "evidence/blocks"


def block_name(k: int) -> str:
    """The file of block k while a qualification is under way."""
    return f"{BLOCKS}/{k:06d}.parquet"


__all__ = [
    "BASELINES",
    "BLOCKS",
    "JUNIT",
    "NOT_SHOWN",
    "PLAN",
    "SEARCH",
    "TRIALS",
    "VERDICT",
    "Estimate",
    "Judgement",
    "Plan",
    "Rerun",
    "begin",
    "block_name",
    "by_policy",
    "check_claims",
    "check_same",
    "differing",
    "fed",
    "first_difference",
    "judge",
    "junit",
    "limit_faults",
    "make_plan",
    "null_faults",
    "read_estimates",
    "read_plan",
    "reference_column",
    "results",
    "row_faults",
    "search_table",
    "together",
]
