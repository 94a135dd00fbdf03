// Writes tenon/tensor/functions.{h,cpp}: one function on tensors for each op of the registry.
//
//   generate_functions             writes the files
//   generate_functions --check     fails where they are not what the registry says

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <fmt/format.h>

#include "tenon/base/strings.h"
#include "tenon/ops/registry.h"

namespace tenon {
namespace {

constexpr size_t kColumns = 100;

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

struct Files {
  std::string header, source;
};

Files generate(const OpRegistry& ops) {
  Files files;
  files.header =
      R"(// All ops as functions on tensors. Generated from the registry by `./dev generate`: change the op's
// statement in tenon/ops, not this file. numpy.h has shorter forms of many.
//
//   given: Tensor x, scale, offset;
//   Tensor y = layer_norm(x, scale, offset);
//   Tensor z = reduce_max(exp(x), {0});
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tenon/tensor/tensor.h"

namespace tenon {
)";
  files.source = R"(// Generated from the registry by `./dev generate`.
#include "tenon/tensor/functions.h"

#include <array>

#include "tenon/ops/known_op.h"

namespace tenon {

)";
  std::string family;
  bool needs_rest = false;
  std::string definitions;
  for (const auto& op : ops.all()) {
    if (!has_function(*op)) continue;
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
  if (needs_rest) {
    files.source += R"(namespace {

std::vector<Tensor> with_rest(std::vector<Tensor> inputs, std::span<const Tensor> rest) {
  inputs.insert(inputs.end(), rest.begin(), rest.end());
  return inputs;
}

}  // namespace

)";
  }
  files.header += "\n}  // namespace tenon\n";
  files.source += definitions + "}  // namespace tenon\n";
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
  Files files = generate(core_ops());
  const std::pair<const char*, const std::string*> wanted[] = {
      {"tenon/tensor/functions.h", &files.header}, {"tenon/tensor/functions.cpp", &files.source}};
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
