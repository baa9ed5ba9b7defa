#!/usr/bin/python3
"""The training steps of bench/steps.cpp in PyTorch: the same layers, losses and updates, written as
is usual. G's backward() then computes D's gradients too, and zero_grad() throws them away.

    torch_steps.py MODEL REPEATS THREADS contiguous|channels_last

Prints a line of JSON. bench/steps.py runs it.
"""
import json
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce


def dcgan(size, channels, base, batch, latent=100, features=64):
    widest = features * size // base // 2
    G, D = [nn.ConvTranspose2d(latent, widest, base, bias=False)], []
    width = widest
    while width >= features:
        out = channels if width == features else width // 2
        G += [nn.BatchNorm2d(width), nn.ReLU(inplace=True),
              nn.ConvTranspose2d(width, out, 4, 2, 1, bias=False)]
        width //= 2
    G.append(nn.Tanh())
    D += [nn.Conv2d(channels, features, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
    width = features
    while width < widest:
        D += [nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width),
              nn.LeakyReLU(0.2, inplace=True)]
        width *= 2
    D.append(nn.Conv2d(widest, 1, base, bias=False))
    shape, z = (batch, channels, size, size), (batch, latent, 1, 1)
    return nn.Sequential(*G), nn.Sequential(*D), shape, z


def mlp(widths, activation):
    layers = []
    for i, (a, b) in enumerate(zip(widths, widths[1:])):
        layers += [nn.Linear(a, b)] + ([activation()] if i + 2 < len(widths) else [])
    return layers


def build(model):
    if model == "dcgan64":
        return dcgan(64, 3, 4, 128)
    if model == "dcgan28":
        return dcgan(28, 1, 7, 64)
    if model == "mlp":
        leaky = lambda: nn.LeakyReLU(0.2)
        G = mlp([100, 256, 512, 1024, 784], leaky) + [nn.Tanh()]
        return nn.Sequential(*G), nn.Sequential(*mlp([784, 512, 256, 1], leaky)), (64, 784), (64, 100)
    G, D = mlp([2, 32, 32, 2], nn.ReLU), mlp([2, 32, 32, 1], nn.ReLU)
    return nn.Sequential(*G), nn.Sequential(*D), (64, 2), (64, 2)


def time_steps(model, repeats, threads, layout, inner, per_step, step):
    for _ in range(max(2, inner)):
        step()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(inner):
            step()
        times.append((time.perf_counter() - start) / inner / per_step * 1e3)
    print(json.dumps({
        "model": model, "torch": torch.__version__, "threads": threads, "layout": layout,
        "median_ms": statistics.median(times), "min_ms": min(times),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}))


CHAIN = 1000


def run_chain():
    x = torch.ones((), requires_grad=True)
    y = x
    for _ in range(CHAIN):
        y = y * 1.0001
    y.backward()


def main():
    model, repeats, threads, layout = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    if model == "op":
        return time_steps(model, repeats, threads, layout, 10, CHAIN, run_chain)
    G, D, shape, latent = build(model)
    real = torch.randn(shape)
    if layout == "channels_last":
        real = real.to(memory_format=torch.channels_last)
        G, D = G.to(memory_format=torch.channels_last), D.to(memory_format=torch.channels_last)
    adam = dict(lr=2e-4, betas=(0.5, 0.999))
    opt_g, opt_d = torch.optim.Adam(G.parameters(), **adam), torch.optim.Adam(D.parameters(), **adam)

    def loss(x, target):
        logits = D(x)
        return bce(logits, torch.full_like(logits, target))

    def step():
        opt_d.zero_grad(set_to_none=True)
        loss(real, 1.0).backward()
        fake = G(torch.randn(latent))
        loss(fake.detach(), 0.0).backward()
        opt_d.step()
        opt_g.zero_grad(set_to_none=True)
        loss(fake, 1.0).backward()
        opt_g.step()

    time_steps(model, repeats, threads, layout, 100 if model == "toy2d" else 1, 1, step)


if __name__ == "__main__":
    main()
