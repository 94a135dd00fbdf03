// Kernels that search: positions of extrema, and places in sorted vectors.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "samples.h"
#include "tenon/base/parallel.h"
#include "tenon/graph/build.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/value_functions.h"
#include "tenon/runtime/cpu/argument.h"
#include "tenon/runtime/executable.h"

namespace tenon {
namespace {

/// Few different numbers, so that ties are common, and now and then what is special.
Literal crowded(DType dtype, const std::vector<int64_t>& shape, bool with_nan, uint64_t seed) {
  Literal x = random_literal(dtype, shape, is_signed(dtype) ? -9 : 0, 9, seed);
  Literal choice = random_literal(DType::i32, shape, 0, 997, seed + 1);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (int64_t i = 0; is_floating(dtype) && i < x.size(); ++i) {
    x.set_double(i, std::round(x.to_double(i)));
    switch (choice.to_int(i)) {
      case 0:
        if (with_nan) x.set_double(i, std::nan(""));
        break;
      case 1:
        if (with_nan) x.set_double(i, -std::nan(""));
        break;
      case 2:
        x.set_double(i, -0.0);
        break;
      case 3:
        x.set_double(i, kInfinity);
        break;
      case 4:
        x.set_double(i, -kInfinity);
        break;
      default:
        break;
    }
  }
  return x;
}

void check_argument(const char* op, const Literal& x, int64_t axis, DType dtype) {
  Graph graph("argument");
  Build build(graph, core_ops());
  Value input = build.input("x", Type{x.dtype(), Shape::of(x.shape())});
  graph.set_outputs({build.call(op, {input}, {{"axis", axis}, {"dtype", dtype}}).id()});
  Literal wanted = interpret(graph, {x})[0];
  auto executable = compile(graph, core_ops());
  for (int threads : {1, 2}) {
    set_thread_count(threads);
    EXPECT_EQ(executable->run({Buffer::copy_of(x)})[0].to_literal(), wanted)
        << op << " of " << Type{x.dtype(), Shape::of(x.shape())}.to_string() << " axis " << axis;
  }
}

class Argument : public testing::TestWithParam<DType> {};

TEST_P(Argument, IsThatOfTheReference) {
  // Around the steps and blocks of every width of vectors.
  const std::vector<std::vector<int64_t>> shapes = {
      {1, 1},    {1, 3},     {3, 15},   {2, 63},   {2, 64},     {2, 65},     {3, 129},
      {1, 1023}, {2, 1025},  {5, 257},  {1, 4097}, {1, 70'001}, {257, 70},   {130, 300},
      {70, 600}, {40000, 3}, {300, 64}, {7, 256},  {1100, 130}, {2, 300, 5}, {3, 70, 130},
      {7, 17},   {9, 31},    {5, 40},   {600, 530}};
  uint64_t seed = 1;
  for (const std::vector<int64_t>& shape : shapes) {
    for (bool with_nan : {false, true}) {
      Literal x = crowded(GetParam(), shape, with_nan, seed += 2);
      for (size_t axis = 0; axis < shape.size(); ++axis) {
        check_argument("argmax", x, static_cast<int64_t>(axis), DType::i32);
        check_argument("argmin", x, static_cast<int64_t>(axis), DType::i64);
      }
    }
  }
}

TEST_P(Argument, FindsTheOnlyOneAnywhere) {
  constexpr int64_t kCount = 700;
  for (int64_t at = 0; at < kCount; at += 7) {
    Literal x(GetParam(), {kCount});
    x.set_double(at, 1);
    check_argument("argmax", x, 0, DType::i32);
    Literal column(GetParam(), {kCount, 64});
    column.set_double(at * 64 + at % 64, 1);
    check_argument("argmax", column, 0, DType::i32);
  }
}

/// Beyond what one integer of the element's size counts, tiles and pieces of an axis.
TEST_P(Argument, FindsTheFirstOfTwoInALongAxis) {
  for (const auto& [rows, columns] :
       {std::pair<int64_t, int64_t>{300'001, 1}, {70'001, 20}, {600, 2500}}) {
    Graph graph("argument");
    Build build(graph, core_ops());
    Value input = build.input("x", Type{GetParam(), {rows, columns}});
    graph.set_outputs({build.call("argmax", {input}, {{"axis", 0}, {"dtype", DType::i32}}).id()});
    auto executable = compile(graph, core_ops());
    Literal x(GetParam(), {rows, columns});
    std::vector<int64_t> first(static_cast<size_t>(columns));
    for (int64_t c = 0; c < columns; ++c) {
      first[static_cast<size_t>(c)] = (c + 1) * 7919 * 31 % (rows - 1);
      x.set_double(first[static_cast<size_t>(c)] * columns + c, 1);
      x.set_double((rows - 1) * columns + c, 1);
    }
    Literal found = executable->run({Buffer::copy_of(x)})[0].to_literal();
    for (int64_t c = 0; c < columns; ++c)
      ASSERT_EQ(found.to_int(c), first[static_cast<size_t>(c)]) << rows << " x " << columns;
  }
}

INSTANTIATE_TEST_SUITE_P(DTypes, Argument,
                         testing::Values(DType::u8, DType::i8, DType::i32, DType::i64, DType::f16,
                                         DType::bf16, DType::f32, DType::f64),
                         [](const auto& dtype) { return std::string(name_of(dtype.param)); });

TEST(SearchSorted, IsThatOfTheStandardLibrary) {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  for (DType dtype : {DType::i32, DType::u8, DType::bf16, DType::f32, DType::f64}) {
    for (int64_t count : {0, 1, 2, 100, 1000}) {
      std::vector<double> sorted(static_cast<size_t>(count));
      Literal numbers = random_literal(dtype, {count}, 0, 200, 5);
      for (size_t i = 0; i < sorted.size(); ++i)
        sorted[i] = numbers.to_double(static_cast<int64_t>(i));
      auto before = [](double a, double b) { return a < b || (std::isnan(b) && !std::isnan(a)); };
      if (is_floating(dtype) && count > 2) sorted[0] = kNaN;
      std::sort(sorted.begin(), sorted.end(), before);
      for (size_t i = 0; i < sorted.size(); ++i)
        numbers.set_double(static_cast<int64_t>(i), sorted[i]);
      Literal values = random_literal(dtype, {20, 30}, 0, 210, 6);
      if (is_floating(dtype)) values.set_double(7, kNaN);
      for (bool right : {false, true}) {
        Graph graph("search");
        Build build(graph, core_ops());
        Value in = build.input("sorted", Type{dtype, {count}});
        Value x = build.input("values", Type{dtype, {20, 30}});
        graph.set_outputs({build.call("search_sorted", {in, x}, {{"right", right}}).id()});
        Literal found = compile(graph, core_ops())
                            ->run({Buffer::copy_of(numbers), Buffer::copy_of(values)})[0]
                            .to_literal();
        EXPECT_EQ(found, interpret(graph, {numbers, values})[0]);
        for (int64_t i = 0; i < values.size(); ++i) {
          double value = values.to_double(i);
          auto wanted = right ? std::upper_bound(sorted.begin(), sorted.end(), value, before)
                              : std::lower_bound(sorted.begin(), sorted.end(), value, before);
          ASSERT_EQ(found.to_int(i), wanted - sorted.begin()) << value;
        }
      }
    }
  }
}

}  // namespace
}  // namespace tenon
