#!/usr/bin/env bash
# PyTorch 2.15.0 and JAX 0.10.2 on the CPU: where a thousand bfloat16 ones meet in one element, the
# sum is 1000 by some operations and 256 by others that mean the same. At 256 the spacing of bfloat16
# is 2, so an accumulator of that type no longer grows. Inside one library it depends on the operation:
# PyTorch's scatter_add widens and index_add does not; the gradient of an embedding, of a value used a
# thousand times and of one stacked a thousand times do not; cumsum does.
# Expected by most: 1000 everywhere, as from sum(); seen: the table that is printed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q torch==2.15.0 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import jax
import jax.numpy as jnp
import torch

n = 1000
ones = torch.ones(n, dtype=torch.bfloat16)
index = torch.zeros(n, dtype=torch.long)
zero = torch.zeros(1, dtype=torch.bfloat16)
table = torch.nn.Embedding(2, 1, dtype=torch.bfloat16)
table(index).sum().backward()
stacked = torch.ones((), dtype=torch.bfloat16, requires_grad=True)
torch.stack([stacked] * n).sum().backward()
used = torch.ones((), dtype=torch.bfloat16, requires_grad=True)
sum(used * 1 for _ in range(n)).backward()
take = lambda w: jnp.take(w, jnp.zeros(n, jnp.int32), axis=0).sum()
half = jnp.ones(n, jnp.bfloat16)
seen = {
    "torch sum": ones.sum().item(),
    "torch cumsum": torch.cumsum(ones, 0)[-1].item(),
    "torch scatter_add": zero.scatter_add(0, index, ones).item(),
    "torch index_add": zero.index_add(0, index, ones).item(),
    "torch embedding gradient": table.weight.grad[0].item(),
    "torch gradient of stack": stacked.grad.item(),
    "torch gradient of a reused value": used.grad.item(),
    "jax sum": float(half.sum()),
    "jax cumsum": float(jnp.cumsum(half)[-1]),
    "jax segment_sum": float(jax.ops.segment_sum(half, jnp.zeros(n, jnp.int32), 1)[0]),
    "jax gradient of take": float(jax.grad(take)(jnp.ones((2, 1), jnp.bfloat16))[0, 0]),
}
for name, value in seen.items():
    print(f"{name:34} {value:6.0f}")
stalls = {name for name, value in seen.items() if value == 256}
assert stalls == {"torch index_add", "torch embedding gradient", "torch gradient of stack",
                  "torch gradient of a reused value", "jax segment_sum", "jax gradient of take"}
assert all(seen[name] == n for name in seen if name not in stalls)
print("as described: PyTorch 2.15.0, JAX 0.10.2")
PYTHON
