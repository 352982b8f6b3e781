"""How compiled code reaches a run's arrays: through one list of their addresses, `w` in all signatures.

    w = addresses(plant, world).ctypes.data      # of an (n + 1, 3) int64 array, which must outlive every use of `w`
    machine(w)[m, M_ACT]                         # in compiled code: one load, or one store
    machines(w)                                  # the rows of that array

Numba's own arrays cost more than the events did: seven words each in every call, a test for a negative index in every
access, and most of the time to compile. A `Table` is an address and nothing else. What `Plant` says never changes, so
its tables cannot be written, and the compiler may keep what it has read from them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.core.typing.templates import AbstractTemplate, infer_global
from numba.extending import intrinsic, lower_builtin, models, register_model

from jangin.line.events import sources
from jangin.line.events.state import Plant, World

_NAMES = Plant._fields + World._fields
_WORDS = 3  # of an array in the list: address, rows, columns
_DTYPES: dict[str, np.dtype[Any]] = {}  # of every array, as compiled code takes it


def addresses(plant: Plant, world: World) -> np.ndarray:
    """(n + 1, 3) int64: address, rows and columns of every array, each one contiguous block; last `sources.DIGEST`."""
    arrays = [*plant, *world]
    assert all(
        a.flags.c_contiguous and a.dtype == _DTYPES.get(name, a.dtype) for name, a in zip(_NAMES, arrays, strict=True)
    )
    rows = [(a.ctypes.data, len(a), a.shape[1] if a.ndim == 2 else 1) for a in arrays]
    return np.array([*rows, (sources.DIGEST, 0, 0)], np.int64)


class Table(types.Type):  # type: ignore[misc]
    """An array of `columns` columns, or a row if 0, at a known address; `fixed` if nothing may write to it."""

    def __init__(self, array: str, dtype: Any, columns: int) -> None:
        self.array, self.dtype, self.columns, self.fixed = array, dtype, columns, array in Plant._fields
        super().__init__(f"Table({array}, {dtype}, {columns})")


@register_model(Table)
class _TableModel(models.PointerModel):  # type: ignore[misc]
    pass


@infer_global(operator.getitem)
class _Get(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        table, index = args
        return signature(table.dtype, table, index) if isinstance(table, Table) else None


@infer_global(operator.setitem)
class _Set(AbstractTemplate):  # type: ignore[misc]
    def generic(self, args: Any, kws: Any) -> Any:
        table, index, _ = args
        free = isinstance(table, Table) and not table.fixed
        return signature(types.none, table, index, table.dtype) if free else None


def _element(context: Any, builder: Any, table: Table, index: Any, args: Any) -> Any:
    """Pointer to table[i] or table[i, j]: no test of the index, as in C."""
    if not isinstance(index, types.BaseTuple):
        return builder.gep(args[0], [context.cast(builder, args[1], index, types.intp)], inbounds=True)
    i, j = (
        context.cast(builder, value, kind, types.intp)
        for value, kind in zip(cgutils.unpack_tuple(builder, args[1], 2), index.types, strict=True)
    )
    flat = builder.add(builder.mul(i, ir.Constant(i.type, table.columns)), j)
    return builder.gep(args[0], [flat], inbounds=True)


@lower_builtin(operator.getitem, Table, types.Any)
def _load(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    table, index = sig.args
    value = _apart(builder, table, builder.load(_element(context, builder, table, index, args)))
    return _constant(builder, value) if table.fixed else value


@lower_builtin(operator.setitem, Table, types.Any, types.Any)
def _store(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    table, index, _ = sig.args
    _apart(builder, table, builder.store(args[2], _element(context, builder, table, index, args)))
    return context.get_dummy_value()


def _apart(builder: Any, table: Table, access: Any) -> Any:
    """Tell the compiler that no two of our arrays overlap (each is a type of its own to its alias analysis)."""
    module = builder.module
    root = module.add_metadata([ir.MetaDataString(module, "jangin line")])
    kind = module.add_metadata([ir.MetaDataString(module, table.array), root, ir.Constant(ir.IntType(64), 0)])
    access.set_metadata("tbaa", module.add_metadata([kind, kind, ir.Constant(ir.IntType(64), 0)]))
    return access


def _constant(builder: Any, load: Any) -> Any:
    """Tell the compiler that what is loaded here stays the same for as long as the run lasts."""
    load.set_metadata("invariant.load", builder.module.add_metadata([]))
    return load


def _word(builder: Any, w: Any, k: int) -> Any:
    """The k-th word of the list of addresses."""
    words = builder.inttoptr(w, ir.IntType(64).as_pointer())
    return _constant(builder, builder.load(builder.gep(words, [ir.Constant(ir.IntType(64), k)], inbounds=True)))


def _table(name: str, dtype: Any, columns: int = 0) -> Callable[[Any], Any]:
    table = Table(name, dtype, columns)
    _DTYPES[name] = np.dtype(dtype.name)
    k = _WORDS * _NAMES.index(name)

    @intrinsic
    def view(context, w):  # type: ignore[no-untyped-def]
        def code(target, builder, sig, args):  # type: ignore[no-untyped-def]
            return builder.inttoptr(_word(builder, args[0], k), target.get_value_type(table))

        return table(types.int64), code

    return view  # type: ignore[no-any-return]


def _number(k: int) -> Callable[[Any], Any]:
    @intrinsic
    def number(context, w):  # type: ignore[no-untyped-def]
        def code(target, builder, sig, args):  # type: ignore[no-untyped-def]
            return _word(builder, args[0], k)

        return types.int64(types.int64), code

    return number  # type: ignore[no-any-return]


def _rows(name: str) -> Callable[[Any], Any]:
    return _number(_WORDS * _NAMES.index(name) + 1)


def _columns(name: str) -> Callable[[Any], Any]:
    return _number(_WORDS * _NAMES.index(name) + 2)


_REAL, _WHOLE, _BITS = types.float64, types.int64, types.uint64

# the plant
station = _table("station", _WHOLE, 19)
chance = _table("chance", _REAL, 2)
buffer = _table("buffer", _WHOLE, 11)
release = _table("release", _WHOLE, 6)
mix = _table("mix", _REAL)
number = _table("number", _WHOLE)
real = _table("real", _REAL)
dist = _table("dist", _WHOLE, 3)
shape = _table("shape", _REAL, 3)
values = _table("values", _REAL)
crew = _table("crew", _WHOLE, 2)
skill_crews = _table("skill_crews", _WHOLE)
serves = _table("serves", _WHOLE)
speed = _table("speed", _REAL)
home = _table("home", _REAL, 2)
place = _table("place", _REAL, 2)
calendar = _table("calendar", _WHOLE, 2)
period = _table("period", _REAL)
switches = _table("switches", _REAL, 2)
on_calendar = _table("on_calendar", _WHOLE)
stop = _table("stop", _WHOLE)
stop_s = _table("stop_s", _REAL, 3)
fleet = _table("fleet", _WHOLE, 2)
fleet_s = _table("fleet_s", _REAL, 6)
depot = _table("depot", _REAL, 2)
zone_of = _table("zone_of", _WHOLE)
slots = _table("slots", _WHOLE)
streams = _table("streams", _WHOLE)
cyclic = _table("cyclic", _WHOLE)
# the replication
machine = _table("machine", _WHOLE, 22)
machine_s = _table("machine_s", _REAL, 4)
mode = _table("mode", _WHOLE, 8)
mode_s = _table("mode_s", _REAL)
started = _table("started", _WHOLE)
level = _table("level", _WHOLE, 8)
prefer = _table("prefer", _REAL)
part = _table("part", _WHOLE, 3)
born = _table("born", _REAL)
entered = _table("entered", _REAL)
person = _table("person", _WHOLE, 4)
person_s = _table("person_s", _REAL, 3)
person_spent = _table("person_spent", _REAL, 4)
duty = _table("duty", _WHOLE)
vehicle = _table("vehicle", _WHOLE, 9)
vehicle_s = _table("vehicle_s", _REAL, 5)
vehicle_spent = _table("vehicle_spent", _REAL, 6)
first_call = _table("first_call", _WHOLE)
calls = _table("calls", _WHOLE)
call_s = _table("call_s", _REAL)
zone = _table("zone", _WHOLE, 3)
queue = _table("queue", _WHOLE, 2)
request = _table("request", _WHOLE, 1)
request_s = _table("request_s", _REAL)
at = _table("at", _REAL)
where = _table("where", _WHOLE)
order = _table("order", _WHOLE)
size = _table("size", _WHOLE)
todo = _table("todo", _WHOLE)
drawn = _table("drawn", _WHOLE, 2)
calendar_now = _table("calendar_now", _WHOLE)
stop_now = _table("stop_now", _WHOLE)
keys = _table("keys", _BITS)
counts = _table("counts", _WHOLE)
clock = _table("clock", _REAL)
seconds = _table("seconds", _REAL, 8)
buffer_s = _table("buffer_s", _REAL, 2)
tally = _table("tally", _WHOLE, 5)
good = _table("good", _WHOLE)
bins = _table("bins", _WHOLE)
trace = _table("trace", _REAL, 3)
mark = _table("mark", _WHOLE)
line_up = _table("line_up", _WHOLE)

# how many there are
stations = _rows("station")
buffers = _rows("buffer")
releases = _rows("release")
kinds = _columns("mix")  # types of parts
crews = _rows("crew")
skills = _rows("skill_crews")
calendars = _rows("calendar")
stops = _rows("stop")
fleets = _rows("fleet")
vehicles = _rows("vehicle")
people = _rows("person")
machines = _rows("machine")
modes = _rows("mode")
bins_kept = _rows("bins")
trace_rows = _rows("trace")
made_by = _number(_WORDS * len(_NAMES))  # digest of the sources that listed the addresses
