"""Closed-form contact between a round peg and a round bore, as a MuJoCo collision function.

    install()                                    # once per process, before the first step
    add_contact(spec, peg, hole, ...)            # two explicit pairs of one geometry: wall and face
    stiffen(model, peg="peg", implicit=True)     # after compiling: the pairs' stiffness and damping in SI units
    edge, hole, rim = parameters(sim.field("geom_user"), model)      # per-simulation views [m]

MuJoCo has no concave primitive; rings of boxes or meshes have facets whose error is of the order of the clearance. Here
the distance is exact: the peg is a cylinder with a rounded edge (a torus at its tip), the hole a half-space with a bore
whose rim is rounded (another torus). Two circles are sampled, turned to the direction where they are deepest:
    the centre circle of the peg's edge against the block's signed distance, and
    the centre circle of the hole's rim against the peg's side.
Contacts whose normal lies within 45 degrees of the bore's axis go to the face pair (at most four are kept), the others
to the wall pair, because the two have different stiffness. The deepest overlap since the reset is kept in
mjData.userdata.

The function is compiled by Numba into a C pointer and put into MuJoCo's table for box-box pairs; every other box-box
pair in the process still goes to MuJoCo's own function. No fast-math: same input, same bits, on any thread.
What it does not model: a bottom of the hole, a chamfer other than a rounding, out-of-roundness.
"""

from __future__ import annotations

import ctypes
import functools
import math
from pathlib import Path
from typing import Any

import mujoco
import numba
import numpy as np
from llvmlite import binding as llvm
from numba import types

__all__ = ["FACE_N_M", "WALL_N_M", "add_contact", "install", "overlap", "parameters", "stiffen"]

# geom_user of a peg:  role, radius, edge radius, half length, pair class, samples on a circle
# geom_user of a hole: role, radius, rim radius,  half height, pair class, samples on a circle
USER = 6
ROLE_PEG, ROLE_HOLE = 7301.0, 7302.0  # markers no one sets by chance
WALL, FACE = 0.0, 1.0
FACE_NORMAL = 0.7  # |normal . bore axis| above which a contact belongs to the face
FACE_KEPT = 4
CAPACITY = 8  # MuJoCo's room for the contacts of one box-box pair
REFINEMENTS = 12  # of a deepest point; with it the distance is right to 1e-7 m (with 6: 1e-6 m)


def _offset(address: int, pointer: int) -> int:
    """Where in the C struct at `address` the first word equal to `pointer` is stored [bytes]."""
    for offset in range(0, 1 << 20, 8):
        if ctypes.c_uint64.from_address(address + offset).value == pointer:
            return offset
    raise AssertionError("a bound array's pointer is not in its own struct")


@functools.cache
def _offsets() -> tuple[int, int, int, int, int]:
    """Byte offsets of mjModel.geom_user and nuser_geom, and mjData.geom_xpos, geom_xmat and userdata.

    Read from a live model instead of a header, so that they are right for whatever MuJoCo is installed.
    """
    # a joint and a site too: MuJoCo gives an array of no elements the address of its neighbour
    model = mujoco.MjModel.from_xml_string(
        f'<mujoco><size nuser_geom="{USER + 1007}" nuserdata="2"/>'
        '<worldbody><body><joint/><geom size="1"/><site/></body></worldbody></mujoco>'
    )
    data = mujoco.MjData(model)
    user = _offset(model._address, model.geom_user.ctypes.data)
    xpos = _offset(data._address, data.geom_xpos.ctypes.data)
    xmat = _offset(data._address, data.geom_xmat.ctypes.data)
    userdata = _offset(data._address, data.userdata.ctypes.data)
    sizes = np.ctypeslib.as_array(ctypes.cast(model._address, ctypes.POINTER(ctypes.c_int64)), (128,))
    (nuser,) = np.flatnonzero(sizes == USER + 1007)
    return user, int(nuser) * 8, xpos, xmat, userdata


@numba.extending.intrinsic
def _pointer(typingctx: Any, address: Any) -> Any:
    """An integer address as a void pointer."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(types.voidptr))

    return types.voidptr(types.uintp), codegen


@numba.njit(inline="always")
def _block(rho: float, z: float, radius: float, rim: float) -> tuple[float, float, float]:
    """Signed distance to the block at distance rho from the bore's axis and height z; normal (radial, axial)."""
    u = radius + rim - rho
    w = z + rim
    if u > 0.0 and w > 0.0:  # around the rounded rim
        n = math.sqrt(u * u + w * w)
        return n - rim, -u / n, w / n
    if u > w:  # in the bore, below the rim
        return radius - rho, -1.0, 0.0
    return z, 0.0, 1.0


_ORIGINAL = types.ExternalFunction(
    "jangin_mujoco_box_box",
    types.int32(types.uintp, types.uintp, types.uintp, types.int32, types.int32, types.float64),
)
_SIGNATURE = types.int32(types.uintp, types.uintp, types.uintp, types.int32, types.int32, types.float64)


@numba.njit
def _put(con, n, dist, px, py, pz, nx, ny, nz, back, origin, rot, sign):  # type: ignore[no-untyped-def]
    """Write contact n: the point p - normal (back + dist / 2), from the hole's frame into the world's."""
    shift = back + 0.5 * dist
    x, y, z = px - nx * shift, py - ny * shift, pz - nz * shift
    con[10 * n] = dist
    for i in range(3):
        con[10 * n + 1 + i] = origin[i] + rot[3 * i] * x + rot[3 * i + 1] * y + rot[3 * i + 2] * z
        con[10 * n + 4 + i] = sign * (rot[3 * i] * nx + rot[3 * i + 1] * ny + rot[3 * i + 2] * nz)
        con[10 * n + 7 + i] = 0.0  # no preferred tangent


def _compile() -> Any:
    at_user, at_nuser, at_xpos, at_xmat, at_userdata = _offsets()

    def collide(m, d, con_address, g1, g2, margin):  # type: ignore[no-untyped-def]
        if numba.carray(_pointer(m + at_nuser), (1,), np.int64)[0] != USER:
            return _ORIGINAL(m, d, con_address, g1, g2, margin)
        user_address = numba.carray(_pointer(m + at_user), (1,), np.uintp)[0]
        user1 = numba.carray(_pointer(user_address + np.uintp(8 * USER * g1)), (USER,), np.float64)
        user2 = numba.carray(_pointer(user_address + np.uintp(8 * USER * g2)), (USER,), np.float64)
        if user1[0] == ROLE_PEG and user2[0] == ROLE_HOLE:
            peg, hole, up, uh, sign = g1, g2, user1, user2, -1.0
        elif user1[0] == ROLE_HOLE and user2[0] == ROLE_PEG:
            peg, hole, up, uh, sign = g2, g1, user2, user1, 1.0
        else:
            return _ORIGINAL(m, d, con_address, g1, g2, margin)
        xpos_address = numba.carray(_pointer(d + at_xpos), (1,), np.uintp)[0]
        xmat_address = numba.carray(_pointer(d + at_xmat), (1,), np.uintp)[0]
        xp = numba.carray(_pointer(xpos_address + np.uintp(24 * peg)), (3,), np.float64)
        xh = numba.carray(_pointer(xpos_address + np.uintp(24 * hole)), (3,), np.float64)
        rp = numba.carray(_pointer(xmat_address + np.uintp(72 * peg)), (9,), np.float64)
        rh = numba.carray(_pointer(xmat_address + np.uintp(72 * hole)), (9,), np.float64)
        con = numba.carray(_pointer(con_address), (10 * CAPACITY,), np.float64)
        n = _peg_in_hole(xp, rp, xh, rh, up, uh, con, sign, margin)
        # remember the deepest overlap since the reset: [wall, face]; the model has room for it (see add_contact)
        userdata_address = numba.carray(_pointer(d + at_userdata), (1,), np.uintp)[0]
        deepest = numba.carray(_pointer(userdata_address), (2,), np.float64)
        which = int(uh[4])
        for k in range(n):
            deepest[which] = max(deepest[which], -con[10 * k])
        return n

    try:
        return numba.cfunc(_SIGNATURE, cache=True)(collide)
    except (OSError, RuntimeError):  # nowhere to keep it, or no room there: compile it anew in this process
        return numba.cfunc(_SIGNATURE)(collide)


@numba.njit(inline="always")
def _edge(co, si, ring, c, e1, e2, radius, rim, edge):  # type: ignore[no-untyped-def]
    """The edge point at cosine co, sine si: distance to the block, normal (radial, axial), the point itself."""
    co, si = ring * co, ring * si
    x, y, z = c[0] + co * e1[0] + si * e2[0], c[1] + co * e1[1] + si * e2[1], c[2] + co * e1[2] + si * e2[2]
    rho = math.sqrt(x * x + y * y)
    dist, nr, nz = _block(rho, z, radius, rim)
    return dist - edge, nr / rho, nz, x, y, z


@numba.njit(inline="always")
def _depth(phi, ring, c, e1, e2, radius, rim, edge):  # type: ignore[no-untyped-def]
    """Distance of the edge to the block at angle phi."""
    return _edge(math.cos(phi), math.sin(phi), ring, c, e1, e2, radius, rim, edge)[0]


@numba.njit
def _deepest(phi, width, ring, c, e1, e2, radius, rim, edge):  # type: ignore[no-untyped-def]
    """The angle within +-width of phi, a local minimum over its neighbours, where the edge lies deepest.

    Parabolas through a bracket; where one side of it stays wide (the slope bends sharply past the end of the flat), a
    step into that side.
    """
    a, b = phi - width, phi + width
    fa = _depth(a, ring, c, e1, e2, radius, rim, edge)
    fm = _depth(phi, ring, c, e1, e2, radius, rim, edge)
    fb = _depth(b, ring, c, e1, e2, radius, rim, edge)
    for k in range(REFINEMENTS):
        left, right = phi - a, b - phi
        p, q = right * (fa - fm), left * (fb - fm)
        x = phi + 0.5 * (p * right - q * left) / (p + q) if p + q > 0.0 else phi
        if k % 3 == 2 or p + q <= 0.0 or abs(x - phi) < 0.02 * min(left, right):
            x = phi + 0.3 * right if right > left else phi - 0.3 * left
        fx = _depth(x, ring, c, e1, e2, radius, rim, edge)
        if fx < fm:
            if x > phi:
                a, fa = phi, fm
            else:
                b, fb = phi, fm
            phi, fm = x, fx
        elif x > phi:
            b, fb = x, fx
        else:
            a, fa = x, fx
    return phi


@numba.njit
def _keep(con, n, limit, dist):  # type: ignore[no-untyped-def]
    """Where to write a contact of this distance, and how many there are then; (-1, n) when it is not worth a place."""
    if n < limit:
        return n, n + 1
    slot = 0
    for q in range(1, n):
        if con[10 * q] > con[10 * slot]:
            slot = q
    return (slot, n) if dist < con[10 * slot] else (-1, n)


@numba.njit
def _peg_in_hole(xp, rp, xh, rh, up, uh, con, sign, margin):  # type: ignore[no-untyped-def]
    """Contacts of one pair into con; returns their number. xp, xh: geom centres; rp, rh: row-major rotations.

    In the hole's frame (origin: centre of the mouth, z out of the block) the peg is its tip t and its axis a, a unit
    vector from the tip towards the tool. No arrays of its own: it runs at every substep.
    """
    r_peg, edge, peg_half = up[1], up[2], up[3]
    radius, rim, hole_half, face, samples = uh[1], uh[2], uh[3], uh[4] == FACE, int(uh[5])
    mouth = (xh[0] + rh[2] * hole_half, xh[1] + rh[5] * hole_half, xh[2] + rh[8] * hole_half)
    wx = xp[0] + rp[2] * peg_half - mouth[0]
    wy = xp[1] + rp[5] * peg_half - mouth[1]
    wz = xp[2] + rp[8] * peg_half - mouth[2]
    t = (
        rh[0] * wx + rh[3] * wy + rh[6] * wz,
        rh[1] * wx + rh[4] * wy + rh[7] * wz,
        rh[2] * wx + rh[5] * wy + rh[8] * wz,
    )
    a = (
        -(rh[0] * rp[2] + rh[3] * rp[5] + rh[6] * rp[8]),
        -(rh[1] * rp[2] + rh[4] * rp[5] + rh[7] * rp[8]),
        -(rh[2] * rp[2] + rh[5] * rp[5] + rh[8] * rp[8]),
    )
    ring = r_peg - edge
    c = (t[0] + edge * a[0], t[1] + edge * a[1], t[2] + edge * a[2])
    slope = math.sqrt(a[0] * a[0] + a[1] * a[1])
    if c[2] - ring * slope - edge > margin or a[2] < 0.5:
        return 0
    lateral = math.sqrt(c[0] * c[0] + c[1] * c[1])
    in_bore = c[2] + ring * slope < -rim
    # on the rim a normal is the wall's only where the edge's lowest point has dipped this far below the face
    on_face = c[2] - ring * slope > FACE_NORMAL * (rim + edge + margin) - rim
    n = 0
    if not (on_face if not face else in_bore) and not (in_bore and lateral + ring + edge < radius - margin):
        n = _edge_contacts(con, c, a, ring, slope, lateral, radius, rim, edge, face, samples, mouth, rh, sign, margin)
    if not face and t[2] < 0.0:
        n = _rim_contact(con, n, t, a, r_peg, edge, 2.0 * peg_half, radius, rim, mouth, rh, sign, margin)
    return n


@numba.njit
def _edge_contacts(  # type: ignore[no-untyped-def]
    con, c, a, ring, slope, lateral, radius, rim, edge, face, samples, mouth, rh, sign, margin
):
    """The peg's edge against the block."""
    # e1, e2 span the circle's plane; e1 points where the peg is lowest, or if it stands upright, off centre
    if slope > 1e-9:
        ux, uy = a[0] / slope, a[1] / slope
    elif lateral > 1e-12:
        ux, uy = c[0] / lateral, c[1] / lateral
    else:
        ux, uy = 1.0, 0.0
    ua = ux * a[0] + uy * a[1]
    norm = math.sqrt((ux - ua * a[0]) ** 2 + (uy - ua * a[1]) ** 2 + (ua * a[2]) ** 2)
    e1 = ((ux - ua * a[0]) / norm, (uy - ua * a[1]) / norm, -ua * a[2] / norm)
    e2 = (a[1] * e1[2] - a[2] * e1[1], a[2] * e1[0] - a[0] * e1[2], a[0] * e1[1] - a[1] * e1[0])
    limit = FACE_KEPT if face else CAPACITY
    n = 0
    if face:
        # the support may be a whole arc: samples turned to the lowest point, and the corners of the lune that carries
        # the peg, where the circle crosses the end of the flat
        corners, middle, corner = 0, 0.0, 0.0
        flat = radius + rim
        if lateral > 1e-9:
            cosine = (flat * flat - lateral * lateral - ring * ring) / (2.0 * lateral * ring)
            if -1.0 < cosine < 1.0:
                corner = math.acos(cosine)
                middle = math.atan2(
                    e2[0] * c[0] + e2[1] * c[1],
                    e1[0] * c[0] + e1[1] * c[1],
                )
                corners = 2
        turn_co, turn_si = math.cos(2.0 * math.pi / samples), math.sin(2.0 * math.pi / samples)
        co, si = 1.0, 0.0
        for k in range(samples + corners):
            if k >= samples:
                phi = middle + (corner if k == samples else -corner)
                co, si = math.cos(phi), math.sin(phi)
            dist, nr, nz, x, y, z = _edge(co, si, ring, c, e1, e2, radius, rim, edge)
            co, si = co * turn_co - si * turn_si, si * turn_co + co * turn_si
            if dist <= margin and nz > FACE_NORMAL:
                slot, n = _keep(con, n, limit, dist)
                if slot >= 0:
                    _put(con, slot, dist, x, y, z, nr * x, nr * y, nz, edge, mouth, rh, sign)
    # Between samples a deepest point can hide, above all on the rim: refine every local minimum over the circle.
    # (On the face, a local minimum that is a sample already would be counted twice; those have a rounded-rim normal.)
    coarse = 2 * samples
    width = 2.0 * math.pi / coarse
    reach = 0.13 * width * width * ring + margin  # how much deeper than its best sample a minimum can be
    turn_co, turn_si = math.cos(width), math.sin(width)
    before = _edge(turn_co, -turn_si, ring, c, e1, e2, radius, rim, edge)[0]
    here = _edge(1.0, 0.0, ring, c, e1, e2, radius, rim, edge)[0]
    co, si = turn_co, turn_si
    for k in range(coarse):
        after = _edge(co, si, ring, c, e1, e2, radius, rim, edge)[0]
        co, si = co * turn_co - si * turn_si, si * turn_co + co * turn_si
        if here < before and here <= after and here < reach:
            phi = _deepest(k * width, width, ring, c, e1, e2, radius, rim, edge)
            dist, nr, nz, x, y, z = _edge(math.cos(phi), math.sin(phi), ring, c, e1, e2, radius, rim, edge)
            if dist <= margin and (nz > FACE_NORMAL) == face and not (face and nz == 1.0):
                slot, n = _keep(con, n, limit, dist)
                if slot >= 0:
                    _put(con, slot, dist, x, y, z, nr * x, nr * y, nz, edge, mouth, rh, sign)
        before, here = here, after
    return n


@numba.njit
def _rim_contact(con, n, t, a, r_peg, edge, length, radius, rim, mouth, rh, sign, margin):  # type: ignore[no-untyped-def]
    """The hole's rim against the peg's side, where the axis comes nearest to the rim."""
    rise = (-rim - t[2]) / a[2]
    sx, sy = t[0] + rise * a[0], t[1] + rise * a[1]
    side = math.sqrt(sx * sx + sy * sy)
    if side < 1e-12 or n == CAPACITY:
        return n
    x, y, z = (radius + rim) * sx / side, (radius + rim) * sy / side, -rim
    along = (x - t[0]) * a[0] + (y - t[1]) * a[1] + (z - t[2]) * a[2]
    if along <= edge or along > length:
        return n  # the edge's business, or beyond the peg
    nx, ny, nz = t[0] + along * a[0] - x, t[1] + along * a[1] - y, t[2] + along * a[2] - z
    gap = math.sqrt(nx * nx + ny * ny + nz * nz)
    dist = gap - r_peg - rim
    if dist > margin:
        return n
    # (x, y, z) lies inside the rim: the contact is rim + dist / 2 from it towards the peg
    _put(con, n, dist, x, y, z, nx / gap, ny / gap, nz / gap, -(rim + dist), mouth, rh, sign)
    return n + 1


# Stiffness [N/m] and damping time [s] of one contact point. Steel on aluminium is stiffer still, but the tool's pad is
# far softer than either, so that forces hardly depend on these (docs/physics.md has the sweep).
WALL_N_M, WALL_S = 6e6, 0.3e-3
FACE_N_M, FACE_S = 4e5, 1.0e-3
_PAIRS = (("wall", WALL, WALL_N_M, WALL_S), ("face", FACE, FACE_N_M, FACE_S))


def add_contact(
    spec: mujoco.MjSpec,
    peg: mujoco.MjsBody,
    hole: mujoco.MjsBody,
    *,
    peg_radius_m: float,
    peg_length_m: float,
    edge_m: float,
    hole_radius_m: float,
    rim_m: float,
    samples: int = 8,
) -> None:
    """Give two bodies the contact of a peg (tip at z = peg_length of its body) and a hole (mouth at its origin, z out).

    The geoms are boxes only for MuJoCo's broad phase; they touch nothing but each other, through this file's function.
    """
    spec.nuser_geom = USER
    spec.nuserdata = max(spec.nuserdata, 2)
    half, depth = 0.5 * peg_length_m, 0.05
    for name, which, _, _ in _PAIRS:
        peg.add_geom(
            name=f"peg_{name}",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[peg_radius_m, peg_radius_m, half],
            pos=[0, 0, half],
            contype=0,
            conaffinity=0,
            mass=0,
            group=4,
            userdata=[ROLE_PEG, peg_radius_m, edge_m, half, which, samples],
        )
        hole.add_geom(
            name=f"hole_{name}",
            type=mujoco.mjtGeom.mjGEOM_BOX,
            size=[0.15, 0.15, depth],
            pos=[0, 0, -depth],
            contype=0,
            conaffinity=0,
            mass=0,
            group=4,
            userdata=[ROLE_HOLE, hole_radius_m, rim_m, depth, which, samples],
        )
        spec.add_pair(name=name, geomname1=f"peg_{name}", geomname2=f"hole_{name}", condim=3)


def stiffen(model: mujoco.MjModel, *, peg: str, implicit: bool, compliance: float = 0.05) -> None:
    """Set the pairs' solref and solimp so that a contact is the spring and damper of WALL_* and FACE_*.

    MuJoCo's constraint gives f = D (-b v - k x - a) with 1/D = (1-d)/d A, A the peg's inverse mass. With
    D = h (K h + B), k = K/D and b = 1/h this is an implicit spring, f = -K (x + h v') - B v', v' the velocity after the
    step (`implicit`, for MuJoCo's implicitfast integrator). Otherwise d = `compliance` is fixed and k = K/D, b = B/D,
    for the `discrete` integrator, which adds the implicit part itself.
    """
    a, h = float(model.body(peg).invweight0[0]), model.opt.timestep
    for name, _, stiffness, time in _PAIRS:
        damping = stiffness * time
        if implicit:
            big_d = h * (stiffness * h + damping)
            d = big_d * a / (1.0 + big_d * a)
            reference = (-stiffness * d / big_d, -d / h)
        else:
            d = compliance
            big_d = d / ((1.0 - d) * a)
            reference = (-stiffness * d / big_d, -damping * d / big_d)
        pair = model.pair(name).id
        model.pair_solref[pair] = reference
        model.pair_solimp[pair] = (d, d, 0.001, 0.5, 2.0)


def parameters(geom_user: np.ndarray, model: mujoco.MjModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Edge radius of the peg, radius and rim radius of the hole [m]: views (nsim, 2), one column per pair."""
    peg = [model.geom(f"peg_{name}").id for name, *_ in _PAIRS]
    hole = [model.geom(f"hole_{name}").id for name, *_ in _PAIRS]
    # slices, so that writing through them reaches the simulations
    pegs, holes = slice(peg[0], peg[1] + 1, peg[1] - peg[0]), slice(hole[0], hole[1] + 1, hole[1] - hole[0])
    return geom_user[:, pegs, 2], geom_user[:, holes, 1], geom_user[:, holes, 2]


def overlap(userdata: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deepest true overlap since the reset in the bore and on the face, (nsim,) each [m]."""
    return userdata[:, int(WALL)], userdata[:, int(FACE)]


@functools.cache
def install() -> None:
    """Put the function into MuJoCo's collision table; does nothing the second time."""
    folder = Path(mujoco.__file__).parent
    found = [p for pattern in ("libmujoco*", "mujoco.dll") for p in sorted(folder.glob(pattern))]
    library = ctypes.CDLL(str(found[0]))
    ngeom = int(mujoco.mjtGeom.mjNGEOMTYPES)
    table = (ctypes.c_void_p * (ngeom * ngeom)).in_dll(library, "mjCOLLISIONFUNC")
    box = int(mujoco.mjtGeom.mjGEOM_BOX) * ngeom + int(mujoco.mjtGeom.mjGEOM_BOX)
    llvm.add_symbol("jangin_mujoco_box_box", table[box])
    _KEEP.append(_compile())
    table[box] = _KEEP[0].address


_KEEP: list[Any] = []  # the compiled function must outlive every simulation
