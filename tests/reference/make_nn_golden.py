"""What PyTorch's losses, optimisers and schedules give, in float64.

    python tests/reference/make_nn_golden.py [tests/golden/nn]

losses.safetensors, for each case of tests/nn/losses_golden_test.cpp:
    CASE/input/I       what the loss is given, in Tenon's order and layout (classes last)
    CASE/value         the loss
    CASE/gradient/I    its gradient by each input of real numbers
optimizers.safetensors:
    x, y, initial/w, initial/b    a problem: the mean of (tanh(x w + b) - y)^2
    CASE/w, CASE/b     the parameters after ten updates (lbfgs: after ten iterations)
    schedule/CASE      the rates of the first 60 steps
    plateau/CASE       the rates after each of the losses plateau/losses, from 1
LARS, LAMB and Lion, which PyTorch lacks, are written down from their papers. Inputs are float32
numbers, so that they are the same for both.
"""

import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(7)


def real(*shape, scale=1.0, offset=0.0):
    return (rng.standard_normal(shape) * scale + offset).astype(np.float32)


def classes(high, *shape):
    return rng.integers(0, high, shape).astype(np.int32)


LOSSES = {}


def case(name, function, *inputs):
    """`function` is of tensors in the order of inputs."""
    given = []
    for x in inputs:
        t = torch.tensor(np.asarray(x))
        given.append(t.double().requires_grad_() if t.is_floating_point() else t.long())
    value = function(*given)
    value.backward()
    LOSSES[f"{name}/value"] = np.array(value.item())
    for i, (x, t) in enumerate(zip(inputs, given)):
        LOSSES[f"{name}/input/{i}"] = np.array(x)
        if t.requires_grad:
            grad = torch.zeros_like(t) if t.grad is None else t.grad
            LOSSES[f"{name}/gradient/{i}"] = grad.numpy()


def cross_entropy(**options):
    def function(logits, labels):
        if labels.is_floating_point():
            return F.cross_entropy(logits, labels.detach(), **options)
        return F.cross_entropy(logits.movedim(-1, 1), labels, ignore_index=-1, **options)

    return function


def class_losses():
    weights = torch.tensor([0.5, 2.0, 0.0, 1.5, 1.0])
    logits, labels = real(6, 5, scale=2), np.array([0, 4, -1, 2, 1, 3], np.int32)
    case("cross_entropy", cross_entropy(), logits, labels)
    case("cross_entropy_smooth", cross_entropy(label_smoothing=0.1), logits, labels)
    case("cross_entropy_weighted", cross_entropy(weight=weights), logits, labels)
    both = cross_entropy(weight=weights, label_smoothing=0.2)
    case("cross_entropy_both", both, logits, labels)
    spatial = np.array([[[0, 4], [-1, 2]], [[1, 1], [3, -1]]], np.int32)
    case("cross_entropy_spatial", both, real(2, 2, 2, 5), spatial)
    far = np.array([[1e4, -1e4, 0, 3, 1], [-1e4, 50, 90, -7, 1e4]], np.float32)
    case("cross_entropy_far", cross_entropy(label_smoothing=0.1), far, np.array([1, 4], np.int32))
    p = rng.dirichlet(np.ones(5), 6).astype(np.float32)
    case("cross_entropy_probabilities", cross_entropy(), logits, p)
    case("cross_entropy_probabilities_both", both, logits, p)

    x, t = real(4, 3, scale=3), (rng.random((4, 3)) < 0.5).astype(np.float32)
    x[0] = [300, -300, 0]
    t[0] = [0, 1, 1]
    soft = rng.random((4, 3)).astype(np.float32)
    bce = F.binary_cross_entropy_with_logits
    case("binary", lambda a, b: bce(a, b.detach()), x, t)
    case("binary_soft", lambda a, b: bce(a, b.detach()), x, soft)
    weighted = lambda a, b: bce(a, b.detach(), pos_weight=torch.full((3,), 3.0))
    case("binary_weighted", weighted, x, soft)

    def focal(alpha, gamma):
        def function(a, b):  # torchvision.ops.sigmoid_focal_loss, with logarithms that do not end
            sign = 2 * b.detach() - 1
            loss = -F.logsigmoid(sign * a) * torch.exp(gamma * F.logsigmoid(-sign * a))
            if alpha >= 0:
                loss = loss * torch.where(sign > 0, alpha, 1 - alpha)
            return loss.mean()

        return function

    case("focal", focal(0.25, 2), x, t)
    case("focal_plain", focal(-1, 0.5), x, t)

    margin_labels = np.array([0, 4, 2, 1, 3, 0], np.int32)
    tied = logits.copy()
    tied[0] = [2, 1, 3, 0, 1]  # at the margin, beyond it, and within
    case("multi_margin", lambda a, b: F.multi_margin_loss(a, b), tied, margin_labels)
    square = lambda a, b: F.multi_margin_loss(a, b, p=2, margin=0.5)
    case("multi_margin_square", square, tied, margin_labels)

    def dice(a, b, smooth=1.0):  # over all axes but the first and the classes
        if a.dim() == b.dim() + 1:
            counted = (b >= 0)[..., None]
            target = F.one_hot(b.clamp(min=0), a.shape[-1]) * counted
            p = torch.softmax(a, -1) * counted
        else:
            p, target = torch.sigmoid(a)[..., None], b[..., None]
        p, target = (v.reshape(v.shape[0], -1, v.shape[-1]) for v in (p, target))
        both = 2 * (p * target).sum(1) + smooth
        return (1 - both / (p.sum(1) + target.sum(1) + smooth)).mean()

    case("dice", dice, real(2, 2, 2, 5), spatial)
    case("dice_binary", lambda a, b: dice(a, b, 0.5), real(2, 4, 4), classes(2, 2, 4, 4))


def number_losses():
    p, t = real(5, 3, scale=2), real(5, 3, scale=2)
    t[0] = p[0] + np.array([0, 0.5, -1], np.float32)  # at the corners
    case("mse", F.mse_loss, p, t)
    case("mae", F.l1_loss, p, t)
    case("huber", F.huber_loss, p, t)
    case("huber_half", lambda a, b: F.huber_loss(a, b, delta=0.5), p, t)
    case("smooth_l1", F.smooth_l1_loss, p, t)
    case("smooth_l1_narrow", lambda a, b: F.smooth_l1_loss(a, b, beta=0.3), p, t)
    case("smooth_l1_none", lambda a, b: F.smooth_l1_loss(a, b, beta=0), p, t)
    case("poisson", lambda a, b: F.poisson_nll_loss(a, b), p, np.abs(t))
    variance = np.exp(real(5, 3))
    variance[0] = [1e-9, 0, 1e-6]
    case("gaussian", lambda m, x, v: F.gaussian_nll_loss(m, x, v), p, t, variance)

    a, b, n = real(6, 4), real(6, 4), real(6, 4)
    b[0], n[1], n[2] = a[0], a[1], b[2]  # equal vectors; a triplet at the margin
    case("triplet", lambda a, b, n: F.triplet_margin_loss(a, b, n), a, b, n)
    swap = lambda a, b, n: F.triplet_margin_loss(a, b, n, margin=2, swap=True)
    case("triplet_swap", swap, a, b, n)
    sign = np.array([1, -1, 1, -1, -1, 1], np.int32)
    a[5] = 0
    case("cosine", lambda a, b, s: F.cosine_embedding_loss(a, b, s), a, b, sign)
    apart = lambda a, b, s: F.cosine_embedding_loss(a, b, s, margin=0.3)
    case("cosine_margin", apart, a, b, sign)

    log_p = torch.log_softmax(torch.tensor(real(4, 5)), -1).numpy().astype(np.float32)
    q = rng.dirichlet(np.ones(5), 4).astype(np.float32)
    q[0] = [0, 1, 0, 0, 0]
    kl = lambda a, b: F.kl_div(a, b.detach(), reduction="batchmean")
    case("kl", kl, log_p, q)
    gaussian_kl = lambda m, v: (-0.5 * (1 + v - m**2 - v.exp())).sum(-1).mean()
    case("gaussian_kl", gaussian_kl, real(4, 5), real(4, 5))

    def elbo(x, pixels, m, v):
        bce = F.binary_cross_entropy_with_logits(x, pixels.detach(), reduction="none")
        return bce.flatten(1).sum(1).mean() + 0.5 * gaussian_kl(m, v)

    pixels = rng.random((3, 2, 4)).astype(np.float32)
    case("elbo", elbo, real(3, 2, 4), pixels, real(3, 2), real(3, 2))


def ctc_losses():
    def ctc(blank=0, zero_infinity=False, reduction="mean"):
        def function(logits, labels, lengths):
            target_lengths = (labels >= 0).sum(1)
            log_p = torch.log_softmax(logits, -1).transpose(0, 1)
            flat = torch.cat([row[:n] for row, n in zip(labels, target_lengths)])
            loss = F.ctc_loss(log_p, flat, lengths, target_lengths, blank=blank,
                              reduction=reduction, zero_infinity=zero_infinity)
            return loss

        return function

    #            distinct           repeated           none                 one
    labels = [[1, 2, 3, 4, -1], [2, 2, 2, 1, 1], [-1, -1, -1, -1, -1], [5, -1, -1, -1, -1]]
    labels = np.array(labels, np.int32)
    logits = real(4, 12, 6, scale=2)
    full = np.array([12, 12, 12, 12], np.int32)
    some = np.array([4, 9, 7, 1], np.int32)
    case("ctc", ctc(), logits, labels, full)
    case("ctc_lengths", ctc(), logits, labels, some)  # 4 and 8 are the fewest steps
    case("ctc_last_blank", ctc(blank=5), logits, np.where(labels == 5, 0, labels), some)
    none = np.array([12, 7, 0, 0], np.int32)  # too few for the second and the last row
    case("ctc_infeasible", ctc(zero_infinity=True), logits, labels, none)
    case("ctc_far", ctc(), logits * 500, labels, some)
    case("ctc_long", ctc(), real(2, 99, 20), classes(19, 2, 40) + 1, np.array([99, 80], np.int32))
    infinite = ctc(reduction="none")
    lengths = torch.tensor(none).long()
    values = infinite(torch.tensor(logits).double(), torch.tensor(labels).long(), lengths)
    LOSSES["ctc_infinite/value"] = values.numpy()


class Problem:
    def __init__(self):
        self.x, self.y = real(16, 3), real(16, 4, scale=0.5)
        self.initial = {"w": real(3, 4, scale=0.5), "b": real(4, scale=0.1)}

    def parameters(self):
        as_tensor = lambda v: torch.tensor(v).double().requires_grad_()
        return {name: as_tensor(v) for name, v in self.initial.items()}

    def loss(self, p):
        x, y = torch.tensor(self.x).double(), torch.tensor(self.y).double()
        return ((torch.tanh(x @ p["w"] + p["b"]) - y) ** 2).mean()


def ten_steps(problem, step):
    p = problem.parameters()
    update = step(p)
    for _ in range(10):
        for v in p.values():
            v.grad = None
        problem.loss(p).backward()
        update()
    return {name: v.detach().numpy() for name, v in p.items()}


def from_torch(kind, groups=None, before=lambda p: None, **options):
    def make(p):
        given = groups(p) if groups else list(p.values())
        optimizer = kind(given, **options)

        def update():
            before(p)
            optimizer.step()

        return update

    return make


def from_paper(rule):
    """`rule(t, x, g, slots)` gives the new x; slots is a dict of the leaf that begins empty."""

    def make(p):
        slots, t = {name: {} for name in p}, [0]

        def update():
            t[0] += 1
            for name, v in p.items():
                new = rule(t[0], v.detach().numpy(), v.grad.numpy(), slots[name])
                v.data = torch.tensor(new)

        return update

    return make


def lars(rate, momentum, trust, decay, vectors=True):
    def rule(t, x, g, slots):  # You et al. 2017, algorithm 1
        norm, slope = np.linalg.norm(x), np.linalg.norm(g)
        local = trust * norm / (slope + decay * norm) if vectors or x.ndim > 1 else 1
        slots["v"] = momentum * slots.get("v", 0) + rate * local * (g + decay * x)
        return x - slots["v"]

    return from_paper(rule)


def lamb(rate, beta1=0.9, beta2=0.999, epsilon=1e-6, decay=0.0):
    def rule(t, x, g, slots):  # You et al. 2020, algorithm 2
        slots["m"] = beta1 * slots.get("m", 0) + (1 - beta1) * g
        slots["v"] = beta2 * slots.get("v", 0) + (1 - beta2) * g * g
        m, v = slots["m"] / (1 - beta1**t), slots["v"] / (1 - beta2**t)
        u = m / (np.sqrt(v) + epsilon) + decay * x
        return x - rate * np.linalg.norm(x) / np.linalg.norm(u) * u

    return from_paper(rule)


def lion(rate, beta1=0.9, beta2=0.99, decay=0.0):
    def rule(t, x, g, slots):  # Chen et al. 2023, algorithm 2
        m = slots.get("m", np.zeros_like(g))
        c = beta1 * m + (1 - beta1) * g
        slots["m"] = beta2 * m + (1 - beta2) * g
        return x - rate * (np.sign(c) + decay * x)

    return from_paper(rule)


def optimizers():
    problem, o = Problem(), torch.optim
    out = {"x": problem.x, "y": problem.y}
    out |= {f"initial/{name}": v for name, v in problem.initial.items()}
    clip = torch.nn.utils
    by_bias = lambda p: [{"params": [p["w"]]}, {"params": [p["b"]], "weight_decay": 0, "lr": 0.02}]
    cases = {
        "sgd": from_torch(o.SGD, lr=0.2, weight_decay=0.1),
        "momentum": from_torch(o.SGD, lr=0.1, momentum=0.9, weight_decay=0.1),
        "nesterov": from_torch(o.SGD, lr=0.1, momentum=0.9, nesterov=True),
        "adam": from_torch(o.Adam, lr=0.05, weight_decay=0.1),
        "amsgrad": from_torch(o.Adam, lr=0.3, betas=(0.5, 0.7), amsgrad=True),
        "adamw": from_torch(o.AdamW, lr=0.05, weight_decay=0.1, eps=1e-3),
        "adamw_groups": from_torch(o.AdamW, by_bias, lr=0.04, weight_decay=0.1),
        "adagrad": from_torch(o.Adagrad, lr=0.1),
        "adagrad_decay": from_torch(o.Adagrad, lr=0.1, initial_accumulator_value=0.1,
                                    weight_decay=0.1),
        "rmsprop": from_torch(o.RMSprop, lr=0.01),
        "rmsprop_all": from_torch(o.RMSprop, lr=0.01, alpha=0.9, momentum=0.5, centered=True,
                                  weight_decay=0.1),
        "rmsprop_centered": from_torch(o.RMSprop, lr=0.01, alpha=0.5, centered=True),
        "rmsprop_momentum": from_torch(o.RMSprop, lr=0.01, alpha=0.9, momentum=0.9),
        "lars": lars(1.0, 0.9, 0.02, 0.1),
        "lars_matrices": lars(0.1, 0.9, 0.2, 0.0, vectors=False),
        "lamb": lamb(0.05, decay=0.1),
        "lion": lion(0.01, decay=0.1),
        "clip_norm": from_torch(
            o.SGD, lr=0.2, before=lambda p: clip.clip_grad_norm_(p.values(), 0.05)),
        "clip_value": from_torch(
            o.SGD, lr=0.2, before=lambda p: clip.clip_grad_value_(p.values(), 0.02)),
    }
    for name, step in cases.items():
        out |= {f"{name}/{key}": v for key, v in ten_steps(problem, step).items()}

    p = problem.parameters()
    lbfgs = o.LBFGS(p.values(), max_iter=10, max_eval=100, history_size=3,
                    line_search_fn="strong_wolfe")

    def closure():
        lbfgs.zero_grad()
        loss = problem.loss(p)
        loss.backward()
        return loss

    lbfgs.step(closure)
    out |= {f"lbfgs/{name}": v.detach().numpy() for name, v in p.items()}
    return out


def schedules():
    s = torch.optim.lr_scheduler

    def rates(make, rate):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=rate)
        schedule, found = make(optimizer), []
        for _ in range(60):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return np.array(found)

    vaswani = lambda n: 64**-0.5 * min((n + 1) ** -0.5, (n + 1) * 20**-1.5)
    cases = {
        "step": rates(lambda o: s.StepLR(o, 7, 0.3), 0.5),
        "multi_step": rates(lambda o: s.MultiStepLR(o, [5, 20, 21], 0.3), 0.5),
        "exponential": rates(lambda o: s.ExponentialLR(o, 0.93), 0.5),
        "polynomial": rates(lambda o: s.PolynomialLR(o, 50, 2), 0.5),
        "linear": rates(lambda o: s.PolynomialLR(o, 50, 1), 0.5),
        "restarts": rates(lambda o: s.CosineAnnealingWarmRestarts(o, 9, eta_min=0.1), 0.5),
        "longer_restarts": rates(lambda o: s.CosineAnnealingWarmRestarts(o, 4, 2), 0.5),
        "inverse_square_root": np.array([vaswani(n) for n in range(60)]),
    }
    out = {f"schedule/{name}": v for name, v in cases.items()}
    losses = np.array([5, 4, 4.1, 4, 3.9999, 4, 4, 3, 3.5, 3.4, 3.3, 3.2, 3.1, np.nan, 3.2, 3.3, 2,
                       2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1])
    out["plateau/losses"] = losses
    for name, options in {
        "plain": dict(factor=0.5, patience=2),
        "cooled": dict(factor=0.1, patience=1, cooldown=3, threshold=0.05),
        "least": dict(factor=0.3, patience=0, min_lr=0.2),
    }.items():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        plateau, found = s.ReduceLROnPlateau(optimizer, **options), []
        for loss in losses:
            plateau.step(loss)
            found.append(optimizer.param_groups[0]["lr"])
        out[f"plateau/{name}"] = np.array(found)
    return out


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/nn")
    folder.mkdir(parents=True, exist_ok=True)
    class_losses()
    number_losses()
    ctc_losses()
    about = {"torch": torch.__version__}
    save_file(LOSSES, folder / "losses.safetensors", about)
    save_file(optimizers() | schedules(), folder / "optimizers.safetensors", about)
    for path in sorted(folder.glob("*.safetensors")):
        print(f"{path}: {path.stat().st_size} bytes")
