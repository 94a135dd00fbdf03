// Ops on rows of numbers where formulas break, held to exact values and derivatives
// (tests/reference/make_special_rows.py) in the reference and in compiled code.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "samples.h"
#include "tenon/graph/build.h"
#include "tenon/interpret/interpret.h"
#include "tenon/ops/value_functions.h"
#include "tenon/transform/jvp.h"
#include "tenon/transform/vjp.h"
#include "tests/run.h"
#include "tests/special_values.h"

namespace tenon {
namespace {

struct Row {
  std::vector<double> x;
  std::vector<MaybeNumber> values, derivatives;
  /// Of the terms that the derivatives are differences of, where the file has it.
  double size = 1;
};
using Rows = std::vector<Row>;

Rows rows_of(const std::string& name) {
  Rows rows;
  for (const std::string& line : special_lines("rows")) {
    std::istringstream parts(line);
    std::string part;
    std::getline(parts, part, '|');
    if (part != name + " ") continue;
    Row row;
    std::getline(parts, part, '|');
    for (const MaybeNumber& x : parse_numbers(part)) row.x.push_back(x.value());
    std::getline(parts, part, '|');
    row.values = parse_numbers(part);
    std::getline(parts, part, '|');
    row.derivatives = parse_numbers(part);
    if (std::getline(parts, part, '|')) row.size = parse_numbers(part).at(0).value();
    rows.push_back(std::move(row));
  }
  return rows;
}

/// How an op is called on rows [rows, n], and which rows of the file it is held to.
struct RowCase {
  std::string op;
  std::string golden;
  std::function<Value(Build&, Value x)> call;
  /// Spacings of 1 that results may be off, where they are differences of numbers near 1.
  double of_one = 0;
  /// The squares and sums on the way fit the dtype up to here.
  std::map<DType, double> largest = {};
};

Value zeros_of(Build& build, DType dtype, const Value& x, double value = 0) {
  return build.full({dtype, {x.dim(0)}}, value);
}

std::vector<RowCase> row_cases() {
  auto plain = [](std::string op, Attributes attributes) {
    return [=](Build& build, Value x) { return build.call(op, {x}, attributes); };
  };
  auto reduction = [&](std::string op) { return plain(op, {{"axes", Integers{1}}}); };
  auto batch_norm = [](double epsilon) {
    return [=](Build& build, Value x) {
      Value one = zeros_of(build, x.dtype(), x, 1), zero = zeros_of(build, x.dtype(), x);
      return build.call_multi(build.ops().get("batch_norm"), {{x, one, zero}},
                              {{"axis", 0}, {"epsilon", epsilon}})[0];
    };
  };
  // Less than what f32 holds.
  const double small = 0x1p-200;
  // Where sums in f32 and f64 leave the range: the largest numbers themselves do.
  const std::map<DType, double> sums = {
      {DType::f64, 1e308}, {DType::f32, 1e38}, {DType::bf16, 1e38}, {DType::f16, 65504}};
  std::vector<RowCase> cases = {
      {"softmax", "softmax", plain("softmax", {}), 4},
      {"log_softmax", "log_softmax", plain("log_softmax", {}), 8},
      {"log_sum_exp", "log_sum_exp", plain("log_sum_exp", {}), 4},
      {"softmax_cross_entropy", "softmax_cross_entropy",
       [](Build& build, Value x) {
         return build.call("softmax_cross_entropy", {x, zeros_of(build, DType::i32, x)});
       },
       4},
      {"softmax_cross_entropy", "softmax_cross_entropy smoothing",
       [](Build& build, Value x) {
         return build.call("softmax_cross_entropy", {x, zeros_of(build, DType::i32, x, 1)},
                           {{"label_smoothing", 0.125}});
       },
       4, sums},
      {"softmax_cross_entropy_with_probabilities", "softmax_cross_entropy_with_probabilities",
       [](Build& build, Value x) {
         Value second = equal(iota(build, DType::i32, x.shape(), 1), 1.0);
         return build.call("softmax_cross_entropy_with_probabilities",
                           {x, cast(second, x.dtype())});
       },
       4},
      {"standardize", "standardize", plain("standardize", {}), 8},
      {"standardize", "standardize small epsilon", plain("standardize", {{"epsilon", small}}), 8},
      {"layer_norm", "layer_norm", plain("layer_norm", {}), 8},
      {"rms_norm", "rms_norm", plain("rms_norm", {}), 8},
      {"rms_norm", "rms_norm small epsilon", plain("rms_norm", {{"epsilon", small}}), 8},
      {"group_norm", "standardize", plain("group_norm", {{"groups", 1}}), 8},
      {"instance_norm", "standardize",
       [](Build& build, Value x) {
         Shape channels = x.shape();
         channels.push_back(1);
         return reshape(build.call("instance_norm", {reshape(x, channels)}), x.shape());
       },
       8},
      {"batch_norm", "standardize", batch_norm(1e-5), 8},
      {"batch_norm", "standardize small epsilon", batch_norm(small), 8},
      {"reduce_sum", "reduce_sum", reduction("reduce_sum"), 0},
      {"reduce_product", "reduce_product", reduction("reduce_product"), 0},
      {"reduce_max", "reduce_max", reduction("reduce_max"), 0},
      {"reduce_min", "reduce_min", reduction("reduce_min"), 0},
  };
  return cases;
}

class SpecialRows : public testing::TestWithParam<RowCase> {};

std::string name_of_case(const testing::TestParamInfo<RowCase>& info) {
  std::string name = info.param.op;
  const std::string& golden = info.param.golden;
  for (const char* variant : {"smoothing", "small epsilon"}) {
    if (golden.ends_with(variant)) name += std::string("_") + variant;
  }
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Ops, SpecialRows, testing::ValuesIn(row_cases()), name_of_case);

/// The value, and the derivative of the sum of (i + 1) times the i-th of a row. The third result is
/// the tangent along those weights: the same numbers, where derivatives are symmetric.
Graph graph_of(const RowCase& c, DType dtype, int64_t rows, int64_t width) {
  Graph call("call");
  Build inner(call, core_ops());
  Value y = c.call(inner, inner.input("x", {dtype, {rows, width}}));
  call.set_outputs({y.id()});
  Graph graph("rows");
  Build build(graph, core_ops());
  Value x = build.input("x", {dtype, {rows, width}});
  Value weights = y.rank() == 1 ? build.full(y.type(), 1)
                                : cast(iota(build, DType::f32, y.shape(), 1) + 1.0, y.dtype());
  std::vector<Value> pulled = build.inline_graph(*vjp(call, core_ops()), std::vector{x, weights});
  graph.set_outputs({pulled[0].id(), pulled[1].id()});
  if (y.rank() == 1) return graph;
  std::vector<Value> pushed = build.inline_graph(*jvp(call, core_ops()), std::vector{x, weights});
  graph.set_outputs({pulled[0].id(), pulled[1].id(), pushed[1].id()});
  return graph;
}

void expect_rows(const RowCase& c, DType dtype, const Rows& rows, const char* by,
                 const Literal& got, bool derivative) {
  int64_t at = 0;
  for (const Row& row : rows) {
    const std::vector<MaybeNumber>& wanted = derivative ? row.derivatives : row.values;
    const double one = derivative ? row.size : 1;
    for (size_t i = 0; i < wanted.size(); ++i, ++at) {
      if (!wanted[i]) continue;
      const double exact = rounded_to(dtype, *wanted[i]), value = got.to_double(at);
      const double allowed = 8 * spacing(dtype, exact) + c.of_one * spacing(dtype, one);
      EXPECT_TRUE(is_within(value, exact, allowed)) << fmt::format(
          "{}: {} {} of [{}] in {} is {}, not {}", by, derivative ? "derivative" : "value", i,
          fmt::join(row.x, ", "), name_of(dtype), value, exact);
    }
  }
}

bool is_symmetric(const RowCase& c) {
  return c.op == "softmax" || c.op == "standardize" || c.op.ends_with("_norm");
}

TEST_P(SpecialRows, AreExact) {
  const RowCase& c = GetParam();
  const Rows all = rows_of(c.golden);
  ASSERT_FALSE(all.empty());
  for (DType dtype : {DType::f64, DType::f32, DType::bf16, DType::f16}) {
    for (size_t width : {size_t{2}, size_t{3}}) {
      Rows rows;
      for (const Row& row : all) {
        bool fits = row.x.size() == width;
        for (double x : row.x) {
          const bool far =
              std::isfinite(x) && !c.largest.empty() && std::fabs(x) > c.largest.at(dtype);
          fits = fits && is_exact(dtype, x) && !far;
        }
        if (fits) rows.push_back(row);
      }
      Literal x(dtype, {static_cast<int64_t>(rows.size()), static_cast<int64_t>(width)});
      int64_t at = 0;
      for (const Row& row : rows) {
        for (double number : row.x) x.set_double(at++, number);
      }
      Graph graph = graph_of(c, dtype, x.shape()[0], x.shape()[1]);
      for (const auto& [by, results] :
           {std::pair{"reference", interpret(graph, {x})},
            std::pair{"compiled", run(*compile(graph, core_ops()), {x}, 1)}}) {
        expect_rows(c, dtype, rows, by, results[0], false);
        expect_rows(c, dtype, rows, by, results[1], true);
        if (is_symmetric(c)) expect_rows(c, dtype, rows, by, results[2], true);
      }
    }
  }
}

TEST(SpecialRows, CoverEveryOpThatReducesReals) {
  const char* moves = "moves numbers, or makes them of none";
  const char* sums = "sums of products, as reduce_sum";
  const char* made_of = "made of ops that are covered";
  std::map<std::string, std::string> elsewhere = {
      {"reduce_and", "of bools"},
      {"reduce_or", "of bools"},
      {"argmax", "an index"},
      {"argmin", "an index"},
      {"attention", "softmax between products: sequence_test.cpp has its masks"},
      {"batch_norm_inference", "multiplies and adds"},
      {"mean_squared_error", "the mean of squared_error"},
      {"mean_absolute_error", "the mean of absolute_error"},
      {"cumulative_sum", "as reduce_sum"},
      {"cumulative_product", "as reduce_product"},
      {"cumulative_max", "as reduce_max"},
      {"cumulative_min", "as reduce_min"},
      {"linear_recurrence", "products and sums: tests/tensor/cumulative_test.cpp"},
      {"search_sorted", "positions: search_test.cpp"},
      {"quantize", "rounds; elementwise_test.cpp"},
      {"dequantize", "multiplies"},
      {"dropout", "multiplies"},
      {"custom_call", "the user's"},
  };
  for (const char* op : {"slice",        "pad",         "dynamic_slice", "dynamic_update_slice",
                         "gather",       "scatter",     "sort",          "top_k",
                         "constant",     "iota",        "broadcast",     "reshape",
                         "transpose",    "reverse",     "concatenate",   "embedding",
                         "one_hot",      "window_max",  "window_find",   "window_take",
                         "window_place", "random_bits", "barrier",       "check_indices",
                         "call",         "cond",        "while",         "scan",
                         "custom_vjp",   "all_gather",  "all_to_all",    "collective_permute",
                         "axis_index"})
    elsewhere.emplace(op, moves);
  for (const char* op :
       {"dot", "convolution", "convolution_input_gradient", "convolution_filter_gradient",
        "window_sum", "window_sum_transpose", "all_reduce", "reduce_scatter"})
    elsewhere.emplace(op, sums);
  for (const char* op :
       {"lstm", "lstm_cell", "gru", "gru_cell", "rotary_embedding", "adaptive_average_pool",
        "adaptive_max_pool", "global_average_pool", "global_max_pool", "average_pool", "max_pool"})
    elsewhere.emplace(op, made_of);
  for (const RowCase& c : row_cases()) elsewhere.emplace(c.op, "above");
  for (const auto& op : core_ops().all()) {
    if (op->is_elementwise) continue;
    EXPECT_TRUE(elsewhere.contains(op->name))
        << op->name << " is not held to values where formulas break: state it in "
        << "tests/reference/make_special_rows.py and here, or say here why it need not be";
  }
}

}  // namespace
}  // namespace tenon
