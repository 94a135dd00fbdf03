#include "tenon/graph/type.h"

#include <algorithm>

#include "tenon/base/error.h"

namespace tenon {

bool Shape::is_constant() const {
  return std::all_of(dims_.begin(), dims_.end(), [](const Dim& dim) { return dim.is_constant(); });
}

std::vector<int64_t> Shape::constants() const {
  std::vector<int64_t> values;
  values.reserve(dims_.size());
  for (const Dim& dim : dims_) values.push_back(dim.constant());
  return values;
}

bool Shape::always_equals(const Shape& other) const {
  return std::equal(begin(), end(), other.begin(), other.end(),
                    [](const Dim& a, const Dim& b) { return a.always_equals(b); });
}

std::vector<int64_t> Shape::evaluate(const SymbolValues& symbols) const {
  std::vector<int64_t> values;
  values.reserve(dims_.size());
  for (const Dim& dim : dims_)
    values.push_back(dim.is_constant() ? dim.constant() : dim.evaluate(symbols));
  return values;
}

Dim Shape::element_count() const {
  Dim count(1);
  for (const Dim& dim : dims_) count = count * dim;
  return count;
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (size_t i = 0; i < dims_.size(); ++i) {
    if (i > 0) text += ',';
    text += dims_[i].to_string();
  }
  return text + "]";
}

std::string Type::to_string() const { return std::string(name_of(dtype)) + shape.to_string(); }

Type Type::parse(std::string_view text) {
  size_t bracket = text.find('[');
  auto dtype = parse_dtype(text.substr(0, bracket));
  if (!dtype) {
    std::string_view name = text.substr(0, bracket);
    Error error = make_error(ErrorCode::parse,
                             "type '{}': '{}' is not a dtype (bool u8 i8 i32 i64 f16 bf16 f32 f64)",
                             text, name);
    if (std::optional<DType> meant = dtype_elsewhere(name))
      error.note("did you mean '{}'?", name_of(*meant));
    throw error;
  }
  if (bracket == std::string_view::npos || text.back() != ']') {
    fail(ErrorCode::parse, "type '{}': expected a shape in brackets, such as {}[2,3]", text,
         name_of(*dtype));
  }
  std::string_view dims = text.substr(bracket + 1, text.size() - bracket - 2);
  Type type{*dtype, {}};
  if (dims.empty()) return type;
  size_t begin = 0;
  int depth = 0;  // floor(a,2) holds a comma
  for (size_t i = 0; i <= dims.size(); ++i) {
    bool end = i == dims.size();
    if (!end && dims[i] == '(') ++depth;
    if (!end && dims[i] == ')') --depth;
    if (!end && (dims[i] != ',' || depth > 0)) continue;
    type.shape.push_back(Dim::parse(dims.substr(begin, i - begin)));
    begin = i + 1;
  }
  for (const Dim& dim : type.shape) {
    if (dim.is_constant() && dim.constant() < 0) {
      fail(ErrorCode::parse, "type '{}': dimension {} is negative", text, dim.constant());
    }
  }
  return type;
}

size_t normalise_axis(int64_t axis, size_t rank, std::string_view what) {
  auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    fail(ErrorCode::out_of_range, "{} {} is out of range for {} dimension{}", what, axis, rank,
         rank == 1 ? "" : "s");
  }
  return static_cast<size_t>(axis < 0 ? axis + signed_rank : axis);
}

}  // namespace tenon
