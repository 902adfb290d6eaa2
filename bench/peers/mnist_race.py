"""Learns MNIST until 97.5 % of the test images are right, and says how long the program ran: mnist_race.ts line by line.

784-128-64-10 with ReLU, batches of 64, descent at a falling rate, judged after each epoch, on one thread. The loader fetches a
whole batch at once, which is the fastest that PyTorch's own DataLoader does, in the order of DataLoader(dataset, 64, shuffle=True).
Bytes become floats a batch at a time.
"""
import time

START = time.perf_counter()
import gzip
import json
import os
import sys

import torch
from blas import require_fast_blas
from torch import nn
from torch.nn import functional
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

ENOUGH = 0.975


def read(name, header):
    path = os.path.join(sys.argv[1], name)
    data = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=header)


def load(part):
    images = read(f"{part}-images-idx3-ubyte", 16).view(-1, 784)
    return images, read(f"{part}-labels-idx1-ubyte", 8).long()


require_fast_blas()
torch.set_num_threads(1)
torch.manual_seed(42)
dataset, (x, y) = TensorDataset(*load("train")), load("t10k")
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.25)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.6)
loader = DataLoader(dataset, sampler=BatchSampler(RandomSampler(dataset), 64, False), batch_size=None)

epochs, accuracy = 0, 0
while accuracy < ENOUGH and epochs < 20:
    for inputs, labels in loader:
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs.float().div_(255)), labels).backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = (model(x.float().div_(255)).argmax(1) == y).sum().item() / len(y)
    scheduler.step()
    epochs += 1
print(json.dumps({"epochs": epochs, "accuracy": accuracy, "seconds": round(time.perf_counter() - START, 3)}))
