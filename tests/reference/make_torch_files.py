"""Writes files by torch.save, and what PyTorch finds in them: python3 make_torch_files.py FOLDER

The files in torch_files/ were written by PyTorch 1.13. Newer versions write a few records more; tests write fresh ones where
PyTorch is installed.
"""
import argparse
import collections
import json
import math
import os
import pickle
import sys

import torch
from torch import nn

try:
    import numpy
except ImportError:
    numpy = None

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
expected = {}


def shown(value):
    """Nested lists, with what JSON does not have as text."""
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def told(tensor):
    kind = str(tensor.dtype).replace("torch.", "")
    wide = tensor.double() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
    return {"dtype": kind, "shape": list(tensor.shape), "stride": list(tensor.stride()), "values": shown(wide.tolist())}


def save(name, thing, tensors, protocol=2, **more):
    torch.save(thing, os.path.join(folder, name), pickle_protocol=protocol)
    expected[name] = {"tensors": {key: told(value) for key, value in tensors.items()}, **more}


def trained(model, shape):
    """A model with statistics that are not those of its birth."""
    for _ in range(3):
        model(torch.randn(shape) * 2 + 1)
    return model.eval()


torch.manual_seed(1)
mlp = trained(nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)), [16, 4])
x = torch.randn(5, 4)
save("mlp.pt", mlp.state_dict(), mlp.state_dict(), x=x.tolist(), y=mlp(x).tolist())

lenet = nn.Sequential(
    nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(24, 10), nn.ReLU(), nn.Linear(10, 5))
lenet = trained(lenet, [8, 1, 12, 12])
x = torch.randn(3, 1, 12, 12)
save("lenet.pt", lenet.state_dict(), {}, x=x.tolist(), y=lenet(x).tolist())

lstm = nn.LSTM(3, 5, batch_first=True)
x = torch.randn(2, 4, 3)
save("lstm.pt", lstm.state_dict(), lstm.state_dict(), x=x.tolist(), y=lstm(x)[0].tolist())

w = torch.arange(12.0).view(3, 4)
views = {"w": w, "tied": w, "turned": w.t(), "part": w[1:, ::2], "one": w[2, 3], "repeated": w[0, :2].expand(3, 2)}
views |= {"alone": torch.arange(100.0)[40:42].clone(), "end": torch.arange(5)[3:], "none": torch.zeros(0, 3)}
images = torch.arange(24.0).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)
views |= {"parameter": nn.Parameter(w), "channels last": images}
save("views.pt", views, {key: value.detach() for key, value in views.items()})

halves = [1, -2.5, 65504, 2.0 ** -24, math.inf, -math.inf, math.nan, -0.0]
kinds = {
    "float64": torch.tensor([1 / 3, 1e300], dtype=torch.float64),
    "float32": torch.tensor([1 / 3, -0.0, 3.4e38, math.nan]),
    "float16": torch.tensor(halves, dtype=torch.float16),
    "bfloat16": torch.tensor([1, -2.5, 3.3895313892515355e38, 1e-40, math.inf, math.nan], dtype=torch.bfloat16),
    "int64": torch.tensor([[-(2 ** 31), 2 ** 31 - 1], [0, -1]]),
    "long": torch.tensor([2 ** 31, -(2 ** 53) + 1]),
    "int32": torch.tensor([-7, 2 ** 31 - 1], dtype=torch.int32),
    "int16": torch.tensor([-(2 ** 15), 2 ** 15 - 1], dtype=torch.int16),
    "int8": torch.tensor([-128, 127], dtype=torch.int8),
    "uint8": torch.tensor([0, 255], dtype=torch.uint8),
    "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(7),
}
save("kinds.pt", kinds, kinds)

model = nn.Linear(2, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.25, betas=(0.5, 0.75))
for _ in range(2):
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
state = optimizer.state_dict()["state"]
checkpoint = {
    "model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3, "name": "größer", "losses": [0.5, 0.25],
    "seed": 2 ** 63, "best": None, "done": False, "device": torch.device("cuda", 1), "dtype": torch.bfloat16,
    "size": torch.Size([2, 1]), "classes": {"a"}, "raw": b"\x00\xff", "ema": collections.OrderedDict(), "history": [model.weight.data, 2],
}
names = {f"model.{key}": value for key, value in model.state_dict().items()}
names |= {f"optimizer.state.{i}.{key}": part for i, parts in state.items() for key, part in parts.items() if torch.is_tensor(part)}
save("checkpoint.pt", checkpoint, names | {"history.0": model.weight.data})

parallel = nn.DataParallel(nn.Linear(2, 1))
save("parallel.pt", parallel.state_dict(), {})
save("alone.pt", torch.tensor([1.0, 2.0]), {"": torch.tensor([1.0, 2.0])})
save("complex.pt", {"w": torch.ones(2), "fft": torch.ones(2, dtype=torch.complex64)}, {"w": torch.ones(2)})
save("sparse.pt", {"s": torch.eye(2).to_sparse()}, {})
save("quantised.pt", {"q": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)}, {})
save("whole_model.pt", nn.Linear(1, 1), {})
for protocol in (3, 4, 5):
    thing = {"w": w, "classes": {"a"}, "raw": b"\x00\xff", "long": "x" * 300, "bytes": b"y" * 300, "seed": 2 ** 63, "size": torch.Size([2])}
    if protocol > 3:
        thing["fixed"] = frozenset([1])
    save(f"protocol{protocol}.pt", thing, {"w": w}, protocol=protocol)


class Mine:
    """An object with a tensor, such as a trainer, and a list and a dict with more in them."""

    def __init__(self):
        self.w = torch.ones(2)


class MyList(list):
    pass


for protocol in (2, 4):
    beside = {
        "args": argparse.Namespace(lr=0.1, layer=model), "mine": [Mine(), 3], "own": MyList([Mine()]), "function": math.sqrt,
        "count": collections.defaultdict(list, {"a": [1]}), ("a", 1): "a key", "sparse": torch.eye(2).to_sparse(), "complex": 1j,
    }
    if numpy is not None:
        beside |= {"best": numpy.float64(0.5), "array": numpy.arange(3)}
    thing = beside | {"model": model.state_dict(), "epoch": 3}
    save(f"foreign{protocol}.pt", thing, model.state_dict(), protocol=protocol)
torch.save({"w": torch.ones(1)}, os.path.join(folder, "legacy.pt"), _use_new_zipfile_serialization=False)
torch.jit.script(nn.Linear(1, 1)).save(os.path.join(folder, "script.pt"))
with open(os.path.join(folder, "plain.pkl"), "wb") as file:
    pickle.dump({"w": [1.0]}, file, protocol=2)

torch.manual_seed(2)
gru = nn.GRU(3, 4, num_layers=2, bidirectional=True)
x = torch.randn(5, 2, 3)
save("gru.pt", gru.state_dict(), gru.state_dict(), x=x.tolist(), y=gru(x)[0].tolist())


class Text(nn.Module):
    """A small language model, each of whose places sees those before it."""

    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(7, 8), nn.Embedding(6, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", norm_first=True, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8))
        self.head = nn.Linear(8, 7, bias=False)

    def forward(self, x):
        length = x.shape[1]
        mask = torch.triu(torch.ones(length, length), 1).bool()
        return self.head(self.layers(self.token(x) + self.place(torch.arange(length)), mask=mask))


text = Text().eval()
x = torch.randint(0, 7, (2, 6))
save("transformer.pt", text.state_dict(), text.state_dict(), x=x.tolist(), y=text(x).tolist())

with open(os.path.join(folder, "expected.json"), "w") as file:
    json.dump(expected, file)
