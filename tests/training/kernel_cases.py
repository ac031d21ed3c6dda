"""Kernels of our own against torch's float32: on a GPU, and by Triton's interpreter on a CPU, for which Triton wants to
be told before it is imported: `TRITON_INTERPRET=1 python -m tests.training.kernel_cases`."""

import torch
from torch import nn
from torch.nn import functional as F

from evonas.training import fused

# inputs, outputs, kernel, height, width, images: one tile and several, no whole tile, channels that are no power of two
CONVOLUTIONS = [(3, 16, 3, 8, 8, 4), (24, 16, 3, 7, 5, 6), (16, 64, 1, 9, 3, 7), (1, 1, 3, 1, 1, 2)]
NORMALISATIONS = [(16, 16, 16, 9), (24, 5, 7, 6), (3, 1, 2, 1)]  # channels, height, width, images
LARGE = [(16, 16, 3, 32, 32, 64), (64, 64, 3, 8, 8, 256), (32, 32, 1, 16, 16, 64)]  # not by the interpreter


def apart(ours: torch.Tensor, right: torch.Tensor) -> float:
    """As a share of the right numbers' length."""
    return float((ours.detach().float() - right.detach()).norm() / (right.detach().norm() + 1e-6))


def drawn(*shape: int, device: str, seed: int = 0) -> torch.Tensor:
    made = torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(device)
    return made.contiguous(memory_format=torch.channels_last)


def convolution(inputs: int, outputs: int, kernel: int, height: int, width: int, images: int, device: str) -> None:
    x = drawn(images, inputs, height, width, device=device).bfloat16().requires_grad_()
    weight = drawn(outputs, inputs, kernel, kernel, device=device, seed=1).requires_grad_()
    ours = fused.conv2d(x, weight, padding=kernel // 2)
    assert ours is not None
    assert ours.is_contiguous(memory_format=torch.channels_last)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        right = F.conv2d(x.float(), weight, padding=kernel // 2)
        towards = drawn(*right.shape, device=device, seed=2)
        expected = torch.autograd.grad(right, (x, weight), towards)
    found = torch.autograd.grad(ours, (x, weight), towards.bfloat16())
    assert found[1].dtype == torch.float32
    assert max(map(apart, (ours, *found), (right, *map(torch.Tensor.float, expected)))) < 0.01


def normalisation(channels: int, height: int, width: int, images: int, device: str) -> None:
    x = (drawn(images, channels, height, width, device=device) * 2 + 5).bfloat16().requires_grad_()
    weight, bias = ((drawn(channels, 1, 1, 1, device=device, seed=s).flatten() + 1).requires_grad_() for s in (1, 2))
    running = [(torch.zeros(channels, device=device), torch.ones(channels, device=device)) for _ in range(2)]
    ours = fused.batch_norm(x, *running[0], weight, bias, True, 0.2, 1e-3)
    assert ours is not None
    right = F.batch_norm(x.float(), *running[1], weight, bias, True, 0.2, 1e-3)
    towards = drawn(*right.shape, device=device, seed=3)
    expected = torch.autograd.grad(right, (x, weight, bias), towards)
    found = torch.autograd.grad(ours, (x, weight, bias), towards)
    assert max(map(apart, (ours, *found[1:]), (right, *expected[1:]))) < 0.01
    assert apart(found[0], expected[0].float()) < 0.01 or float(expected[0].abs().max()) < 1e-2
    for here, there in zip(*running, strict=True):
        torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-4)


def far_from_zero(device: str) -> None:
    """The variance of numbers that are large and differ by little: in float32, as images that come in may be."""
    x = drawn(8, 16, 6, 6, device=device) + 1000
    one, zero = torch.ones(16, device=device), torch.zeros(16, device=device)
    made = fused.batch_norm(x, zero.clone(), one.clone(), one, zero, True)
    assert made is not None
    torch.testing.assert_close(made.std((0, 2, 3), correction=0), one, rtol=1e-2, atol=1e-2)


def block(device: str) -> None:
    """A network under autocast: what has a kernel gets it, and all learns as in float32."""
    found = []
    for ours in (True, False):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(24, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        network = network.extend([nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32)])  # torch's own convolution
        network = network.to(memory_format=torch.channels_last).to(device)
        given = drawn(6, 24, 7, 5, device=device).requires_grad_()
        if ours:
            with fused.Fused(), torch.autocast(torch.device(device).type, torch.bfloat16):
                made = network(given)
        else:
            made = network(given)
        (made * drawn(*made.shape, device=device, seed=1)).mean().backward()
        found.append([made, given.grad, *(parameter.grad for parameter in network.parameters()), *network.buffers()])
    names = ["made", "x", *(name for name, _ in network.named_parameters()), *(n for n, _ in network.named_buffers())]
    for name, here, there in zip(names, *found, strict=True):
        if name != "3.bias":  # the normalisation takes it away again: noise
            assert apart(here.float(), there.float()) < 0.15, name


def all_of_them(device: str) -> None:
    for case in CONVOLUTIONS + (LARGE if device != "cpu" else []):
        convolution(*case, device=device)
    for case in NORMALISATIONS:
        normalisation(*case, device=device)
    far_from_zero(device)
    block(device)


if __name__ == "__main__":
    all_of_them("cpu")
    print("all are right")
