"""The reference works in PyTorch, eager or compiled, behind the interface that train.py drives."""

import os

import numpy as np
import torch
import torch._inductor.config
import torch.nn as nn
import torch.nn.functional as F

import works


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(784, 512), nn.Linear(512, 512)
        self.logits = nn.Linear(512, 10)

    def forward(self, x):
        return self.logits(F.relu(self.fc2(F.relu(self.fc1(x)))))


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.logits = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        # Channels last, so that fc1 means the same as in Tenon's layout.
        x = x.permute(0, 2, 3, 1).flatten(1)
        return self.logits(F.relu(self.fc2(F.relu(self.fc1(x)))))


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        for i, inputs in ((1, 1), (2, 64), (3, 64)):
            self.add_module(f"conv{i}", nn.Conv2d(inputs, 64, 3, padding=1))
            self.add_module(f"norm{i}", nn.BatchNorm2d(64))
        self.logits = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)))
        x = F.max_pool2d(F.relu(self.norm2(self.conv2(x))), 2)
        x = F.relu(self.norm3(self.conv3(x)))
        return self.logits(F.adaptive_avg_pool2d(x, 1).flatten(1))


class ConvNorm(nn.Module):
    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.conv = nn.Conv2d(inputs, filters, 1, stride, bias=False)
        self.norm = nn.BatchNorm2d(filters)

    def forward(self, x):
        return self.norm(self.conv(x))


class ResidualBlock(nn.Module):
    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, filters, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(filters)
        same = stride == 1 and inputs == filters
        self.shortcut = nn.Identity() if same else ConvNorm(inputs, filters, stride)

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class ResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64)
        stages = {}
        for path, inputs, filters, stride in works.resnet18_blocks():
            stages.setdefault(path.split(".")[0], []).append(ResidualBlock(inputs, filters, stride))
        for name, blocks in stages.items():
            self.add_module(name, nn.Sequential(*blocks))
        self.logits = nn.Linear(512, 10)

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)))
        x = self.stage4(self.stage3(self.stage2(self.stage1(x))))
        return self.logits(F.adaptive_avg_pool2d(x, 1).flatten(1))


class CharLstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(65, 128)
        self.lstm = nn.LSTM(128, 128, 2, batch_first=True)
        self.logits = nn.Linear(128, 65)
        for i in range(2):  # Tenon's cell has one bias: the second stays zero and fixed
            getattr(self.lstm, f"bias_hh_l{i}").requires_grad_(False).zero_()

    def forward(self, x):
        return self.logits(self.lstm(self.embedding(x))[0])


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, time, width = x.shape
        heads = self.qkv(x).view(batch, time, 3, self.heads, width // self.heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(batch, time, width))


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width), FeedForward(width)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Gpt(nn.Module):
    def __init__(self, vocabulary, time, width, heads, layers):
        super().__init__()
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.position_embedding = nn.Embedding(time, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])
        self.norm, self.logits = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

    def forward(self, x):
        x = self.token_embedding(x) + self.position_embedding.weight[: x.shape[1]]
        return self.logits(self.norm(self.blocks(x)))


def build(name, work):
    if name == "gpt_small":
        s = work.sizes
        return Gpt(65, work.input[1][1], s["width"], s["heads"], s["layers"])
    return {"mlp": Mlp, "lenet_b64": LeNet, "lenet_b128": LeNet, "cnn": Cnn,
            "resnet18": ResNet18, "lstm": CharLstm}[name]()


def tenon_path(name):
    """PyTorch's names for the parameters of an LSTM, in Tenon's words; other names are equal."""
    for i in range(8):
        name = name.replace(f"lstm.weight_ih_l{i}", f"lstm.{i}.input.weight")
        name = name.replace(f"lstm.weight_hh_l{i}", f"lstm.{i}.hidden.weight")
        name = name.replace(f"lstm.bias_ih_l{i}", f"lstm.{i}.bias")
    return name


def to_tenon(path, tensor):
    """The value of a parameter in Tenon's layout."""
    tensor = tensor.detach()
    if tensor.dim() == 4:
        tensor = tensor.permute(2, 3, 1, 0)  # OIHW -> HWIO
    elif tensor.dim() == 2 and "embedding" not in path:
        tensor = tensor.t()
    return tensor.contiguous().cpu().numpy().copy()


def from_tenon(path, array):
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if tensor.dim() == 4:
        return tensor.permute(3, 2, 0, 1).contiguous()
    if tensor.dim() == 2 and "embedding" not in path:
        return tensor.t().contiguous()
    return tensor


def named_values(model):
    """Tenon's path -> trainable parameter or running average."""
    named = list(model.named_parameters()) + list(model.named_buffers())
    return {tenon_path(n): v for n, v in named
            if "bias_hh" not in n and "num_batches" not in n}


def make_optimizer(kind, parameters):
    parameters = [p for p in parameters if p.requires_grad]
    if kind == "sgd":
        return torch.optim.SGD(parameters, 0.01, momentum=0.9)
    return (torch.optim.Adam if kind == "adam" else torch.optim.AdamW)(parameters, 1e-3)


class TorchPeer:
    def __init__(self, name, compiled, threads, channels_last=False, float64=False):
        torch.set_num_threads(threads)
        torch.set_default_dtype(torch.float64 if float64 else torch.float32)
        torch.manual_seed(0)
        self.work = works.WORKS[name]()
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.model = build(name, self.work).to(memory_format=self.format)
        self.values = named_values(self.model)
        self.optimizer = make_optimizer(self.work.optimizer, self.model.parameters())
        self.input = self.target = None
        if os.environ.get("TENON_CPU") == "avx2":
            # Left to itself the compiler makes code for AVX2 on a processor with AVX-512 whose indices of
            # a pooled maximum are wrong (PyTorch 2.15).
            torch._inductor.config.cpp.simdlen = 256
        self.forward = torch.compile(self._loss) if compiled else self._loss
        self.update = torch.compile(self.optimizer.step) if compiled else self.optimizer.step

    def _loss(self, x, y):
        logits = self.model(x)
        return F.cross_entropy(logits.flatten(0, -2), y)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.forward(self.input, self.target)
        loss.backward()
        self.update()
        return loss

    def load(self, arrays):
        """Takes parameters and batch, runs what must be compiled, and returns to the start."""
        self.start = {path: from_tenon(path, arrays[path]) for path in self.values}
        x = torch.from_numpy(arrays["input"])
        if x.is_floating_point():
            x = x.to(torch.get_default_dtype())
        if self.work.input[0] == "token":
            x = x.long()
        elif x.dim() == 4:
            x = x.permute(0, 3, 1, 2).contiguous(memory_format=self.format)
        self.input, self.target = x, torch.from_numpy(arrays["target"]).long().flatten()
        self._restore()
        for _ in range(3):
            self.step()
        self._restore()

    def _restore(self):
        with torch.no_grad():
            for path, value in self.values.items():
                value.copy_(self.start[path])
            for slots in self.optimizer.state.values():
                for slot in slots.values():
                    if torch.is_tensor(slot):
                        slot.zero_()

    def outputs(self):
        """One step from the loaded values: loss, gradients and updated values."""
        self._restore()
        loss = self.step()
        result = {"loss": loss.detach().numpy().copy()}
        for path, value in self.values.items():
            if value.grad is not None:
                result[f"gradient/{path}"] = to_tenon(path, value.grad)
            result[f"updated/{path}"] = to_tenon(path, value)
        self._restore()
        return result

    def forget_gradients(self):
        self.optimizer.zero_grad(set_to_none=True)

    def state_bytes(self):
        """Bytes that live from step to step: values, optimiser slots and the batch."""
        tensors = list(self.values.values()) + [self.input, self.target]
        for slots in self.optimizer.state.values():
            tensors += [s for s in slots.values() if torch.is_tensor(s)]
        return sum(t.numel() * t.element_size() for t in tensors)
