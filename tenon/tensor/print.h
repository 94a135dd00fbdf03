// Formatting of tensors and trees. With a precision (the maximum number of digits after the point),
// the type is omitted.
//
//   given: Tensor x; Tree parameters;
//   std::string text = fmt::format("{}", x);        // "[1. 2. 3.]  f32[3]"
//   std::string values = fmt::format("{:.2}", x);       // "[1. 2. 3.]"
//   std::string list = fmt::format("{}", parameters);   // one line per leaf: path and type
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <iosfwd>
#include <string>

#include "tenon/tensor/tree.h"

namespace tenon {

struct PrintStyle {
  int precision = 4;            // maximum number of digits after the point; fewer if enough
  int64_t max_elements = 1000;  // longer arrays show only the ends of each axis
  bool type = true;             // "  f32[3]" at the end
};

/// As NumPy prints, then the type. Evaluates.
std::string to_text(const Tensor& tensor, const PrintStyle& style = {});
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);
std::ostream& operator<<(std::ostream& out, const Tree& tree);

}  // namespace tenon

template <>
struct fmt::formatter<tenon::Tensor> {
  constexpr auto parse(fmt::format_parse_context& context) {
    auto at = context.begin();
    if (at != context.end() && *at == '.') {
      style.precision = 0;
      style.type = false;
      for (++at; at != context.end() && *at >= '0' && *at <= '9'; ++at)
        style.precision = style.precision * 10 + (*at - '0');
    }
    if (at != context.end() && *at != '}') context.on_error("a tensor takes {} or {:.2}");
    return at;
  }
  auto format(const tenon::Tensor& tensor, fmt::format_context& context) const {
    std::string text = to_text(tensor, style);
    return std::copy(text.begin(), text.end(), context.out());
  }
  tenon::PrintStyle style;
};

template <>
struct fmt::formatter<tenon::Tree> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const tenon::Tree& tree, fmt::format_context& context) const {
    std::string text = tree.to_string();
    return std::copy(text.begin(), text.end(), context.out());
  }
};
