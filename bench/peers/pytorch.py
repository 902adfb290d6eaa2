"""PyTorch as one of the peers, on one thread: reads a piece of work a line, answers with the microseconds of one run."""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional

torch.set_num_threads(1)
torch.manual_seed(42)


def matmul(work):
    a, b = torch.randn(work["m"], work["k"]), torch.randn(work["k"], work["n"])
    return lambda: a @ b


def forward(work):
    x = torch.randn(work["batch"], work["sizes"][0])
    w1, b1, w2, b2 = torch.randn(784, 50), torch.zeros(50), torch.randn(50, 1), torch.zeros(1)
    return lambda: (x @ w1 + b1).clamp_min(0.0) @ w2 + b2


def step(work):
    sizes, layers = work["sizes"], []
    for i, (before, after) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(before, after))
        if i < len(sizes) - 2:
            layers.append(nn.ReLU() if work["activation"] == "relu" else nn.Sigmoid())
    model = nn.Sequential(*layers)
    parameters = model.parameters()
    optimizer = torch.optim.Adam(parameters) if work["optimizer"] == "adam" else torch.optim.SGD(parameters, 0.1)
    x, y = torch.rand(work["batch"], sizes[0]), torch.randint(0, 10, (work["batch"],))

    def run():
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return run


def until(run, seconds):
    start, runs = time.perf_counter(), 0
    while True:
        run()
        runs += 1
        passed = time.perf_counter() - start
        if passed >= seconds:
            return passed * 1e6 / runs


name, run = None, None
for line in sys.stdin:
    work = json.loads(line)
    if work["name"] != name:
        name, run = work["name"], {"matmul": matmul, "forward": forward, "step": step}[work["kind"]](work)
    until(run, 0.03)
    print(json.dumps({"us": until(run, 0.06)}), flush=True)
