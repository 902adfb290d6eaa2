"""PyTorch as one of the peers, on one thread: reads a workload in JSON from each line, answers with the microseconds of one run."""
import json
import math
import sys
import time

import torch
from blas import require_fast_blas
from networks import MODELS
from tensor_ops import tensor
from torch import nn
from torch.nn import functional

require_fast_blas()
torch.set_num_threads(1)
torch.manual_seed(42)


def matmul(workload):
    a, b = torch.randn(workload["m"], workload["k"]), torch.randn(workload["k"], workload["n"])
    return lambda: a @ b


def forward(workload):
    x = torch.randn(workload["batch"], workload["sizes"][0])
    w1, b1, w2, b2 = torch.randn(784, 50), torch.zeros(50), torch.randn(50, 1), torch.zeros(1)
    return lambda: (x @ w1 + b1).clamp_min(0.0) @ w2 + b2


def step(workload):
    sizes, layers = workload["sizes"], []
    for i, (before, after) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(before, after))
        if i < len(sizes) - 2:
            layers.append(nn.ReLU() if workload["activation"] == "relu" else nn.Sigmoid())
    model = nn.Sequential(*layers)
    parameters = model.parameters()
    optimizer = torch.optim.Adam(parameters) if workload["optimizer"] == "adam" else torch.optim.SGD(parameters, 0.1)
    x, y = torch.rand(workload["batch"], sizes[0]), torch.randint(0, 10, (workload["batch"],))

    def run():
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return run


def convolution(workload):
    n, channels, size = (workload[name] for name in ("n", "channels", "size"))
    conv = nn.Conv2d(channels, *(workload[name] for name in ("out", "kernel", "stride", "padding")))
    x = torch.randn(n, channels, size, size, requires_grad=workload["backward"])
    if not workload["backward"]:
        return torch.no_grad()(lambda: conv(x))
    g = torch.randn_like(conv(x))

    def run():
        x.grad = conv.weight.grad = conv.bias.grad = None
        conv(x).backward(g)

    return run


OPTIMIZERS = {
    "adam": lambda parameters: torch.optim.Adam(parameters, 2e-3),
    "adamw": lambda parameters: torch.optim.AdamW(parameters, 0.01),
    "sgd": lambda parameters: torch.optim.SGD(parameters, 0.05, momentum=0.9),
}


def network(workload):
    model, batch = MODELS[workload["network"]](), workload["batch"]
    x = torch.randn(batch, 784) if workload["network"] == "mlp" else torch.randn(batch, 1, 28, 28)
    if workload["task"] == "predict":
        model.eval()
        return torch.no_grad()(lambda: model(x))
    optimizer = OPTIMIZERS[workload["optimizer"]](model.parameters())
    y = torch.randint(0, 10, (batch,))

    def run():
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return run


def seconds_of(run, runs):
    start = time.perf_counter()
    for _ in range(runs):
        run()
    return time.perf_counter() - start


def warm_up(run):
    """Runs for half a second; answers how many runs a millisecond holds."""
    start, runs = time.perf_counter(), 0
    while time.perf_counter() - start < 0.5:
        run()
        runs += 1
    return math.ceil(runs / 500)


def microseconds(run, batch):
    """The average over about a twentieth of a second; the clock is read once a batch of runs."""
    passed, runs = 0.0, 0
    while passed < 0.06:
        passed += seconds_of(run, batch)
        runs += batch
    return passed * 1e6 / runs


WORKLOADS = {
    **{"matmul": matmul, "forward": forward, "step": step},
    **{"convolution": convolution, "network": network, "tensor": tensor},
}
name, run, batch = None, None, 1
for line in sys.stdin:
    workload = json.loads(line)
    if workload["name"] != name:
        name, run = workload["name"], WORKLOADS[workload["kind"]](workload)
        batch = warm_up(run)
    print(json.dumps({"us": microseconds(run, batch)}), flush=True)
