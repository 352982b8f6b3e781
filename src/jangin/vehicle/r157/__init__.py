"""UN R157's three traffic disturbances, the drivers that say which of them can be managed, and the suites.

    from jangin.vehicle.r157.drivers import CarefulHuman
    from jangin.vehicle.r157.disturbances import simulate
    from jangin.vehicle.r157.suites import cut_in_grid

    simulate(cut_in_grid("low"), CarefulHuman()).crashed.sum()          # 3728, as published

    criteria.py       the formulas as functions of arrays: RSS, 5.2.5.2, fuzzy model, minimum gaps; the shield's too
    disturbances.py   cut-in, cut-out, deceleration: n scenarios in bulk, stepped or simulated; contact and severity
    drivers.py        the reference drivers and their named readings
    suites.py         the grids, preventable sets, conditions to draw from
    ranges.py         parameter ranges of logical scenarios, read from OpenSCENARIO variation files

Everything here is R157-derived. It supports no claim of compliance, and it is no type approval test.
"""
