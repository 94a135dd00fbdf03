"""The reference works: parameters, batches and optimisers, stated once for every peer.

Parameters are named by path and stored in Tenon's layouts; each peer converts to its own:
  convolution filters  [height, width, in, out]   images [batch, height, width, channels]
  dense weights        [in, out]
  LSTM                 input.weight [in, 4*hidden], hidden.weight [hidden, 4*hidden], one bias
                       [4*hidden]; gates in the order input, forget, cell, output
  attention            qkv [d, 3*d]: query, key and value side by side, heads contiguous in each
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Work:
    parameters: dict  # path -> (shape, initial values: "uniform" | "normal" | "ones" | "zeros")
    input: tuple  # ("f32", shape) or ("token", shape, vocabulary)
    target: tuple  # ("label", shape, classes)
    optimizer: str  # "sgd" | "adam" | "adamw"
    state: dict = field(default_factory=dict)  # running averages, as parameters
    sizes: dict = field(default_factory=dict)


def dense(path, inputs, outputs, bias=True):
    result = {f"{path}.weight": ((inputs, outputs), "uniform")}
    if bias:
        result[f"{path}.bias"] = ((outputs,), "uniform")
    return result


def conv(path, size, inputs, outputs, bias=True):
    result = {f"{path}.weight": ((size, size, inputs, outputs), "uniform")}
    if bias:
        result[f"{path}.bias"] = ((outputs,), "uniform")
    return result


def norm(path, width):
    return {f"{path}.weight": ((width,), "ones"), f"{path}.bias": ((width,), "zeros")}


def running(path, width):
    return {f"{path}.running_mean": ((width,), "zeros"), f"{path}.running_var": ((width,), "ones")}


def mlp():
    parameters = dense("fc1", 784, 512) | dense("fc2", 512, 512) | dense("logits", 512, 10)
    return Work(parameters, ("f32", (128, 784)), ("label", (128,), 10), "sgd")


def lenet(batch):
    parameters = (conv("conv1", 5, 1, 6) | conv("conv2", 5, 6, 16) | dense("fc1", 400, 120)
                  | dense("fc2", 120, 84) | dense("logits", 84, 10))
    return Work(parameters, ("f32", (batch, 28, 28, 1)), ("label", (batch,), 10), "sgd")


def cnn():
    parameters, state = {}, {}
    for i, inputs in ((1, 1), (2, 64), (3, 64)):
        parameters |= conv(f"conv{i}", 3, inputs, 64) | norm(f"norm{i}", 64)
        state |= running(f"norm{i}", 64)
    parameters |= dense("logits", 64, 10)
    return Work(parameters, ("f32", (128, 28, 28, 1)), ("label", (128,), 10), "sgd", state)


def resnet18_blocks():
    """(path, input filters, output filters, stride) of the eight residual blocks."""
    inputs = 64
    for stage, filters in enumerate((64, 128, 256, 512)):
        for i in range(2):
            yield f"stage{stage + 1}.{i}", inputs, filters, 2 if stage > 0 and i == 0 else 1
            inputs = filters


def resnet18():
    parameters = conv("conv1", 3, 3, 64, bias=False) | norm("norm1", 64)
    state = running("norm1", 64)
    for path, inputs, filters, stride in resnet18_blocks():
        parameters |= conv(f"{path}.conv1", 3, inputs, filters, bias=False)
        parameters |= norm(f"{path}.norm1", filters)
        parameters |= conv(f"{path}.conv2", 3, filters, filters, bias=False)
        parameters |= norm(f"{path}.norm2", filters)
        state |= running(f"{path}.norm1", filters) | running(f"{path}.norm2", filters)
        if stride != 1 or inputs != filters:
            parameters |= conv(f"{path}.shortcut.conv", 1, inputs, filters, bias=False)
            parameters |= norm(f"{path}.shortcut.norm", filters)
            state |= running(f"{path}.shortcut.norm", filters)
    parameters |= dense("logits", 512, 10)
    return Work(parameters, ("f32", (64, 32, 32, 3)), ("label", (64,), 10), "sgd", state)


def lstm():
    parameters = {"embedding.weight": ((65, 128), "normal")}
    for i in range(2):
        parameters[f"lstm.{i}.input.weight"] = ((128, 512), "uniform")
        parameters[f"lstm.{i}.hidden.weight"] = ((128, 512), "uniform")
        parameters[f"lstm.{i}.bias"] = ((512,), "uniform")
    parameters |= dense("logits", 128, 65)
    return Work(parameters, ("token", (50, 50), 65), ("label", (50, 50), 65), "adam")


def gpt(batch, time, width, heads, layers, vocabulary=65):
    parameters = {"token_embedding.weight": ((vocabulary, width), "normal"),
                  "position_embedding.weight": ((time, width), "small")}
    for i in range(layers):
        block = f"blocks.{i}"
        parameters |= norm(f"{block}.norm1", width)
        parameters |= dense(f"{block}.attention.qkv", width, 3 * width)
        parameters |= dense(f"{block}.attention.out", width, width)
        parameters |= norm(f"{block}.norm2", width)
        parameters |= dense(f"{block}.mlp.fc1", width, 4 * width)
        parameters |= dense(f"{block}.mlp.fc2", 4 * width, width)
    parameters |= norm("norm", width) | dense("logits", width, vocabulary, bias=False)
    return Work(parameters, ("token", (batch, time), vocabulary),
                ("label", (batch, time), vocabulary), "adamw",
                sizes={"heads": heads, "layers": layers, "width": width})


WORKS = {
    "mlp": mlp,
    "lenet_b64": lambda: lenet(64),
    "lenet_b128": lambda: lenet(128),
    "cnn": cnn,
    "resnet18": resnet18,
    "lstm": lstm,
    "gpt_small": lambda: gpt(12, 64, 128, 4, 4),
}


def initial_values(work, seed=0):
    """Parameters, running averages and one batch ("input", "target") as NumPy arrays by name."""
    random = np.random.default_rng(seed)
    values = {}
    for path, (shape, kind) in (work.parameters | work.state).items():
        if kind in ("ones", "zeros"):
            values[path] = (np.ones if kind == "ones" else np.zeros)(shape, np.float32)
        elif kind in ("normal", "small"):
            scale = 1.0 if kind == "normal" else 0.02
            values[path] = (random.standard_normal(shape) * scale).astype(np.float32)
        else:
            fan_in = np.prod(shape[:-1]) if len(shape) > 1 else shape[0]
            bound = 1.0 / np.sqrt(fan_in)
            values[path] = random.uniform(-bound, bound, shape).astype(np.float32)
    if work.input[0] == "f32":
        values["input"] = random.standard_normal(work.input[1]).astype(np.float32)
    else:
        values["input"] = random.integers(0, work.input[2], work.input[1]).astype(np.int32)
    values["target"] = random.integers(0, work.target[2], work.target[1]).astype(np.int32)
    return values
