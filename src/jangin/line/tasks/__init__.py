"""Tasks of lines: decisions that are made while a plant runs, a file each."""
