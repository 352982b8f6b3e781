"""Vehicles: motorway driving and plant vehicles, as tasks like any other."""
