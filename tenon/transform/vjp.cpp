#include "tenon/transform/vjp.h"

#include "tenon/base/error.h"
#include "tenon/graph/build.h"
#include "tenon/transform/arguments.h"
#include "tenon/transform/reverse.h"
#include "tenon/transform/subgraph.h"
#include "tenon/transform/values.h"

namespace tenon {

using namespace detail;

namespace {

/// Emits `f` and its pullback into a fresh graph; `seed` gives the cotangent of each output in
/// `outputs`.
template <class Seed>
std::unique_ptr<Graph> build_vjp(const Graph& f, const OpRegistry& ops, std::string name,
                                 const std::vector<size_t>& wrt, const std::vector<size_t>& outputs,
                                 Seed seed) {
  Flags wanted = flags_of(wrt, f.inputs().size());
  Flags seeded = flags_of(outputs, f.outputs().size());
  PreparedGraph prepared(f, ops, wanted, seeded);

  Graph g(std::move(name));
  copy_symbol_bounds(g, f);
  Build build(g, ops);
  std::vector<Value> inputs;
  for (size_t i = 0; i < f.inputs().size(); ++i) {
    inputs.push_back(build.input(f.input_names()[i], f.type(f.inputs()[i])));
  }
  std::vector<Value> cotangents(f.outputs().size());
  for (size_t output : outputs) cotangents[output] = seed(build, output);

  ReverseWalk walk(build, prepared, inputs);
  std::vector<Value> results = walk.outputs();
  std::vector<Value> of_inputs = walk.pull(cotangents);
  for (size_t input : wrt)
    results.push_back(or_zeros(build, of_inputs[input], inputs[input].type()));

  std::vector<ValueId> ids;
  std::vector<std::string> names;
  for (const Value& value : results) ids.push_back(value.id());
  for (size_t i = 0; i < f.outputs().size(); ++i) names.push_back(output_name(f, i));
  for (size_t input : wrt) names.push_back(f.input_names()[input] + "'");
  g.set_outputs(std::move(ids));
  g.set_output_names(std::move(names));
  return prune(std::move(g));
}

}  // namespace

std::unique_ptr<Graph> vjp(const Graph& f, const OpRegistry& ops, const VjpOptions& options) {
  std::vector<size_t> wrt = differentiated_inputs(f, options.wrt, "vjp");
  std::vector<size_t> outputs = differentiated_outputs(f, options.outputs, "vjp");
  auto seed = [&](Build& build, size_t output) {
    std::string name = unused_input_name(build.graph(), output_name(f, output) + "'");
    return build.input(std::move(name), f.type(f.outputs()[output]));
  };
  return build_vjp(f, ops, f.name() + "_vjp", wrt, outputs, seed);
}

std::unique_ptr<Graph> gradient(const Graph& f, const OpRegistry& ops,
                                const GradientOptions& options) {
  std::vector<size_t> wrt = differentiated_inputs(f, options.wrt, "gradient");
  std::vector<size_t> outputs = differentiated_outputs(f, {{options.output}}, "gradient");
  const Type& type = f.type(f.outputs()[options.output]);
  if (type.rank() != 0) {
    throw make_error(ErrorCode::shape_mismatch,
                     "gradient: output {} of graph '{}' is {}, not a scalar", options.output,
                     f.name(), type.to_string())
        .note("it is '{}'", f.describe(f.outputs()[options.output]))
        .note("hint: reduce it to a scalar (sum, mean), or use vjp with a cotangent of its shape");
  }
  auto seed = [&](Build& build, size_t output) {
    return build.full(f.type(f.outputs()[output]), 1.0);
  };
  return build_vjp(f, ops, f.name() + "_gradient", wrt, outputs, seed);
}

}  // namespace tenon
