// exp2, the inverse hyperbolic functions and xlogy against values of 50 digits
// (tests/golden/elementary.txt), over the whole range of every dtype.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "tenon/tensor/functions.h"
#include "tenon/tensor/transforms.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

struct Golden {
  std::vector<std::vector<double>> arguments;  // [argument][case]
  std::vector<double> results;
};

std::map<std::string, Golden> golden_values() {
  std::map<std::string, Golden> all;
  std::ifstream file("tests/golden/elementary.txt");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name, word;
    words >> name;
    std::vector<double> numbers;
    while (words >> word) numbers.push_back(std::strtod(word.c_str(), nullptr));
    Golden& golden = all[name];
    golden.results.push_back(numbers.back());
    numbers.pop_back();
    golden.arguments.resize(numbers.size());
    for (size_t i = 0; i < numbers.size(); ++i) golden.arguments[i].push_back(numbers[i]);
  }
  return all;
}

struct Format {
  DType dtype;
  int digits;  // of the significand
  int lowest;  // exponent of the smallest denormal number
  double largest;
};
constexpr Format kFormats[] = {{DType::f64, 53, -1074, 1.7976931348623157e308},
                               {DType::f32, 24, -149, 3.4028234663852886e38},
                               {DType::f16, 11, -24, 65504},
                               {DType::bf16, 8, -133, 0x1.fep127}};

double unit_in_last_place(const Format& format, double x) {
  int exponent = x == 0 ? format.lowest : std::ilogb(x) - format.digits + 1;
  return std::ldexp(1.0, std::max(exponent, format.lowest));
}

bool is_right(const Format& format, double got, double wanted, double units) {
  if (std::isnan(wanted)) return std::isnan(got);
  double ulp = unit_in_last_place(format, std::min(std::abs(wanted), format.largest));
  // What rounds to infinity within the error may be either.
  if (std::abs(wanted) > format.largest * (1 - 1e-5)) {
    return std::abs(got) >= format.largest * (1 - 1e-5) &&
           std::signbit(got) == std::signbit(wanted);
  }
  return std::abs(got - wanted) <= units * ulp;
}

Tensor call(const std::string& name, const std::vector<Tensor>& x) {
  if (name == "exp2") return exp2(x[0]);
  if (name == "asinh") return asinh(x[0]);
  if (name == "acosh") return acosh(x[0]);
  if (name == "atanh") return atanh(x[0]);
  return xlogy(x[0], x[1]);
}

TEST(Elementary, AgreesWithFiftyDigits) {
  std::map<std::string, Golden> all = golden_values();
  ASSERT_EQ(all.size(), 5U);
  for (const auto& [name, golden] : all) {
    for (const Format& format : kFormats) {
      std::vector<Tensor> x;
      for (const std::vector<double>& values : golden.arguments)
        x.push_back(
            Tensor::of<double>(values, {static_cast<int64_t>(values.size())}).cast(format.dtype));
      std::vector<double> got = values_of(call(name, x));
      int compared = 0;
      for (size_t i = 0; i < got.size(); ++i) {
        // Only arguments that the dtype holds.
        bool held = true;
        for (size_t k = 0; k < x.size(); ++k) {
          double argument = golden.arguments[k][i], here = x[k].item(static_cast<int64_t>(i));
          held = held && (argument == here || std::isnan(argument));
        }
        if (!held) continue;
        ++compared;
        EXPECT_TRUE(is_right(format, got[i], golden.results[i], 6))
            << name << "(" << golden.arguments[0][i] << (x.size() > 1 ? ", " : "")
            << (x.size() > 1 ? std::to_string(golden.arguments[1][i]) : "") << ") in "
            << name_of(format.dtype) << ": " << got[i] << " for " << golden.results[i];
      }
      EXPECT_GT(compared, 5);
    }
  }
}

double slope(Tensor (*f)(const Tensor&), double x, DType dtype) {
  return grad([f](Tensor t) { return f(t); })(full({}, x, dtype)).item();
}

/// As in PyTorch and JAX, but where those overflow.
TEST(Elementary, HasDerivativesAtTheEdges) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (DType dtype : {DType::f64, DType::f32}) {
    EXPECT_EQ(slope(asinh, 0, dtype), 1);
    EXPECT_EQ(slope(asinh, kInfinity, dtype), 0);
    EXPECT_NEAR(slope(asinh, 1e30, dtype) * 1e30, 1, 1e-6);
    EXPECT_EQ(slope(acosh, 1, dtype), kInfinity);
    EXPECT_EQ(slope(acosh, kInfinity, dtype), 0);
    EXPECT_TRUE(std::isnan(slope(acosh, 0.5, dtype)));
    EXPECT_EQ(slope(atanh, 0, dtype), 1);
    EXPECT_EQ(slope(atanh, 1, dtype), kInfinity);
    EXPECT_EQ(slope(exp2, -kInfinity, dtype), 0);
    EXPECT_EQ(slope(exp2, kInfinity, dtype), kInfinity);
    auto second = grad([](Tensor t) { return grad([](Tensor u) { return asinh(u); })(t); });
    EXPECT_NEAR(second(full({}, 1e30, dtype)).item(), 0, 1e-30);
    EXPECT_EQ(second(full({}, 0, dtype)).item(), 0);
  }
}

/// PyTorch's convention.
TEST(Elementary, XLogYHasADerivativeWhereXIsZero) {
  auto slopes = [](double x, double y) {
    auto [of_x, of_y] = grad([](std::pair<Tensor, Tensor> p) { return xlogy(p.first, p.second); })(
        std::pair{full({}, x, DType::f64), full({}, y, DType::f64)});
    return std::pair{of_x.item(), of_y.item()};
  };
  EXPECT_EQ(slopes(0, 2), std::pair(std::log(2.0), 0.0));
  EXPECT_EQ(slopes(0, 0).first, 0);
  EXPECT_EQ(slopes(0, -1), std::pair(0.0, 0.0));
  EXPECT_TRUE(std::isnan(slopes(0, std::nan("")).first));
  EXPECT_EQ(slopes(2, 4), std::pair(std::log(4.0), 0.5));
}

}  // namespace
}  // namespace tenon
