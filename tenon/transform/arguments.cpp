#include "tenon/transform/arguments.h"

#include "tenon/base/error.h"

namespace tenon::detail {

namespace {

std::vector<size_t> check_indices(const Graph& f, const std::vector<ValueId>& values,
                                  const std::optional<std::vector<size_t>>& asked,
                                  std::string_view transform, std::string_view what) {
  std::vector<size_t> indices;
  if (!asked) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (is_floating(f.type(values[i]).dtype)) indices.push_back(i);
    }
    return indices;
  }
  for (size_t i : *asked) {
    if (i >= values.size()) {
      fail(ErrorCode::out_of_range, "{}: graph '{}' has {} {}s, there is no {} {}", transform,
           f.name(), values.size(), what, what, i);
    }
    const Type& type = f.type(values[i]);
    if (!is_floating(type.dtype)) {
      throw make_error(ErrorCode::type_mismatch, "{}: {} {} of graph '{}' is {}", transform, what,
                       i, f.name(), type.to_string())
          .note("it is '{}'", f.describe(values[i]))
          .note("hint: only floating values have derivatives; cast it, or leave it out");
    }
  }
  return *asked;
}

}  // namespace

std::vector<size_t> differentiated_inputs(const Graph& f,
                                          const std::optional<std::vector<size_t>>& asked,
                                          std::string_view transform) {
  return check_indices(f, f.inputs(), asked, transform, "input");
}

std::vector<size_t> differentiated_outputs(const Graph& f,
                                           const std::optional<std::vector<size_t>>& asked,
                                           std::string_view transform) {
  return check_indices(f, f.outputs(), asked, transform, "output");
}

Flags flags_of(const std::vector<size_t>& indices, size_t count) {
  Flags flags(count, false);
  for (size_t i : indices) flags[i] = true;
  return flags;
}

std::string output_name(const Graph& f, size_t output) {
  return f.output_names().empty() ? "out" + std::to_string(output) : f.output_names()[output];
}

}  // namespace tenon::detail
