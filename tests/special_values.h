// What tests at special values share: the golden files of tests/golden/special, and how far from an
// exact number a result may be.
//
//   for (const std::string& line : special_lines("rows")) …
//   double wanted = rounded_to(DType::bf16, exact);
//   EXPECT_NEAR(got, wanted, 2 * spacing(DType::bf16, wanted));
#pragma once

#include <cmath>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tenon/base/files.h"
#include "tenon/graph/literal.h"

namespace tenon {

using MaybeNumber = std::optional<double>;  // nothing where no value is wanted

/// "1 -inf *" as numbers.
inline std::vector<MaybeNumber> parse_numbers(const std::string& text) {
  std::vector<MaybeNumber> numbers;
  std::istringstream words(text);
  std::string word;
  while (words >> word) {
    numbers.push_back(word == "*" ? MaybeNumber()
                                  : MaybeNumber(std::strtod(word.c_str(), nullptr)));
  }
  return numbers;
}

/// The lines of tests/golden/special/<name>.txt, without its comment.
inline std::vector<std::string> special_lines(const std::string& name) {
  std::vector<std::string> lines;
  std::istringstream file(read_file("tests/golden/special/" + name + ".txt"));
  std::string line;
  while (std::getline(file, line)) {
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  }
  return lines;
}

inline double rounded_to(DType dtype, double x) {
  Literal literal(dtype, {1});
  literal.set_double(0, x);
  return literal.to_double(0);
}

inline bool is_exact(DType dtype, double x) { return std::isnan(x) || rounded_to(dtype, x) == x; }

/// How far numbers of the dtype are apart at x.
inline double spacing(DType dtype, double x) {
  int mantissa_bits = 52, lowest = -1022;
  if (dtype == DType::f32) mantissa_bits = 23, lowest = -126;
  if (dtype == DType::bf16) mantissa_bits = 7, lowest = -126;
  if (dtype == DType::f16) mantissa_bits = 10, lowest = -14;
  const int exponent = x == 0 ? lowest : std::max(std::ilogb(x), lowest);
  return std::ldexp(1.0, exponent - mantissa_bits);
}

/// Infinities and NaN have to be what they are.
inline bool is_within(double got, double wanted, double allowed) {
  if (got == wanted || (std::isnan(got) && std::isnan(wanted))) return true;
  return std::isfinite(got) && std::isfinite(wanted) && std::fabs(got - wanted) <= allowed;
}

}  // namespace tenon
