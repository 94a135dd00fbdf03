// Tensors as text, in the manner of NumPy: aligned columns, "…" in long arrays, then the type.

#include <algorithm>
#include <cmath>
#include <ostream>

#include <fmt/format.h>

#include "tenon/tensor/print.h"

namespace tenon {

namespace {

constexpr int64_t kEdge = 3;  // how much of both ends of an axis an abbreviated array shows

class ArrayPrinter {
 public:
  ArrayPrinter(const Tensor& tensor, const PrintStyle& style)
      : tensor_(tensor),
        style_(style),
        shape_(tensor.shape().constants()),
        real_(is_floating(tensor.dtype())),
        abbreviate_(element_count(shape_) > style.max_elements) {
    if (real_) choose_notation(0, 0);
    find_width(0, 0);
  }

  std::string print() {
    std::string text;
    append(text, 0, 0, 1);
    return text;
  }

 private:
  /// Indices of an axis to show; -1 stands for the gap.
  std::vector<int64_t> shown(int64_t size) const {
    std::vector<int64_t> indices;
    for (int64_t i = 0; i < size; ++i) {
      if (abbreviate_ && size > 2 * kEdge && i >= kEdge && i < size - kEdge) {
        if (i == kEdge) indices.push_back(-1);
      } else {
        indices.push_back(i);
      }
    }
    return indices;
  }

  template <class F>
  void for_each_shown(size_t axis, int64_t offset, const F& f) const {
    if (axis == shape_.size()) return f(offset);
    for (int64_t i : shown(shape_[axis])) {
      if (i >= 0) for_each_shown(axis + 1, offset * shape_[axis] + i, f);
    }
  }

  /// Fixed point with as many digits as needed, or exponents where magnitudes are far apart.
  void choose_notation(size_t axis, int64_t offset) {
    double largest = 0, smallest = INFINITY;
    for_each_shown(axis, offset, [&](int64_t i) {
      double value = std::abs(tensor_.item(i));
      if (!std::isfinite(value) || value == 0) return;
      largest = std::max(largest, value);
      smallest = std::min(smallest, value);
    });
    exponent_ = largest >= 1e8 || (largest > 0 && (smallest < 1e-4 || largest / smallest > 1e6));
    digits_ = 0;
    if (style_.precision == 0) return;
    for_each_shown(axis, offset, [&](int64_t i) {
      double value = tensor_.item(i);
      if (!std::isfinite(value)) return;
      std::string text = exponent_ ? fmt::format("{:.{}e}", value, style_.precision)
                                   : fmt::format("{:.{}f}", value, style_.precision);
      size_t point = text.find('.');
      size_t end = exponent_ ? text.find('e') : text.size();
      size_t last = text.find_last_not_of('0', end - 1);
      digits_ = std::max(digits_, static_cast<int>(last - point));
    });
  }

  void find_width(size_t axis, int64_t offset) {
    for_each_shown(axis, offset, [&](int64_t i) { width_ = std::max(width_, element(i).size()); });
  }

  std::string element(int64_t i) const {
    if (tensor_.dtype() == DType::boolean) return tensor_.item_int(i) ? "true" : "false";
    if (!real_) return std::to_string(tensor_.item_int(i));
    double value = tensor_.item(i);
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    if (exponent_) return fmt::format("{:.{}e}", value, digits_);
    std::string text = fmt::format("{:.{}f}", value, digits_);
    return digits_ == 0 ? text + '.' : text;  // 3. is a real, 3 an integer
  }

  void append(std::string& text, size_t axis, int64_t offset, size_t indent) const {
    if (axis == shape_.size()) {
      std::string value = element(offset);
      text += std::string(shape_.empty() ? 0 : width_ - value.size(), ' ') + value;
      return;
    }
    text += '[';
    bool first = true;
    for (int64_t i : shown(shape_[axis])) {
      if (!first) separate(text, axis, indent);
      first = false;
      if (i >= 0) {
        append(text, axis + 1, offset * shape_[axis] + i, indent + 1);
      } else {
        text += "…";
      }
    }
    text += ']';
  }

  /// Elements are apart by a space, or a line break where the line is full; rows by a line break,
  /// blocks of rows by an empty line as well.
  void separate(std::string& text, size_t axis, size_t indent) const {
    constexpr size_t kLine = 96;
    size_t below = shape_.size() - axis - 1;
    size_t line = text.size() - (text.rfind('\n') + 1);  // npos + 1 is 0
    if (below == 0 && line + 1 + width_ > kLine) below = 1;
    text += below == 0 ? " " : std::string(below, '\n') + std::string(indent, ' ');
  }

  const Tensor& tensor_;
  PrintStyle style_;
  std::vector<int64_t> shape_;
  bool real_;
  bool abbreviate_;
  bool exponent_ = false;
  int digits_ = 0;
  size_t width_ = 0;
};

}  // namespace

std::string to_text(const Tensor& tensor, const PrintStyle& style) {
  if (!tensor.has_value()) return "no value";
  tensor.eval();
  std::string text = ArrayPrinter(tensor, style).print();
  return style.type ? text + "  " + tensor.type().to_string() : text;
}

std::string Tensor::to_string() const { return to_text(*this); }

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_text(tensor); }
std::ostream& operator<<(std::ostream& out, const Tree& tree) { return out << tree.to_string(); }

}  // namespace tenon
