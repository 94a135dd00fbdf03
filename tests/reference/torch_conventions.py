"""Prints the derivatives that PyTorch and JAX have where functions have none, or where formulas break.

    python tests/reference/torch_conventions.py

docs/modules/ops.md states which of them are Tenon's; tests/tensor/special_values_test.cpp holds it to
them. Beside them what both do with arrays of no elements.
"""

import math
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F

INF, NAN = math.inf, math.nan
FUNCTIONS = [
    ("abs", torch.abs, jnp.abs, [0.0]),
    ("relu", F.relu, jax.nn.relu, [0.0]),
    ("hardtanh", F.hardtanh, jax.nn.hard_tanh, [-1.0, 1.0]),
    ("maximum(x, 0)", lambda x: torch.maximum(x, 0 * x), lambda x: jnp.maximum(x, 0 * x), [0.0]),
    ("clip", lambda x: torch.clamp(x, torch.tensor(-1.0), torch.tensor(1.0)),
     lambda x: jnp.clip(x, -1.0, 1.0), [-1.0, 1.0, 0.5]),
    ("max of ties", torch.amax, jnp.max, [1.0, 1.0, 0.0]),
    ("norm", torch.linalg.norm, jnp.linalg.norm, [0.0, 0.0]),
    ("std", lambda x: torch.std(x, correction=0), jnp.std, [2.0, 2.0, 2.0]),
    ("sqrt", torch.sqrt, jnp.sqrt, [0.0, -0.0]),
    ("rsqrt", torch.rsqrt, jax.lax.rsqrt, [0.0, -0.0]),
    ("prod, one zero", torch.prod, jnp.prod, [0.0, 2.0, 3.0]),
    ("prod, two zeros", torch.prod, jnp.prod, [0.0, 0.0, 3.0]),
    ("cumprod", lambda x: torch.cumprod(x, 0), jnp.cumprod, [2.0, 0.0, 3.0]),
    ("cummax", lambda x: torch.cummax(x, 0)[0], jax.lax.cummax, [1.0, 3.0, 3.0, 2.0, 3.0]),
    ("cummax of NaN", lambda x: torch.cummax(x, 0)[0], jax.lax.cummax, [1.0, NAN, 2.0, NAN, 5.0]),
    ("cummin", lambda x: torch.cummin(x, 0)[0], jax.lax.cummin, [2.0, 2.0, 2.0]),
    ("pow(x, 0)", lambda x: torch.pow(x, 0 * x.detach()), lambda x: jnp.power(x, 0.0), [0.0]),
    ("pow(0, x)", lambda x: torch.pow(0 * x.detach(), x), lambda x: jnp.power(0.0, x), [0.0]),
    ("atan2(x, 0)", lambda x: torch.atan2(x, 0 * x.detach()), lambda x: jnp.arctan2(x, 0.0), [0.0]),
    ("logsumexp", lambda x: torch.logsumexp(x, 0), jax.scipy.special.logsumexp, [-INF, -INF]),
    ("softmax", lambda x: torch.softmax(x, 0)[0], lambda x: jax.nn.softmax(x)[0], [-INF, -INF]),
    ("where", lambda x: torch.where(x > 0, torch.sqrt(x), 0 * x),
     lambda x: jnp.where(x > 0, jnp.sqrt(x), 0 * x), [0.0]),
    ("x log x", lambda x: x * torch.log(x), lambda x: x * jnp.log(x), [0.0]),
]
EMPTY = [
    ("mean", lambda x: torch.tensor(x).mean(), lambda x: np.mean(x)),
    ("max", lambda x: torch.tensor(x).amax(0), lambda x: np.max(x, 0)),
    ("argmax", lambda x: torch.tensor(x).argmax(0), lambda x: np.argmax(x, 0)),
    ("std", lambda x: torch.tensor(x).std(), lambda x: np.std(x)),
    ("norm", lambda x: torch.linalg.norm(torch.tensor(x)), lambda x: np.linalg.norm(x)),
    ("softmax", lambda x: torch.softmax(torch.tensor(x), 0), lambda x: jax.nn.softmax(x, 0)),
    ("logsumexp", lambda x: torch.logsumexp(torch.tensor(x), 0),
     lambda x: jax.scipy.special.logsumexp(x, 0)),
    ("layer_norm", lambda x: F.layer_norm(torch.tensor(x).T, (0,)), lambda x: "-"),
    ("mse_loss", lambda x: F.mse_loss(torch.tensor(x), torch.tensor(x)), lambda x: "-"),
    ("batch_norm", lambda x: F.batch_norm(torch.tensor(x), None, None, training=True),
     lambda x: "-"),
]


def attempt(f, *arguments):
    try:
        return str(f(*arguments)).replace("\n", " ")
    except Exception as error:  # whatever they raise is what is asked for
        return f"{type(error).__name__}: {error}".split("\n")[0]


def torch_slopes(f, x):
    x = torch.tensor(x, requires_grad=True)
    return torch.autograd.grad(f(x).sum(), x)[0].tolist()


def jax_slopes(f, x):
    return jax.grad(lambda x: jnp.sum(f(x)))(jnp.array(x)).tolist()


def main():
    warnings.simplefilter("ignore")
    for name, of_torch, of_jax, x in FUNCTIONS:
        print(f"{name:16} at {x}: PyTorch {attempt(torch_slopes, of_torch, x)}, "
              f"JAX {attempt(jax_slopes, of_jax, x)}")
    empty = np.zeros((0, 3), np.float32)
    for name, of_torch, of_numpy in EMPTY:
        print(f"{name:16} of nothing: PyTorch {attempt(of_torch, empty)}, "
              f"NumPy or JAX {attempt(of_numpy, empty)}")


if __name__ == "__main__":
    main()
