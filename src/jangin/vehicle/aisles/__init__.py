"""The compiled world of `vehicle/aisle`: a plant vehicle, people, other vehicles and racks, many simulations at a time.

columns.py     what the arrays hold
people.py      how people walk, and how the other vehicles drive
sensing.py     what the driven vehicle sees
advance.py     the loop, from command to outcome; compiled entries for Python
windows.py     the expert's dynamic window
"""
