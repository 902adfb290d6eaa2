"""The networks for images, as networks.ts has them."""
from torch import nn
from torch.nn import functional


def normed(channels, out, kernel, stride):
    return [nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out)]


class Residual(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        first, second = normed(channels, out, 3, 1), normed(out, out, 3, stride)
        self.body = nn.Sequential(nn.Sequential(*first, nn.ReLU()), nn.Sequential(*second))
        self.shortcut = nn.Identity() if channels == out else nn.Sequential(*normed(channels, out, 1, 1))
        self.pool = nn.Identity() if stride == 1 else nn.AvgPool2d(2, ceil_mode=True)

    def forward(self, x):
        return functional.relu(self.body(x) + self.shortcut(self.pool(x)))


def mlp():
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


def lenet():
    windows = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
    dense = [nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    return nn.Sequential(*windows, nn.Flatten(), *dense)


def convnet():
    sizes = [(1, 8), (8, 16), (16, 32), (32, 64)]
    blocks = [nn.Sequential(*normed(channels, out, 3, 2), nn.ReLU()) for channels, out in sizes]
    return nn.Sequential(*blocks, nn.Sequential(*normed(64, 10, 3, 2)), nn.Flatten())


def resnet():
    sizes = [(1, 8, 1), (8, 16, 2), (16, 32, 2), (32, 64, 2), (64, 128, 2)]
    blocks = [Residual(*size) for size in sizes]
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


class Rows(nn.Module):
    def __init__(self, rnn):
        super().__init__()
        self.rnn, self.head = rnn, nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.rnn(x.squeeze(1))[0][:, -1])


def lstm():
    return Rows(nn.LSTM(28, 64, batch_first=True))


def gru():
    return Rows(nn.GRU(28, 64, batch_first=True))


MODELS = {"mlp": mlp, "lenet": lenet, "convnet": convnet, "resnet": resnet, "lstm": lstm, "gru": gru}
