// Connectionist temporal classification (Graves et al. 2006): the probability of a labelling is a
// sum over all its alignments, by the forward variables of eq. 6 in logarithms.
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/nn/loss_support.h"
#include "tenon/nn/losses.h"
#include "tenon/tensor/transforms.h"

namespace tenon::nn {

namespace {

/// The logarithm of what cannot be. Not infinite, so that differences of two are no NaN; far from
/// any sum of logarithms of probabilities that f32 tells apart.
constexpr double kImpossible = -1e30;

/// log(exp(a) + exp(b) + exp(c)), without overflow.
Tensor log_sum(const Tensor& a, const Tensor& b, const Tensor& c) {
  Tensor top = stop_gradient(maximum(maximum(a, b), c));
  return top + log(exp(a - top) + exp(b - top) + exp(c - top));
}

/// x[rows, states] moved by so many states to the right; what comes in cannot be.
Tensor moved(const Tensor& x, int64_t by) {
  Tensor wide = pad(x, {{0, 0}, {by, 0}}, kImpossible);
  return slice_axis(wide, 1, 0, x.dim(1));
}

/// The labels of [rows, length] with a blank before, between and behind them: [rows, 2 length + 1].
Tensor with_blanks(const Tensor& labels, int64_t blank) {
  Tensor blanks = full_like(labels, blank);
  const Dim states = labels.dim(1) * Dim(2);
  Tensor pairs = stack({blanks, labels}, 2).reshape(Shape{labels.dim(0), states});
  return concatenate({pairs, full(Shape{labels.dim(0), Dim(1)}, blank, labels.dtype())}, 1);
}

void check(const Tensor& logits, const Tensor& labels, const CtcOptions& options) {
  if (logits.rank() != 3 || labels.rank() != 2 || logits.dim(0) != labels.dim(0)) {
    throw make_error(ErrorCode::shape_mismatch, "ctc: logits {} and labels {}",
                     logits.type().to_string(), labels.type().to_string())
        .note("wanted: [rows, time, classes] and [rows, length]");
  }
  const Dim& classes = logits.dim(2);
  if (options.blank < 0 || (classes.is_constant() && options.blank >= classes.constant()))
    fail(ErrorCode::out_of_range, "ctc: the blank is class {} of logits {}", options.blank,
         logits.type().to_string());
}

}  // namespace

Tensor ctc_by_row(const Tensor& given_logits, const Tensor& given_labels,
                  const CtcOptions& options) {
  check(given_logits, given_labels, options);
  Tensor logits = widened(given_logits), labels = as_index(given_labels);
  const DType dtype = logits.dtype();
  Tensor is_label = labels >= 0;
  Tensor states = with_blanks(where(is_label, labels, options.blank), options.blank);
  Tensor last = expand_dims(sum(is_label.cast(DType::i32), 1) * 2, 1);  // a blank: [rows, 1]
  Tensor position = expand_dims(arange(states.dim(1)), 0);
  // [time, rows, states]
  Tensor emitted = move_axis(ops::gather(log_softmax(logits), states, 2, 1), 1, 0);
  // A label may follow another one at once, unless that is the same.
  Tensor two_back = slice_axis(pad(states, {{0, 0}, {2, 0}}, options.blank), 1, 0, states.dim(1));
  Tensor may_skip = states != options.blank && states != two_back;

  Tensor before = where(position == 0, 0.0, full(states.shape(), kImpossible, dtype));
  Tensor time = arange(emitted.dim(0));
  const bool all_steps = !options.logit_lengths.has_value();
  auto step = [&](const Tensor& alpha, const std::pair<Tensor, Tensor>& at) {
    const auto& [now, emission] = at;
    Tensor skipped = where(may_skip, moved(alpha, 2), kImpossible);
    Tensor next = log_sum(alpha, moved(alpha, 1), skipped) + emission;
    if (!all_steps) next = where(expand_dims(now < options.logit_lengths, 1), next, alpha);
    return std::pair{next, Tensor(0.0f)};
  };
  Tensor alpha = scan(step, before, std::pair{time, emitted}).first;

  Tensor is_end = position == last || position == last - 1;
  Tensor ends = where(is_end, alpha, kImpossible);
  Tensor possible = max(ends, 1) > kImpossible / 2;
  Tensor cost = -log_sum_exp(where(expand_dims(possible, 1), ends, 0.0), {1});
  return where(possible, cost, options.zero_infinity ? 0.0 : INFINITY).cast(given_logits.dtype());
}

WeightedMean ctc(const Tensor& logits, const Tensor& labels, const CtcOptions& options) {
  Tensor each = ctc_by_row(widened(logits), labels, options);
  Tensor count = sum((as_index(labels) >= 0).cast(each.dtype()), 1);
  return {mean(each / maximum(count, 1.0)).cast(logits.dtype()),
          dim_value(logits.dim(0), DType::f32)};
}

}  // namespace tenon::nn
