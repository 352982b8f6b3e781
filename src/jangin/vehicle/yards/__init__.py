"""The compiled world of `vehicle/yard`: a vehicle that is placed among boxes, many simulations at a time.

columns.py     what the arrays hold
rolling.py     how vehicles roll at low speed, and their boxes
sensing.py     what the vehicle sees
advance.py     the loop, from command to outcome; compiled entries for Python
beginning.py   how a trial begins
search.py      the expert's search for a path
"""
