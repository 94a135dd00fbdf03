#include "tenon/base/error.h"
#include "tenon/ops/control_flow.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/rules.h"
#include "tenon/ops/statement.h"
#include "tenon/ops/value_functions.h"

namespace tenon {

namespace {

using Values = std::vector<Value>;

// --- checks of regions ---

std::string list(std::span<const Type> types) {
  std::string text = "(";
  for (size_t i = 0; i < types.size(); ++i) text += (i > 0 ? ", " : "") + types[i].to_string();
  return text + ")";
}

/// `what` says whose types these are, such as "body takes".
void check_types(std::string_view what, std::span<const Type> given, std::string_view wanted_by,
                 std::span<const Type> wanted) {
  if (given.size() != wanted.size()) {
    throw make_error(ErrorCode::type_mismatch, "{} {} values, but {} {}", what, given.size(),
                     wanted_by, wanted.size())
        .note("{} {}", what, list(given))
        .note("{} {}", wanted_by, list(wanted));
  }
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i] == wanted[i]) continue;
    fail(ErrorCode::type_mismatch, "{} {} at position {}, but {} {}", what, given[i].to_string(), i,
         wanted_by, wanted[i].to_string());
  }
}

void check_predicate(std::string_view what, const Type& type) {
  if (type == Type{DType::boolean, {}}) return;
  fail(ErrorCode::type_mismatch, "{} is {}; it must be bool[]", what, type.to_string());
}

Types infer_call(InferContext& c) {
  const Graph& body = *c.attributes.graph("body");
  check_types("body takes", body.input_types(), "the call has", c.inputs);
  return body.output_types();
}

Types infer_cond(InferContext& c) {
  const Graph& then_graph = *c.attributes.graph("then");
  const Graph& else_graph = *c.attributes.graph("otherwise");
  check_predicate("the predicate", c.input(0));
  check_types("then takes", then_graph.input_types(), "the operands are", c.inputs.subspan(1));
  check_types("otherwise takes", else_graph.input_types(), "the operands are", c.inputs.subspan(1));
  check_types("otherwise returns", else_graph.output_types(), "then returns",
              then_graph.output_types());
  return then_graph.output_types();
}

Types infer_while(InferContext& c) {
  const Graph& condition = *c.attributes.graph("condition");
  const Graph& body = *c.attributes.graph("body");
  check_types("condition takes", condition.input_types(), "the operands are", c.inputs);
  Types verdict = condition.output_types();
  if (verdict.size() != 1) {
    fail(ErrorCode::type_mismatch, "condition returns {} values instead of one bool[]",
         verdict.size());
  }
  check_predicate("the condition's result", verdict[0]);
  check_types("body takes", body.input_types(), "the operands are", c.inputs);
  const int64_t constants = c.attributes.integer("constants");
  if (constants < 0 || static_cast<size_t>(constants) > c.inputs.size()) {
    fail(ErrorCode::invalid_argument, "{} constants do not fit {} operands", constants,
         c.inputs.size());
  }
  check_types("body returns", body.output_types(), "the states are",
              c.inputs.subspan(static_cast<size_t>(constants)));
  return body.output_types();
}

/// Fails where the counts among the attributes do not fit the inputs and the body.
Scan checked_scan(const Attributes& attributes, size_t inputs) {
  int64_t constants = attributes.integer("constants");
  int64_t carries = attributes.integer("carries");
  size_t results = attributes.graph("body")->outputs().size();
  bool fits = constants >= 0 && carries >= 0 && static_cast<size_t>(constants) <= inputs &&
              static_cast<size_t>(carries) <= inputs - static_cast<size_t>(constants) &&
              static_cast<size_t>(carries) <= results;
  if (!fits) {
    fail(ErrorCode::invalid_argument,
         "{} constants and {} carries do not fit {} inputs and {} results of the body", constants,
         carries, inputs, results);
  }
  return Scan::of(attributes, inputs);
}

Types infer_scan(InferContext& c) {
  const Graph& body = *c.attributes.graph("body");
  if (c.attributes.shape("length").rank() != 1) {
    fail(ErrorCode::invalid_argument, "length is {}; it needs one number",
         c.attributes.shape("length").to_string());
  }
  const Scan scan = checked_scan(c.attributes, c.inputs.size());
  const Dim& length = scan.length;
  Types returned = body.output_types();
  size_t first_sequence = scan.constants + scan.carries;
  Types wanted(c.inputs.begin(), c.inputs.end());
  for (size_t i = first_sequence; i < wanted.size(); ++i) {
    if (wanted[i].rank() == 0 || wanted[i].dim(0) != length) {
      fail(ErrorCode::shape_mismatch, "sequence {} is {}; its first axis has to be the length {}",
           i - first_sequence, wanted[i].to_string(), length.to_string());
    }
    wanted[i].shape.erase(0);
  }
  check_types("body takes", body.input_types(), "constants, carries and slices are", wanted);
  std::span<const Type> carries = c.inputs.subspan(scan.constants, scan.carries);
  check_types("body returns as carries", std::span(returned).first(scan.carries), "the carries are",
              carries);
  for (size_t i = scan.carries; i < returned.size(); ++i) returned[i].shape.insert(0, length);
  return returned;
}

/// primal, forward and backward have to fit one another; see the doc of custom_vjp.
Types infer_custom_vjp(InferContext& c) {
  const Graph& primal = *c.attributes.graph("primal");
  const Graph& forward = *c.attributes.graph("forward");
  const Graph& backward = *c.attributes.graph("backward");
  check_types("primal takes", primal.input_types(), "the call has", c.inputs);
  check_types("forward takes", forward.input_types(), "the call has", c.inputs);
  Types outputs = primal.output_types();
  Types kept = forward.output_types();
  if (kept.size() < outputs.size()) {
    fail(ErrorCode::type_mismatch, "forward returns {} values, fewer than the {} of primal",
         kept.size(), outputs.size());
  }
  check_types("forward returns first", std::span(kept).first(outputs.size()), "primal returns",
              outputs);
  Types wanted(kept.begin() + static_cast<std::ptrdiff_t>(outputs.size()), kept.end());
  wanted.insert(wanted.end(), outputs.begin(), outputs.end());
  check_types("backward takes", backward.input_types(), "residuals and cotangents are", wanted);
  check_types("backward returns", backward.output_types(), "the inputs are", c.inputs);
  return outputs;
}

// --- reference ---

std::vector<RefArray> inputs_from(ReferenceCall& call, size_t first) {
  std::vector<RefArray> values;
  for (size_t i = first; i < call.input_count(); ++i) values.push_back(call.input(i));
  return values;
}

void return_values(ReferenceCall& call, std::vector<RefArray> values) {
  for (size_t i = 0; i < values.size(); ++i) call.output(i) = std::move(values[i]);
}

void reference_while(ReferenceCall& call) {
  const auto constants = static_cast<size_t>(call.attributes().integer("constants"));
  std::vector<RefArray> values = inputs_from(call, 0);
  while (call.evaluate(*call.attributes().graph("condition"), values)[0].get_int(0) != 0) {
    std::vector<RefArray> states = call.evaluate(*call.attributes().graph("body"), values);
    for (size_t i = 0; i < states.size(); ++i) values[constants + i] = std::move(states[i]);
  }
  values.erase(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(constants));
  return_values(call, std::move(values));
}

RefArray slice_of(const RefArray& sequence, int64_t step) {
  RefArray slice(sequence.dtype(), {sequence.shape().begin() + 1, sequence.shape().end()});
  int64_t size = slice.size();
  for (int64_t i = 0; i < size; ++i) slice.copy_element(i, sequence, step * size + i);
  return slice;
}

void reference_scan(ReferenceCall& call) {
  const Graph& body = *call.attributes().graph("body");
  const Scan scan = Scan::of(call.attributes(), call.input_count());
  size_t first_sequence = scan.constants + scan.carries;
  // The attribute may be symbolic; sequences tell what the symbol stands for.
  int64_t length = scan.xs > 0     ? call.input(first_sequence).dim(0)
                   : scan.ys() > 0 ? call.output(scan.carries).dim(0)
                                   : scan.length.constant();
  std::vector<RefArray> carries;
  for (size_t i = 0; i < scan.carries; ++i) carries.push_back(call.input(scan.constants + i));
  for (int64_t n = 0; n < length; ++n) {
    int64_t step = scan.reverse ? length - 1 - n : n;
    std::vector<RefArray> arguments;
    for (size_t i = 0; i < scan.constants; ++i) arguments.push_back(call.input(i));
    for (RefArray& carry : carries) arguments.push_back(std::move(carry));
    for (size_t i = 0; i < scan.xs; ++i) {
      arguments.push_back(slice_of(call.input(first_sequence + i), step));
    }
    std::vector<RefArray> returned = call.evaluate(body, std::move(arguments));
    for (size_t i = 0; i < scan.carries; ++i) carries[i] = std::move(returned[i]);
    for (size_t i = 0; i < scan.ys(); ++i) {
      const RefArray& slice = returned[scan.carries + i];
      RefArray& stacked = call.output(scan.carries + i);
      for (int64_t e = 0; e < slice.size(); ++e) {
        stacked.copy_element(step * slice.size() + e, slice, e);
      }
    }
  }
  return_values(call, std::move(carries));
}

// --- statements ---

/// A small graph for a sample: `make` returns its results.
GraphRef sample_graph(const OpRegistry& ops, const char* name,
                      std::initializer_list<const char*> types,
                      const std::function<Values(std::span<const Value>)>& make) {
  auto graph = std::make_shared<Graph>(name);
  Build build(*graph, ops);
  Values inputs;
  for (const char* type : types) {
    inputs.push_back(build.input("x" + std::to_string(inputs.size()), Type::parse(type)));
  }
  std::vector<ValueId> outputs;
  for (const Value& value : make(inputs)) outputs.push_back(value.id());
  graph->set_outputs(std::move(outputs));
  return graph;
}

using Arguments = std::span<const Value>;

void add_calls(OpFamily& ops, const OpRegistry& registry) {
  GraphRef sine =
      sample_graph(registry, "sine_times", {"f64[3]", "f64[3]"},
                   [](Arguments x) -> Values { return {sin(x[0]) * x[1], x[0] + x[1]}; });
  GraphRef doubled = sample_graph(registry, "doubled", {"f64[3]", "f64[3]"},
                                  [](Arguments x) -> Values { return {x[0] * 2.0, x[1] * x[1]}; });
  ops.add(primitive("call")
              .doc("Runs a graph. With remat=true the values inside are computed again for the "
                   "derivative instead of being kept.")
              .variadic_input("inputs")
              .attribute("body", AttributeKind::graph, "the graph to run")
              .attribute("remat", AttributeKind::boolean, false,
                         "recompute for the derivative instead of keeping values")
              .infer(infer_call)
              .region()
              .reference([](ReferenceCall& call) {
                return_values(
                    call, call.evaluate(*call.attributes().graph("body"), inputs_from(call, 0)));
              })
              .samples({{"f64[3], f64[3]", {{"body", sine}}, {}},
                        {"f64[3], f64[3]", {{"body", sine}, {"remat", true}}, {}}}));
  ops.add(primitive("cond")
              .doc("Runs one of two graphs on the operands, as the predicate says.")
              .input("predicate", kBoolean)
              .variadic_input("operands")
              .attribute("then", AttributeKind::graph, "run where the predicate is true")
              .attribute("otherwise", AttributeKind::graph, "run where the predicate is false")
              .infer(infer_cond)
              .region()
              .reference([](ReferenceCall& call) {
                const char* chosen = call.input(0).get_int(0) != 0 ? "then" : "otherwise";
                return_values(
                    call, call.evaluate(*call.attributes().graph(chosen), inputs_from(call, 1)));
              })
              .onnx("If")
              .samples({{"bool[], f64[3], f64[3]", {{"then", sine}, {"otherwise", doubled}}, {}}}));
}

void add_loops(OpFamily& ops, const OpRegistry& registry) {
  GraphRef below_four = sample_graph(registry, "below_four", {"i32[]", "f64[3]"},
                                     [](Arguments x) -> Values { return {less(x[0], 4.0)}; });
  GraphRef step = sample_graph(registry, "step", {"i32[]", "f64[3]"}, [](Arguments x) -> Values {
    return {x[0] + 1.0, x[1] * 0.5 + 1.0};
  });
  GraphRef below_limit = sample_graph(registry, "below_limit", {"f64[3]", "i32[]", "f64[3]"},
                                      [](Arguments x) -> Values { return {less(x[1], 4.0)}; });
  GraphRef scaled_step =
      sample_graph(registry, "scaled_step", {"f64[3]", "i32[]", "f64[3]"},
                   [](Arguments x) -> Values { return {x[1] + 1.0, x[2] * 0.5 + x[0]}; });
  ops.add(
      primitive("while")
          .doc("Runs body, again and again, as long as condition holds. The operands are "
               "constants, which all steps share, and states; body returns the next states. Has no "
               "derivative in reverse mode: use scan, which knows its length.")
          .variadic_input("operands")
          .attribute("condition", AttributeKind::graph, "from the operands to bool[]")
          .attribute("body", AttributeKind::graph, "from the operands to the next states")
          .attribute("constants", AttributeKind::integer, 0, "operands that all steps share")
          .infer(infer_while)
          .region()
          .reference(reference_while)
          .onnx("Loop")
          .samples(
              {{"i32[], f64[3]", {{"condition", below_four}, {"body", step}}, {{0, 4}, {-2, 2}}},
               {"f64[3], i32[], f64[3]",
                {{"condition", below_limit}, {"body", scaled_step}, {"constants", 1}},
                {{-2, 2}, {0, 4}, {-2, 2}}}}));

  // A gated running sum: constant a, carry h, slices x.
  GraphRef cell =
      sample_graph(registry, "cell", {"f64[3]", "f64[3]", "f64[3]"}, [](Arguments x) -> Values {
        Value h = tanh(x[0] * x[1] + x[2]);
        return {h, h * x[2]};
      });
  auto scan = [&cell](Dim length, bool reverse) {
    return Attributes{{"body", cell},
                      {"constants", 1},
                      {"carries", 1},
                      {"length", Shape{std::move(length)}},
                      {"reverse", reverse}};
  };
  ops.add(
      primitive("scan")
          .doc("Runs body once for each step along axis 0 of the sequences. Inputs: constants, "
               "carries, sequences; body takes constants, carries and one slice of each sequence "
               "and returns the next carries and then one slice of each result. Returns the final "
               "carries, then the results stacked on axis 0.")
          .variadic_input("inputs")
          .attribute("body", AttributeKind::graph, "one step")
          .attribute("constants", AttributeKind::integer, 0, "inputs that all steps share")
          .attribute("carries", AttributeKind::integer, "inputs handed from step to step")
          .attribute("length", AttributeKind::shape, "number of steps, as a shape of one dimension")
          .attribute("reverse", AttributeKind::boolean, false, "from the last step to the first")
          .infer(infer_scan)
          .region()
          .reference(reference_scan)
          .onnx("Scan")
          .samples({{"f64[3], f64[3], f64[4,3]", scan(4, false), {}},
                    {"f64[3], f64[3], f64[5,3]", scan(5, true), {}},
                    {"f64[3], f64[3], f64[n,3]", scan(Dim::symbol("n"), false), {}},
                    {"f64[3], f64[3], f64[0,3]", scan(0, false), {}}}));
}

void add_identities(OpFamily& ops) {
  ops.add(elementwise("stop_gradient", 1)
              .doc("x itself, taken as a constant by derivatives.")
              .transparent()
              .dtypes(kAnyDType)
              .scalar([](double x) { return x; })
              .integer_scalar([](int64_t x) { return x; })
              .non_differentiable("that is its purpose")
              .expand([](ExprPool&, Expr x) { return x; })
              .samples({"f32[3,5]", "f32[n]", "bf16[7]", "i32[2]", "bool[3]"}));
  ops.add(
      primitive("barrier")
          .doc("The inputs themselves. Never merged with an equal call nor moved, so that what is "
               "computed behind it is computed again.")
          .variadic_input("values")
          .infer([](InferContext& c) -> Types { return {c.inputs.begin(), c.inputs.end()}; })
          .opaque()
          .view()
          .jvp([](JvpContext& c) -> Values {
            Values given;
            for (const Value& t : c.tangents) {
              if (t) given.push_back(t);
            }
            Values passed = barrier(given), result;
            size_t next = 0;
            for (const Value& t : c.tangents) result.push_back(t ? passed[next++] : Value());
            return result;
          })
          .vjp([](VjpContext& c) -> Values { return {c.cotangents.begin(), c.cotangents.end()}; })
          .batch([](BatchContext& c) -> Values {
            Values inputs;
            for (size_t i = 0; i < c.inputs.size(); ++i) inputs.push_back(batched_input(c, i));
            return barrier(inputs);
          })
          .reference([](ReferenceCall& call) { return_values(call, inputs_from(call, 0)); })
          .samples({{"f64[3], i32[2]", {}, {}}, {"f32[n,2]", {}, {}}}));
}

void add_custom_vjp(OpFamily& ops, const OpRegistry& registry) {
  // x^2 / 4 with its derivative x / 2, so that finite differences agree.
  GraphRef primal = sample_graph(registry, "scaled", {"f64[3]"},
                                 [](Arguments x) -> Values { return {x[0] * x[0] * 0.25}; });
  GraphRef forward = sample_graph(registry, "scaled_forward", {"f64[3]"},
                                  [](Arguments x) -> Values { return {x[0] * x[0] * 0.25, x[0]}; });
  GraphRef backward = sample_graph(registry, "scaled_backward", {"f64[3]", "f64[3]"},
                                   [](Arguments x) -> Values { return {x[0] * 0.5 * x[1]}; });
  ops.add(
      primitive("custom_vjp")
          .doc(
              "A function with a derivative of the user's own. primal: the function. forward: from "
              "the same inputs to the outputs and then residuals. backward: from residuals and "
              "then cotangents of the outputs to cotangents of the inputs.")
          .variadic_input("inputs")
          .attribute("primal", AttributeKind::graph, "the function")
          .attribute("forward", AttributeKind::graph, "outputs, then what backward needs")
          .attribute("backward", AttributeKind::graph, "cotangents of the inputs")
          .infer(infer_custom_vjp)
          .region()
          .reference([](ReferenceCall& call) {
            return_values(call,
                          call.evaluate(*call.attributes().graph("primal"), inputs_from(call, 0)));
          })
          .samples({{"f64[3]",
                     {{"primal", primal}, {"forward", forward}, {"backward", backward}},
                     {}}}));
}

}  // namespace

void register_control(OpRegistry& registry) {
  OpFamily ops(registry, "control");
  add_identities(ops);
  add_calls(ops, registry);
  add_loops(ops, registry);
  add_custom_vjp(ops, registry);
}

}  // namespace tenon
