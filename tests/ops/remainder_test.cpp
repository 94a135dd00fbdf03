// remainder, fmod and floor_divide at the edges, against NumPy
// (tests/reference/make_remainder_golden.py), on all paths.
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "paths.h"
#include "tenon/base/files.h"
#include "tenon/base/strings.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/numpy.h"
#include "tests/ops/evaluate.h"

namespace tenon {
namespace {

struct Golden {
  std::vector<double> a, b, remainder, fmod, floor_divide;
};

Golden golden(DType dtype) {
  Golden result;
  std::istringstream lines(read_file("tests/golden/ops/remainder.txt"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, word;
    words >> name;
    if (name != name_of(dtype)) continue;
    for (std::vector<double>* to :
         {&result.a, &result.b, &result.remainder, &result.fmod, &result.floor_divide}) {
      words >> word;
      to->push_back(std::strtod(word.c_str(), nullptr));
    }
  }
  return result;
}

Literal of_reals(DType dtype, const std::vector<double>& values) {
  Literal literal(dtype, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i) literal.set_double(static_cast<int64_t>(i), values[i]);
  return literal;
}

class Remainder : public testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(DTypes, Remainder,
                         testing::Values(DType::f16, DType::bf16, DType::f32, DType::f64),
                         [](const auto& param) { return std::string(name_of(param.param)); });

TEST_P(Remainder, HasTheSignOfTheDivisorOnAllPaths) {
  const Golden known = golden(GetParam());
  ASSERT_GT(known.a.size(), 200u);
  const Literal a = of_reals(GetParam(), known.a), b = of_reals(GetParam(), known.b);
  const Literal wanted = of_reals(GetParam(), known.remainder);
  for (const auto& [path, result] : on_all_paths("remainder", {a, b}))
    EXPECT_EQ(different_bits(result, wanted), "") << path;
}

TEST_P(Remainder, OfFmodHasTheSignOfTheDividendOnAllPaths) {
  const Golden known = golden(GetParam());
  const Literal a = of_reals(GetParam(), known.a), b = of_reals(GetParam(), known.b);
  const Literal wanted = of_reals(GetParam(), known.fmod);
  for (const auto& [path, result] : on_all_paths("fmod", {a, b}))
    EXPECT_EQ(different_bits(result, wanted), "") << path;
}

TEST_P(Remainder, BelongsToFloorDivide) {
  const Golden known = golden(GetParam());
  const Literal a = of_reals(GetParam(), known.a), b = of_reals(GetParam(), known.b);
  EXPECT_EQ(different_bits(floor_divide(Tensor(a), Tensor(b)).literal(),
                           of_reals(GetParam(), known.floor_divide)),
            "");
  EXPECT_EQ(
      different_bits((Tensor(a) % Tensor(b)).literal(), of_reals(GetParam(), known.remainder)), "");
}

TEST(RemainderOfIntegers, MakesTheDividendAgain) {
  for (DType dtype : {DType::u8, DType::i8, DType::i32, DType::i64}) {
    std::vector<int64_t> ends = {0, 1, 2, 3, 5, 7, 100, 127};
    if (is_signed(dtype)) ends.insert(ends.end(), {-1, -2, -3, -7, -100, -128});
    if (dtype == DType::i32) ends.insert(ends.end(), {INT32_MIN, INT32_MAX});
    if (dtype == DType::i64) ends.insert(ends.end(), {INT64_MIN, INT64_MAX, INT32_MIN});
    const auto count = static_cast<int64_t>(ends.size());
    Tensor each = Tensor::of(ends, {count}).cast(dtype);
    Tensor a = repeat(each, count, 0), b = tile(each, {count});
    EXPECT_TRUE(all(floor_divide(a, b) * b + a % b == a).item() == 1) << name_of(dtype);
    Tensor rest = a % b;
    EXPECT_TRUE(all(b == 0 || rest == 0 || (rest < 0) == (b < 0)).item() == 1) << name_of(dtype);
  }
}

}  // namespace
}  // namespace tenon
