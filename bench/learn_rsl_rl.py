"""rsl_rl's PPO as a contestant.

The settings that its users take for arms (five epochs of four batches, discount 0.99, lambda 0.95, clip 0.2, entropy
0.005, learning rate 1e-3 adapted to a divergence of 0.01, observations normalised, ELU networks), with the number of
simulations, the control steps per iteration and the widths of the networks equal to ours. Its critic sees as much as
ours does.
"""

from __future__ import annotations

from typing import Any

import torch
from rsl_rl.env import VecEnv
from rsl_rl.runners import OnPolicyRunner
from tensordict import TensorDict

from jangin.learn.collect import Slots
from jangin.learn.ppo import RECIPE
from jangin.task import Array, Task

__all__ = ["begin"]


def begin(task: Task, *, seed: int, threads: int) -> RslRlLearner:
    """The learner, on the slots that our own recipes learn from."""
    return RslRlLearner(task, seed=seed, threads=threads)


def _settings() -> dict[str, Any]:
    ours = RECIPE()
    network = {"class_name": "MLPModel", "activation": "elu", "obs_normalization": True}
    gaussian = {"class_name": "GaussianDistribution", "init_std": 1.0}
    return {
        "num_steps_per_env": ours.horizon,
        "save_interval": 1_000_000,
        "obs_groups": {"actor": ["observation"], "critic": ["observation", "privileged"]},
        "actor": {**network, "hidden_dims": list(ours.actor_hidden), "distribution_cfg": gaussian},
        "critic": {**network, "hidden_dims": list(ours.critic_hidden)},
        "algorithm": {
            "class_name": "PPO",
            "num_learning_epochs": 5,
            "num_mini_batches": 4,
            "learning_rate": 1e-3,
            "schedule": "adaptive",
            "desired_kl": 0.01,
            "gamma": 0.99,
            "lam": 0.95,
            "clip_param": 0.2,
            "entropy_coef": 0.005,
            "value_loss_coef": 1.0,
            "use_clipped_value_loss": True,
            "max_grad_norm": 1.0,
        },
    }


class SlotsEnv(VecEnv):
    """Our slots as its vector environment."""

    def __init__(self, task: Task, nsim: int, *, seed: int, threads: int) -> None:
        self._slots, self._nobs = Slots(task, nsim, threads=threads, seed=seed), len(task.observation)
        self.num_envs, self.num_actions = nsim, len(task.action)
        self.max_episode_length = round(task.limit_s * task.rate_hz)
        self.episode_length_buf = torch.zeros(nsim, dtype=torch.long)
        self.device = "cpu"
        self.cfg: dict[str, Any] = {}

    def get_observations(self) -> TensorDict:
        """What is seen now, and what only a simulator knows."""
        seen = torch.from_numpy(self._slots.seen.copy())
        parts = {"observation": seen[:, : self._nobs], "privileged": seen[:, self._nobs :]}
        return TensorDict(parts, batch_size=[self.num_envs])

    def step(self, actions: torch.Tensor) -> tuple[TensorDict, torch.Tensor, torch.Tensor, dict[str, Any]]:
        """One control period."""
        moment = self._slots.step(actions.numpy())
        done = torch.from_numpy(moment.terminal | moment.truncated)
        self.episode_length_buf = torch.where(done, 0, self.episode_length_buf + 1)
        extras = {"time_outs": torch.from_numpy(moment.truncated)}
        return self.get_observations(), torch.from_numpy(moment.reward), done, extras

    def close(self) -> None:
        """Let go of the world's thread."""
        self._slots.close()


class RslRlLearner:
    """PPO, one iteration at a time."""

    def __init__(self, task: Task, *, seed: int, threads: int) -> None:
        ours = RECIPE()
        torch.set_num_threads(1)  # measured: with two an iteration takes longer
        torch.manual_seed(seed)
        self.steps, self._per_iteration = 0, ours.nsim * ours.horizon
        self._env = SlotsEnv(task, ours.nsim, seed=seed, threads=threads)
        self._runner = OnPolicyRunner(self._env, _settings(), log_dir=None, device="cpu")

    def advance(self) -> bool:
        """One iteration."""
        self._runner.learn(1)
        self.steps += self._per_iteration
        return True

    def act(self, observation: Array) -> Array:
        """The mean of the policy; the normaliser stands still meanwhile."""
        policy = self._runner.get_inference_policy(device="cpu")
        seen = TensorDict({"observation": torch.as_tensor(observation)}, batch_size=[len(observation)])
        with torch.inference_mode():
            mean: Array = policy(seen).numpy()
        return mean

    def close(self) -> None:
        """Let go of the world's thread."""
        self._env.close()
