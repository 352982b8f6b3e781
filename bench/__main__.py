"""`python -m bench`: run parts of the benchmark, print the table, keep everything as bench/results/DATE.json.

Exit code: 0 when no target was missed, 1 when one was, 2 for wrong input or what could not be measured. With --quick,
speed does not decide it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.lines import LineSize
from bench.race import RaceSize, race
from bench.rows import Row, machine, table
from bench.speed import Size, against_raw, end_to_end
from bench.vehicles import VehicleSize
from jangin import registry
from jangin.errors import JanginError
from jangin.record import write_whole

PARTS = {
    "speed": "control steps per second of the peg task, end to end",
    "raw": "the peg task against mujoco.batch alone",
    "gymnasium": "the peg task against Gymnasium's SyncVectorEnv",
    "learn": "time to 99 % success, against other PPO implementations",
    "memory": "peak memory of simulate, verify and learn",
    "stats": "what deciding costs, and errors, power and coverage on simulated studies",
    "pairs": "when comparisons of two policies stop, on published outcomes and on average",
    "lines": "production lines against SimPy and salabim, cost per event, compile time",
    "vehicles": "motorway driving against highway-env, scaling, the R157-derived grid and random disturbances",
    "rare": "estimates of rare failures against exact probabilities",
    "replay": "1,000 random trials run again, bit for bit",  # after memory: of the policy learned there, too
}
RESULTS = Path(__file__).parent / "results"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is measured and how much of it."""

    parts: tuple[str, ...]
    size: Size
    tasks: tuple[str, ...]
    race: RaceSize
    trials: int
    learn_steps: int | None
    lines: LineSize = dataclasses.field(default_factory=LineSize)
    vehicles: VehicleSize = dataclasses.field(default_factory=VehicleSize)
    searches: int = 10  # of each problem of the part rare
    studies: int = 10_000  # simulated per row of the part stats: seconds in all, so the same with --quick


FULL = Plan(tuple(PARTS), Size(), ("cell/reach",), RaceSize(), 1000, None)
QUICK = dataclasses.replace(
    FULL,
    size=Size(nsim=64, blocks=1, pairs=3, periods=5, warm_up=40),
    race=RaceSize(limit_s=20.0, seeds=1, trials=64),
    trials=64,
    learn_steps=30_000,
    lines=LineSize(
        horizon_s=2_000.0,
        path=256,
        events=16,
        turns=3,
        stations=(10, 100),
        operations=100_000,
        sweeps=1,
        draws=64,
        plant_s=7_200.0,
        cold=False,
    ),
    vehicles=VehicleSize(turns=2, steps=20_000, peer_steps=20, cars=(20, 50), batches=(64,), disturbances=2_000),
    searches=2,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, measure, print, write; the exit code."""
    told = _parser().parse_args(arguments)
    plan = _plan(told)
    try:
        for name in plan.tasks:
            registry.find("tasks", name)
    except JanginError as e:
        _say(f"bench: {e}")
        return 2
    before = machine()
    rows: list[Row] = []
    where = f"{before['date']}  {before['chip']}, {before['cores']} cores, load {before['load_1_min']:.1f}"
    _say(where)
    try:
        with tempfile.TemporaryDirectory(prefix="jangin-bench-") as folder:
            for part in plan.parts:
                _say(f"{part}: {PARTS[part]} ...")
                found = _measure(part, plan, Path(folder))
                _say(table(found) + "\n")
                rows += found
    except ModuleNotFoundError as e:
        _say(f"bench: {e}. `make bench` installs what is compared with; or: pip install 'jangin[learn,bench]'.")
        return 2
    except (JanginError, RuntimeError) as e:
        _say(f"bench: {e}")
        return 2
    after = machine()
    record = {"plan": _plain(plan), "before": before, "after": after, "rows": [row.plain() for row in rows]}
    place = Path(told.out) if told.out else RESULTS / f"{before['date'][:19].replace(':', '')}.json"
    write_whole(place, (json.dumps(record, indent=2, allow_nan=False) + "\n").encode())
    print(f"{where} to {after['load_1_min']:.1f}")
    print(table(rows))
    print(f"\nEvery run is in {place}.")
    judged = [row for row in rows if not (told.quick and row.timed)]
    return 1 if any(row.reached is False for row in judged) else 0


def _say(text: str) -> None:
    """What happens meanwhile, beside the table on standard output."""
    print(text, file=sys.stderr, flush=True)


def _measure(part: str, plan: Plan, folder: Path) -> list[Row]:
    """One part; what needs a library that may be absent is imported here."""
    size = plan.size
    if part == "gymnasium":
        from bench.one_at_a_time import against_gymnasium

        return against_gymnasium(size)
    if part == "replay":
        from bench.sameness import replayed

        learned = folder / "learned" / "policy.onnx"  # of the part "memory", where that was run before
        policies = [None, learned.read_bytes()] if learned.is_file() else [None]
        return [row for policy in policies for row in replayed(trials=plan.trials, seed=size.seed, policy=policy)]
    if part == "lines":
        from bench.lines import lines

        return lines(plan.lines, seed=size.seed, threads=size.threads)
    if part == "vehicles":
        from bench.vehicles import vehicles

        return vehicles(plan.vehicles, seed=size.seed)
    if part == "rare":
        from bench.rare_exact import estimates

        return estimates(repeats=plan.searches, seed=size.seed)
    if part == "stats":
        from bench.stats_laws import deciding, laws

        return [*deciding(repeats=size.pairs, seed=size.seed), *laws(studies=plan.studies, seed=size.seed)]
    if part == "pairs":
        from bench.pairs import pairs

        return pairs(studies=plan.studies // 20, seed=size.seed)
    if part == "memory":
        from bench.memory import peaks

        return peaks(trials=plan.trials, learn_steps=plan.learn_steps, folder=folder)
    if part == "learn":
        return [row for task in plan.tasks for row in race(task, plan.race, _say)]
    parts: dict[str, Callable[[Size], list[Row]]] = {"speed": end_to_end, "raw": against_raw}
    return parts[part](size)


def _plain(plan: Plan) -> dict[str, Any]:
    return dataclasses.asdict(plan)


def _plan(told: argparse.Namespace) -> Plan:
    plan = QUICK if told.quick else FULL
    size = {k: v for k in ("pairs", "seed", "threads") if (v := getattr(told, k)) is not None}
    laps = {k: v for k in ("limit_s", "seeds", "threads") if (v := getattr(told, k)) is not None}
    return dataclasses.replace(
        plan,
        parts=tuple(part for part in PARTS if part in (told.parts or plan.parts)),
        tasks=tuple(told.task) if told.task else plan.tasks,
        size=dataclasses.replace(plan.size, **size),
        race=dataclasses.replace(plan.race, **laps),
    )


def _parser() -> argparse.ArgumentParser:
    parts = "\n".join(f"  {name:<10} {what}" for name, what in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure jangin against what is named, and print ratios.",
        epilog=f"parts:\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="small: shows that it runs, not how fast it is")
    parser.add_argument("--parts", nargs="+", choices=PARTS, metavar="PART", help="what to measure (default: all)")
    parser.add_argument("--task", nargs="+", help="tasks of the part learn (default: cell/reach)")
    parser.add_argument("--limit-s", type=_above_zero(float), help="longest time of one run of the part learn [s]")
    parser.add_argument("--seeds", type=_above_zero(int), help="runs of each contestant of the part learn [count]")
    parser.add_argument("--pairs", type=_above_zero(int), help="pairs of the parts raw and gymnasium [count]")
    parser.add_argument("--threads", type=_above_zero(int), help="of the simulator [count] (default: all cores)")
    parser.add_argument("--seed", type=int, help="of the trials (default: 0)")
    parser.add_argument("--out", help="where to write everything as JSON (default: bench/results/DATE.json)")
    return parser


def _above_zero(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above zero")
        return value

    return parse


if __name__ == "__main__":
    sys.exit(main())
