#include "paths.h"

#include <cmath>
#include <cstring>

#include <fmt/format.h>

#include "element_evaluate.h"
#include "tenon/base/version.h"
#include "tests/compile/kernel_helpers.h"
#include "tests/ops/evaluate.h"
#include "tests/run.h"

namespace tenon {

namespace {

using Backend = CodeGeneratorOptions::Backend;

struct Target {
  const char* name;
  CodeGenerator* generator;
};

CodeGenerator* generator_for(Backend backend, InstructionSet set) {
  CodeGeneratorOptions options = options_for(backend);
  options.instruction_set = set;
  return make_code_generator(options).release();  // for the whole program
}

const std::vector<Target>& targets() {
  static const std::vector<Target>& all = *[] {
    auto* made = new std::vector<Target>{
        {"bytecode", generator_for(Backend::bytecode, InstructionSet::baseline)}};
    if (!built_with_llvm()) return made;
    const std::pair<const char*, InstructionSet> sets[] = {
        {"llvm baseline", InstructionSet::baseline},
        {"llvm avx2", InstructionSet::avx2},
        {"llvm avx512", InstructionSet::avx512}};
    for (const auto& [name, set] : sets) {
      if (set <= host_instruction_set()) made->push_back({name, generator_for(Backend::llvm, set)});
    }
    return made;
  }();
  return all;
}

/// y[i] = op(x0[i], x1[i], …), as fusion would lower it.
Kernel kernel_of(const OpDef& op, const std::vector<Literal>& inputs, const Attributes& attributes,
                 DType result) {
  Kernel kernel(op.name);
  ExprPool& pool = kernel.pool();
  const Expr n = pool.index(inputs[0].size());
  const Expr i = pool.loop_index("i", n);
  std::vector<Expr> operands;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const DType dtype = inputs[k].dtype();
    const uint32_t x =
        kernel.add_buffer({.name = "x" + std::to_string(k), .dtype = dtype, .size = n});
    operands.push_back(cast(kernel.load(x, i), compute_type(dtype)));
  }
  const uint32_t y =
      kernel.add_buffer({.name = "y", .dtype = result, .size = n, .role = BufferRole::output});
  const Expr value = cast(op.expand(pool, operands, attributes), result);
  kernel.body = {parallel_loop(i, LoopKind::vector, {store(y, i, value)})};
  return kernel;
}

std::vector<std::byte> bytes_of(const Literal& literal) {
  return {literal.data(), literal.data() + literal.bytes()};
}

}  // namespace

std::vector<PathResult> on_all_paths(const std::string& name, const std::vector<Literal>& inputs,
                                     const Attributes& attributes) {
  const OpDef& op = core_ops().get(name);
  const auto graph = graph_of_call(name, inputs, attributes);
  std::vector<PathResult> results;
  results.push_back({"reference", interpret(*graph, inputs)[0]});
  const Type type = results[0].result.type();
  const Attributes& complete = graph->nodes().front().attributes;
  if (auto folded = evaluate_element(op, complete, inputs, type))
    results.push_back({"folded", std::move(*folded)});
  results.push_back({"compiled", run(*compile(*graph, core_ops()), inputs, 1)[0]});
  const Kernel kernel = kernel_of(op, inputs, complete, type.dtype);
  for (const Target& target : targets()) {
    KernelRun run(kernel, {});
    for (size_t k = 0; k < inputs.size(); ++k)
      run.set("x" + std::to_string(k), bytes_of(inputs[k]));
    const auto bytes = run.on(*target.generator).get<std::byte>("y");
    Literal result(type.dtype, inputs[0].shape());
    std::memcpy(result.data(), bytes.data(), result.bytes());
    results.push_back({target.name, std::move(result)});
  }
  return results;
}

std::string different_bits(const Literal& got, const Literal& wanted) {
  if (got.type() != wanted.type())
    return fmt::format("{} is not {}", got.type().to_string(), wanted.type().to_string());
  const size_t size = size_of(got.dtype());
  for (int64_t i = 0; i < got.size(); ++i) {
    const size_t at = static_cast<size_t>(i) * size;
    if (std::memcmp(got.data() + at, wanted.data() + at, size) == 0) continue;
    if (is_floating(got.dtype()) && std::isnan(got.to_double(i)) && std::isnan(wanted.to_double(i)))
      continue;
    if (is_floating(got.dtype()))
      return fmt::format("[{}] is {}, not {}", i, got.to_double(i), wanted.to_double(i));
    return fmt::format("[{}] is {}, not {}", i, got.to_int(i), wanted.to_int(i));
  }
  return "";
}

}  // namespace tenon
