// Random programs outside of jit, at sizes that differ, coincide and vanish, against the
// interpreter.
#include <gtest/gtest.h>

#include <random>

#include "tenon/tensor/functions.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/plan_cache.h"
#include "tenon/tensor/transforms.h"
#include "tests/tensor/eager.h"

namespace tenon {
namespace {

/// A tensor whose axes have the sizes of letters: what may be done to it does not depend on
/// numbers.
struct Named {
  Tensor value;
  std::string axes;
};

/// Makes the same calls for equal seeds, whatever the sizes are.
class RandomProgram {
 public:
  RandomProgram(uint32_t seed, std::map<char, int64_t> sizes)
      : random_(seed), sizes_(std::move(sizes)) {}

  static std::vector<std::string> inputs() { return {"ab", "b", "a", "ba"}; }
  Shape shape(const std::string& axes) const {
    Shape result;
    for (char axis : axes) result.push_back(sizes_.at(axis));
    return result;
  }

  std::vector<Tensor> run(const std::vector<Tensor>& arguments, bool evaluates) {
    pool_.clear();
    for (size_t i = 0; i < arguments.size(); ++i) pool_.push_back({arguments[i], inputs()[i]});
    for (int step = 0; step < 10; ++step) {
      add_step();
      if (draw(8) == 0 && evaluates) pool_.back().value.eval();
    }
    std::vector<Tensor> results;
    for (size_t i = pool_.size() - 3; i < pool_.size(); ++i) results.push_back(pool_[i].value);
    return results;
  }

 private:
  size_t draw(size_t count) { return random_() % count; }
  const Named& any() { return pool_[draw(pool_.size())]; }
  Named with_axes(size_t rank) {
    std::vector<Named> fitting;
    for (const Named& each : pool_) {
      if (each.axes.size() == rank) fitting.push_back(each);
    }
    return fitting[draw(fitting.size())];
  }
  Named like(const Named& x) {
    std::vector<Named> fitting;
    for (const Named& each : pool_) {
      if (each.axes == x.axes) fitting.push_back(each);
    }
    return fitting[draw(fitting.size())];
  }
  void add(Tensor value, std::string axes) { pool_.push_back({tanh(value), std::move(axes)}); }

  void add_step() {
    const Named x = any(), matrix = with_axes(2), vector = with_axes(1);
    const Tensor& m = matrix.value;
    const std::string transposed(matrix.axes.rbegin(), matrix.axes.rend());
    switch (draw(16)) {
      case 0:
        return add(sin(x.value) * 2 + like(x).value, x.axes);
      case 1:
        return add(m.transpose(), transposed);
      case 2:
        return add(sum(m, {0}), matrix.axes.substr(1));
      case 3:
        return add(sum(m, {1}) * 0.5, matrix.axes.substr(0, 1));
      case 4:
        return add(matmul(m, m.transpose()), {matrix.axes[0], matrix.axes[0]});
      case 5:
        return add(m.reshape({-1}).reshape(shape(matrix.axes)) - like(matrix).value, matrix.axes);
      case 6:
        return add(m + with_last_axis(matrix.axes[1]), matrix.axes);
      case 7:
        return add(concatenate({m, m * 2}, 1).slice(1, 0, sizes_.at(matrix.axes[1])), matrix.axes);
      case 8:
        return add(flip(m, 0) + cumsum(m, 1) * 0.1, matrix.axes);
      case 9:
        return add(pad(m, {{1, 2}, {0, 0}}).slice(0, 1, -2), matrix.axes);
      case 10:
        return add(vector.value * arange(sizes_.at(vector.axes[0])), vector.axes);
      case 11:
        return add(einsum("i,j->ij", {vector.value, vector.value}), vector.axes + vector.axes);
      case 12:
        return add(softmax(m, 1), matrix.axes);
      case 13: {
        auto loss = [&](const Tensor& y) { return sum(square(sin(y) * m)); };
        return add(grad(loss)(like(matrix).value), matrix.axes);
      }
      case 14: {
        auto differences = [](const Tensor& y) {
          return sum(square(y.slice(0, 1) - y.slice(0, 0, -1)));
        };
        return add(grad(differences)(m), matrix.axes);
      }
      default:
        return add(where(m > 0, full(shape(matrix.axes), 0.25), m), matrix.axes);
    }
  }
  Tensor with_last_axis(char axis) {
    for (const Named& each : pool_) {
      if (each.axes == std::string(1, axis)) return each.value;
    }
    return full({sizes_.at(axis)}, 0.5);
  }

  std::mt19937 random_;
  std::map<char, int64_t> sizes_;
  std::vector<Named> pool_;
};

void check(uint32_t seed, int64_t a, int64_t b) {
  RandomProgram program(seed, {{'a', a}, {'b', b}});
  std::vector<Tensor> arguments;
  for (const std::string& axes : RandomProgram::inputs())
    arguments.push_back(
        numbers(program.shape(axes).constants(), static_cast<int64_t>(arguments.size())));
  std::vector<Tensor> results = RandomProgram(program).run(arguments, true);
  eval(results);
  std::vector<Literal> wanted = by_definition(
      [&](std::vector<Tensor> x) { return RandomProgram(program).run(x, false); }, arguments);
  for (size_t i = 0; i < wanted.size(); ++i)
    expect_close(results[i], wanted[i], fmt::format("seed {} at {},{}: {}", seed, a, b, i));
}

TEST(EagerRandomProgram, IsTheSameAtAllSizes) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    clear_plan_cache();
    for (auto [a, b] : {std::pair<int64_t, int64_t>{4, 4},
                        {6, 6},
                        {5, 9},
                        {9, 5},
                        {2, 7},
                        {2, 2},
                        {1, 4},
                        {4, 1},
                        {8, 16},
                        {1, 1},
                        {3, 3},
                        {0, 4},
                        {0, 0},
                        {12, 11}})
      check(seed, a, b);
  }
}

TEST(EagerRandomProgram, IsCompiledAFewTimes) {
  uint64_t most = 0;
  for (uint32_t seed = 100; seed < 120; ++seed) {
    clear_plan_cache();
    most = std::max(most, compilations_of([&] {
                      for (int64_t n = 3; n < 20; ++n) {
                        RandomProgram program(seed, {{'a', n}, {'b', n % 5 + 6}});
                        std::vector<Tensor> arguments;
                        for (const std::string& axes : RandomProgram::inputs())
                          arguments.push_back(numbers(program.shape(axes).constants()));
                        eval(program.run(arguments, false));
                      }
                    }));
  }
  EXPECT_LE(most, 5);
}

}  // namespace
}  // namespace tenon
