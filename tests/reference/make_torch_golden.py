"""Trains a LeNet-5 and a two-layer GPT for ten steps in PyTorch and writes what happened.

    python tests/reference/make_torch_golden.py [tests/golden/torch]

Writes lenet.safetensors (SGD with momentum) and gpt.safetensors (AdamW), float32 throughout:
    input, target        the batches of all steps, [10, batch, ...]; images are [.., 28, 28, 1]
    initial/PATH         the parameters before the first step
    loss                 f32[10], each before the update of its step
    gradient/1/PATH      the gradients of the first and of the last step,
    gradient/10/PATH
    gradient_norm/PATH   and the Euclidean norm of the gradient in every step, f32[10]
    final/PATH           the parameters after ten updates
The metadata holds the hyper-parameters as text.

PATH and layout are Tenon's (bench/peers/works.py): convolution filters [height, width, in, out]
(PyTorch: out, in, height, width), dense weights [in, out] (PyTorch: out, in), embeddings as in
PyTorch. LeNet flattens its last image as height, width, channels, so fc1.weight needs no shuffle.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "peers"))

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

import torch_peer

STEPS = 10


def record(path, model, optimizer, inputs, targets, hyper_parameters):
    values = torch_peer.named_values(model)
    as_tenon = lambda: {name: torch_peer.to_tenon(name, v) for name, v in values.items()}
    tensors = {f"initial/{name}": v for name, v in as_tenon().items()}
    x = inputs.permute(0, 1, 3, 4, 2) if inputs.dim() == 5 else inputs.int()
    tensors |= {"input": x.contiguous().numpy(), "target": targets.int().numpy()}
    losses, norms = [], {name: [] for name in values}
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs[step]).flatten(0, -2), targets[step].flatten())
        loss.backward()
        losses.append(loss.item())
        for name, value in values.items():
            norms[name].append(value.grad.norm().item())
            if step in (0, STEPS - 1):
                tensors[f"gradient/{step + 1}/{name}"] = torch_peer.to_tenon(name, value.grad)
        optimizer.step()
    tensors["loss"] = np.array(losses, np.float32)
    tensors |= {f"gradient_norm/{name}": np.array(n, np.float32) for name, n in norms.items()}
    tensors |= {f"final/{name}": v for name, v in as_tenon().items()}
    metadata = {"torch": torch.__version__} | {k: str(v) for k, v in hyper_parameters.items()}
    save_file(tensors, path, metadata)
    print(f"{path}: {path.stat().st_size} bytes, loss {losses[0]:.6f} -> {losses[-1]:.6f}")


def lenet(folder):
    torch.manual_seed(1)
    model = torch_peer.LeNet()
    hyper = {"model": "lenet5", "optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9}
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    inputs, targets = torch.rand(STEPS, 4, 1, 28, 28), torch.randint(0, 10, (STEPS, 4))
    record(folder / "lenet.safetensors", model, optimizer, inputs, targets, hyper)


def gpt(folder):
    torch.manual_seed(2)
    vocabulary, time, width, heads, layers = 29, 12, 32, 4, 2
    model = torch_peer.Gpt(vocabulary, time, width, heads, layers)
    hyper = {"model": "gpt", "vocabulary": vocabulary, "time": time, "width": width,
             "heads": heads, "layers": layers, "activation": "gelu (tanh)", "epsilon_norm": 1e-5,
             "optimizer": "adamw", "learning_rate": 1e-2, "beta1": 0.9, "beta2": 0.999,
             "epsilon": 1e-8, "weight_decay": 0.01}
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2, weight_decay=0.01)
    shape = (STEPS, 4, time)
    inputs, targets = (torch.randint(0, vocabulary, shape) for _ in range(2))
    record(folder / "gpt.safetensors", model, optimizer, inputs, targets, hyper)


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/torch")
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    lenet(folder)
    gpt(folder)


if __name__ == "__main__":
    main()
