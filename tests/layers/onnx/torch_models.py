"""Writes layers of PyTorch, all or those that are named, as files of ONNX into a folder, with what they give in answers.json.

    python3 torch_models.py FOLDER [NAME_OPSET…]

Not among them is circular padding, of which PyTorch 1.13 writes another one than it computes: ONNX Runtime says so too.
"""
import io
import json
import math
import sys
import warnings

import torch
from torch import nn

warnings.filterwarnings("ignore")
torch.manual_seed(0)
folder, wanted = sys.argv[1], sys.argv[2:]


class Block(nn.Module):
    """A residual block with parts of its own."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(4, 4, 3, padding=1)
        self.b = nn.BatchNorm2d(4)
        self.c = nn.Linear(4, 3)

    def forward(self, x):
        y = torch.relu(self.b(self.a(x)) + x)
        y = y[:, :, ::2, 1:].mean((2, 3))
        return torch.softmax(self.c(y.view(y.size(0), -1)), 1)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.norm = nn.Linear(8, 24), nn.LayerNorm(8)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(n, t, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        return (torch.softmax(q @ k.transpose(-2, -1) / 2, -1) @ v).transpose(1, 2).reshape(n, t, c)


class Tables(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Embedding(5, 3), nn.Linear(6, 2)

    def forward(self, x):
        return torch.sigmoid(self.out(self.embed(x).flatten(1)))


class Outputs(nn.Module):
    """What a recurrent layer gives, and nothing of its states."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


class Last(nn.Module):
    """Classes by the last state of a memory."""

    def __init__(self):
        super().__init__()
        self.lstm, self.out = nn.LSTM(3, 4, num_layers=2, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        return self.out(self.lstm(x)[1][0][-1])


class Text(nn.Module):
    """A small language model, each of whose places sees those before it."""

    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(5, 8), nn.Parameter(torch.randn(6, 8))
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", norm_first=True, batch_first=True)
        self.register_buffer("mask", torch.triu(torch.full((6, 6), -math.inf), 1))
        self.out = nn.Linear(8, 5)

    def forward(self, x):
        return self.out(self.layer(self.token(x) + self.place, src_mask=self.mask))


rows, sequence, images = torch.randn(2, 6), torch.randn(2, 4, 11), torch.randn(2, 4, 8, 12)
CASES = {
    "linear": (nn.Linear(6, 5), rows),
    "linear3": (nn.Linear(6, 5), torch.randn(2, 3, 6)),
    "mlp": (nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8), nn.Tanh(), nn.Dropout(), nn.Linear(8, 2)), rows),
    "conv1d": (nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), sequence),
    "conv2d": (nn.Conv2d(4, 6, (3, 2), stride=2, padding=(1, 0), groups=2), images),
    "same": (nn.Conv2d(4, 6, 3, padding="same"), images),
    "reflect": (nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect"), images),
    "transposed1d": (nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1, output_padding=1), sequence),
    "transposed2d": (nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2), images),
    "maxpool": (nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), images),
    "maxpool1d": (nn.MaxPool1d(3, dilation=2, stride=1), sequence),
    "avgpool": (nn.AvgPool2d(3, stride=2, padding=1), images),
    "avgpool1d": (nn.AvgPool1d(3, count_include_pad=False, padding=1), sequence),
    "adaptive": (nn.AdaptiveAvgPool2d((4, 3)), images),
    "adaptive1": (nn.AdaptiveAvgPool2d(1), images),
    "adaptivemax": (nn.AdaptiveMaxPool2d((2, 6)), images),
    "batchnorm1d": (nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU()), rows),
    "batchnorm2d": (nn.BatchNorm2d(4), images),
    "instancenorm": (nn.InstanceNorm2d(4, affine=True), images),
    "groupnorm": (nn.GroupNorm(2, 4), images),
    "layernorm": (nn.LayerNorm([8, 12]), images),
    "upsample": (nn.Upsample(scale_factor=2), images),
    "bilinear": (nn.Upsample(scale_factor=2, mode="bilinear"), images),
    "corners": (nn.Upsample(size=(5, 20), mode="bilinear", align_corners=True), images),
    "shuffle": (nn.PixelShuffle(2), images),
    "zeropad": (nn.ZeroPad2d((1, 2, 0, 1)), images),
    "flatten": (nn.Flatten(2), images),
    "unflatten": (nn.Unflatten(1, (2, 3)), rows),
    "embedding": (nn.Embedding(5, 3), torch.randint(0, 5, (2, 4))),
    "block": (Block(), images),
    "attention": (Attention(), torch.randn(2, 3, 8)),
    "tables": (Tables(), torch.randint(0, 5, (3, 2))),
}
for name in ["ReLU", "LeakyReLU", "Sigmoid", "Tanh", "ELU", "SELU", "GELU", "SiLU", "Mish", "Softplus", "Hardtanh"]:
    CASES[name] = (getattr(nn, name)(), rows)
for name in ["LogSigmoid", "PReLU", "Hardswish", "Hardsigmoid", "Softsign"]:
    CASES[name] = (getattr(nn, name)(), rows)
CASES["Softmax"] = (nn.Softmax(1), images)
CASES["LogSoftmax"] = (nn.LogSoftmax(-1), rows)

answers = []


def write(cases):
    for name, (model, x) in cases.items():
        for norm in model.modules():
            if hasattr(norm, "running_mean") and norm.running_mean is not None:
                norm.running_mean.normal_()
                norm.running_var.uniform_(0.5, 2)
        model.eval()
        for opset in (11, 14, 17):
            if wanted and f"{name}_{opset}" not in wanted:
                continue
            file = io.BytesIO()
            dynamic = {"input": {0: "batch"}, "output": {0: "batch"}}
            settings = dict(input_names=["input"], output_names=["output"], dynamic_axes=dynamic, opset_version=opset)
            try:
                torch.onnx.export(model, x, file, **settings)
            except torch.onnx.errors.OnnxExporterError:
                continue  # PyTorch itself cannot write it in that version
            with open(f"{folder}/{name}_{opset}.onnx", "wb") as out:
                out.write(file.getvalue())
            larger = torch.cat([x, x.flip(0), x])
            y = model(larger).detach()
            answers.append(
                {
                    "name": f"{name}_{opset}",
                    "x": [float(f"{v:.9g}") for v in larger.flatten().tolist()],
                    "from": list(larger.shape),
                    "ints": not larger.is_floating_point(),
                    "y": [float(f"{v:.9g}") for v in y.flatten().tolist()],
                    "shape": list(y.shape),
                }
            )


write(CASES)
write({  # made after all others, whose numbers stay what they were
    "rnn": (Outputs(nn.RNN(3, 4, nonlinearity="relu", batch_first=True)), torch.randn(2, 5, 3)),
    "gru": (Outputs(nn.GRU(3, 4, num_layers=2, bidirectional=True, batch_first=True)), torch.randn(2, 5, 3)),
    "lstm": (Outputs(nn.LSTM(3, 4, bias=False, bidirectional=True, batch_first=True)), torch.randn(2, 5, 3)),
    "last": (Last(), torch.randn(2, 5, 3)),
    "text": (Text(), torch.randint(0, 5, (2, 6))),
})
with open(f"{folder}/answers.json", "w") as out:
    out.write(json.dumps(answers).replace('}, {"name', '},\n{"name') + "\n")
