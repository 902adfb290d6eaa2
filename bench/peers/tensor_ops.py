"""Operations on tensors, by the names that tensor_workloads.ts has for them."""
import torch
from torch.nn import functional


def forward(f, *shape):
    def prepare():
        x, apply = torch.randn(*shape), f()
        return torch.no_grad()(lambda: apply(x))

    return prepare


def both(f, *shape):
    def prepare():
        x, apply = torch.randn(*shape, requires_grad=True), f()
        g = torch.randn_like(apply(x))

        def run():
            x.grad = None
            apply(x).backward(g)

        return run

    return prepare


def masked():
    mask = torch.rand(1_000_000) > 0.5
    return lambda x: x[mask]


def rows():
    index = torch.randint(0, 1000, (100_000,))
    return lambda x: x[index]


def gathered():
    index = torch.randint(0, 1024, (1024, 1024))
    return lambda x: x.gather(1, index)


def chosen():
    mask, other = torch.rand(1024, 1024) > 0.5, torch.randn(1024, 1024)
    return lambda x: torch.where(mask, x, other)


def layer_norm():
    weight, bias = torch.rand(1024, requires_grad=True), torch.rand(1024, requires_grad=True)

    def apply(x):
        weight.grad = bias.grad = None
        return functional.layer_norm(x, [1024], weight, bias)

    return apply


def batched():
    a, b = torch.randn(64, 32, 32), torch.randn(64, 32, 32)
    return lambda: a @ b


def doubles():
    a, b = torch.randn(512, 512, dtype=torch.float64), torch.randn(512, 512, dtype=torch.float64)
    return lambda: a @ b


def shuffled():
    x = torch.randperm(1_000_000).float()
    return lambda: x.sort()


def mean_shift():
    points = torch.randn(1500, 2) * 10

    def run():
        x = points
        for _ in range(5):
            weights = torch.exp(-0.5 * (torch.cdist(x, x) / 2.5).square())
            x = weights @ x / weights.sum(1, keepdim=True)

    return run


SQUARE, MILLION, CUBE = (1024, 1024), (1_000_000,), (100, 100, 100)
OPERATIONS = {
    "mask of 1,000,000": forward(masked, *MILLION),
    "mask of 1,000,000, both ways": both(masked, *MILLION),
    "100,000 rows of [1000, 64]": forward(rows, 1000, 64),
    "100,000 rows of [1000, 64], both ways": both(rows, 1000, 64),
    "gather 1024x1024": forward(gathered, *SQUARE),
    "gather 1024x1024, both ways": both(gathered, *SQUARE),
    "where 1024x1024": forward(chosen, *SQUARE),
    "where 1024x1024, both ways": both(chosen, *SQUARE),
    "sort 1,000,000": shuffled,
    "sort rows of 1024x1024": forward(lambda: lambda x: x.sort(), *SQUARE),
    "topk 10 of 1024x1024": forward(lambda: lambda x: x.topk(10), *SQUARE),
    "cumsum rows of 1024x1024": forward(lambda: lambda x: x.cumsum(1), *SQUARE),
    "cumsum columns of 1024x1024": forward(lambda: lambda x: x.cumsum(0), *SQUARE),
    "sum first of 100x100x100": forward(lambda: lambda x: x.sum(0), *CUBE),
    "sum middle of 100x100x100": forward(lambda: lambda x: x.sum(1), *CUBE),
    "sum last of 100x100x100": forward(lambda: lambda x: x.sum(2), *CUBE),
    "max last of 100x100x100": forward(lambda: lambda x: x.amax(2), *CUBE),
    "64 products of 32x32": batched,
    "float64 product of 512x512": doubles,
    "softmax 1024x1024": forward(lambda: lambda x: x.softmax(1), *SQUARE),
    "softmax 1024x1024, both ways": both(lambda: lambda x: x.softmax(1), *SQUARE),
    "layer norm 1024x1024": forward(layer_norm, *SQUARE),
    "layer norm 1024x1024, both ways": both(layer_norm, *SQUARE),
    "gelu 1024x1024": forward(lambda: functional.gelu, *SQUARE),
    "gelu 1024x1024, both ways": both(lambda: functional.gelu, *SQUARE),
    "mean shift of 1500 points, 5 steps": mean_shift,
}


def tensor(workload):
    return OPERATIONS[workload["operation"]]()
