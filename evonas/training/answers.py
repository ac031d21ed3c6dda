"""What a network answers to the examples of a set."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from evonas.core.quality import Answers
from evonas.training.data import DeviceSet, at_once

AT_ONCE = 256  # examples that are looked at at once


def answers(network: nn.Module, data: DeviceSet, shape: tuple[int, ...]) -> tuple[Answers, float]:
    """To all examples of a set, in their order, with the mean cross-entropy (nats); `shape` is that of one."""
    network.eval()
    loss = torch.zeros((), device=data.device)
    found = []
    with torch.inference_mode():
        for images, labels in data.batches(at_once(shape, AT_ONCE)):
            logits = network(images).float()
            loss += F.cross_entropy(logits, labels, reduction="sum")
            found.append(logits.softmax(1))
    probabilities = torch.cat(found)
    confidence, said = probabilities.max(1)
    arrays = (one.cpu().numpy() for one in (data.y, said, confidence, probabilities))
    return Answers(*arrays), float(loss) / len(data)
