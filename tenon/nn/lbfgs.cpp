#include "tenon/nn/lbfgs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <numeric>
#include <optional>

#include "tenon/base/error.h"

namespace tenon::nn::detail {

namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}
double largest(const Vector& x) {
  double result = 0;
  for (double number : x) result = std::max(result, std::abs(number));
  return result;
}
void add(Vector& x, double factor, const Vector& y) {
  for (size_t i = 0; i < x.size(); ++i) x[i] += factor * y[i];
}
Vector difference(const Vector& a, const Vector& b) {
  Vector result = a;
  add(result, -1, b);
  return result;
}

/// The objective at a distance t along a direction.
struct Probe {
  double t = 0;
  double value = 0;
  Vector gradient;
  double slope = 0;  // along the direction
};

bool is_finite(const Probe& probe) {
  return std::isfinite(probe.value) && std::isfinite(probe.slope);
}

/// Where the cubic through two values and slopes is least, within bounds; the middle where there is
/// no such place (Nocedal and Wright 2006, eq. 3.59).
double least_of_cubic(const Probe& a, const Probe& b, double low, double high) {
  const double d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t);
  const double square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const double d2 = std::sqrt(square);
  const double least =
      a.t <= b.t ? b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
                 : a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2));
  return std::isnan(least) ? (low + high) / 2 : std::clamp(least, low, high);
}

/// Looks along a direction for a place of the strong Wolfe conditions: a value that is lower in
/// proportion to the step (kDecrease), and a slope that is flatter (kCurvature).
class LineSearch {
 public:
  LineSearch(const Objective& objective, const Vector& start, const Vector& direction, Probe first,
             double tolerance, int64_t evaluations)
      : objective_(objective),
        start_(start),
        direction_(direction),
        first_(std::move(first)),
        least_width_(tolerance / largest(direction)),
        left_(evaluations) {}

  /// The best probe; its t is 0 where none was better than the start.
  Probe run(double t) {
    Probe previous = first_, now = probe(t);
    for (int64_t tries = 0;; ++tries) {
      // Too far to say anything: nearer, until there is a number.
      while (!is_finite(now) && left_ > 0) now = probe(t = (previous.t + t) / 2);
      if (!is_finite(now)) return previous;
      if (is_too_high(now) || (tries > 1 && now.value >= previous.value)) break;
      if (is_flat(now)) return now;
      if (now.slope >= 0) break;
      if (left_ == 0) return now.value < first_.value ? now : first_;
      const double low = t + 0.01 * (t - previous.t), high = t * 10;
      t = least_of_cubic(previous, now, low, high);
      previous = std::exchange(now, probe(t));
    }
    return zoom(std::move(previous), std::move(now));
  }
  int64_t evaluations() const { return evaluations_; }

 private:
  static constexpr double kDecrease = 1e-4, kCurvature = 0.9;

  Probe probe(double t) {
    --left_;
    ++evaluations_;
    Vector point = start_;
    add(point, t, direction_);
    Probe result{.t = t};
    std::tie(result.value, result.gradient) = objective_(point);
    result.slope = dot(result.gradient, direction_);
    return result;
  }
  bool is_too_high(const Probe& p) const {
    return !(p.value <= first_.value + kDecrease * p.t * first_.slope);
  }
  bool is_flat(const Probe& p) const { return std::abs(p.slope) <= -kCurvature * first_.slope; }

  /// Between two probes, of which one has the lowest value so far.
  Probe zoom(Probe low, Probe high) {
    if (high.value < low.value) std::swap(low, high);
    bool too_little = false;
    while (left_ > 0 && std::abs(high.t - low.t) >= least_width_) {
      const auto [begin, end] = std::minmax(low.t, high.t);
      double t = least_of_cubic(low, high, begin, end);
      // Twice near an end of the interval is no progress.
      const double margin = 0.1 * (end - begin);
      const bool near_an_end = std::min(end - t, t - begin) < margin;
      if (near_an_end && (too_little || t >= end || t <= begin)) {
        t = std::abs(t - end) < std::abs(t - begin) ? end - margin : begin + margin;
        too_little = false;
      } else {
        too_little = near_an_end;
      }
      Probe now = probe(t);
      if (is_too_high(now) || !is_finite(now) || now.value >= low.value) {
        high = std::move(now);
        if (high.value < low.value) std::swap(low, high);
        continue;
      }
      if (is_flat(now)) return now;
      if (now.slope * (high.t - low.t) >= 0) high = std::move(low);
      low = std::move(now);
    }
    return low;
  }

  const Objective& objective_;
  const Vector& start_;
  const Vector& direction_;
  Probe first_;
  double least_width_;
  int64_t left_;
  int64_t evaluations_ = 0;
};

/// The last differences of points and gradients, which stand for the inverse of the Hessian.
class Curvature {
 public:
  explicit Curvature(int64_t most) : most_(static_cast<size_t>(most)) {}

  void learn(Vector step, Vector change) {
    const double product = dot(change, step);
    if (!(product > 1e-10)) return;  // it would not be positive definite any more
    if (pairs_.size() == most_) pairs_.pop_front();
    scale_ = product / dot(change, change);
    pairs_.push_back({std::move(step), std::move(change), 1 / product});
  }

  /// Minus the inverse times the gradient: the two loops of Nocedal and Wright 2006, algorithm 7.4.
  Vector direction(const Vector& gradient) const {
    Vector q = gradient;
    for (double& number : q) number = -number;
    Vector factors(pairs_.size());
    for (size_t i = pairs_.size(); i-- > 0;) {
      factors[i] = dot(pairs_[i].step, q) * pairs_[i].inverse;
      add(q, -factors[i], pairs_[i].change);
    }
    for (double& number : q) number *= scale_;
    for (size_t i = 0; i < pairs_.size(); ++i)
      add(q, factors[i] - dot(pairs_[i].change, q) * pairs_[i].inverse, pairs_[i].step);
    return q;
  }

 private:
  struct Pair {
    Vector step, change;
    double inverse;  // of their product
  };
  size_t most_;
  double scale_ = 1;
  std::deque<Pair> pairs_;
};

void check(const LbfgsOptions& options) {
  if (options.iterations < 1 || options.history < 1 || options.evaluations < 0)
    fail(ErrorCode::out_of_range, "lbfgs: {} iterations, a history of {}; both must be at least 1",
         options.iterations, options.history);
  if (!(options.learning_rate > 0 && std::isfinite(options.learning_rate)))
    fail(ErrorCode::out_of_range, "lbfgs: a learning rate of {}; it must be positive",
         options.learning_rate);
}

}  // namespace

LbfgsReport minimise(const Objective& objective, std::vector<double>& point,
                     const LbfgsOptions& options) {
  check(options);
  const int64_t most = options.evaluations > 0 ? options.evaluations
                                               : std::max<int64_t>(2, options.iterations * 5 / 4);
  LbfgsReport report;
  auto [value, gradient] = objective(point);
  report.loss = value;
  report.evaluations = 1;
  if (!std::isfinite(value) || !std::isfinite(largest(gradient)))
    fail(ErrorCode::not_finite, "lbfgs: the loss is {} at the start, or its gradient not finite",
         value);
  auto end = [&](bool converged, std::string reason) {
    report.converged = converged;
    report.reason = std::move(reason);
    return report;
  };
  auto is_flat = [&] { return largest(gradient) <= options.gradient_tolerance; };
  const std::string flat = fmt::format("the gradient is at most {}", options.gradient_tolerance);
  if (is_flat()) return end(true, flat);
  Curvature curvature(options.history);
  while (true) {
    ++report.iterations;
    const Vector direction = curvature.direction(gradient);
    double length = options.learning_rate;
    if (report.iterations == 1) {
      double sum = 0;
      for (double number : gradient) sum += std::abs(number);
      length *= std::min(1.0, 1 / sum);
    }
    const double slope = dot(gradient, direction);
    if (!(slope < -options.change_tolerance))
      return end(true,
                 fmt::format("the loss would change by at most {}", options.change_tolerance));
    LineSearch search(objective, point, direction, {0, value, gradient, slope},
                      options.change_tolerance, most - report.evaluations);
    Probe found = search.run(length);
    report.evaluations += search.evaluations();
    Vector step = direction;
    for (double& number : step) number *= found.t;
    add(point, 1, step);
    curvature.learn(step, difference(found.gradient, gradient));
    const double change = std::abs(found.value - value);
    value = report.loss = found.value;
    gradient = std::move(found.gradient);
    if (report.iterations == options.iterations)
      return end(false, fmt::format("{} iterations", options.iterations));
    if (report.evaluations >= most) return end(false, fmt::format("{} evaluations", most));
    if (is_flat()) return end(true, flat);
    if (largest(step) <= options.change_tolerance || change < options.change_tolerance)
      return end(true, fmt::format("an iteration changed loss or parameters by at most {}",
                                   options.change_tolerance));
  }
}

std::vector<double> numbers_of(const std::vector<Tensor>& leaves) {
  std::vector<double> numbers;
  for (const Tensor& leaf : leaves) {
    if (!is_floating(leaf.dtype()))
      fail(ErrorCode::type_mismatch, "lbfgs: a parameter is {}", leaf.type().to_string());
    const std::vector<double> part = leaf.to_vector<double>();
    numbers.insert(numbers.end(), part.begin(), part.end());
  }
  return numbers;
}

std::vector<Tensor> tensors_of(const std::vector<double>& numbers,
                               const std::vector<Tensor>& like) {
  std::vector<Tensor> tensors;
  size_t next = 0;
  for (const Tensor& leaf : like) {
    Literal literal = Literal::uninitialized(leaf.dtype(), leaf.shape().constants());
    for (int64_t i = 0; i < literal.size(); ++i) literal.set_double(i, numbers[next++]);
    tensors.emplace_back(literal);
  }
  return tensors;
}

}  // namespace tenon::nn::detail
