"""Meta-learning, tiny: an evaluator and a generator learn from three tasks and are applied to a fourth.

The same from the command line, in earnest:

evonas meta-train --tasks torchvision:MNIST,torchvision:FashionMNIST,torchvision:CIFAR10 --trials 40 --train-size 6000
evonas search --data torchvision:CIFAR100 --method policy
"""

import tempfile

import numpy as np
from sklearn.datasets import load_digits

from evonas import search
from evonas_surrogates.distribution import meta_train


def digits(change):
    """(n, 8, 8) images and labels, made of scikit-learn's digits."""
    x, y = load_digits(return_X_y=True)
    return change(x.reshape(-1, 8, 8) * 15).astype(np.uint8), y


def main(folder, trials=6):
    tasks = ["digits"]
    for name, change in {"turned": lambda x: np.rot90(x, axes=(1, 2)), "negative": lambda x: 240 - x}.items():
        x, y = digits(change)
        np.savez(f"{folder}/{name}.npz", x_train=x, y_train=y)
        tasks.append(f"npz:{folder}/{name}.npz")
    options = {"encoding": "net", "archive": f"{folder}/archive.db", "epochs": 3, "train_size": 600}
    # each task is a run in the archive; called again, this goes on where it stopped
    for one in meta_train(tasks, trials=trials, first=3, out=f"{folder}/runs", **options):
        print(f"{one.task}: best {one.best:.3f}; of three at random {one.random:.3f}, ", end="")
        print(f"of the ranker's {one.ranker:.3f}, of the generator's {one.generator:.3f}")
    # the generator is meta-trained on what the memory recalls, proposes, and is rewarded by the trainings
    x, y = digits(lambda x: x[:, :, ::-1])
    result = search(x, y, data="mirrored", method="policy", trials=4, out=f"{folder}/found", **options)
    print(result["genome"], *result["memory"])
    return result


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as out:
        main(out)
