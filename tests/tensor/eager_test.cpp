// Programs outside of jit: what is compiled for them, what is kept, and threads that share them.
#include <gmock/gmock.h>

#include <functional>

#include "tenon/tensor/functions.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/transforms.h"
#include "tests/tensor/eager.h"

namespace tenon {
namespace {

using testing::Le;

/// A program of one size, and how often it may be compiled for all the lengths below.
struct Program {
  const char* name;
  std::function<std::vector<Tensor>(int64_t n)> arguments;
  std::function<std::vector<Tensor>(std::vector<Tensor>, int64_t n)> run;
  uint64_t compilations = 2;
};

std::vector<Program> programs() {
  auto vector = [](int64_t n) { return std::vector<Tensor>{numbers({n})}; };
  auto rows = [](int64_t n) { return std::vector<Tensor>{numbers({n, 6})}; };
  auto columns = [](int64_t n) { return std::vector<Tensor>{numbers({3, n})}; };
  auto data = [](int64_t) { return std::vector<Tensor>{numbers({80, 6})}; };
  using T = std::vector<Tensor>;
  return {
      {"elementwise", vector, [](T x, int64_t) { return T{exp(x[0]) * 2 + x[0] * x[0]}; }},
      {"broadcast", rows, [](T x, int64_t) { return T{x[0] + x[0].slice(1, 2, 3)}; }},
      {"softmax", columns, [](T x, int64_t) { return T{softmax(x[0])}; }},
      {"softmax of columns", rows, [](T x, int64_t) { return T{softmax(x[0], 0)}; }},
      {"layer_norm", columns,
       [](T x, int64_t n) { return T{layer_norm(x[0], ones({n}), zeros({n}))}; }},
      {"reductions", columns,
       [](T x, int64_t) { return T{sum(x[0]), mean(x[0], {1}), max(x[0], {1})}; }},
      {"matmul", columns, [](T x, int64_t) { return T{matmul(x[0], x[0].transpose())}; }},
      {"matmul of rows", rows, [](T x, int64_t) { return T{matmul(x[0], ones({6, 5}))}; }},
      {"first rows", data, [](T x, int64_t n) { return T{x[0].slice(0, 0, n) * 2}; }},
      {"last rows", data, [](T x, int64_t n) { return T{x[0].slice(0, -n) * 2}; }},
      {"one row", data, [](T x, int64_t n) { return T{x[0][n] * 2}; }},
      {"window", data, [](T x, int64_t n) { return T{sum(x[0].slice(0, n, n + 5))}; }},
      {"all but ends", vector,
       [](T x, int64_t) { return T{x[0].slice(0, 1) - x[0].slice(0, 0, -1)}; }},
      {"every other", vector, [](T x, int64_t) { return T{x[0].slice(0, 0, INT64_MAX, 2) + 1}; }},
      {"reverse", vector, [](T x, int64_t) { return T{flip(x[0], 0) * x[0]}; }},
      {"concatenate", vector,
       [](T x, int64_t) { return T{concatenate({x[0], x[0] * 2, ones({3})}, 0)}; }},
      {"flatten", rows, [](T x, int64_t) { return T{x[0].reshape({-1}) * 2}; }},
      {"flatten and back", rows,
       [](T x, int64_t n) { return T{(x[0].reshape({-1}) * 2).reshape({n, 2, 3})}; }},
      {"split axis", rows, [](T x, int64_t n) { return T{sum(x[0].reshape({3, 2 * n}), {0})}; }},
      {"einsum", columns, [](T x, int64_t) { return T{einsum("ij,kj->ik", {x[0], x[0]})}; }},
      {"outer", vector, [](T x, int64_t) { return T{einsum("i,j->ij", {x[0], x[0]})}; }},
      {"arange", data, [](T, int64_t n) { return T{arange(n) * 2}; }},
      {"zeros and full", data, [](T, int64_t n) { return T{zeros({n, 2}) + full({n, 2}, 3.5)}; }},
      {"positions", vector, [](T x, int64_t n) { return T{x[0] * arange(n).cast(DType::f32)}; }},
      {"triangle", data,
       [](T, int64_t n) {
         Tensor i = arange(n).reshape({n, 1}), j = arange(n).reshape({1, n});
         return T{where(i >= j, 1.0, 0.0)};
       }},
      {"look-ups", data,
       [](T x, int64_t n) { return T{take(x[0], remainder(arange(n) * 7, 80), 0)}; }},
      {"pad", vector, [](T x, int64_t n) { return T{pad(x[0], {{n, 2}}, 0.5)}; }},
      {"cumulative", vector, [](T x, int64_t) { return T{cumsum(x[0], 0)}; }},
      {"sort", vector, [](T x, int64_t) { return T{sort(x[0])}; }},
      {"gradient", rows,
       [](T x, int64_t) {
         auto loss = [](Tensor w, Tensor rows) { return mean(square(tanh(matmul(rows, w)))); };
         return T{grad(loss)(ones({6, 2}) * 0.1, x[0])};
       }},
      {"gradient of a slice", vector,
       [](T x, int64_t) {
         auto loss = [](Tensor y) { return sum(square(y.slice(0, 1) - y.slice(0, 0, -1))); };
         return T{grad(loss)(x[0])};
       }},
      {"gradient of a softmax", columns,
       [](T x, int64_t) {
         auto loss = [](Tensor y) { return sum(square(log_softmax(y))); };
         return T{grad(loss)(x[0])};
       }},
      {"vmap", rows,
       [](T x, int64_t) { return T{vmap([](Tensor y) { return sum(y * y); })(x[0])}; }},
      {"scan", rows,
       [](T x, int64_t) {
         auto step = [](Tensor carry, Tensor row) {
           Tensor next = carry * 0.5 + row;
           return std::pair(next, sum(next));
         };
         auto [last, sums] = scan(step, zeros({6}), x[0]);
         return T{last, sums};
       }},
      {"scan of wide rows", columns,
       [](T x, int64_t n) {
         auto step = [](Tensor carry, Tensor row) {
           Tensor next = carry * 0.5 + row;
           return std::pair(next, sum(next));
         };
         auto [last, sums] = scan(step, zeros({n}), x[0]);
         return T{last, sums};
       }},
  };
}

class EagerProgram : public testing::TestWithParam<Program> {};

TEST_P(EagerProgram, IsCompiledOnceForAllLengths) {
  const Program& program = GetParam();
  clear_plan_cache();
  auto check_length = [&](int64_t n) {
    std::vector<Tensor> arguments = program.arguments(n);
    auto f = [&](std::vector<Tensor> x) { return program.run(std::move(x), n); };
    std::vector<Tensor> results = f(arguments);
    eval(results);
    std::vector<Literal> wanted = by_definition(f, arguments);
    ASSERT_EQ(results.size(), wanted.size());
    for (size_t i = 0; i < results.size(); ++i)
      expect_close(results[i], wanted[i], fmt::format("{} of {}", program.name, n));
  };
  for (int64_t n : {5, 8, 2, 3, 70, 16, 8, 9, 31, 64}) check_length(n);
  const uint64_t first = compilations_of([&] {
    clear_plan_cache();
    for (int64_t n : {5, 8}) {
      std::vector<Tensor> results = program.run(program.arguments(n), n);
      eval(results);
    }
  });
  const uint64_t later = compilations_of([&] {
    for (int64_t n = 6; n < 40; ++n) {
      std::vector<Tensor> results = program.run(program.arguments(n), n);
      eval(results);
    }
  });
  EXPECT_THAT(first, Le(program.compilations)) << program.name;
  EXPECT_THAT(later, Le(2)) << program.name;
}

INSTANTIATE_TEST_SUITE_P(Programs, EagerProgram, testing::ValuesIn(programs()),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           for (char& c : name) {
                             if (c == ' ' || c == '-') c = '_';
                           }
                           return name;
                         });

/// Numbers in attributes alone that moved together, or with a size, and then do not.
TEST(Eager, NumbersThatMovedTogetherMayMoveApart) {
  clear_plan_cache();
  auto check_at = [](int64_t size, int64_t from, int64_t to, int64_t count) {
    Tensor x = numbers({size});
    auto f = [&](std::vector<Tensor> inputs) {
      Tensor part = inputs[0].slice(0, from, to) * 2;
      return std::vector<Tensor>{sum(part), concatenate({part, zeros({count}) + 0.5}, 0),
                                 arange(count)};
    };
    std::vector<Tensor> results = f({x});
    eval(results);
    std::vector<Literal> wanted = by_definition(f, {x});
    for (size_t i = 0; i < wanted.size(); ++i)
      expect_close(results[i], wanted[i], fmt::format("{} [{}, {}) {}", size, from, to, count));
  };
  check_at(10, 2, 5, 8);
  check_at(11, 3, 6, 9);  // all of them by one
  const uint64_t compilations = compilations_of([&] {
    for (int64_t size : {10, 13, 20}) {
      for (int64_t from : {2, 3, 4}) {
        for (int64_t to : {6, 7, 9}) {
          for (int64_t count : {2, 9, 20}) check_at(size, from, to, count);
        }
      }
    }
  });
  EXPECT_THAT(compilations, Le(4));
}

}  // namespace
}  // namespace tenon
