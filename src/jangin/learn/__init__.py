"""Learn a policy: learn(task, recipe="sac", seed=7, folder=RunFolder.create("runs/peg")) -> Learned.

    recipe "sac"      off-policy, seeded with the teacher's trials            sac.py
    recipe "ppo"      on-policy, from nothing                                 ppo.py
    recipe "dagger"   imitation of the teacher with corrections               dagger.py
    "dagger+sac", "dagger+ppo": the second goes on from the first

Importing this package imports neither torch nor a simulator; learn() does.
"""

from jangin.learn.heldout import Measure
from jangin.learn.learning import Learned, Marks, Progress, learn
from jangin.learn.recipe import find_recipe, recipe_names

__all__ = ["Learned", "Marks", "Measure", "Progress", "find_recipe", "learn", "recipe_names"]
