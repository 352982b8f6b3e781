"""Stable-Baselines3's PPO as a contestant.

Its own settings for continuous control (discount 0.99, lambda 0.95, clip 0.2, learning rate 3e-4, ten epochs, tanh
networks), with the number of simulations, the control steps per iteration and the widths of the networks equal to ours;
observations and rewards are normalised by VecNormalize, as its documentation advises for continuous control. BATCH is
what learned fastest of what was tried (docs/benchmarks.md). Its critic sees the observation only: it has no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from jangin.learn.collect import Slots
from jangin.learn.ppo import RECIPE
from jangin.task import Array, Task

__all__ = ["begin"]

BATCH, EPOCHS = 2048, 10


def begin(task: Task, *, seed: int, threads: int) -> Sb3Learner:
    """The learner, on the slots that our own recipes learn from."""
    return Sb3Learner(task, seed=seed, threads=threads)


class SlotsEnv(VecEnv):
    """Our slots as its vector environment: what ends is followed by the next trial at once."""

    def __init__(self, task: Task, nsim: int, *, seed: int, threads: int) -> None:
        self._slots, self._nobs = Slots(task, nsim, threads=threads, seed=seed), len(task.observation)
        unbounded = gymnasium.spaces.Box(-np.inf, np.inf, (self._nobs,), np.float32)
        super().__init__(nsim, unbounded, gymnasium.spaces.Box(-1.0, 1.0, (len(task.action),), np.float32))

    def reset(self) -> Array:
        """What is seen now; the slots never stop."""
        return self._slots.seen[:, : self._nobs].copy()

    def step_async(self, actions: Array) -> None:
        """Begin a control period."""
        self._slots.start(actions)

    def step_wait(self) -> tuple[Array, Array, Array, list[dict[str, Any]]]:
        """What came of it; an ended trial's last observation is in its info, for the value after a time-out."""
        moment = self._slots.finish()
        done = moment.terminal | moment.truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        for k in np.flatnonzero(done):
            infos[k] = {
                "terminal_observation": moment.next_seen[k, : self._nobs],
                "TimeLimit.truncated": bool(moment.truncated[k]),
            }
        return self.reset(), moment.reward, done, infos

    def close(self) -> None:
        """Let go of the world's thread."""
        self._slots.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """It asks for the way to draw; there is none."""
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Nothing can be set."""
        raise NotImplementedError(attr_name)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Nothing can be called."""
        raise NotImplementedError(method_name)

    def env_is_wrapped(self, wrapper_class: type, indices: Any = None) -> Sequence[bool]:
        """Nothing is wrapped."""
        return [False] * self.num_envs


class Sb3Learner:
    """PPO, one iteration at a time."""

    def __init__(self, task: Task, *, seed: int, threads: int) -> None:
        ours = RECIPE()
        torch.set_num_threads(1)  # measured: with two an iteration takes longer
        self._env = VecNormalize(SlotsEnv(task, ours.nsim, seed=seed, threads=threads), gamma=0.99)
        self._per_iteration = ours.nsim * ours.horizon
        hidden = list(ours.actor_hidden)
        self._model = PPO(
            "MlpPolicy",
            self._env,
            n_steps=ours.horizon,
            batch_size=BATCH,
            n_epochs=EPOCHS,
            policy_kwargs={"net_arch": {"pi": hidden, "vf": list(ours.critic_hidden)}},
            seed=seed,
            device="cpu",
        )

    @property
    def steps(self) -> int:
        """Control steps so far."""
        return int(self._model.num_timesteps)

    def advance(self) -> bool:
        """One iteration."""
        self._model.learn(self._per_iteration, reset_num_timesteps=False, log_interval=None)
        return True

    def act(self, observation: Array) -> Array:
        """The mean of the policy."""
        seen = torch.as_tensor(self._env.normalize_obs(observation), dtype=torch.float32)
        with torch.no_grad():
            mean: Array = self._model.policy.get_distribution(seen).mode().numpy()
        return mean

    def close(self) -> None:
        """Let go of the world's thread."""
        self._env.close()
