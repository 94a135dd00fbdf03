#include "tenon/nn/initialise.h"

#include <cmath>
#include <vector>

#include "tenon/base/error.h"

namespace tenon::nn {

namespace {

struct Fans {
  double in = 1;
  double out = 1;
};

Fans fans_of(const Literal& value) {
  const auto& shape = value.shape();
  if (shape.empty()) return {};
  double outputs = static_cast<double>(shape.back());
  double all = static_cast<double>(value.size());
  if (shape.size() == 1) return {outputs, outputs};
  double inputs = static_cast<double>(shape[shape.size() - 2]);
  if (inputs == 0) {
    throw make_error(ErrorCode::shape_mismatch, "initialise: {} has no inputs to be scaled by",
                     value.type().to_string())
        .note("hint: the layer's input has an axis of size 0");
  }
  double field = all / std::max(1.0, inputs * outputs);
  return {inputs * field, outputs * field};
}

void fill(Literal& value, const std::vector<float>& numbers) {
  for (int64_t i = 0; i < value.size(); ++i) value.set_double(i, numbers[static_cast<size_t>(i)]);
}

void fill_uniformly(RandomKey key, Literal& value, double bound) {
  std::vector<float> numbers(static_cast<size_t>(value.size()));
  fill_uniform(key, numbers, static_cast<float>(-bound), static_cast<float>(bound));
  fill(value, numbers);
}

void fill_normally(RandomKey key, Literal& value, double deviation) {
  std::vector<float> numbers(static_cast<size_t>(value.size()));
  fill_normal(key, numbers, 0.0f, static_cast<float>(deviation));
  fill(value, numbers);
}

}  // namespace

Initialiser zeros() { return constant(0); }
Initialiser ones() { return constant(1); }

Initialiser constant(double number) {
  return [number](RandomKey, Literal& value) {
    Number(number).check_fits(value.dtype(), "initialise");
    for (int64_t i = 0; i < value.size(); ++i) value.set_double(i, number);
  };
}

Initialiser uniform(double bound) {
  return [bound](RandomKey key, Literal& value) { fill_uniformly(key, value, bound); };
}

Initialiser normal(double deviation) {
  return [deviation](RandomKey key, Literal& value) { fill_normally(key, value, deviation); };
}

Initialiser fan_in_uniform() {
  return [](RandomKey key, Literal& value) {
    fill_uniformly(key, value, 1 / std::sqrt(fans_of(value).in));
  };
}

Initialiser glorot_uniform() {
  return [](RandomKey key, Literal& value) {
    Fans fans = fans_of(value);
    fill_uniformly(key, value, std::sqrt(6 / (fans.in + fans.out)));
  };
}

Initialiser he_normal() {
  return [](RandomKey key, Literal& value) {
    fill_normally(key, value, std::sqrt(2 / fans_of(value).in));
  };
}

Initialiser bias_uniform(int64_t fan_in) {
  if (fan_in < 1)
    fail(ErrorCode::shape_mismatch, "initialise: a bias of a layer with {} inputs", fan_in);
  return uniform(1 / std::sqrt(static_cast<double>(fan_in)));
}

}  // namespace tenon::nn
