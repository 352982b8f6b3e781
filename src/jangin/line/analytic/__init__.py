"""The mathematics of the `analytic` engine: exact chains, closed forms and labelled approximations, on plain numbers.

    tandem          exact chain of a line of exponential stations with finite buffers, failures, parallel machines
    decomposition   the same for lines the exact chain cannot hold (approximate)
    bernoulli       slotted lines of Bernoulli machines: formula, exact chain, aggregation
    geometric       slotted lines of machines with geometric failures: formula, exact chain, decomposition
    queues          M/M/c, M/G/1, G/G/c, open and closed networks

Every result says whether it is exact, by which method, and what it leaves open. Nothing here knows a layout.
"""
