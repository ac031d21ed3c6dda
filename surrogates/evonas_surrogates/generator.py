"""How the generator learns: before a search from the evaluator's views of earlier tasks, during it from results."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.optim import Optimizer

from evonas_surrogates.autoregressive import Autoregressive

SHARPNESS = 3.0  # a result weighs e^-3 for each standard deviation of rank below another
MOST = 256  # results that a step learns from: those behind weigh nothing
ENTROPY = 0.1  # of the bonus for choices that stay open
IMITATION, REINFORCEMENT = 100, 100  # steps of meta-training
DRAWN = 64  # genomes of a step of reinforcement, at least one an earlier task
BASELINE = 0.1  # share of a step's mean in the moving baseline
STEPS, RATE = 4, 0.5  # after each result of the task at hand

Judge = Callable[[np.ndarray], np.ndarray]


def teach(
    network: Autoregressive, tasks: np.ndarray, choices: np.ndarray, scores: np.ndarray, judge: Judge, seed: int
) -> None:
    """Teach an untrained network what was good on t earlier tasks.

    First it imitates the best choices of each. Then it proposes, and what the evaluator says of that reinforces it
    (REINFORCE: Williams 1992, Machine Learning 8), above a moving baseline. At every other step no task is named and
    all of them judge: where a new task is like none of them, that is what is known.

    Args:
        tasks: (t, descriptors).
        choices: (n, g) to imitate.
        scores: (n, t) of these on each task, normal ones.
        judge: (m, g) choices -> their (m, t) scores.
    """
    rng = np.random.default_rng([seed, 0x901])
    best = [_best(column) for column in scores.T]
    known = np.concatenate([choices[places] for places, _ in best])
    weights = np.concatenate([one for _, one in best])
    owners = np.repeat(np.arange(len(tasks)), [len(places) for places, _ in best])
    optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
    for step in range(IMITATION):
        _step(network, optimizer, known, tasks[owners] * (step % 2), weights)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    owners = np.repeat(np.arange(len(tasks)), -(-DRAWN // len(tasks)))
    baselines: dict[int, np.ndarray] = {}
    for step in range(REINFORCEMENT):
        named = step % 2 if tasks.shape[1] else 0
        seen = tasks[owners] * named
        drawn = network.draw(seen, rng)
        judged = judge(drawn)
        rewards = judged[np.arange(len(owners)), owners] if named else judged.mean(1)
        groups = owners if named else np.zeros_like(owners)
        mean = np.bincount(groups, rewards) / np.bincount(groups)
        baseline = baselines.get(named, mean)
        baselines[named] = baseline + BASELINE * (mean - baseline)
        _step(network, optimizer, drawn, seen, rewards - baseline[groups])


def optimizer_of(network: Autoregressive) -> Optimizer:
    """What `learn` goes on with."""
    return torch.optim.SGD(network.parameters(), lr=RATE)


def learn(
    network: Autoregressive, optimizer: Optimizer, task: np.ndarray, choices: np.ndarray, scores: np.ndarray
) -> None:
    """A few steps towards the best of (n, g) choices by all (n,) normal scores of a task of (descriptors,).

    A reward counts by its rank, exponentially (reward-weighted regression: Peters & Schaal 2007, ICML): its scale is
    no matter, and a few good results among many bad ones are followed.
    """
    places, weights = _best(scores)
    tasks = np.tile(task, (len(places), 1))
    for _ in range(STEPS):
        _step(network, optimizer, choices[places], tasks, weights)


@torch.no_grad()
def said(network: Autoregressive, choices: np.ndarray, tasks: np.ndarray) -> np.ndarray:
    """(n,) log-probabilities of (n, g) choices for tasks of (n, descriptors)."""
    return network.said(torch.from_numpy(choices), torch.from_numpy(tasks).float())[0].numpy()


def _best(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of those that weigh most, and their weights, 1 in the mean."""
    places = np.argsort(-scores, kind="stable")[:MOST]
    weights = np.exp(SHARPNESS * (scores[places] - scores[places[0]]))
    return places, weights / weights.mean()


def _step(
    network: Autoregressive, optimizer: Optimizer, choices: np.ndarray, tasks: np.ndarray, worth: np.ndarray
) -> None:
    """Make (n, g) choices for (n, descriptors) more likely as they are worth, (n,); less where that is negative."""
    log, entropy = network.said(torch.from_numpy(choices), torch.from_numpy(tasks).float())
    loss = -(torch.from_numpy(worth).float() * log).mean() - ENTROPY * entropy.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
