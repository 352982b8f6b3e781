"""Random valid plants for tests, and a short way to write a plant's file with one thing wrong in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jangin.line.layout import (
    Buffer,
    Calendar,
    Constant,
    Crew,
    Cycle,
    Distribution,
    Empirical,
    Erlang,
    Evidence,
    Exponential,
    Failure,
    Fleet,
    Gamma,
    Layout,
    Lognormal,
    Normal,
    Release,
    Route,
    SetUp,
    Station,
    Stop,
    Trace,
    Triangular,
    Uniform,
    Weibull,
    Zone,
)


def random_time(rng: np.random.Generator) -> Distribution:
    """Any distribution with any parameters that are allowed."""
    mean, cv = float(rng.lognormal(2, 1)), float(rng.uniform(0.01, 2))
    low = float(rng.uniform(0, 9))
    some = tuple(rng.lognormal(2, 1, rng.integers(1, 5)).tolist())
    forms: list[Distribution] = [
        Constant(mean),
        Exponential(mean),
        Uniform(low, low + mean),
        Triangular(low, low + mean / 3, low + mean),
        Normal(mean, mean * cv / 6.1),
        Lognormal(mean, cv),
        Gamma(mean, cv),
        Erlang(mean, int(rng.integers(1, 9))),
        Weibull(mean, cv),
        Empirical(some),
        Trace(some),
    ]
    return forms[rng.integers(len(forms))]


def random_evidence(rng: np.random.Generator) -> Evidence:
    """Evidence with some of its options."""
    manual = bool(rng.integers(2))
    return Evidence(
        "runs/peg",
        handling_s=float(rng.uniform(0, 9)),
        attempts=int(rng.integers(1, 5)),
        recovery={"default": random_time(rng), "no: grasp": random_time(rng)} if rng.integers(2) else {},
        failed_s=[None, 3.5][rng.integers(2)],
        given_up="manual" if manual else "scrap",
        manual=random_time(rng) if manual else None,
        chip=[None, "cpu"][rng.integers(2)],
        max_age_days=[None, 90.0][rng.integers(2)],
        conditions={"offset_m": (0.0, 0.003)} if rng.integers(2) else {},
        pace=0.9 if manual else 1.0,
    )


def _station(rng: np.random.Generator, k: int, parts: tuple[str, ...]) -> Station:
    kind = rng.integers(4)
    time: object = random_time(rng)
    if kind == 0:
        time = {part: random_time(rng) for part in parts}
    elif kind == 1:
        time = random_evidence(rng)
    failures = tuple(
        Failure(f"f{i}", random_time(rng), random_time(rng), ("operation", "time")[i % 2], (None, "fitters")[i // 2])
        for i in range(rng.integers(4))
    )
    return Station(
        f"s{k}",
        Cycle(time),  # type: ignore[arg-type]
        machines=int(rng.integers(1, 4)),
        batch=int(rng.integers(1, 3)),
        split=int(rng.integers(1, 3)),
        blocking=("after", "before")[rng.integers(2)],
        scrap=float(rng.choice([0.0, rng.uniform(0, 0.5)])),
        failures=failures,
        stops=(Stop("clean", 0.0, 60.0, 3600.0),) if rng.integers(2) else (),
        setup=SetUp({parts[0]: {parts[-1]: 30.0}}, 5.0, (None, parts[0])[rng.integers(2)]) if rng.integers(2) else None,
        operator=(None, "off")[rng.integers(2)],
        calendar=(None, "night")[rng.integers(2)],
        at_m=(float(k), float(rng.normal())),
        pri_s=(None, 9.5)[rng.integers(2)],
    )


def random_layout(seed: int) -> Layout:
    """A valid plant that uses anything a plant can have: a row with branches, rework, an assembly, people, vehicles."""
    rng = np.random.default_rng(seed)
    parts = (("part",), ("A", "B"), ("A", "B", "no"))[rng.integers(3)]
    n = int(rng.integers(1, 6))
    stations = [_station(rng, k, parts) for k in range(n)]
    capacity = [None, 2, 3, 7]
    buffers = [
        Buffer(f"b{k}", (f"s{k}",), (f"s{k + 1}",), capacity[rng.integers(4)], ("fifo", "lifo")[rng.integers(2)])
        for k in range(n - 1)
    ]
    if n > 2:
        buffers[0] = replace(buffers[0], order="priority", priority={parts[-1]: 2.0}, fleet="amr")
        buffers.append(Buffer("again", (f"s{n - 1}",), (f"s{n - 2}", f"s{n - 1}")))
        routes = (Route("out", 0.5), Route("again", 0.25, parts[:1])) if rng.integers(2) else ()
        stations[-1] = replace(
            stations[-1], rework=float(rng.uniform(0, 0.9)), rework_to="again", rework_limit=3, routes=routes
        )
    if n > 3:
        stations.append(Station("side", Cycle(Constant(1.0))))
        buffers.append(Buffer("joins", ("side",), ("s1",), 4))
        stations[1] = replace(stations[1], assemble=True)
    mix = {part: float(rng.uniform(0.1, 2)) for part in parts}
    sequence = tuple(parts[i] for i in rng.integers(len(parts), size=3)) + parts
    kinds = [
        Release("s0", "saturated", mix=mix),
        Release("s0", "push", random_time(rng), sequence=sequence),
        Release("s0", "takt", Constant(12.5), mix=mix),
        Release("s0", "conwip", wip=5, mix=mix),
    ]
    zones = (Zone("dock", ("s0",), 1),) if rng.integers(2) else ()
    fleet = Fleet("amr", 2, 1.5, 3.0, 4.0, (9.0, 9.0), zones=zones)
    if rng.integers(2):
        fleet = replace(fleet, drive_s=3600.0, reserve_s=300.0, charge_s=900.0)
    return Layout(
        f"plant {seed}",
        stations=tuple(stations),
        buffers=tuple(buffers),
        releases=(kinds[rng.integers(4)],),
        parts=parts,
        calendars=(Calendar("night", 86_400.0, ((0.0, 21_600.0), (79_200.0, 86_400.0))), Calendar("h", 9.0, ((1, 2),))),
        crews=(
            Crew("fitters", 2, speed_m_s=(None, 1.2)[rng.integers(2)]),
            Crew("op", 1, ("off", "on"), None, (1.0, 2.0)),
        ),
        fleets=(fleet,),
        calendar=(None, "h")[rng.integers(2)],
        takt_s=(None, 20.0)[rng.integers(2)],
    )
