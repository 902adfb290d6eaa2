"""The same steps as step.ts by PyTorch's DistributedDataParallel over gloo: step_torch.py mlp|lenet RANKS."""
import json
import os
import sys
import time

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn


def make(name):
    if name == "mlp":
        return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)), (128, 784)
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    ), (64, 1, 28, 28)


def run(rank, name, ranks):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29511")
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model, shape = make(name)
    if ranks > 1:
        dist.init_process_group("gloo", rank=rank, world_size=ranks)
        model = nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x, y = torch.rand(*shape), torch.arange(shape[0]) % 10
    times = []
    for step in range(360):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=ranks == 1)
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        if step >= 60:
            times.append(1000 * (time.perf_counter() - start))
    times.sort()
    if rank == 0:
        print(json.dumps({"torch": name, "ranks": ranks, "median": times[150], "least": times[0]}), flush=True)


if __name__ == "__main__":
    mp.spawn(run, args=(sys.argv[1], int(sys.argv[2])), nprocs=int(sys.argv[2]))
