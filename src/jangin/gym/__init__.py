"""Any Gymnasium environment as a task: `gym:ENV_ID`, with a small mapping file for what success means there.

mapping.py    what the file may say, and how it is read
slots.py      environments side by side in one process, and in several
world.py      the world: trials by number on those environments
task.py       the task: spaces as signals, the mapping as outcomes, columns, margin and limits
"""
