"""The training loop that people write: the control of train.py.

Images are decoded objects (PIL) in a `Dataset`, transformed one by one by torchvision, gathered by a `DataLoader`;
float32 or autocast, stochastic gradient descent, the loss read at every step. Same network, images, epochs, batch
size, augmentation, optimiser and schedule as evonas's trainer. Where custom differs the faster one is taken, in favour
of the control: images that are PIL's before the training starts, torchvision's classic transforms (half the time of
v2's), workers that persist, pinned memory, cuDNN's own search for kernels, validation once at the end.
"""

from __future__ import annotations

import math
import multiprocessing
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from evonas.core.recipe import shift_pixels
from evonas.domains.images import Split
from evonas.training.data import Preprocessing
from evonas.training.fitting import schedule


class Pictures(Dataset):
    """(image, label) pairs, transformed when they are asked for."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, transform: Any):
        self.images = [Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image) for image in images]
        self.labels, self.transform = labels.tolist(), transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[i]), self.labels[i]


def loaders(data: Split, batch_size: int, workers: int, device: str) -> tuple[DataLoader, DataLoader]:
    """Of augmented training images and of validation images."""
    preprocessing = Preprocessing.of(data.x_train)
    ending = [transforms.ToTensor(), transforms.Normalize(preprocessing.mean, preprocessing.deviation)]
    size = data.x_train.shape[1:3]
    crop = transforms.RandomCrop(size, padding=shift_pixels(data.recipe.shift_x, min(size)))
    mirror = [transforms.RandomHorizontalFlip()] if data.recipe.mirror_x else []
    common: dict[str, Any] = {
        "num_workers": workers,
        "persistent_workers": workers > 0,
        "pin_memory": device.startswith("cuda"),
        "multiprocessing_context": "fork" if workers and "fork" in multiprocessing.get_all_start_methods() else None,
    }
    train = Pictures(data.x_train, data.y_train, transforms.Compose([crop, *mirror, *ending]))
    val = Pictures(data.x_val, data.y_val, transforms.Compose(ending))
    return (
        DataLoader(train, batch_size, shuffle=True, drop_last=len(train) % batch_size == 1, **common),
        DataLoader(
            val, 256, **{**common, "num_workers": 0, "persistent_workers": False, "multiprocessing_context": None}
        ),
    )


def train(
    network: nn.Module,
    data: Split,
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    workers: int,
    device: str = "cpu",
    amp: bool = False,
) -> float:
    """Train in place; validation accuracy, 0 to 1."""
    images, validation = loaders(data, batch_size, workers, device)
    network.to(device)
    weights, rest = ([p for p in network.parameters() if (p.ndim > 1) is matrix] for matrix in (True, False))
    groups = [{"params": weights, "weight_decay": 5e-4}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=lr, momentum=0.9, nesterov=True)
    steps = epochs * len(images)
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: schedule(step / steps))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for _ in range(epochs):
        network.train()
        running = 0.0
        for x, y in images:
            x, y = x.to(device, non_blocking=True), y.to(device, non_blocking=True)
            optimizer.zero_grad()
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=amp):
                loss = criterion(network(x), y)
            loss.backward()
            optimizer.step()
            rates.step()
            running += loss.item()
        if not math.isfinite(running):
            raise RuntimeError("diverged")
    return accuracy(network, validation, device)


def accuracy(network: nn.Module, loader: DataLoader, device: str) -> float:
    """0 to 1."""
    network.eval()
    correct, loss = 0, 0.0
    with torch.no_grad():
        for x, y in loader:
            logits = network(x.to(device))
            loss += F.cross_entropy(logits, y.to(device)).item()
            correct += (logits.argmax(1).cpu() == y).sum().item()
    return correct / len(loader.dataset)  # type: ignore[arg-type]
