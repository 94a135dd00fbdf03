// tenon ops: what the registry knows about each op.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <memory>

#include "cli/command.h"
#include "tenon/base/json.h"
#include "tenon/base/strings.h"
#include "tenon/ops/registry.h"

namespace tenon::cli {

namespace {

struct Options {
  std::string name;
  bool json = false;
};

std::string_view name_of(DerivativeClass derivative) {
  switch (derivative) {
    case DerivativeClass::none:
      return "none";
    case DerivativeClass::refused:
      return "refused";
    case DerivativeClass::elementwise:
      return "elementwise";
    case DerivativeClass::linear:
      return "linear";
    case DerivativeClass::custom:
      return "custom";
    case DerivativeClass::decompose:
      return "decompose";
    case DerivativeClass::region:
      return "region";
  }
  return "";
}

std::string_view name_of(BatchClass batching) {
  switch (batching) {
    case BatchClass::elementwise:
      return "elementwise";
    case BatchClass::rule:
      return "rule";
    case BatchClass::decompose:
      return "decompose";
    case BatchClass::loop:
      return "loop";
    case BatchClass::region:
      return "region";
  }
  return "";
}

std::string_view name_of(OpKind kind) {
  return kind == OpKind::primitive ? "primitive" : "composite";
}

/// What the compiler can merge into generated kernels.
bool is_fusable(const OpDef& op) { return op.expand || op.element; }

std::string dtypes_of(DTypeSet set) {
  if (set == kAnyDType) return "any";
  if (set == kNumeric) return "numeric";
  if (set == kFloating) return "floating";
  if (set == kInteger) return "integer";
  std::vector<std::string> names;
  for (DType dtype : kAllDTypes) {
    if (set.contains(dtype)) names.emplace_back(tenon::name_of(dtype));
  }
  return join(names, "|");
}

Json describe(const OpDef& op) {
  Json inputs = Json::array();
  for (const InputSchema& input : op.inputs) {
    inputs.push_back({{"name", input.name},
                      {"dtypes", dtypes_of(input.dtypes)},
                      {"optional", input.optional},
                      {"variadic", input.variadic}});
  }
  Json attributes = Json::array();
  for (const AttributeSchema& a : op.attributes) {
    Json entry = {{"name", a.name}, {"kind", tenon::name_of(a.kind)}, {"doc", a.doc}};
    if (a.fallback) entry["default"] = a.fallback->to_string();
    attributes.push_back(entry);
  }
  return {{"name", op.name},
          {"kind", name_of(op.kind)},
          {"family", op.family},
          {"doc", op.doc},
          {"inputs", inputs},
          {"attributes", attributes},
          {"derivative", name_of(op.derivative_class)},
          {"why_not_differentiable", op.why_not_differentiable},
          {"batching", name_of(op.batch_class)},
          {"fusable", is_fusable(op)},
          {"onnx", op.onnx},
          {"samples", op.samples.size()}};
}

void print_op(const OpDef& op) {
  fmt::print("{}  ({} of family {})\n  {}\n\n", op.name, name_of(op.kind), op.family, op.doc);
  fmt::print("inputs\n");
  for (const InputSchema& input : op.inputs) {
    fmt::print("  {:<14} {}{}{}\n", input.name, dtypes_of(input.dtypes),
               input.optional ? ", optional" : "", input.variadic ? ", any number" : "");
  }
  if (!op.attributes.empty()) fmt::print("attributes\n");
  for (const AttributeSchema& a : op.attributes) {
    fmt::print("  {:<14} {}{}: {}\n", a.name, tenon::name_of(a.kind),
               a.fallback ? " = " + a.fallback->to_string() : ", required", a.doc);
  }
  fmt::print("derivative       {}{}\n", name_of(op.derivative_class),
             op.why_not_differentiable.empty() ? "" : ": " + op.why_not_differentiable);
  fmt::print("batching         {}\n", name_of(op.batch_class));
  fmt::print("generated code   {}\n", op.decomposition ? "through its decomposition"
                                      : is_fusable(op) ? "yes, fused with its neighbours"
                                                       : "no, a kernel of its own");
  fmt::print("ONNX             {}\n", op.onnx.empty() ? "-" : join(op.onnx, ", "));
  fmt::print("samples\n");
  for (const Sample& sample : op.samples)
    fmt::print("  {} {}\n", sample.inputs, sample.attributes.to_string());
}

void print_table(const OpRegistry& ops) {
  std::vector<const OpDef*> all;
  for (const auto& op : ops.all()) all.push_back(op.get());
  std::stable_sort(all.begin(), all.end(), [](const OpDef* a, const OpDef* b) {
    return a->kind != b->kind ? a->kind < b->kind : a->family < b->family;
  });
  fmt::print("{:<26} {:<10} {:<14} {:<12} {:<12} {:<6} {}\n", "op", "kind", "family", "derivative",
             "batching", "fused", "ONNX");
  int primitives = 0;
  for (const OpDef* op : all) {
    primitives += op->kind == OpKind::primitive ? 1 : 0;
    fmt::print("{:<26} {:<10} {:<14} {:<12} {:<12} {:<6} {}\n", op->name, name_of(op->kind),
               op->family, name_of(op->derivative_class), name_of(op->batch_class),
               is_fusable(*op) ? "yes" : "-", op->onnx.empty() ? "-" : join(op->onnx, ", "));
  }
  fmt::print("\n{} primitives, {} composites; `tenon ops NAME` says more about one\n", primitives,
             all.size() - static_cast<size_t>(primitives));
}

int show_ops(const Options& options) {
  const OpRegistry& ops = core_ops();
  if (!options.name.empty()) {
    const OpDef& op = ops.get(options.name);
    if (options.json) {
      fmt::print("{}\n", dump_json(describe(op)));
    } else {
      print_op(op);
    }
    return kOk;
  }
  if (!options.json) {
    print_table(ops);
    return kOk;
  }
  Json all = Json::array();
  for (const auto& op : ops.all()) all.push_back(describe(*op));
  fmt::print("{}\n", dump_json(all));
  return kOk;
}

}  // namespace

void add_ops(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("ops", "List the operations and what each supports");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "One op: inputs, attributes, samples");
  command->add_flag("--json", options->json, "Print JSON");
  command->footer("\nExamples:\n  tenon ops\n  tenon ops max_pool\n  tenon ops softmax --json");
  command->callback([options, &exit_code] { exit_code = show_ops(*options); });
}

}  // namespace tenon::cli
