"""The `events` engine: a next-event simulation of any layout, compiled by numba from tables; no Python inside."""
