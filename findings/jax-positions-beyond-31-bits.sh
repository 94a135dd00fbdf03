#!/usr/bin/env bash
# JAX 0.10.2 on the CPU, 64-bit types off (as it comes): of an array with more than 2^31 elements,
# argmax is a negative position and count_nonzero a negative number, without an error or a warning,
# although such an array is made and reduced as any other. PyTorch 2.15.0 gives both in 64 bits.
# Expected by most: an error that asks for jax_enable_x64, as indexing at that position does give.
# Seen: argmax -2147483632 where the element is at 2147483664; count -2147483630 for 2147483666.
# Needs 6 GiB of memory.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import jax.numpy as jnp
import numpy as np

size = 2**31 + 19
values = np.zeros(size, np.uint8)
values[size - 3] = 1
array = jnp.asarray(values)
position = int(jnp.argmax(array))
zeros = int(jnp.count_nonzero(array == 0))
print("numpy argmax", int(np.argmax(values)), " jax argmax", position)
print("zeros       ", size - 1, " jax count_nonzero", zeros)
assert position == size - 3 - 2**32 and zeros == size - 1 - 2**32
print("as described: JAX 0.10.2")
PYTHON
