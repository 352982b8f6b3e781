"""Traffic: how other drivers follow, change lanes, differ, and drive again what was recorded.

jit.py            how the models are compiled: for loops, for one call, for arrays
following.py      IDM, the ACC model, Krauss, Gipps, highway-env's dialect
lane_change.py    MOBIL, the lateral profile, who is in which lane meanwhile
drivers.py        a driver's parameters; populations with their sources
paths.py          recorded ways, and who is in the way along them
replay.py         recorded traffic again: as it was, or reacting
calibration.py    a driver fitted to recorded pairs, judged on recordings held out
"""
