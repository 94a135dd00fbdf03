#include "tenon/base/error.h"
#include "tenon/ops/value_functions.h"
#include "tenon/transform/control_dependence.h"
#include "tenon/transform/reverse.h"
#include "tenon/transform/values.h"

namespace tenon::detail {

namespace {

/// A call with remat=true: only its inputs are kept, the backward pass computes the body again. The
/// barrier ties the inputs to the cotangents, so that this happens late and is not merged with the
/// forward part.
RegionForward forward_remat(const RegionCall& call) {
  Build& build = call.build;
  std::vector<Value> inputs(call.inputs.begin(), call.inputs.end());
  std::vector<Value> outputs = build.call_multi(*call.node.op, inputs, call.node.attributes);
  GraphRef body = call.node.attributes.graph("body");
  auto pull = [&build, inputs, body, wanted = call.wanted](std::span<const Value> cotangents) {
    std::vector<Value> held = inputs;
    for (const Value& cotangent : cotangents) {
      if (cotangent) held.push_back(cotangent);
    }
    held = barrier(held);
    std::vector<Value> tied(cotangents.begin(), cotangents.end());
    size_t next = inputs.size();
    for (Value& cotangent : tied) {
      if (cotangent) cotangent = held[next++];
    }
    held.resize(inputs.size());
    return vjp_inline(build, *body, held, tied, wanted);
  };
  return {std::move(outputs), std::move(pull)};
}

/// The user's own rule: `forward` gives the results and what `backward` reads.
RegionForward forward_custom_vjp(const RegionCall& call) {
  Build& build = call.build;
  CustomVjp custom = CustomVjp::of(call.node);
  auto [outputs, residuals] = custom.inline_forward(build, call.inputs);
  auto pull = [&build, residuals = residuals, custom,
               outputs = outputs](std::span<const Value> cotangents) {
    std::vector<Value> arguments = residuals;
    for (size_t i = 0; i < cotangents.size(); ++i) {
      arguments.push_back(or_zeros(build, cotangents[i], outputs[i].type()));
    }
    return build.inline_graph(*custom.backward, arguments);
  };
  return {std::move(outputs), std::move(pull)};
}

}  // namespace

RegionForward forward_region(const RegionCall& call) {
  switch (control_of(*call.node.op)) {
    case Control::call:
      return forward_remat(call);
    case Control::cond:
      return forward_cond(call);
    case Control::scan:
      return forward_scan(call);
    case Control::custom_vjp:
      return forward_custom_vjp(call);
    case Control::while_loop:
      throw make_error(ErrorCode::unsupported, "vjp: {} has no reverse mode",
                       describe_call(call.graph, call.node))
          .note(
              "a while loop has no fixed number of steps, so its values cannot be saved for "
              "reverse mode")
          .note("hint: use scan, which runs a fixed number of steps, or jvp");
    case Control::other:
      break;
  }
  fail(ErrorCode::internal, "vjp: no rule for {}", describe_call(call.graph, call.node));
}

}  // namespace tenon::detail
