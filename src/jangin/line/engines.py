"""Which engine answers a layout, and the engines behind one call.

    name, why = choose(layout, "auto")            # "path", "the recursion over parts is exact for it; ..."
    engine = ready(name, threads=0)               # compiled, where that is needed
    engine.simulate(layout, seed=0, replications=10, horizon_s=36_000.0, warmup_s=3_600.0)
    engine.compare([layout, other], seed=0, replications=10, horizon_s=36_000.0)    # on common random numbers

The first that can honour the layout is taken: the exact chain, the recursion over parts, the next-event engine.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from jangin.errors import JanginError, nearest
from jangin.line import analysed, path
from jangin.line import layout as lay
from jangin.line.bottleneck import StateLog
from jangin.line.events.tables import unfit as events_unfit
from jangin.line.layout import Layout
from jangin.line.result import Replications

__all__ = ["Engine", "Ready", "choose", "compile_events", "logged", "ready", "refuse_standstill", "state_log", "unfit"]

Engine = Literal["auto", "analytic", "path", "events"]

LOG_S = 8 * 3600.0  # of the state log: a shift
LOADED_S = 2.0  # the compiled loop comes from its cache in less
WORDS = {
    "analytic": "the exact chain holds it",
    "path": "the recursion over parts is exact for it",
    "events": "it runs any layout",
}


# ── which ────────────────────────────────────────────────────────────────────────────────────────────────────────


def choose(layout: Layout, engine: str, drawn: Collection[int] = (), scrapping: str = "") -> tuple[str, str]:
    """The engine for a layout, and why that one.

    Args:
        engine: "auto", or the one that has to do.
        drawn: stations, by number, whose times are drawn from evidence by the caller.
        scrapping: one of these that scraps the parts it gives up; "" for none.

    Raises: JanginError where the engine asked for, or every one, cannot honour the layout; the reason is named.
    """
    if engine not in get_args(Engine):
        hint = nearest(engine, get_args(Engine))
        did = f" Did you mean {hint!r}?" if hint else ""
        raise JanginError(f"There is no engine {engine!r}.{did} There is: {', '.join(get_args(Engine))}.")
    reasons = {name: why.rstrip(".") for name, why in unfit(layout, drawn, scrapping).items()}
    if engine != "auto":
        if reasons[engine]:
            raise JanginError(
                f"The engine {engine!r} cannot honour layout {layout.name!r}: {reasons[engine]}. "
                f"Leave the engine open, or take that out of the layout."
            )
        return engine, "asked for by name"
    passed: list[str] = []
    for name, reason in reasons.items():
        if not reason:
            return name, "; ".join([WORDS[name], *passed])
        passed.append(f"not {name}: {reason}")
    raise JanginError(f"No engine can honour layout {layout.name!r}: {reasons['events']}.")


def unfit(layout: Layout, drawn: Collection[int] = (), scrapping: str = "") -> dict[str, str]:
    """Why each engine cannot honour the layout, "" where it can; in the order in which they are asked."""
    if not drawn:
        return {"analytic": analysed.unfit(layout), "path": path.unfit(layout), "events": events_unfit(layout)}
    any_time = lay.Cycle(lay.Constant(1.0))
    stations = tuple(dataclasses.replace(s, cycle=any_time) if k in drawn else s for k, s in enumerate(layout.stations))
    gives_up = f"station {scrapping!r} scraps the parts it gives up" if scrapping else ""
    return {
        "analytic": "its times are drawn from evidence",
        "path": gives_up or path.unfit(layout, drawn),
        "events": events_unfit(dataclasses.replace(layout, stations=stations)),
    }


# ── behind one call ──────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Ready:
    """An engine that simulates, ready to run.

    Attributes:
        name: "path" or "events".
        at_once: replications to run between two looks; the path engine runs 64 in the time of one.
        compile_s: time spent compiling [s]; 0 from a cache.
        simulate: (layout, seed=, replications=, first=, horizon_s=, warmup_s=, bins=) -> Replications.
        compare: (layouts, seed=, replications=, horizon_s=, warmup_s=, states=) -> one Replications each, on common
            numbers; with states=False nothing but the output need be measured.
    """

    name: str
    at_once: int
    compile_s: float
    simulate: Callable[..., Replications]
    compare: Callable[..., list[Replications]]


def ready(name: str, threads: int = 0) -> Ready:
    """The engine `name`, compiled. Raises: JanginError where the package it needs is not installed."""
    if name == "path":
        return Ready("path", 64, 0.0, path.simulate_until, path.common_random)
    try:
        compile_s = compile_events()
    except ModuleNotFoundError as e:
        raise JanginError(f"The engine 'events' needs the package {e.name!r}, which is not installed.") from e
    from jangin.line.events import engine as events

    def simulate(layout: Layout, **settings: Any) -> Replications:
        return events.simulate(layout, threads=threads, **settings)

    def compare(layouts: Sequence[Layout], states: bool = True, **settings: Any) -> list[Replications]:
        return [simulate(layout, **settings) for layout in layouts]

    return Ready("events", 10, compile_s, simulate, compare)


def compile_events() -> float:
    """Has the next-event loop compiled, or loaded from its cache; the time that compiling took [s].

    Raises: ModuleNotFoundError without numba.
    """
    began = time.perf_counter()
    from jangin.line.events import engine as events  # imports numba

    events.compiled()
    took = time.perf_counter() - began
    return took if took > LOADED_S else 0.0


def state_log(layout: Layout, seed: int, until_s: float) -> StateLog | None:
    """The states of replication 0, as the next-event engine runs it; None for a layout that it cannot honour.

    `until_s` is counted from the first time on shift: a night before it would be an empty picture.

    Raises: ModuleNotFoundError without numba.
    """
    if events_unfit(layout):
        return None
    from jangin.line.events import engine as events  # imports numba

    begins = [c.windows_s[0][0] for c in layout.calendars if c.name == layout.calendar]
    first = begins[0] if begins else 0.0
    return events.trace(layout, seed=seed, replication=0, from_s=first, until_s=first + until_s)


def logged(
    layout: Layout, engine: Ready, seed: int, horizon_s: float
) -> tuple[StateLog | None, float, tuple[str, ...]]:
    """The log of a shift, all the time spent compiling [s], and why there is no log where numba is not installed."""
    compile_s = engine.compile_s
    try:
        if engine.name != "events":
            compile_s += compile_events()
        return state_log(layout, seed, min(horizon_s, LOG_S)), compile_s, ()
    except ModuleNotFoundError as e:
        why = f"No states were logged, and no shifting bottleneck found: the package {e.name!r} is not installed."
        return None, compile_s, (why,)


def refuse_standstill(layout: Layout, runs: Replications) -> None:
    """Raises JanginError where nothing could ever move again in one of the runs; names the stations."""
    if runs.stuck is None or not np.isfinite(runs.stuck).any():
        return
    first, held = int(np.argmin(runs.stuck)), runs.waiting
    blocked = [s.name for k, s in enumerate(layout.stations) if held is not None and held[first, k]]
    raise JanginError(
        f"Layout {layout.name!r} comes to a standstill in {int(np.isfinite(runs.stuck).sum())} of {len(runs)} "
        f"replications, first after {runs.stuck[first]:.0f} s: {', '.join(blocked)} hold finished parts that wait for "
        "each other's places. Give a buffer in that loop more places, or let its parts leave another way."
    )
