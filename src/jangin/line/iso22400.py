"""Indicators of ISO 22400-2 from a station's times and counts, and the OEE of a whole line.

    times = times_of_station({"running": 20_000.0, "down": 3_000.0, "starved": 1_800.0, "off": 4_000.0}, pri=40.0)
    counts = counts_of_station(finished=480, good=470, scrapped=10, reworked=0)
    found = indicators(times, counts)
    found.oee                                # 0.758: availability x effectiveness x quality ratio = PRI GQ / PBT
    found.worker_efficiency                  # None, and found.unknown["worker_efficiency"] says why
    found.flags                              # what contradicts the plan, in sentences; nothing is clipped

The symbols are the standard's; `FORMULAS` is the whole of the arithmetic. Times are in seconds, quantities in items;
each is a number, or an array with one per replication, of one shape. What is not known is None and makes None of
whatever needs it, never 0 and never NaN; in arrays, replications without an answer are masked (numpy.ma).

PBT (planned busy time) and PRI (planned run time per item) come from planning, never from the machine. An effectiveness
above 1 says that PRI is longer than items really take.

Source: ISO 22400-2; OPC 40501-1, annex C.2.4; for the line, Muthiah and Huang, Int. J. Prod. Res. 45 (2007) 4753.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType

import numpy as np

from jangin.errors import BadLog, nearest

__all__ = [
    "FORMULAS",
    "STATES",
    "Counts",
    "Indicators",
    "LineOee",
    "Times",
    "counts_of_station",
    "indicators",
    "line_oee",
    "machine_capability",
    "times_of_station",
]

Array = np.ndarray
Value = float | Array  # a number, or one per replication

STATES = ("running", "setup", "blocked", "starved", "waiting", "down", "stopped", "off")  # of a simulated station
_DELAYS = ("blocked", "starved", "waiting", "down")
_CLOSE = 1e-9  # relative: sums of the same times in another order

# indicator -> the symbols whose product is divided by the product of those; "A+B" is their sum.
FORMULAS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        "availability": (("APT",), ("PBT",)),
        "effectiveness": (("PRI", "PQ"), ("APT",)),
        "quality_ratio": (("GQ",), ("PQ",)),
        "oee": (("PRI", "GQ"), ("PBT",)),  # availability x effectiveness x quality ratio
        "nee": (("AUPT", "PRI", "GQ"), ("PBT", "APT")),  # AUPT / PBT x effectiveness x quality ratio
        "allocation_efficiency": (("AUBT",), ("PBT",)),
        "utilization_efficiency": (("APT",), ("AUBT",)),
        "technical_efficiency": (("APT",), ("APT+ADET",)),
        "allocation_ratio": (("AUBT",), ("AOET",)),
        "production_process_ratio": (("APT",), ("AOET",)),
        "setup_ratio": (("ASUT",), ("AUPT",)),
        "throughput_rate": (("PQ",), ("AOET",)),
        "worker_efficiency": (("APWT",), ("APAT",)),
        "corrective_maintenance_ratio": (("CMT",), ("CMT+PMT",)),
        "scrap_ratio": (("SQ",), ("PQ",)),
        "rework_ratio": (("RQ",), ("PQ",)),
        "first_pass_yield": (("GP",), ("IP",)),
        "fall_off_ratio": (("SQ",), ("PSQ",)),
        "equipment_load_ratio": (("PQ",), ("EPC",)),
    }
)


@dataclass(frozen=True, eq=False)
class Times:
    """Times of a work unit over one period, in seconds; None is not known.

    Attributes:
        pbt: planned busy time: the operating time minus planned downtime.
        pri: planned run time per item, of one machine.
        apt: actual production time.
        asut: actual setup time.
        adet: actual delay time: the order is there, but production does not go on.
        aupt: actual processing time; APT + ASUT where it is not given.
        aubt: actual busy time; AUPT + ADET where it is not given.
        aoet: actual order execution time, from the order's start to its end, with transport and queueing.
        cmt, pmt: corrective and preventive maintenance time.
        apwt, apat: a worker's time at work on orders, and time of attendance.

    Raises: BadLog for a time that is negative or not finite, shapes that differ, or an AUPT or AUBT that contradicts
        its parts.
    """

    pbt: Value | None = None
    pri: Value | None = None
    apt: Value | None = None
    asut: Value | None = None
    adet: Value | None = None
    aupt: Value | None = None
    aubt: Value | None = None
    aoet: Value | None = None
    cmt: Value | None = None
    pmt: Value | None = None
    apwt: Value | None = None
    apat: Value | None = None

    def __post_init__(self) -> None:
        _check(self, "s")
        for name, parts in (("aupt", ("apt", "asut")), ("aubt", ("aupt", "adet"))):
            whole, sum_ = getattr(self, name), _sum(self, parts)
            if whole is None:
                object.__setattr__(self, name, sum_)
            elif sum_ is not None and not np.allclose(whole, sum_, rtol=_CLOSE, atol=0.0):
                raise BadLog(
                    f"{name.upper()} = {_show(whole)} s, but {' + '.join(p.upper() for p in parts)} = {_show(sum_)} s; "
                    f"leave {name.upper()} out, or correct its parts."
                )


@dataclass(frozen=True, eq=False)
class Counts:
    """Quantities of a work unit over the same period, in items; None is not known.

    Attributes:
        pq: produced; of these gq good, sq scrapped, rq to be reworked.
        ip: items inspected that were not reworked before; of these gp good.
        psq: produced by the first operation of the same order, for the fall-off.
        epc: equipment production capacity: the most it could have produced.

    Raises: BadLog for a count that is negative or not finite, shapes that differ, or parts that exceed their whole.
    """

    pq: Value | None = None
    gq: Value | None = None
    sq: Value | None = None
    rq: Value | None = None
    ip: Value | None = None
    gp: Value | None = None
    psq: Value | None = None
    epc: Value | None = None

    def __post_init__(self) -> None:
        _check(self, "items")
        for parts, whole in ((("gq", "sq"), "pq"), (("gq",), "pq"), (("sq",), "pq"), (("rq",), "pq"), (("gp",), "ip")):
            all_, sum_ = getattr(self, whole), _sum(self, parts)
            if all_ is not None and sum_ is not None and np.any(np.asarray(sum_) > np.asarray(all_)):
                raise BadLog(
                    f"{' + '.join(p.upper() for p in parts)} = {_show(sum_)} items exceeds {whole.upper()} = "
                    f"{_show(all_)}; count both over the same period, and every item once."
                )


@dataclass(frozen=True, eq=False)
class Indicators:
    """Indicators as shares (0.85 is 85 %); `throughput_rate` in items per second. See `FORMULAS`.

    Attributes:
        unknown: of each that is None, why.
        flags: of each that contradicts the plan, a sentence.
    """

    availability: Value | None
    effectiveness: Value | None
    quality_ratio: Value | None
    oee: Value | None
    nee: Value | None
    allocation_efficiency: Value | None
    utilization_efficiency: Value | None
    technical_efficiency: Value | None
    allocation_ratio: Value | None
    production_process_ratio: Value | None
    setup_ratio: Value | None
    throughput_rate: Value | None
    worker_efficiency: Value | None
    corrective_maintenance_ratio: Value | None
    scrap_ratio: Value | None
    rework_ratio: Value | None
    first_pass_yield: Value | None
    fall_off_ratio: Value | None
    equipment_load_ratio: Value | None
    unknown: Mapping[str, str] = field(repr=False)
    flags: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """OEE with its factors; of arrays, the mean over replications of each."""
        if self.oee is None:
            return f"OEE is not known: {self.unknown['oee']}."
        factors = (
            ("availability", self.availability),
            ("effectiveness", self.effectiveness),
            ("quality ratio", self.quality_ratio),
        )
        split = " x ".join(f"{name} {_percent(v)}" for name, v in factors if v is not None)
        return " ".join([f"OEE {_percent(self.oee)}{' = ' if split else ''}{split}.", *self.flags])


@dataclass(frozen=True, eq=False)
class LineOee:
    """The OEE of a line in its line-output form.

    Attributes:
        value: good items that left the line, over the most that its slowest station could have made as planned.
        slowest: number of that station, from 0: the one with the longest planned run time per item of the line.
        form: which form this is, in a sentence.
        flags: a sentence where the value is above 1.
    """

    value: Value
    slowest: int
    form: str
    flags: tuple[str, ...]

    @property
    def sentence(self) -> str:
        return " ".join([f"Line OEE {_percent(self.value)}: {self.form}", *self.flags])


def indicators(times: Times, counts: Counts) -> Indicators:
    """Every indicator that these times and counts allow."""
    known = {f.name.upper(): getattr(part, f.name) for part in (times, counts) for f in fields(part)}
    for total in ("APT+ADET", "CMT+PMT"):
        a, b = (known[symbol] for symbol in total.split("+"))
        known[total] = None if a is None or b is None else a + b
    values: dict[str, Value | None] = {}
    unknown = {}
    for name, (above, below) in FORMULAS.items():
        missing = [s for symbol in (*above, *below) for s in _parts_missing(symbol, known)]
        if missing:
            values[name], unknown[name] = None, f"needs {' and '.join(dict.fromkeys(missing))}"
            continue
        values[name] = _ratio([known[s] for s in above], [known[s] for s in below])
        if values[name] is None:
            unknown[name] = f"{' x '.join(below)} is 0"
    return Indicators(**values, unknown=MappingProxyType(unknown), flags=_flags(values))  # type: ignore[arg-type]


def times_of_station(seconds: Mapping[str, Value], *, pri: Value | None = None, aoet: Value | None = None) -> Times:
    """ISO times from a station's seconds by state; a state left out is one the station does not have (0 s).

    running                              APT
    setup                                ASUT
    blocked, starved, waiting, down      ADET: the line always has its order, so whatever keeps a station of it from
                                         producing during planned busy time delays that order
    stopped (planned), off (off shift)   neither: PBT is the time on shift minus planned stops

    Hence AUBT = PBT, and the allocation efficiency of a simulated station is 1: a model has no time on shift without an
    order. Maintenance times stay unknown, as "down" includes waiting for the repair crew; give `cmt` and `pmt` by
    `dataclasses.replace` where they are known. Of parallel machines, give the sum over machines, and PRI of one.

    Raises: BadLog for a state that does not exist, and as `Times`.
    """
    for name in seconds:
        if name not in STATES:
            hint = nearest(name, STATES)
            did = f" Did you mean {hint!r}?" if hint else ""
            raise BadLog(f"There is no state {name!r}.{did} A station is: {', '.join(STATES)}.")
    if not seconds:
        raise BadLog(f"A station without a time in any state has no times; give seconds by state: {', '.join(STATES)}.")
    _check_values({f"time {name}": value for name, value in seconds.items()}, "s")
    zero: Value = sum(seconds.values()) * 0.0  # of the shape of the others
    at = {name: seconds.get(name, zero) for name in STATES}
    delay = sum((at[name] for name in _DELAYS), zero)
    return Times(
        pbt=at["running"] + at["setup"] + delay, pri=pri, apt=at["running"], asut=at["setup"], adet=delay, aoet=aoet
    )


def counts_of_station(
    *,
    finished: Value,
    good: Value,
    scrapped: Value,
    reworked: Value,
    inspected: Value | None = None,
    good_first: Value | None = None,
) -> Counts:
    """ISO quantities from a station's counts: an item that passes twice is finished twice.

    `inspected` items that had not been reworked before, at this station or another, and `good_first` of them that were
    good, give the first pass yield. So the yields of stations in a row multiply to that of the row.
    """
    return Counts(pq=finished, gq=good, sq=scrapped, rq=reworked, ip=inspected, gp=good_first)


def line_oee(good: Value, pri: Sequence[float], pbt: Value) -> LineOee:
    """OEE of a line from what leaves it: good x (longest planned run time per item) / PBT.

    `good` items left the line in the planned busy time `pbt` [s] of the line. `pri` [s] has, of each station, the
    planned run time for one item *of the line*: a station of two machines has half the run time of one, a station that
    each item visits twice has double. For a line of one station this is the standard's OEE.

    It is not the product of the stations' OEE, nor their mean: starvation behind the slowest station lowers every
    station's own availability, and a product would count that one loss once per station.

    Raises: BadLog for a line without stations, run times that are not above 0, or a PBT of 0.
    """
    longest = max(pri, default=0.0)
    if not longest > 0.0 or not all(0.0 < p < math.inf for p in pri):
        raise BadLog(f"Planned run times {list(pri)} s make no line; give one above 0 for each station.")
    _check_values({"good": good, "PBT": pbt}, "items or s")
    if np.any(np.asarray(pbt) == 0.0):
        raise BadLog("A line that was not planned to be busy has no OEE; give a PBT above 0 s.")
    slowest = list(pri).index(longest)
    value: Value = good * longest / pbt
    form = (
        f"line-output form, good items out x {longest:g} s planned at the slowest station (number {slowest + 1} of "
        f"{len(pri)}) / planned busy time; not a product of the stations' OEE."
    )
    flags: tuple[str, ...] = ()
    if np.any(np.asarray(value) > 1.0 + _CLOSE):
        flags = (
            f"It is above 1: more left the line than {longest:g} s per item allow; that planned time is too long.",
        )
    return LineOee(value, slowest, form, flags)


def machine_capability(lower: float, upper: float, sd: float) -> float:
    """The machine capability index Cm = (USL - LSL) / (6 s); with the process's s instead of the machine's, it is Cp.

    Raises: BadLog for limits in the wrong order, or a standard deviation that is not above 0.
    """
    if not lower < upper or not 0.0 < sd < math.inf:
        raise BadLog(f"Limits {lower:g} to {upper:g} with s = {sd:g} give no Cm; give lower < upper and s above 0.")
    return (upper - lower) / (6.0 * sd)


def _ratio(above: Sequence[Value], below: Sequence[Value]) -> Value | None:
    """Product over product; None where the lower one is 0, masked where it is 0 in some replications."""
    top, bottom = (math.prod(np.asarray(v, float) for v in side) for side in (above, below))
    top, bottom = np.broadcast_arrays(top, bottom)
    none = bottom == 0.0
    if none.all():
        return None
    value = top / np.where(none, 1.0, bottom)
    if value.ndim == 0:
        return float(value)
    return np.ma.masked_array(value, none) if none.any() else value


def _parts_missing(symbol: str, known: Mapping[str, Value | None]) -> list[str]:
    if known[symbol] is not None:
        return []
    parts = {"AUPT": "APT+ASUT", "AUBT": "APT+ASUT+ADET"}.get(symbol, symbol)  # what the user can give
    return [p for p in parts.split("+") if known[p] is None]


def _flags(values: Mapping[str, Value | None]) -> tuple[str, ...]:
    says = {
        "effectiveness": "Effectiveness {}: items take less than PRI, the planned run time per item; PRI is too long.",
        "availability": "Availability {}: production outside the planned busy time; PBT is too short.",
        "equipment_load_ratio": "Equipment load {}: more was produced than the capacity EPC says is possible.",
    }
    found = []
    for name, text in says.items():
        value = values[name]
        if value is not None and np.ma.max(value) > 1.0 + _CLOSE:
            found.append(text.format(_percent(np.ma.max(value))))
    return tuple(found)


def _sum(of: Times | Counts, names: Sequence[str]) -> Value | None:
    parts = [getattr(of, name) for name in names]
    return None if any(p is None for p in parts) else sum(parts[1:], parts[0])


def _check(of: Times | Counts, unit: str) -> None:
    given = {f.name.upper(): getattr(of, f.name) for f in fields(of)}
    _check_values({name: value for name, value in given.items() if value is not None}, unit)


def _check_values(given: Mapping[str, Value], unit: str) -> None:
    shapes: dict[tuple[int, ...], str] = {}
    for name, value in given.items():
        array = np.asarray(value, float)
        bad = array[~(np.isfinite(array) & (array >= 0.0))]
        if bad.size:
            raise BadLog(f"{name} = {bad[0]:g} {unit} cannot be; give 0 or more, or leave out what is not known.")
        if array.ndim:
            shapes.setdefault(array.shape, name)
    if len(shapes) > 1:
        (one, first), (other, second) = list(shapes.items())[:2]
        raise BadLog(f"{first} has shape {one} and {second} has {other}; give one value per replication in each.")


def _show(value: Value) -> str:
    array = np.asarray(value)
    return f"{float(array):g}" if array.ndim == 0 else f"{array.ravel()[0]:g} ..."


def _percent(value: Value) -> str:
    return f"{float(np.ma.mean(value)):.1%}"
