// Writes tenon/tensor/functions.{h,cpp} and op_functions.{h,cpp}: one function on tensors for each
// op of the registry. Those for which users have another spelling are in namespace ops.
//
//   generate_functions             writes the files
//   generate_functions --check     fails where they are not what the registry says

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include <fmt/format.h>

#include "tenon/base/strings.h"
#include "tenon/ops/registry.h"

namespace tenon {
namespace {

constexpr size_t kColumns = 100;

/// Ops that users write otherwise, and how.
const std::map<std::string_view, std::string_view> kUsersWrite = {
    {"add", "a + b"},
    {"subtract", "a - b"},
    {"multiply", "a * b"},
    {"divide", "a / b, which makes reals of integers"},
    {"negate", "-x"},
    {"logistic", "sigmoid(x)"},
    {"equal", "a == b"},
    {"not_equal", "a != b"},
    {"less", "a < b"},
    {"less_equal", "a <= b"},
    {"greater", "a > b"},
    {"greater_equal", "a >= b"},
    {"logical_and", "a && b, or a & b on bits"},
    {"logical_or", "a || b, or a | b on bits"},
    {"logical_xor", "a ^ b"},
    {"logical_not", "!x, or ~x on bits"},
    {"shift_left", "left_shift(a, b)"},
    {"shift_right_logical", "right_shift(a, b)"},
    {"shift_right_arithmetic", "right_shift(a, b)"},
    {"select", "where(condition, a, b)"},
    {"clamp", "clip(x, low, high)"},
    {"cast", "x.cast(dtype)"},
    {"iota", "arange(count)"},
    {"broadcast", "broadcast_to(x, shape)"},
    {"reverse", "flip(x, axis)"},
    {"concatenate", "concatenate({a, b}, axis)"},
    {"slice", "x[{Slice{start, limit}}]"},
    {"pad", "pad(x, widths)"},
    {"dynamic_slice", ""},
    {"dynamic_update_slice", "x.at(index).set(y)"},
    {"gather", "take(x, indices, axis)"},
    {"scatter", "x.at(indices).add(y)"},
    {"check_indices", ""},
    {"reduce_sum", "sum(x, axes)"},
    {"reduce_product", "prod(x, axes)"},
    {"reduce_max", "max(x, axes)"},
    {"reduce_min", "min(x, axes)"},
    {"reduce_and", "all(x, axes)"},
    {"reduce_or", "any(x, axes)"},
    {"cumulative_sum", "cumsum(x, axis)"},
    {"cumulative_product", "cumprod(x, axis)"},
    {"cumulative_max", "cummax(x, axis)"},
    {"cumulative_min", "cummin(x, axis)"},
    {"linear_recurrence", ""},
    {"sort", "sort(x, axis) or argsort(x, axis)"},
    {"search_sorted", "searchsorted(sorted, values)"},
    {"random_bits", "random::uniform and its like"},
    {"dot", "matmul(a, b) or einsum(formula, operands)"},
    {"convolution_input_gradient", ""},
    {"convolution_filter_gradient", ""},
    {"window_sum", "average_pool(x, window)"},
    {"window_sum_transpose", ""},
    {"window_max", "max_pool(x, window)"},
    {"window_find", ""},
    {"window_take", ""},
    {"window_place", ""},
    {"barrier", ""},
    {"one_hot", "one_hot(ids, depth)"},
};
bool is_op_level(const OpDef& op) { return kUsersWrite.contains(op.name); }

/// The types of a sample's inputs.
std::vector<Type> sample_types(const Sample& sample) {
  std::vector<Type> types;
  std::string part;
  int depth = 0;
  for (char c : sample.inputs + ",") {
    if (c == '[') ++depth;
    if (c == ']') --depth;
    if (c == ',' && depth == 0) {
      if (!trim(part).empty()) types.push_back(Type::parse(trim(part)));
      part.clear();
    } else {
      part += c;
    }
  }
  return types;
}

/// Whether the op has one result, whatever it is called with.
bool has_one_result(const OpDef& op) {
  return std::all_of(op.samples.begin(), op.samples.end(), [&op](const Sample& sample) {
    Attributes attributes = sample.attributes;
    return check_call(op, sample_types(sample), attributes, nullptr).size() == 1;
  });
}

std::string cpp_name(const std::string& name) {
  static const std::set<std::string> kKeywords = {"while", "case",   "default", "and",   "or",
                                                  "not",   "xor",    "switch",  "union", "register",
                                                  "auto",  "double", "float",   "int",   "bool"};
  return kKeywords.contains(name) ? name + "_" : name;
}

std::string_view parameter_type(AttributeKind kind) {
  switch (kind) {
    case AttributeKind::boolean:
      return "bool";
    case AttributeKind::integer:
      return "int64_t";
    case AttributeKind::real:
      return "double";
    case AttributeKind::string:
      return "const std::string&";
    case AttributeKind::dtype:
      return "DType";
    case AttributeKind::integers:
      return "const Integers&";
    case AttributeKind::reals:
      return "const Reals&";
    case AttributeKind::shape:
      return "const Shape&";
    default:
      return "";
  }
}

/// Control flow takes functions (transforms.h), custom calls have a header of their own, constants
/// are tensors already: their attributes are no parameters.
bool has_function(const OpDef& op) {
  return std::none_of(op.attributes.begin(), op.attributes.end(),
                      [](const AttributeSchema& a) { return parameter_type(a.kind).empty(); });
}

std::string braces(std::string list) {
  std::replace(list.begin(), list.end(), '[', '{');
  std::replace(list.begin(), list.end(), ']', '}');
  return list;
}

std::string default_value(const AttributeSchema& attribute) {
  std::string text = attribute.fallback->to_string();
  switch (attribute.kind) {
    case AttributeKind::dtype:
      return "DType::" + (text == "bool" ? "boolean" : text);
    case AttributeKind::integers:
    case AttributeKind::reals:
      return braces(text);
    case AttributeKind::shape:
      return "Shape" + braces(text);
    default:
      return text;
  }
}

/// Words of `text` in lines that begin with `prefix`.
std::string comment(const std::string& text, const std::string& prefix) {
  std::string out, line = prefix;
  for (const std::string& word : split(text, ' ')) {
    if (line.size() + 1 + word.size() > kColumns) {
      out += line + '\n';
      line = prefix;
    }
    line += ' ' + word;
  }
  return out + line + '\n';
}

struct Function {
  const OpDef& op;
  std::vector<const AttributeSchema*> attributes;  // those without a default first
  bool one_result;

  explicit Function(const OpDef& definition)
      : op(definition), one_result(has_one_result(definition)) {
    for (const AttributeSchema& attribute : op.attributes) {
      if (!attribute.fallback) attributes.push_back(&attribute);
    }
    for (const AttributeSchema& attribute : op.attributes) {
      if (attribute.fallback) attributes.push_back(&attribute);
    }
  }

  bool variadic() const { return !op.inputs.empty() && op.inputs.back().variadic; }

  /// Optional inputs come after the attributes that must be given.
  std::string signature(bool declaration) const {
    std::vector<std::string> required, optional;
    for (const InputSchema& input : op.inputs) {
      std::string name = cpp_name(input.name);
      if (input.variadic) {
        required.push_back("std::span<const Tensor> " + name);
      } else if (input.optional) {
        optional.push_back("const Tensor& " + name + (declaration ? " = {}" : ""));
      } else {
        required.push_back("const Tensor& " + name);
      }
    }
    for (const AttributeSchema* attribute : attributes) {
      std::string text =
          fmt::format("{} {}", parameter_type(attribute->kind), cpp_name(attribute->name));
      if (!attribute->fallback) {
        required.push_back(text);
      } else {
        optional.push_back(declaration ? text + " = " + default_value(*attribute) : text);
      }
    }
    required.insert(required.end(), optional.begin(), optional.end());
    return fmt::format("{} {}({})", one_result ? "Tensor" : "std::vector<Tensor>",
                       cpp_name(op.name), join(required, ", "));
  }

  std::string declaration() const {
    std::string text = comment(op.doc, "///");
    if (auto other = kUsersWrite.find(op.name);
        other != kUsersWrite.end() && !other->second.empty())
      text += comment(fmt::format("Users write {}.", other->second), "///");
    for (const AttributeSchema* attribute : attributes)
      text += comment(fmt::format("`{}`: {}.", cpp_name(attribute->name), attribute->doc), "///");
    return text + signature(true) + ";\n";
  }

  std::string inputs() const {
    std::vector<std::string> names;
    for (const InputSchema& input : op.inputs) names.push_back(cpp_name(input.name));
    if (names.empty()) return "std::span<const Tensor>()";
    if (variadic()) {
      if (names.size() == 1) return names[0];
      std::string fixed = join(std::span(names).first(names.size() - 1), ", ");
      return fmt::format("with_rest({{{}}}, {})", fixed, names.back());
    }
    return one_result ? fmt::format("{{{}}}", join(names, ", "))
                      : fmt::format("std::array{{{}}}", join(names, ", "));
  }

  std::string definition() const {
    std::vector<std::string> given;
    for (const AttributeSchema* attribute : attributes)
      given.push_back(fmt::format("{{\"{}\", {}}}", attribute->name, cpp_name(attribute->name)));
    std::string call =
        fmt::format("{}(op.get(), {}", one_result ? "apply" : "apply_multi", inputs());
    if (!given.empty()) call += fmt::format(", {{{}}}", join(given, ", "));
    return fmt::format("{} {{\n  static constinit KnownOp op(\"{}\");\n  return {});\n}}\n\n",
                       signature(false), op.name, call);
  }
};

/// A header and its source.
struct Files {
  std::string header, source;
};

constexpr const char* kPublicHeader =
    R"(// Ops as functions on tensors. Generated from the registry by `./dev generate`: change the op's
// statement in tenon/ops, not this file. numpy.h has what is spelled as in NumPy, op_functions.h
// what is for those who build on single ops.
//
//   given: Tensor x, scale, offset;
//   Tensor y = layer_norm(gelu(x), scale, offset);
//   Tensor z = softmax(y) * exp(x);
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tenon/tensor/tensor.h"

namespace tenon {
)";
constexpr const char* kOpLevelHeader =
    R"(// Generated from the registry by `./dev generate`: change the op's statement in tenon/ops, not this
// file. Ops as functions on tensors that users write otherwise: exactly what a graph holds.
//
//   given: Tensor x, indices, updates;
//   Tensor y = ops::reduce_max(x, {0});
//   Tensor z = ops::scatter(x, indices, updates, 0, 0, "min");
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tenon/tensor/tensor.h"

namespace tenon::ops {
)";

std::string source_start(std::string_view header, std::string_view space) {
  return fmt::format(R"(// Generated from the registry by `./dev generate`.
#include "tenon/tensor/{}"

#include <array>

#include "tenon/ops/known_op.h"
#include "tenon/tensor/apply.h"

namespace {} {{

)",
                     header, space);
}

constexpr const char* kWithRest = R"(namespace {

std::vector<Tensor> with_rest(std::vector<Tensor> inputs, std::span<const Tensor> rest) {
  inputs.insert(inputs.end(), rest.begin(), rest.end());
  return inputs;
}

}  // namespace

)";

/// The functions of the ops that are op-level, or of those that are not.
Files generate(const OpRegistry& ops, bool op_level) {
  const char* space = op_level ? "tenon::ops" : "tenon";
  Files files{op_level ? kOpLevelHeader : kPublicHeader,
              source_start(op_level ? "op_functions.h" : "functions.h", space)};
  std::string family;
  bool needs_rest = false;
  std::string definitions;
  for (const auto& op : ops.all()) {
    if (!has_function(*op) || is_op_level(*op) != op_level) continue;
    if (op->family != family) {
      family = op->family;
      files.header += fmt::format("\n// {}.cpp\n\n", family);
    } else {
      files.header += '\n';
    }
    Function function(*op);
    needs_rest = needs_rest || (function.variadic() && op->inputs.size() > 1);
    files.header += function.declaration();
    definitions += function.definition();
  }
  if (needs_rest) files.source += kWithRest;
  const std::string end = fmt::format("}}  // namespace {}\n", space);
  files.header += "\n" + end;
  files.source += definitions + end;
  return files;
}

/// Formatting must not decide whether a file is up to date.
std::string without_space(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c != ' ' && c != '\n' && c != '/') out += c;
  }
  return out;
}

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

int run(bool check) {
  const Files files = generate(core_ops(), false);
  const Files op_level = generate(core_ops(), true);
  const std::pair<const char*, const std::string*> wanted[] = {
      {"tenon/tensor/functions.h", &files.header},
      {"tenon/tensor/functions.cpp", &files.source},
      {"tenon/tensor/op_functions.h", &op_level.header},
      {"tenon/tensor/op_functions.cpp", &op_level.source}};
  int stale = 0;
  for (const auto& [path, text] : wanted) {
    if (without_space(read(path)) == without_space(*text)) continue;
    if (check) {
      fmt::print(stderr, "{} is not what the registry says: run ./dev generate\n", path);
      stale = 1;
    } else {
      std::ofstream(path) << *text;
      fmt::print("wrote {}\n", path);
    }
  }
  return stale;
}

}  // namespace
}  // namespace tenon

int main(int argc, char** argv) {
  return tenon::run(argc > 1 && std::string(argv[1]) == "--check");
}
