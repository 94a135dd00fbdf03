// Losses of numbers, vectors and distributions.
#include <cmath>

#include "tenon/base/error.h"
#include "tenon/nn/loss_support.h"
#include "tenon/nn/losses.h"

namespace tenon::nn {

namespace {

void check_positive(const char* loss, const char* option, double value, bool or_zero = false) {
  if (std::isfinite(value) && (value > 0 || (or_zero && value == 0))) return;
  fail(ErrorCode::out_of_range, "{}: {} is {}, it must be {}", loss, option, value,
       or_zero ? "at least 0" : "positive");
}

}  // namespace

Tensor mean_squared_error(const Tensor& prediction, const Tensor& target) {
  auto [p, t] = paired(prediction, target);
  return tenon::mean_squared_error(p, t).cast(prediction.dtype());
}

Tensor mean_absolute_error(const Tensor& prediction, const Tensor& target) {
  auto [p, t] = paired(prediction, target);
  return tenon::mean_absolute_error(p, t).cast(prediction.dtype());
}

Tensor huber(const Tensor& prediction, const Tensor& target, double delta) {
  check_positive("huber", "delta", delta);
  auto [p, t] = paired(prediction, target);
  return mean(huber_loss(p, t, delta)).cast(prediction.dtype());
}

Tensor smooth_l1(const Tensor& prediction, const Tensor& target, double beta) {
  check_positive("smooth_l1", "beta", beta, /*or_zero=*/true);
  if (beta == 0) return nn::mean_absolute_error(prediction, target);
  auto [p, t] = paired(prediction, target);
  return (mean(huber_loss(p, t, beta)) / beta).cast(prediction.dtype());
}

Tensor poisson_nll(const Tensor& log_rate, const Tensor& count) {
  auto [x, t] = paired(log_rate, count);
  return mean(exp(x) - t * x).cast(log_rate.dtype());
}

Tensor gaussian_nll(const Tensor& given_mean, const Tensor& target, const Tensor& given_variance,
                    double epsilon) {
  check_positive("gaussian_nll", "epsilon", epsilon);
  auto [m, t] = paired(given_mean, target);
  Tensor v = paired(given_variance, target).first;
  // The limit has no derivative of its own: a variance below it can still grow.
  v = v + stop_gradient(maximum(v, epsilon) - v);
  return (mean(log(v) + square(m - t) / v) * 0.5).cast(given_mean.dtype());
}

namespace {

/// By row, with 1e-6 added to each difference, as PyTorch's PairwiseDistance does.
Tensor distance(const Tensor& a, const Tensor& b) {
  Tensor squares = sum(square(a - b + 1e-6), -1);
  Tensor is_zero = squares == 0;
  return where(is_zero, 0, sqrt(where(is_zero, 1, squares)));
}

}  // namespace

Tensor triplet(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
               TripletOptions options) {
  check_positive("triplet", "margin", options.margin);
  Tensor a = widened(anchor), p = widened(positive), n = widened(negative);
  Tensor far = distance(a, n);
  if (options.swap) far = minimum(far, distance(p, n));
  Tensor excess = distance(a, p) - far + options.margin;
  return mean(where(excess < 0, 0, excess)).cast(anchor.dtype());
}

Tensor cosine_embedding(const Tensor& given_a, const Tensor& given_b, const Tensor& target,
                        double margin) {
  if (!(margin >= -1 && margin <= 1))
    fail(ErrorCode::out_of_range, "cosine_embedding: margin is {}, it must be from -1 to 1",
         margin);
  Tensor a = widened(given_a), b = widened(given_b);
  constexpr double kLeastSquare = 1e-12f;  // PyTorch's, which is one of f32
  Tensor lengths = sqrt((sum(square(a), -1) + kLeastSquare) * (sum(square(b), -1) + kLeastSquare));
  Tensor cosine = sum(a * b, -1) / lengths;
  Tensor excess = cosine - margin;
  Tensor apart = where(excess < 0, 0, excess);
  Tensor each = where(target == 1, 1 - cosine, where(target == -1, apart, 0));
  return mean(each).cast(given_a.dtype());
}

namespace {

/// The mean over rows of the sum over all other axes.
Tensor mean_of_rows(const Tensor& each) { return mean(sum(each, all_but_first(each))); }

}  // namespace

Tensor kl_divergence(const Tensor& log_probability, const Tensor& target) {
  Tensor log_p = widened(log_probability);
  Tensor each = tenon::kl_divergence(log_p, target.cast(log_p.dtype()));
  return mean_of_rows(each).cast(log_probability.dtype());
}

Tensor gaussian_kl(const Tensor& given_mean, const Tensor& log_variance) {
  Tensor m = widened(given_mean), v = widened(log_variance);
  return mean_of_rows((square(m) + expm1(v) - v) * 0.5).cast(given_mean.dtype());
}

ElboTerms negative_elbo(const Tensor& logits, const Tensor& pixels, const Tensor& mean,
                        const Tensor& log_variance, double beta) {
  check_positive("negative_elbo", "beta", beta, /*or_zero=*/true);
  auto [x, t] = paired(logits, pixels);
  ElboTerms terms;
  terms.reconstruction = mean_of_rows(binary_cross_entropy_with_logits(x, t)).cast(logits.dtype());
  terms.divergence = gaussian_kl(mean, log_variance);
  terms.loss = terms.reconstruction + terms.divergence * beta;
  return terms;
}

}  // namespace tenon::nn
