"""Scheduling: job shops, flow shops and flexible job shops, by CP-SAT, by dispatching rules, and rolling through a day.

    from jangin.line.shop import schedule
    print(schedule("ft10.txt", time_limit_s=10).sentence)

instance.py         what has to be scheduled            instance_file.py    reads the formats in use
rules.py            dispatching rules                   cpsat.py            the optimum, or a bound on it
timetable.py        a schedule, and its check           follow.py           sequences on a day with breakdowns
replan.py           a new plan under way                study.py            static, rolling and rules on the same days
plan.py             from a file to a schedule           best_known.py       published bounds, with source and date
as_line.py          a shop as a line's layout            drive.py            that line, driven by a plan
line_floor.py       the line's engine, seen from a shop
pending.py          what is still to be scheduled: the one problem of rules and solver

OR-Tools is imported when something is optimised (extra `schedule`), numba when a line is driven; all else needs NumPy
alone.
"""

from jangin.line.shop.as_line import as_line
from jangin.line.shop.best_known import BestKnown, best_known
from jangin.line.shop.cpsat import Solution, solve
from jangin.line.shop.drive import Driven, drive
from jangin.line.shop.follow import Day, follow
from jangin.line.shop.instance import Instance, Mode, flow_shop, job_shop
from jangin.line.shop.instance_file import instance_names, read_instance
from jangin.line.shop.pending import Pending
from jangin.line.shop.plan import Plan, schedule
from jangin.line.shop.replan import Down, Replan, Rolled, Running, ShopState, replan, rolling
from jangin.line.shop.rules import RULES, dispatch, non_delay
from jangin.line.shop.study import Comparison, compare
from jangin.line.shop.timetable import Row, Schedule, Sequences

__all__ = [
    "RULES",
    "BestKnown",
    "Comparison",
    "Day",
    "Down",
    "Driven",
    "Instance",
    "Mode",
    "Pending",
    "Plan",
    "Replan",
    "Rolled",
    "Row",
    "Running",
    "Schedule",
    "Sequences",
    "ShopState",
    "Solution",
    "as_line",
    "best_known",
    "compare",
    "dispatch",
    "drive",
    "flow_shop",
    "follow",
    "instance_names",
    "job_shop",
    "non_delay",
    "read_instance",
    "replan",
    "rolling",
    "schedule",
    "solve",
]
