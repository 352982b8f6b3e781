"""What an environment says of itself, and what one episode of random actions shows.

    about = about_of("Reacher-v5", GymMapping())       # made, tried and closed once in a process, then remembered
    about.numbers                                      # what a mapping can name: info.reward_dist, observation.0 ...

The episode begins with seed 0 and ends with the environment, or after 1000 steps. The environment's own action_space
is never sampled: the actions come from a generator of ours with a fixed seed.
"""

from __future__ import annotations

import functools
import inspect
import json
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import numpy as np

from jangin.errors import BadTask, nearest
from jangin.gym.mapping import GymMapping
from jangin.gym.slots import InfoPath, make, place_of, set_at, value_at
from jangin.gym.spaces import action_signals, action_taker, choices, observation_signals
from jangin.gym.values import STEP
from jangin.task import Signals, canonical_json

__all__ = ["About", "about_of", "check", "info_path", "seen_at"]

_STEPS = 1000
_AGREE = 0.02  # of two statements about the seconds of a step; frames per second are whole numbers


@dataclass(frozen=True)
class About:
    """What an environment is.

    Attributes:
        observation, action: its spaces as signals; choices: sizes of its decisions, () where it takes numbers.
        step_s: seconds of a step, and `step_s_from` who says so; nan and why not where nobody does.
        max_steps: when a trial is cut; None where it never is.
        threshold: of the rewards' sum, as registered.
        info: numbers that info gave, as `distance` or `pose.0`; `keys` all top keys that it had.
        engine, entry_point, versions: identity.
    """

    observation: Signals
    action: Signals
    choices: tuple[int, ...]
    step_s: float
    step_s_from: str
    max_steps: int | None
    threshold: float | None
    info: tuple[str, ...]
    keys: tuple[str, ...]
    engine: str
    entry_point: str
    versions: Mapping[str, str] = field(default_factory=dict)


def about_of(env: str, mapping: GymMapping) -> About:
    """What the environment is, made as the mapping says; raises BadTask in one sentence."""
    return _about(env, canonical_json(mapping.make), mapping.seconds_per_step, mapping.max_steps)


@functools.cache
def _about(env: str, keywords: str, seconds: float | None, max_steps: int | None) -> About:
    name = f"gym:{env}"
    made = make(env, _with_limit(json.loads(keywords), max_steps))
    try:
        observation = observation_signals(name, made.observation_space)
        action = action_signals(name, made.action_space)
        info = _tried(name, made, action)
        step_s, whence = (seconds, "the mapping") if seconds else _seconds(name, made)
        spec, versions = made.spec, _versions(made.unwrapped)
        others = ", ".join(f"{k} {v}" for k, v in versions.items() if k != "gymnasium")
        return About(
            observation=observation,
            action=action,
            choices=choices(made.action_space),
            step_s=step_s,
            step_s_from=whence,
            max_steps=spec.max_episode_steps,
            threshold=spec.reward_threshold,
            info=tuple(_numbers(info)),
            keys=tuple(str(k) for k in info),
            engine=f"gymnasium {versions['gymnasium']} {env}{f' ({others})' if others else ''}",
            entry_point=_entry_point(spec.entry_point),
            versions=versions,
        )
    finally:
        made.close()


def _with_limit(keywords: Mapping[str, Any], max_steps: int | None) -> dict[str, Any]:
    return {**keywords, **({"max_episode_steps": max_steps} if max_steps else {})}


def _tried(name: str, made: Any, action: Signals) -> dict[str, Any]:
    """Every info key of one episode, with the value it last had."""
    rng = np.random.default_rng(0)
    info: dict[str, Any] = {}
    taken = action_taker(made.action_space)
    try:
        made.reset(seed=0)
        for _ in range(_STEPS):
            row = rng.uniform(action.low, action.high).astype(np.float32)
            _, _, ended, cut, told = made.step(taken(row))
            info |= told
            if ended or cut:
                break
    except Exception as e:  # an environment may raise anything
        raise BadTask(f"{name} cannot be run: {place_of(e)}.") from e
    return info


def _numbers(info: Mapping[Any, Any], prefix: str = "") -> Iterable[str]:
    """What info gives as numbers: `distance`, `pose.0`, `reward.dist`."""
    for key, value in info.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{key}.")
        elif np.ndim(value) == 0 and _is_number(value):
            yield f"{prefix}{key}"
        elif isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            yield from (f"{prefix}{key}.{k}" for k in range(value.size))


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, np.number, np.bool_)) or np.asarray(value).dtype.kind in "biuf"


def _seconds(name: str, made: Any) -> tuple[float, str]:
    """Seconds of a step, and who says so; nan, and why, where nobody does or two disagree."""
    dt, fps = getattr(made.unwrapped, "dt", None), (made.metadata or {}).get("render_fps")
    own = float(dt) if isinstance(dt, (int, float, np.number)) and dt > 0 else None
    shown = 1.0 / float(fps) if isinstance(fps, (int, float)) and fps > 0 else None
    if own and shown and abs(own / shown - 1.0) > _AGREE:
        return math.nan, f"its dt says {own:g} s and its render_fps {shown:g} s a step"
    if own:
        return own, "dt"
    return (shown, "render_fps") if shown else (math.nan, "it has neither dt nor render_fps")


def _versions(inside: Any) -> dict[str, str]:
    """Of Gymnasium, and of what the environment's own modules import: its package, and a physics engine."""
    modules = {m.__module__ for m in type(inside).__mro__ if m is not object}
    found = {"gymnasium", *(m.partition(".")[0] for m in modules)}
    for module in modules:
        values = vars(sys.modules[module]).values() if module in sys.modules else ()
        found |= {v.__name__.partition(".")[0] for v in values if inspect.ismodule(v)}
    owners = metadata.packages_distributions()
    names = {d for top in found - set(sys.stdlib_module_names) - {"numpy"} for d in owners.get(top, ())}
    return {name: metadata.version(name) for name in sorted(names, key=lambda n: (n != "gymnasium", n.lower()))}


def _entry_point(entry: Any) -> str:
    return entry if isinstance(entry, str) else f"{entry.__module__}:{entry.__qualname__}"


# ── what a mapping reads ─────────────────────────────────────────────────────────────────────────────────────────


def info_path(name: str) -> InfoPath:
    """`info.pose.2` as the keys that lead there."""
    return tuple(int(key) if key.isdigit() else key for key in name.removeprefix("info.").split("."))


def seen_at(about: About, name: str) -> int:
    """Which channel `observation.3` or `observation.KEY.0` is; raises BadTask."""
    key, _, place = name.removeprefix("observation.").rpartition(".")
    if not key and int(place) < len(about.observation):
        return int(place)
    channel = f"{''.join(c if c.isalnum() else '_' for c in key)}_{place}"
    if channel in about.observation.names:
        return about.observation.index(channel)
    raise BadTask(
        f"There is no {name} in the observation's {len(about.observation)} numbers, which are: "
        f"{_listed(about.observation.names)}."
    )


def check(env: str, mapping: GymMapping, names: Iterable[str]) -> None:
    """Refuse a mapping that reads what the environment did not give, or sets what it does not have; raises BadTask."""
    about = about_of(env, mapping)
    for name in names:
        if name.startswith("info."):
            _check_info(env, about, name.removeprefix("info."), mapping.rare_info)
        elif name not in STEP:
            seen_at(about, name)
    if mapping.places:
        _check_places(env, canonical_json(mapping.make), mapping)


def _check_info(env: str, about: About, name: str, rare: Iterable[str]) -> None:
    if name in about.info or name.partition(".")[0] in rare:
        return
    hint = nearest(name, about.info)
    did = f" Is it {hint!r}?" if hint else ""
    raise BadTask(
        f"The mapping reads info.{name}, and no step of gym:{env} gave such a number in a random episode.{did} "
        f"It gives: {_listed(about.info) or 'none'}. A key that is given only at times belongs into rare_info."
    )


def _check_places(env: str, keywords: str, mapping: GymMapping) -> None:
    """Every condition's attribute can be set, and is still so after a reset."""
    middle = mapping.conditions.at(np.full((1, len(mapping.conditions)), 0.5))
    at = {place: float(middle[name][0]) for name, place in mapping.places.items()}
    words = {place.name: value for place, value in at.items() if place.kind == "make"}
    made = make(env, {**json.loads(keywords), **words})
    try:
        wanted = {place.name: value for place, value in at.items() if place.kind == "attribute"}
        for path, value in wanted.items():
            set_at(made.unwrapped, path, value)
        made.reset(seed=0, options=options_of({p.name: v for p, v in at.items() if p.kind == "option"}) or None)
        for path, value in wanted.items():
            if (got := value_at(made.unwrapped, path)) != value and not math.isclose(got, value, rel_tol=1e-6):
                raise BadTask(
                    f"gym:{env} sets its attribute {path!r} itself when it is reset (to {got:g}), so a condition "
                    f"cannot go there. Look for another attribute, an option of reset or an argument of make."
                )
    except BadTask:
        raise
    except Exception as e:  # an environment may raise anything
        raise BadTask(f"gym:{env} does not take the mapping's conditions: {place_of(e)}.") from e
    finally:
        made.close()


def options_of(values: Mapping[str, float]) -> dict[str, Any]:
    """Options of reset: `x` a number, `state.0`, `state.1` ... the numbers of a list."""
    options: dict[str, Any] = {}
    for name, value in values.items():
        key, _, place = name.partition(".")
        if place:
            row = options.setdefault(key, [])
            row += [0.0] * (int(place) + 1 - len(row))
            row[int(place)] = value
        else:
            options[key] = value
    return options


def _listed(names: Iterable[str], most: int = 40) -> str:
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
