"""Traffic on a motorway in bulk: many independent stretches of road, each with one vehicle that is driven.

columns.py      what the arrays hold                    motion.py       how a vehicle moves in its lane
neighbours.py   who is ahead and behind, lane by lane   decisions.py    what the other drivers do
shield.py       the safe distance and its enforcement   beginning.py    traffic at the start, and who comes in
sensing.py      what the driven vehicle sees            advance.py      the loop over all of it

Everything but `columns` is compiled. No simulation knows of another, so results depend neither on the batch nor on the
number of threads.
"""
