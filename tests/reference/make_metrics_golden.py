"""What scikit-learn, torchmetrics and sacreBLEU give for the cases of tests/nn/metrics_test.cpp.

    python tests/reference/make_metrics_golden.py [tests/golden/nn]

metrics.safetensors:
    many/logits, many/labels, many/METRIC       five classes, of which one is never labelled
    two/logits, two/labels, two/METRIC          two classes, with equal scores
    numbers/outputs, numbers/labels, numbers/METRIC
    bleu/CASE/hypotheses [rows, length], bleu/CASE/references [references, rows, length], and
    bleu/CASE/value: ids, filled up with -1
"""

import pathlib
import sys

import numpy as np
import sacrebleu
import sklearn
import sklearn.metrics as sk
from safetensors.numpy import save_file

rng = np.random.default_rng(11)
OUT = {}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def calibration_error(p, labels, bins=15):  # Guo et al. 2017, eq. 3; as torchmetrics' "l1"
    confidence, right = p.max(-1), p.argmax(-1) == labels
    bin_of = np.ceil(confidence * bins) - 1
    parts = [np.abs(right[bin_of == b].sum() - confidence[bin_of == b].sum()) for b in range(bins)]
    return sum(parts) / len(labels)


def decisions(name, logits, labels):
    predicted = logits.argmax(-1)
    for metric in ("precision", "recall", "f1"):
        score = getattr(sk, f"{metric}_score")
        for average in ("macro", "micro", "weighted") + (("binary",) if "two" in name else ()):
            value = score(labels, predicted, average=average, zero_division=0)
            OUT[f"{name}/{metric}_{average}"] = np.array(value)
        each = score(labels, predicted, average=None, labels=range(logits.shape[1]),
                     zero_division=0)
        OUT[f"{name}/{metric}_by_class"] = np.array(each)
    OUT[f"{name}/accuracy"] = np.array(sk.accuracy_score(labels, predicted))
    OUT[f"{name}/perplexity"] = np.exp(sk.log_loss(labels, softmax(logits.astype(float)),
                                                   labels=range(logits.shape[1])))
    OUT[f"{name}/calibration"] = calibration_error(softmax(logits.astype(float)), labels)


def classes():
    labels = rng.choice([0, 1, 3, 4], 200).astype(np.int32)
    logits = rng.standard_normal((200, 5)).astype(np.float32)
    logits[np.arange(200), labels] += 1
    OUT["many/logits"], OUT["many/labels"] = logits, labels
    decisions("many", logits, labels)
    for k in (1, 2, 3):
        value = sk.top_k_accuracy_score(labels, logits, k=k, labels=range(5))
        OUT[f"many/top_{k}"] = np.array(value)
    p = softmax(logits.astype(float))
    present = [c for c in range(5) if (labels == c).any()]
    auc = [sk.roc_auc_score(labels == c, p[:, c]) for c in present]
    ap = [sk.average_precision_score(labels == c, p[:, c]) for c in present]
    OUT["many/roc_auc"], OUT["many/average_precision"] = np.mean(auc), np.mean(ap)

    labels = (rng.random(150) < 0.3).astype(np.int32)
    scores = np.round(rng.standard_normal(150) + labels, 1)  # many are equal
    logits = np.stack([np.zeros(150), scores], -1).astype(np.float32)
    OUT["two/logits"], OUT["two/labels"] = logits, labels
    decisions("two", logits, labels)
    OUT["two/roc_auc"] = np.array(sk.roc_auc_score(labels, logits[:, 1]))
    OUT["two/average_precision"] = np.array(sk.average_precision_score(labels, logits[:, 1]))


def numbers():
    a, b = rng.standard_normal((2, 50, 3)).astype(np.float32)
    OUT["numbers/outputs"], OUT["numbers/labels"] = a, b
    a, b = a.astype(float).ravel(), b.astype(float).ravel()
    OUT["numbers/rmse"] = np.array(sk.root_mean_squared_error(a, b))
    OUT["numbers/mae"] = np.array(sk.mean_absolute_error(a, b))


def bleu(name, hypotheses, references):
    words = lambda ids: " ".join(f"w{i}" for i in ids)
    streams = [[words(row) for row in reference] for reference in references]
    metric = sacrebleu.metrics.BLEU(tokenize="none")
    score = metric.corpus_score([words(row) for row in hypotheses], streams).score
    length = max(len(row) for rows in [hypotheses, *references] for row in rows)
    fill = lambda rows: np.array([row + [-1] * (length - len(row)) for row in rows], np.int32)
    OUT[f"bleu/{name}/hypotheses"] = fill(hypotheses)
    OUT[f"bleu/{name}/references"] = np.stack([fill(rows) for rows in references])
    OUT[f"bleu/{name}/value"] = np.array(score)
    print(name, score)


def sentences(rows, tokens=12):
    return [list(map(int, rng.integers(0, tokens, rng.integers(4, 15)))) for _ in range(rows)]


def changed(rows, rate):
    return [[int(rng.integers(0, 12)) if rng.random() < rate else t for t in row if rng.random() > rate / 3]
            for row in rows]


def translations():
    truth = sentences(20)
    bleu("near", changed(truth, 0.2), [truth])
    bleu("short", [row[:-2] for row in truth], [truth])
    bleu("two_references", changed(truth, 0.3), [truth, changed(truth, 0.4)])
    bleu("far", changed(truth, 0.9), [truth])  # no match of four tokens
    bleu("same", truth, [truth])
    bleu("nothing", [[20, 21, 22, 23, 24]], [[[1, 2, 3, 4, 5]]])
    bleu("three_tokens", [[1, 2, 3]], [[[1, 2, 3, 4]]])
    bleu("smoothed", [[1, 2, 9, 4, 5, 8]], [[[1, 2, 3, 4, 5, 6]]])


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/nn")
    classes()
    numbers()
    translations()
    values = {k: np.asarray(v) for k, v in OUT.items()}
    about = {"sklearn": sklearn.__version__, "sacrebleu": sacrebleu.__version__}
    save_file(values, folder / "metrics.safetensors", about)
