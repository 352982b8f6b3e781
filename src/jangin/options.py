"""What each verb can be told: one frozen dataclass per verb; its fields are the flags, its texts the help.

    OPTIONS["simulate"]     # Simulate: what `jangin simulate --help` shows
    Simulate("cell/reach", trials=100)

Every text says the unit where there is one; the defaults are shown by the help. `__post_init__` only refuses, in one
sentence. A verb that works on a task takes its name first; the task's own fields are flags too (see `flags`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg

from jangin.errors import JanginError

__all__ = [
    "OPTIONS",
    "Compare",
    "Deliver",
    "Expect",
    "Explain",
    "Learn",
    "Limits",
    "Line",
    "List",
    "Output",
    "Qualify",
    "Replay",
    "Run",
    "Schedule",
    "Ship",
    "Simulate",
    "Verify",
    "View",
]

TaskName = Annotated[Positional[str], arg(metavar="TASK")]
RunPath = Annotated[Positional[Path], arg(metavar="RUN")]
BundlePath = Annotated[Positional[Path], arg(metavar="BUNDLE")]
Text = Annotated[str, arg(metavar="TEXT")]
OptionalText = Annotated[str | None, arg(metavar="TEXT")]
Number = Annotated[int, arg(metavar="N")]
OptionalNumber = Annotated[int | None, arg(metavar="N")]
OptionalSeconds = Annotated[float | None, arg(metavar="SECONDS")]
Folder = Annotated[Path | None, arg(metavar="FOLDER")]
KeyFile = Annotated[Path | None, arg(metavar="FILE")]
Amount = Annotated[float | None, arg(metavar="NUMBER")]


def _at_least(low: float, **values: float | None) -> None:
    """Refuse a number below `low`; None is "not said" and passes."""
    for name, value in values.items():
        if value is not None and not (math.isfinite(value) and value >= low):
            raise JanginError(f"--{name.replace('_', '-')} is {value:g}; give a number of at least {low:g}.")


def _one_source_of_claims(claim: tuple[str, ...], claims: Path | None) -> None:
    if claim and claims is not None:
        raise JanginError(f"Both --claim and --claims {claims} are given. Put every claim into the file, or none.")


@dataclass(frozen=True)
class Output:
    """How the answer is given; every verb has these."""

    json: bool = False
    """Print one JSON object on standard output and nothing else there."""
    debug: bool = False
    """Show the full traceback of an unexpected error (also: JANGIN_DEBUG=1)."""


@dataclass(frozen=True)
class List:
    """Show what is here: verbs, tasks, robots, engines and recipes."""


@dataclass(frozen=True)
class Simulate:
    """Run a policy on a task's trials and count what became of them."""

    task_name: TaskName
    """The task: a name from `jangin list`, or a file of your own as ./file.py:NAME."""
    policy: Text = "expert"
    """The policy: expert, teacher, zero, random, a policy.onnx, a run folder, a .bundle, or module:attribute."""
    trials: Number = 1000
    """How many trials [count]."""
    seed: Number = 0
    """Seed that fixes every trial's conditions and noise."""
    threads: Number = 0
    """Threads of the simulator [count]; 0 is one per core. The result does not depend on it."""
    block: Number = 256
    """Trials simulated side by side [count]."""
    out: Folder = None
    """Folder for trials.parquet; without it nothing is written."""

    def __post_init__(self) -> None:
        _at_least(1, trials=self.trials, block=self.block)
        _at_least(0, seed=self.seed, threads=self.threads)


@dataclass(frozen=True)
class Learn:
    """Learn a policy for a task."""

    task_name: TaskName
    """The task: a name from `jangin list`, or a file of your own as ./file.py:NAME."""
    out: Folder = None
    """Run folder for policy.onnx and curve.csv; without it runs/TASK-SEED."""
    recipe: OptionalText = None
    """How to learn: a recipe from `jangin list`; without it the one that measured best."""
    seed: Number = 0
    """Seed of initial weights, exploration and training trials."""
    budget_s: OptionalSeconds = None
    """Longest time to learn [s]; without it the recipe's own."""
    steps: OptionalNumber = None
    """Most control steps to learn from [count]; without it the recipe's own."""
    device: Text = "cpu"
    """Where the networks are trained: a torch device such as cpu, cuda or mps."""
    threads: Number = 0
    """Threads of the simulator [count]; 0 is one per core."""
    resume: bool = False
    """Go on with a run that was interrupted."""

    def __post_init__(self) -> None:
        _at_least(0, seed=self.seed, threads=self.threads)
        _at_least(1, steps=self.steps, budget_s=self.budget_s)


@dataclass(frozen=True)
class Expect:
    """How many trials a claim will take until it is proved or refuted, for every true value it might have."""

    claim: Annotated[Positional[tuple[str, ...]], arg(metavar="CLAIM")] = ()
    """Claims, as "success >= 0.99 @ 0.95"."""
    claims: Annotated[Path | None, arg(metavar="FILE")] = None
    """A file of claims instead."""
    at: Annotated[tuple[float, ...], arg(metavar="P")] = ()
    """True values to answer for, as 1 0.998 0.98; without them some around the claimed one."""
    max_trials: OptionalNumber = None
    """Give up undecided after so many trials [count]; without it far beyond what all but the closest values need."""
    power: Annotated[float, arg(metavar="P")] = 0.9
    """Probability with which the fixed number of trials proves the claim."""

    def __post_init__(self) -> None:
        _at_least(1, max_trials=self.max_trials)
        _one_source_of_claims(self.claim, self.claims)
        if not 0.0 < self.power < 1.0:
            raise JanginError(f"--power is {self.power:g}; give a probability between 0 and 1, as 0.9.")


@dataclass(frozen=True)
class Qualify:
    """Prove or refute claims about a policy, with evidence that replays."""

    task_name: TaskName
    """The task: a name from `jangin list`, or a file of your own as ./file.py:NAME."""
    policy: Text
    """The policy: expert, zero, random, a policy.onnx, a run folder, a .bundle, or module:attribute (a callable)."""
    claim: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="CLAIM")] = ()
    """A claim, repeatable, as "success >= 0.99 @ 0.95", "q95(cycle_s) <= 4.0" or "P(peak_force_n > 60) <= 0.01";
    without one the task's own. docs/claims.md has the whole language."""
    claims: Annotated[Path | None, arg(metavar="FILE")] = None
    """A file of claims (YAML, claims.schema.json), for a review and a repository; instead of --claim."""
    limits: Annotated[Path | None, arg(metavar="FILE")] = None
    """A limits profile (see `jangin limits profile`): its claims are added, and its sources kept in the plan."""
    out: Folder = None
    """Run folder for plan, evidence and report; without it the policy's run folder, or else runs/TASK-SEED."""
    seed: Number = 0
    """Seed of the evidence's trials."""
    max_trials: Number = 20_000
    """Give up undecided after so many trials [count]."""
    block: Number = 256
    """Trials simulated side by side [count]; part of the plan."""
    search_trials: Number = 100_000
    """Search with at most so many trials for each claim of grade B [count]; part of the plan."""
    threads: Number = 0
    """Threads of the simulator [count]; 0 is one per core. The result does not depend on it."""

    def __post_init__(self) -> None:
        _at_least(1, max_trials=self.max_trials, block=self.block)
        _at_least(0, seed=self.seed, threads=self.threads)
        _one_source_of_claims(self.claim, self.claims)


@dataclass(frozen=True)
class Compare:
    """Is one policy better than another, or no worse? Both run the same trials until it is decided."""

    task_name: TaskName
    """The task: a name from `jangin list`, or a file of your own as ./file.py:NAME."""
    policy: Text
    """A, the policy in question: expert, teacher, zero, random, a policy.onnx, a run folder or a .bundle."""
    against: Text
    """B, the policy it is compared with; named in the same ways."""
    margin: Annotated[float | None, arg(metavar="SHARE")] = None
    """Ask whether A's success rate is at most so much below B's, as 0.01; without it, whether A is better."""
    confidence: Annotated[float, arg(metavar="SHARE")] = 0.95
    """Of what is said; 1 minus the probability of saying it wrongly, each way."""
    out: Folder = None
    """Run folder for plan and pairs; without it runs/compare-TASK-SEED."""
    seed: Number = 0
    """Seed of the trials; they are others than those of a qualification."""
    max_trials: Number = 20_000
    """Give up undecided after so many trials of each [count]."""
    block: Number = 256
    """Trials simulated side by side [count]; part of the plan."""
    threads: Number = 0
    """Threads of the simulator [count]; 0 is one per core. The result does not depend on it."""

    def __post_init__(self) -> None:
        _at_least(1, max_trials=self.max_trials, block=self.block)
        _at_least(0, seed=self.seed, threads=self.threads)


@dataclass(frozen=True)
class Verify:
    """Check a run folder: every hash, the plan, and the verdict recomputed from the evidence."""

    run: RunPath
    """The run folder that qualify or deliver made."""


@dataclass(frozen=True)
class Replay:
    """Run one trial of the evidence again and compare every bit."""

    run: RunPath
    """The run folder that qualify or deliver made."""
    trial: Number
    """Number of the trial, as in the evidence's column `trial`."""
    task: OptionalText = None
    """The task's file as ./file.py:NAME, needed when the task is a file of your own: no file is imported unasked."""
    policy: OptionalText = None
    """The policy, where the run folder does not hold it; of a comparison both modules, with a comma between."""
    threads: Number = 0
    """Threads of the simulator [count]; 0 is one per core. The result does not depend on it."""

    def __post_init__(self) -> None:
        _at_least(0, trial=self.trial, threads=self.threads)


@dataclass(frozen=True)
class Explain:
    """Map where the folder's policy fails and what its margin depends on, beside the evidence, never a part of it."""

    run: RunPath
    """The run folder that qualify or deliver made."""
    points: Number = 1024
    """Trials of the map, best a power of two [count]."""
    rows: Number = 128
    """Rows of the sensitivity design [count]; each costs as many trials as conditions vary, and two more. 0: none."""
    retests: Number = 256
    """Fresh trials in each suspected region, and as many over all conditions [count]."""
    trial: OptionalNumber = None
    """A failing trial of the evidence to look at first; without it the worst ones."""
    point: OptionalNumber = None
    """Do nothing but run this row of explain/map.parquet again and compare every bit."""
    seed: OptionalNumber = None
    """Seed of the map, its noise and every search; without it the plan's."""
    task: OptionalText = None
    """The task's file as ./file.py:NAME, needed when the task is a file of your own: no file is imported unasked."""
    policy: OptionalText = None
    """The policy, where the run folder does not hold it."""
    threads: Number = 0
    """Threads of the simulator [count]; 0 is one per core. The result does not depend on it."""

    def __post_init__(self) -> None:
        _at_least(1, points=self.points, retests=self.retests)
        _at_least(0, rows=self.rows, trial=self.trial, point=self.point, seed=self.seed, threads=self.threads)


@dataclass(frozen=True)
class Ship:
    """Put a qualified policy, its limits and its evidence into one signed file."""

    run: RunPath
    """The run folder that deliver made, or learn and then qualify."""
    name: OptionalText = None
    """Name of the bundle; without it the run folder's."""
    version: Text = "1.0.0"
    """Version of the bundle, as 1.0.0."""
    key: KeyFile = None
    """ed25519 private key that signs (PEM); without it your own in ~/.config/jangin, made at first use."""
    task: OptionalText = None
    """The task's file as ./file.py:NAME, needed when the task is a file of your own: no file is imported unasked."""
    allow_unqualified: bool = False
    """Ship without a QUALIFIED verdict; the bundle then says so, and so does every record of its runs."""


@dataclass(frozen=True)
class Run:
    """Execute a bundle on a plant; it refuses whatever it was not qualified for."""

    bundle: BundlePath
    """The .bundle file."""
    on: Text = "sim"
    """The plant: sim is the simulated cell."""
    trials: Number = 100
    """How many trials [count]."""
    seed: Number = 0
    """Seed of the trials' conditions and noise."""
    task: OptionalText = None
    """The task's file as ./file.py:NAME, needed when the task is a file of your own: no file is imported unasked."""
    out: Folder = None
    """Folder for trials.parquet and log.json; without it nothing is written."""
    trust: OptionalText = None
    """The signer to insist on: a fingerprint (64 hexadecimal digits) or a public key file; without it any is noted."""
    provider: Text = "CPUExecutionProvider"
    """ONNX Runtime execution provider; the run is refused when another one would execute."""
    allow_unqualified: bool = False
    """Run a bundle whose verdict is not QUALIFIED; every record then says so."""
    threads: Number = 0
    """Threads of the simulator [count]; 0 is one per core."""

    def __post_init__(self) -> None:
        _at_least(1, trials=self.trials)
        _at_least(0, seed=self.seed, threads=self.threads)


@dataclass(frozen=True)
class Deliver:
    """The main job: learn, qualify, report and ship into one folder."""

    task_name: TaskName
    """The task: a name from `jangin list`, or a file of your own as ./file.py:NAME."""
    out: Folder = None
    """Run folder for everything; without it runs/TASK-SEED."""
    seed: Number = 0
    """Seed of learning and of the evidence; the two never share a trial."""
    recipe: OptionalText = None
    """How to learn: a recipe from `jangin list`; without it the one that measured best."""
    budget_s: OptionalSeconds = None
    """Longest time to learn [s]; without it the recipe's own."""
    steps: OptionalNumber = None
    """Most control steps to learn from [count]; without it the recipe's own."""
    claim: Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="CLAIM")] = ()
    """A claim, repeatable, as for qualify; without one the task's own."""
    claims: Annotated[Path | None, arg(metavar="FILE")] = None
    """A file of claims, as for qualify; instead of --claim."""
    max_trials: Number = 20_000
    """Give up undecided after so many trials [count]."""
    device: Text = "cpu"
    """Where the networks are trained: a torch device such as cpu, cuda or mps."""
    threads: Number = 0
    """Threads of the simulator [count]; 0 is one per core."""
    key: KeyFile = None
    """ed25519 private key that signs (PEM); without it your own in ~/.config/jangin, made at first use."""
    version: Text = "1.0.0"
    """Version of the bundle, as 1.0.0."""
    resume: bool = False
    """Go on with a run that was interrupted; finished stages are kept."""

    def __post_init__(self) -> None:
        _at_least(0, seed=self.seed, threads=self.threads)
        _at_least(1, steps=self.steps, budget_s=self.budget_s, max_trials=self.max_trials)
        _one_source_of_claims(self.claim, self.claims)


@dataclass(frozen=True)
class View:
    """Watch one trial in MuJoCo's viewer, or write it as a film from above."""

    run: RunPath
    """The run folder that qualify or deliver made."""
    trial: Number = 0
    """Number of the trial, as in the evidence's column `trial`."""
    web: bool = False
    """Show it in a browser instead of a window; only this machine can connect."""
    port: Number = 0
    """Port of the web viewer; 0 takes the first free one from 8080 on."""
    speed: Annotated[float, arg(metavar="FACTOR")] = 1.0
    """How fast to play [simulated seconds per second]."""
    out: Annotated[Path | None, arg(metavar="FILE.html")] = None
    """Write a film from above into this page instead, for tasks that have one; an existing file is never replaced."""
    task: OptionalText = None
    """The task's file as ./file.py:NAME, needed when the task is a file of your own: no file is imported unasked."""
    policy: OptionalText = None
    """The policy, where the run folder does not hold it."""

    def __post_init__(self) -> None:
        _at_least(0, trial=self.trial, port=self.port)
        _at_least(0.01, speed=self.speed)
        if self.out is not None and (self.web or self.port or self.speed != 1.0):
            said = "--web" if self.web else "--port" if self.port else "--speed"
            raise JanginError(f"{said} does nothing with --out, which opens no viewer. Leave it out.")


@dataclass(frozen=True)
class Limits:
    """Safety limits with the source of every number: contact, separation, protective-distance, or a profile."""

    what: Annotated[Positional[str], arg(metavar="WHAT")]
    """contact: the force and speed a body region permits. separation: distance between a moving robot and a person.
    protective-distance: place of a light curtain or scanner. profile: a file of limits for you to confirm."""
    profile: Annotated[Path | None, arg(metavar="FILE")] = None
    """Your limits profile; without it the default one, which nobody has confirmed."""
    region: OptionalText = None
    """contact, profile: the body region, such as hand_finger; for a profile several, with commas between."""
    moving_mass_kg: Amount = None
    """contact, profile: mass of all moving parts of the robot [kg]."""
    payload_kg: Amount = None
    """contact, profile: mass of tool and load [kg]; 0 unless said."""
    clamped: bool = False
    """contact, profile: the body part cannot give way (quasi-static contact); without it, it can recoil (transient)."""
    contact_area_cm2: Amount = None
    """contact, profile: the smaller of the two surfaces that touch [cm2]; without it the pressure is left out."""
    speed_m_s: Amount = None
    """contact: relative speed of an impact [m/s]; asks for its force."""
    robot_speed_m_s: Amount = None
    """separation: speed of the robot towards the person [m/s]; asks for the distance."""
    distance_m: Amount = None
    """separation: distance that there is [m]; asks for the robot's speed."""
    person_speed_m_s: Amount = None
    """separation: speed of the person towards the robot [m/s]; without it the profile's."""
    reaction_s: OptionalSeconds = None
    """separation: from the person's coming near until the robot begins to stop [s]."""
    stopping_s: OptionalSeconds = None
    """separation: time the robot takes to stop, as measured [s]."""
    stopping_distance_m: Amount = None
    """separation: way it takes to stop, as measured [m]."""
    deceleration_m_s2: Amount = None
    """separation: in place of these two, a constant deceleration [m/s^2]."""
    intrusion_m: Amount = None
    """separation: C, what is reached before it is noticed [m]; 0 unless said."""
    person_uncertainty_m: Amount = None
    """separation: Z_d, how far off the person's measured place may be [m]; 0 unless said."""
    robot_uncertainty_m: Amount = None
    """separation: Z_r, the same of the robot's place [m]; 0 unless said."""
    edition: OptionalText = None
    """protective-distance: edition of ISO 13855, 2010 or 2024; it must be said."""
    response_s: OptionalSeconds = None
    """protective-distance: from detection until the machine stands [s]; asks for the distance."""
    distance_mm: Amount = None
    """protective-distance: distance that there is [mm]; asks for the response time."""
    approach: OptionalText = None
    """protective-distance: orthogonal (through an upright zone; unless said) or parallel (over a level one)."""
    resolution_mm: Amount = None
    """protective-distance: smallest object that the zone detects anywhere [mm]."""
    height_mm: Amount = None
    """protective-distance: height of a level zone above the floor [mm]."""
    intrusion_mm: Amount = None
    """protective-distance: C, or D_DS of the edition of 2024 [mm]; without it by the profile's rule for 2010."""
    supplement_mm: Amount = None
    """protective-distance: Z of the edition of 2024 [mm]; 0 unless said."""
    exceedance: Annotated[float | None, arg(metavar="SHARE")] = None
    """profile: the share of trials in which its limits may be exceeded, as 0.001."""
    confidence: Annotated[float | None, arg(metavar="SHARE")] = None
    """profile: the confidence of its claims; 0.95 unless said."""
    out: Annotated[Path | None, arg(metavar="FILE")] = None
    """profile: the file to write; an existing one is never replaced."""


@dataclass(frozen=True)
class Line:
    """What the plant gets: good parts per hour with an interval, the bottleneck, and what would change it."""

    layout: Annotated[Positional[Path], arg(metavar="LAYOUT")]
    """The plant: a layout file (YAML, docs/line-layout.md), or a run folder: its policy as a line of one station."""
    against: Annotated[Path | None, arg(metavar="FILE")] = None
    """Another layout of the same plant: the difference, on the same random numbers."""
    places: OptionalNumber = None
    """Distribute so many buffer places [count] among the buffers that have a capacity, for the most parts."""
    engine: Text = "auto"
    """analytic (exact, small lines), path (exact recursion) or events (everything); auto takes the first that fits."""
    seed: Number = 0
    """Seed of every draw."""
    hours: Annotated[float | None, arg(metavar="HOURS")] = None
    """Length of a replication, warm-up included [h]; without it from the slowest station and the calendars."""
    warmup_h: Annotated[float | None, arg(metavar="HOURS")] = None
    """What is left out at the beginning [h]; without it where the line has settled (MSER-5)."""
    precision: Annotated[float, arg(metavar="SHARE")] = 0.005
    """Replicate until the half-width is this share of the throughput; with evidence, draw until that of the mean is."""
    replications: Number = 200
    """But at most so many replications [count] (lines without evidence)."""
    draws: Number = 200
    """Draws of what the trials of stations with evidence leave open, 10 runs each; more for the precision [count]."""
    most_draws: OptionalNumber = None
    """But at most so many draws [count]; without it ten times --draws."""
    quick: bool = False
    """Leave out what each station 10 % faster and each buffer one place larger would bring."""
    threads: Number = 0
    """Threads of the next-event engine [count]; 0 is one per core. The result does not depend on it."""
    out: Folder = None
    """New folder for line.html, answer.json, replications.parquet and states.parquet; without it nothing is written."""

    def __post_init__(self) -> None:
        _at_least(0, seed=self.seed, threads=self.threads, places=self.places, warmup_h=self.warmup_h)
        _at_least(2, replications=self.replications)
        _at_least(39, draws=self.draws)
        _at_least(self.draws, most_draws=self.most_draws)
        if not 0.0 < self.precision < 1.0:
            raise JanginError(f"--precision is {self.precision:g}; give a share between 0 and 1, as 0.005.")
        if self.against is not None and self.places is not None:
            raise JanginError("Both --against and --places are given. Ask for one of the two.")
        other = "--against" if self.against is not None else "--places" if self.places is not None else ""
        if other and (self.out is not None or self.engine != "auto"):
            said = "--out" if self.out is not None else "--engine"
            raise JanginError(
                f"{said} does nothing with {other}, which writes no page and takes the engine that fits. Leave it out."
            )
        if self.hours is not None and not 0.0 < self.hours < math.inf:
            raise JanginError(f"--hours is {self.hours:g}; give a number above 0.")


@dataclass(frozen=True)
class Schedule:
    """Schedule a job shop, a flow shop or a flexible job shop: makespan, lower bound and gap, always within a time."""

    instance: Annotated[Positional[Path], arg(metavar="INSTANCE")]
    """The instance: job-shop text, Taillard's format, .fjs, or JSON."""
    name: OptionalText = None
    """Which one of a file that holds several."""
    method: Text = "cp-sat"
    """cp-sat, or a dispatching rule: SPT, MWKR, FDD/MWKR and others."""
    time_limit_s: Annotated[float, arg(metavar="SECONDS")] = 10.0
    """Longest time to search [s]."""
    objective: Text = "makespan"
    """makespan, or tardiness where there are due dates."""
    workers: Number = 1
    """Threads of the solver [count]; only with one can a search be repeated exactly."""
    seed: Number = 0
    """Seed of the solver, and of the rule `random`."""
    out: Annotated[Path | None, arg(metavar="FILE")] = None
    """A new file for the schedule: .csv or .parquet."""
    days: Annotated[int | None, arg(metavar="DAYS")] = None
    """Instead, on so many days with breakdowns: the schedule followed, re-planned, and rules, on the same days."""
    mean_up: Annotated[float, arg(metavar="TICKS")] = math.inf
    """Of --days: mean time of a machine to its next breakdown [ticks]."""
    mean_down: Annotated[float, arg(metavar="TICKS")] = 0.0
    """Of --days: mean time to its repair [ticks]."""
    cv: Annotated[float, arg(metavar="CV")] = 0.0
    """Of --days: coefficient of variation of the true durations about the planned ones."""
    floor: Text = "line"
    """Of --days: line, the next-event engine of `jangin line`, or shop, an executor for flexible shops too."""

    def __post_init__(self) -> None:
        _at_least(0, seed=self.seed)
        _at_least(1, workers=self.workers)
        if not 0.0 < self.time_limit_s < math.inf:
            raise JanginError(f"--time-limit-s is {self.time_limit_s:g}; give a number above 0.")
        if self.days is None:
            given = {"--mean-up": self.mean_up < math.inf, "--mean-down": self.mean_down > 0, "--cv": self.cv > 0}
            if told := next((name for name, there in given.items() if there), None):
                raise JanginError(f"{told} says what days are like; say how many with --days.")
            return
        _at_least(2, days=self.days)
        if self.out is not None:
            raise JanginError("--out keeps one schedule, and --days compares several; give one of the two.")
        if not self.mean_up >= 1.0 or not 0.0 <= self.mean_down < math.inf or not self.cv >= 0.0:
            raise JanginError(
                f"Days with --mean-up {self.mean_up:g}, --mean-down {self.mean_down:g} and --cv {self.cv:g} cannot be; "
                f"give a tick or more up, 0 or more down, 0 or more spread."
            )


OPTIONS: dict[str, type] = {
    "list": List,
    "simulate": Simulate,
    "learn": Learn,
    "expect": Expect,
    "qualify": Qualify,
    "compare": Compare,
    "verify": Verify,
    "replay": Replay,
    "explain": Explain,
    "ship": Ship,
    "run": Run,
    "deliver": Deliver,
    "view": View,
    "limits": Limits,
    "line": Line,
    "schedule": Schedule,
}
