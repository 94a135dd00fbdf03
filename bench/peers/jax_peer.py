"""The reference works in JAX: one jitted step whose state is donated."""

import jax
import jax.numpy as jnp
import numpy as np

import works


def cross_entropy(logits, target):
    log_p = jax.nn.log_softmax(logits.reshape(-1, logits.shape[-1]))
    return -jnp.take_along_axis(log_p, target.reshape(-1, 1), 1).mean()


def dense(p, path, x):
    y = x @ p[f"{path}.weight"]
    return y + p[f"{path}.bias"] if f"{path}.bias" in p else y


def conv(p, path, x, stride=1, padding="SAME"):
    if padding == "SAME" and stride == 2:  # PyTorch's symmetric padding
        size = p[f"{path}.weight"].shape[0] // 2
        padding = [(size, size), (size, size)]
    y = jax.lax.conv_general_dilated(x, p[f"{path}.weight"], (stride, stride), padding,
                                     dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return y + p[f"{path}.bias"] if f"{path}.bias" in p else y


def max_pool(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def batch_norm(p, s, path, x):
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    count = x.size // x.shape[-1]
    s[f"{path}.running_mean"] = 0.9 * s[f"{path}.running_mean"] + 0.1 * mean
    s[f"{path}.running_var"] = (0.9 * s[f"{path}.running_var"]
                                + 0.1 * variance * (count / (count - 1)))
    scale = jax.lax.rsqrt(variance + 1e-5) * p[f"{path}.weight"]
    return (x - mean) * scale + p[f"{path}.bias"]


def layer_norm(p, path, x):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return ((x - mean) * jax.lax.rsqrt(variance + 1e-5) * p[f"{path}.weight"]
            + p[f"{path}.bias"])


def mlp(work, p, s, x):
    return dense(p, "logits", jax.nn.relu(dense(p, "fc2", jax.nn.relu(dense(p, "fc1", x)))))


def lenet(work, p, s, x):
    x = max_pool(jax.nn.relu(conv(p, "conv1", x)))
    x = max_pool(jax.nn.relu(conv(p, "conv2", x, padding="VALID")))
    return mlp(work, p, s, x.reshape(x.shape[0], -1))


def cnn(work, p, s, x):
    x = jax.nn.relu(batch_norm(p, s, "norm1", conv(p, "conv1", x)))
    x = max_pool(jax.nn.relu(batch_norm(p, s, "norm2", conv(p, "conv2", x))))
    x = jax.nn.relu(batch_norm(p, s, "norm3", conv(p, "conv3", x)))
    return dense(p, "logits", x.mean((1, 2)))


def resnet18(work, p, s, x):
    x = jax.nn.relu(batch_norm(p, s, "norm1", conv(p, "conv1", x)))
    for path, _, _, stride in works.resnet18_blocks():
        y = conv(p, f"{path}.conv1", x, stride)
        y = jax.nn.relu(batch_norm(p, s, f"{path}.norm1", y))
        y = batch_norm(p, s, f"{path}.norm2", conv(p, f"{path}.conv2", y))
        if f"{path}.shortcut.conv.weight" in p:
            x = conv(p, f"{path}.shortcut.conv", x, stride, padding="VALID")
            x = batch_norm(p, s, f"{path}.shortcut.norm", x)
        x = jax.nn.relu(x + y)
    return dense(p, "logits", x.mean((1, 2)))


def lstm(work, p, s, x):
    x = p["embedding.weight"][x].swapaxes(0, 1)  # time first
    for i in range(2):
        hidden_weight = p[f"lstm.{i}.hidden.weight"]
        inputs = x @ p[f"lstm.{i}.input.weight"] + p[f"lstm.{i}.bias"]

        def cell(carry, gates):
            hidden, memory = carry
            gates = gates + hidden @ hidden_weight
            enter, keep, candidate, leave = jnp.split(gates, 4, -1)
            memory = jax.nn.sigmoid(keep) * memory + jax.nn.sigmoid(enter) * jnp.tanh(candidate)
            hidden = jax.nn.sigmoid(leave) * jnp.tanh(memory)
            return (hidden, memory), hidden

        zero = jnp.zeros((x.shape[1], hidden_weight.shape[0]), x.dtype)
        _, x = jax.lax.scan(cell, (zero, zero), inputs)
    return dense(p, "logits", x.swapaxes(0, 1))


def gpt(work, p, s, tokens):
    batch, time = tokens.shape
    width, heads = work.sizes["width"], work.sizes["heads"]
    mask = jnp.tril(jnp.ones((time, time), bool))
    x = p["token_embedding.weight"][tokens] + p["position_embedding.weight"][:time]
    for i in range(work.sizes["layers"]):
        block = f"blocks.{i}"
        qkv = dense(p, f"{block}.attention.qkv", layer_norm(p, f"{block}.norm1", x))
        qkv = qkv.reshape(batch, time, 3, heads, width // heads).transpose(2, 0, 3, 1, 4)
        scores = qkv[0] @ qkv[1].swapaxes(-1, -2) / np.sqrt(width // heads).astype(np.float32)
        y = jax.nn.softmax(jnp.where(mask, scores, -jnp.inf), -1) @ qkv[2]
        y = y.transpose(0, 2, 1, 3).reshape(batch, time, width)
        x = x + dense(p, f"{block}.attention.out", y)
        y = dense(p, f"{block}.mlp.fc1", layer_norm(p, f"{block}.norm2", x))
        x = x + dense(p, f"{block}.mlp.fc2", jax.nn.gelu(y, approximate=True))
    return dense(p, "logits", layer_norm(p, "norm", x))


MODELS = {"mlp": mlp, "lenet_b64": lenet, "lenet_b128": lenet, "cnn": cnn, "resnet18": resnet18,
          "lstm": lstm, "gpt_small": gpt}


def sgd(p, slots, gradient):
    m = jax.tree.map(lambda m, g: 0.9 * m + g, slots["momentum"], gradient)
    return jax.tree.map(lambda p, m: p - 0.01 * m, p, m), {"momentum": m}


def adam(p, slots, gradient, decay=0.0):
    t = slots["step"] + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, slots["first"], gradient)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, slots["second"], gradient)
    size, root = 1e-3 / (1 - 0.9**t), 1 / jnp.sqrt(1 - 0.999**t)
    p = jax.tree.map(lambda p, m, v: p * (1 - 1e-3 * decay)
                     - size * m / (jnp.sqrt(v) * root + 1e-8), p, m, v)
    return p, {"step": t, "first": m, "second": v}


class JaxPeer:
    def __init__(self, name):
        self.work = works.WORKS[name]()
        model = MODELS[name]
        kind = self.work.optimizer

        def loss(p, s, x, y):
            s = dict(s)
            return cross_entropy(model(self.work, p, s, x), y), s

        def step(p, s, slots, x, y):
            (value, s), gradient = jax.value_and_grad(loss, has_aux=True)(p, s, x, y)
            if kind == "sgd":
                p, slots = sgd(p, slots, gradient)
            else:
                p, slots = adam(p, slots, gradient, 0.01 if kind == "adamw" else 0.0)
            return p, s, slots, value

        self.jitted = jax.jit(step, donate_argnums=(0, 1, 2))
        self.gradient = jax.jit(lambda p, s, x, y: jax.grad(loss, has_aux=True)(p, s, x, y)[0])

    def load(self, arrays):
        self.start = arrays
        self.batch = (jnp.asarray(arrays["input"]), jnp.asarray(arrays["target"]))
        self._restore()
        for _ in range(3):
            self.step()
        self._restore()

    def _restore(self):
        # jnp.array copies: the step overwrites what it is given.
        p = {path: jnp.array(self.start[path]) for path in self.work.parameters}
        s = {path: jnp.array(self.start[path]) for path in self.work.state}
        zeros = lambda: jax.tree.map(jnp.zeros_like, p)
        slots = ({"momentum": zeros()} if self.work.optimizer == "sgd" else
                 {"step": jnp.zeros((), jnp.int32), "first": zeros(), "second": zeros()})
        self.state = jax.block_until_ready((p, s, slots))

    def step(self):
        *state, value = self.jitted(*self.state, *self.batch)
        self.state = jax.block_until_ready(tuple(state))
        return value

    def outputs(self):
        self._restore()
        gradient = self.gradient(self.state[0], self.state[1], *self.batch)
        result = {f"gradient/{path}": np.array(g) for path, g in gradient.items()}
        result["loss"] = np.array(self.step())
        for path, value in (self.state[0] | self.state[1]).items():
            result[f"updated/{path}"] = np.array(value)
        self._restore()
        return result

    def forget_gradients(self):
        pass  # they live only inside the step

    def state_bytes(self):
        return sum(a.nbytes for a in jax.tree.leaves((self.state, self.batch)))
