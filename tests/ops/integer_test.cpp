// Integer arithmetic at the ends of every dtype, on all paths: it wraps, and no division stops the
// process. What is right is computed here in 128 bits.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "paths.h"
#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tests/ops/evaluate.h"
#include "tests/run.h"

namespace tenon {
namespace {

using Wide = __int128;

const std::vector<DType> kIntegers = {DType::u8, DType::i8, DType::i32, DType::i64};

int bits_in(DType dtype) { return static_cast<int>(size_of(dtype)) * 8; }

/// What is left of a number in the dtype's bits.
int64_t wrapped(Wide value, DType dtype) {
  const auto low = static_cast<uint64_t>(static_cast<unsigned __int128>(value));
  switch (dtype) {
    case DType::boolean:
      return value != 0;
    case DType::u8:
      return static_cast<uint8_t>(low);
    case DType::i8:
      return static_cast<int8_t>(low);
    case DType::i32:
      return static_cast<int32_t>(low);
    default:
      return static_cast<int64_t>(low);
  }
}

std::vector<int64_t> difficult(DType dtype) {
  const int64_t low = is_signed(dtype) ? wrapped(Wide{1} << (bits_in(dtype) - 1), dtype) : 0;
  const int64_t high =
      static_cast<int64_t>((Wide{1} << (bits_in(dtype) - (is_signed(dtype) ? 1 : 0))) - 1);
  std::vector<int64_t> values = {
      low, low + 1, low + 2, low / 2, high / 2 + 1, high - 1, high, 0,  1,   2,
      3,   5,       7,       8,       31,           32,       63,   64, 100, 127};
  if (is_signed(dtype)) values.insert(values.end(), {-1, -2, -3, -5, -7, -8, -64, -100});
  return values;
}

Wide floor_quotient(Wide a, Wide b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

struct Case {
  const char* op;
  std::function<Wide(Wide, Wide, DType)> meaning;
};

Wide shifted(Wide a, Wide b, DType dtype, bool left, bool logical) {
  const int bits = bits_in(dtype);
  if (b < 0 || b >= bits) return !left && !logical && a < 0 ? -1 : 0;
  const auto count = static_cast<int>(b);
  if (left) return a << count;
  if (!logical) return a >> count;
  return (a & ((Wide{1} << bits) - 1)) >> count;
}

const std::vector<Case>& binary_cases() {
  static const std::vector<Case>& cases = *new std::vector<Case>{
      {"add", [](Wide a, Wide b, DType) { return a + b; }},
      {"subtract", [](Wide a, Wide b, DType) { return a - b; }},
      {"multiply", [](Wide a, Wide b, DType) { return a * b; }},
      {"divide", [](Wide a, Wide b, DType) { return b == 0 ? 0 : a / b; }},
      {"fmod", [](Wide a, Wide b, DType) { return b == 0 ? a : a % b; }},
      {"remainder",
       [](Wide a, Wide b, DType) { return b == 0 ? a : a - floor_quotient(a, b) * b; }},
      {"maximum", [](Wide a, Wide b, DType) { return a > b ? a : b; }},
      {"minimum", [](Wide a, Wide b, DType) { return a < b ? a : b; }},
      {"equal", [](Wide a, Wide b, DType) { return Wide{a == b}; }},
      {"not_equal", [](Wide a, Wide b, DType) { return Wide{a != b}; }},
      {"less", [](Wide a, Wide b, DType) { return Wide{a < b}; }},
      {"less_equal", [](Wide a, Wide b, DType) { return Wide{a <= b}; }},
      {"greater", [](Wide a, Wide b, DType) { return Wide{a > b}; }},
      {"greater_equal", [](Wide a, Wide b, DType) { return Wide{a >= b}; }},
      {"logical_and", [](Wide a, Wide b, DType) { return a & b; }},
      {"logical_or", [](Wide a, Wide b, DType) { return a | b; }},
      {"logical_xor", [](Wide a, Wide b, DType) { return a ^ b; }},
      {"shift_left", [](Wide a, Wide b, DType t) { return shifted(a, b, t, true, false); }},
      {"shift_right_logical",
       [](Wide a, Wide b, DType t) { return shifted(a, b, t, false, true); }},
      {"shift_right_arithmetic",
       [](Wide a, Wide b, DType t) { return shifted(a, b, t, false, false); }}};
  return cases;
}

Literal of_integers(DType dtype, const std::vector<int64_t>& values) {
  Literal literal(dtype, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i) literal.set_int(static_cast<int64_t>(i), values[i]);
  return literal;
}

void expect_on_all_paths(const std::string& op, const std::vector<Literal>& inputs,
                         const std::vector<int64_t>& wanted) {
  for (const auto& [path, result] : on_all_paths(op, inputs))
    EXPECT_EQ(different_bits(result, of_integers(result.dtype(), wanted)), "")
        << op << " of " << name_of(inputs[0].dtype()) << ", " << path;
}

class IntegerOps : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(DTypes, IntegerOps, testing::ValuesIn(kIntegers),
                         [](const auto& param) { return std::string(name_of(param.param)); });

TEST_P(IntegerOps, OfTwoOperandsWrapOnAllPaths) {
  const DType dtype = GetParam();
  std::vector<int64_t> a, b;
  for (int64_t x : difficult(dtype)) {
    for (int64_t y : difficult(dtype)) {
      a.push_back(x);
      b.push_back(y);
    }
  }
  for (const Case& c : binary_cases()) {
    const bool is_bool =
        evaluate(c.op, {of_integers(dtype, {1}), of_integers(dtype, {1})})[0].dtype() ==
        DType::boolean;
    std::vector<int64_t> wanted;
    for (size_t i = 0; i < a.size(); ++i)
      wanted.push_back(wrapped(c.meaning(a[i], b[i], dtype), is_bool ? DType::boolean : dtype));
    expect_on_all_paths(c.op, {of_integers(dtype, a), of_integers(dtype, b)}, wanted);
  }
}

TEST_P(IntegerOps, PowersWrapOnAllPaths) {
  const DType dtype = GetParam();
  std::vector<int64_t> a, b, wanted;
  for (int64_t x : difficult(dtype)) {
    for (int64_t y : {-3, -2, -1, 0, 1, 2, 3, 7, 40, 100}) {
      if (y < 0 && !is_signed(dtype)) continue;
      a.push_back(x);
      b.push_back(y);
      Wide result = 1;
      for (int64_t i = 0; i < y; ++i) result = wrapped(result * x, dtype);
      if (y < 0) result = x == 1 ? 1 : x == -1 ? (y % 2 == 0 ? 1 : -1) : 0;
      wanted.push_back(wrapped(result, dtype));
    }
  }
  expect_on_all_paths("power", {of_integers(dtype, a), of_integers(dtype, b)}, wanted);
}

TEST_P(IntegerOps, OfOneOperandWrapOnAllPaths) {
  const DType dtype = GetParam();
  const std::vector<int64_t> x = difficult(dtype);
  const auto check_op = [&](const char* op, const std::function<Wide(Wide)>& meaning) {
    std::vector<int64_t> wanted;
    for (int64_t value : x) wanted.push_back(wrapped(meaning(value), dtype));
    expect_on_all_paths(op, {of_integers(dtype, x)}, wanted);
  };
  check_op("negate", [](Wide v) { return -v; });
  check_op("abs", [](Wide v) { return v < 0 ? -v : v; });
  check_op("sign", [](Wide v) { return Wide{v > 0} - Wide{v < 0}; });
  check_op("logical_not", [](Wide v) { return ~v; });
}

/// One call, interpreted and compiled, against numbers.
void expect_call(const std::string& op, const std::vector<Literal>& inputs,
                 const Attributes& attributes, const Literal& wanted) {
  const auto graph = graph_of_call(op, inputs, attributes);
  const std::string what = op + " of " + std::string(name_of(inputs[0].dtype()));
  EXPECT_EQ(different_bits(interpret(*graph, inputs)[0], wanted), "") << what;
  EXPECT_EQ(different_bits(run(*compile(*graph, core_ops()), inputs, 1)[0], wanted), "") << what;
}

TEST_P(IntegerOps, SumsAndProductsOfManyWrap) {
  const DType dtype = GetParam();
  std::vector<int64_t> x = difficult(dtype);
  const Literal values = of_integers(dtype, x);
  std::vector<int64_t> sums, products;
  int64_t sum = 0, product = 1;
  for (int64_t& value : x) {
    sums.push_back(sum = wrapped(Wide{sum} + value, dtype));
    products.push_back(product = wrapped(Wide{product} * value, dtype));
  }
  expect_call("cumulative_sum", {values}, {{"axis", 0}}, of_integers(dtype, sums));
  expect_call("cumulative_product", {values}, {{"axis", 0}}, of_integers(dtype, products));
  const Literal total = of_integers(dtype, {sum}).reshaped({});
  expect_call("reduce_sum", {values}, {{"axes", std::vector<int64_t>{0}}}, total);
  std::vector<int64_t> odd;
  int64_t odd_product = 1;
  for (int64_t value : x) {
    odd.push_back(wrapped(Wide{value} * 2 + 1, dtype));
    odd_product = wrapped(Wide{odd_product} * odd.back(), dtype);
  }
  expect_call("reduce_product", {of_integers(dtype, odd)}, {{"axes", std::vector<int64_t>{0}}},
              of_integers(dtype, {odd_product}).reshaped({}));
  const Literal zeros = of_integers(dtype, {0, 0});
  const Literal places = of_integers(DType::i32, std::vector<int64_t>(x.size(), 1));
  expect_call("scatter", {zeros, places, values}, {{"axis", 0}}, of_integers(dtype, {0, sum}));
  Wide squares = 0;
  for (int64_t value : x) squares += static_cast<Wide>(wrapped(Wide{value} * value, dtype));
  expect_call(
      "dot", {values, values},
      {{"lhs_contract", std::vector<int64_t>{0}}, {"rhs_contract", std::vector<int64_t>{0}}},
      of_integers(dtype, {wrapped(squares, dtype)}).reshaped({}));
}

/// Rearranging indices must not rearrange tensors, which wrap.
TEST_P(IntegerOps, ComparisonsSeeTheWrappedSum) {
  const DType dtype = GetParam();
  const std::string text = fmt::format(R"(
graph f(%x: {0}[n], %one: {0}[n]) -> (bool[n], {0}[n], bool[n]) {{
  %0: {0}[n] = add(%x, %one)
  %1: bool[n] = less(%0, %x)
  %2: {0}[n] = subtract(%0, %x)
  %3: {0}[n] = multiply(%x, %x)
  %4: bool[n] = less(%3, %x)
  return %1, %2, %4
}})",
                                       name_of(dtype));
  const auto graph = parse_graph(text, core_ops());
  const std::vector<int64_t> values = difficult(dtype);
  const std::vector<Literal> inputs = {of_integers(dtype, values),
                                       of_integers(dtype, std::vector<int64_t>(values.size(), 1))};
  std::vector<int64_t> less, squares_less;
  for (int64_t x : values) {
    less.push_back(wrapped(Wide{x} + 1, dtype) < x);
    squares_less.push_back(wrapped(Wide{x} * x, dtype) < x);
  }
  const auto results = {interpret(*graph, inputs), run(*compile(*graph, core_ops()), inputs, 1)};
  for (const std::vector<Literal>& result : results) {
    EXPECT_EQ(different_bits(result[0], of_integers(DType::boolean, less)), "");
    EXPECT_EQ(different_bits(result[1], inputs[1]), "");
    EXPECT_EQ(different_bits(result[2], of_integers(DType::boolean, squares_less)), "");
  }
}

}  // namespace
}  // namespace tenon
