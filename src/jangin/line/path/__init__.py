"""The `path` engine: the sample path of a serial line as a recursion over parts, for all replications at once.

    unfit(layout)                                           # "" if the recursion is exact for it, else why not
    runs = simulate_until(layout, seed=1, replications=200, horizon_s=8 * 3600, warmup_s=3600)
    runs = simulate(layout, seed=1, replications=200, parts=10_000, warmup_parts=1_000)
    few, many = common_random([layout, layout.with_capacities({"b1": 9})], seed=1, replications=200, horizon_s=36_000)

With D[i,k] the time at which part k leaves station i (one machine, b_i places behind it), blocking after service:
    D[i,k] = max(max(D[i,k-1], D[i-1,k]) + S[i,k], D[i+1,k-b_i-1]),
and before service the last term is inside, before + S. Nothing is approximated: where this is not the plant's own
behaviour `unfit` says so, and the engine `events` is the one to ask. (Before service this is exact where the parts that
may not start have room without limit, so at the first station: elsewhere they keep a place in the buffer before.)

Source: Chan and Schruben, Operations Research 56 (2008) 1218, for lines as recursions of such a form.
"""

from jangin.line.path.fit import NotExact, unfit
from jangin.line.path.run import common_random, simulate, simulate_until

__all__ = ["NotExact", "common_random", "simulate", "simulate_until", "unfit"]
