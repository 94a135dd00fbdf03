"""The gradient of a running product in PyTorch, as bench/core/cumulative.cpp takes it in Tenon."""

import time

import torch

for count in (16_000, 200_000):
    x = (1 + (torch.rand(count) - 0.5) / 1000).requires_grad_()

    def step():
        (gradient,) = torch.autograd.grad(torch.cumprod(x, 0).sum(), x)
        return gradient

    for _ in range(5):
        step()
    times = []
    for _ in range(50):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    print(f"gradient_of_cumprod/{count}: {sorted(times)[len(times) // 2] * 1e6:.0f} us")
