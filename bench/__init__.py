"""Speed, memory and sameness, measured against what is named: `python -m bench` or `make bench`.

    python -m bench --quick                    # every part, small
    python -m bench --parts raw gymnasium      # some parts
    python -m bench --parts learn --task cell/peg-insert --limit-s 240

Each part is a file with a function that returns rows; a row is a number, what it is compared with, and a target. What
is compared runs alternately in one process, and the median of the pairs counts, so that a machine that is busy with
other things disturbs both sides alike. docs/benchmarks.md says what each row means.
"""
