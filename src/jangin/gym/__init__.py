"""Any Gymnasium environment as a task: `gym:ENV_ID`, with a small mapping file for what success means there.

values.py     numbers of an environment by name, sums of them, and conditions on them
mapping.py    what the file may say, and how it is read
spaces.py     observation and action spaces as signals, and back
slots.py      environments side by side: in this process, or in several
about.py      what an environment says of itself, found out by trying it once
world.py      the world: trials by number on those environments
task.py       the task
"""
