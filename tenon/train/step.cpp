#include "tenon/train/step.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tenon/base/cpu.h"
#include "tenon/graph/build.h"
#include "tenon/ops/registry.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/tracing.h"
#include "tenon/train/labels.h"

namespace tenon::train {

namespace {

/// Rows whose largest output is the label; outputs [..., classes], labels [...].
Tensor count_correct(const Tensor& outputs, const Tensor& labels) {
  if (!are_classes(outputs.type(), labels.type())) return Tensor(0.0);
  return sum((argmax(outputs, -1, labels.dtype()) == labels).cast(DType::f32));
}

struct Aux {
  Tree state;
  Tensor correct;
};

/// The random key of a step, for dropout.
Tensor step_key(uint64_t seed, const Tensor& step) {
  Tensor base = Tensor::of<int64_t>({static_cast<int64_t>(seed), 0}, {2});
  return base + Tensor::of<int64_t>({0, 1}, {2}) * step.cast(DType::i64);
}

/// As given, or as a batch of inputs asks for.
InputScaling scaling_of(const std::optional<InputScaling>& given, Type batch) {
  batch.shape.erase(0);
  return given.value_or(default_scaling(batch));
}

int64_t memory_limit_of(const FitOptions& options) {
  if (options.memory_limit > 0) return options.memory_limit;
  const auto available = static_cast<int64_t>(available_memory());
  return available > 0 ? available : INT64_MAX;  // nothing: the system does not say
}

}  // namespace

StepFunction make_step(const nn::ModelFunction& model, const FitOptions& options,
                       double total_steps) {
  auto step = [model, loss = options.loss, optimizer = options.optimizer, scaling = options.scaling,
               seed = options.seed,
               total_steps](const TrainState& s, const Tensor& inputs, const Tensor& labels) {
    auto objective = [&](const Tree& parameters) {
      Tensor key = step_key(seed, s.step);
      auto [outputs, state] = nn::apply_training(model, nn::Variables{parameters, s.state}, key,
                                                 scaling_of(scaling, inputs.type()).apply(inputs));
      return std::pair{loss(outputs, labels), Aux{state, count_correct(outputs, labels)}};
    };
    auto [value, gradient] = value_and_grad(objective)(s.parameters);
    auto& [loss_value, aux] = value;
    nn::Updated updated = optimizer.update(s.parameters, s.slots, gradient, s.step, total_steps);
    Tensor finite = is_finite(loss_value);
    auto keep_if_bad = [&](const Tensor& now, const Tensor& before) {
      return where(finite, now, before);
    };
    StepResult result;
    result.state.parameters = map_leaves(keep_if_bad, updated.parameters, s.parameters);
    result.state.slots = map_leaves(keep_if_bad, updated.slots, s.slots);
    result.state.state = map_leaves(keep_if_bad, aux.state, s.state);
    result.state.step = s.step + 1;
    result.metrics = {loss_value, aux.correct};
    return result;
  };
  auto compiled =
      std::make_shared<decltype(jit(step))>(jit(step, {.memory_limit = memory_limit_of(options)}));
  return [compiled](TrainState state, Tensor inputs, Tensor labels) {
    return (*compiled)(std::move(state), std::move(inputs), std::move(labels));
  };
}

namespace {

/// The first element that is NaN or infinite, or -1.
int64_t find_not_finite(const Literal& values) {
  if (values.dtype() == DType::f32) {
    auto all = values.values<float>();
    auto bad = std::find_if(all.begin(), all.end(), [](float x) { return !std::isfinite(x); });
    return bad == all.end() ? -1 : bad - all.begin();
  }
  if (!is_floating(values.dtype())) return -1;
  for (int64_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values.to_double(i))) return i;
  }
  return -1;
}

bool all_finite(const Literal& values) { return find_not_finite(values) < 0; }

/// "the data: image of row 17 holds nan", or "".
std::string data_not_finite(const std::string& column, const Tensor& batch,
                            const std::vector<int64_t>& rows) {
  Literal values = batch.literal();
  int64_t bad = find_not_finite(values);
  if (bad < 0) return "";
  int64_t row = bad / (values.size() / static_cast<int64_t>(rows.size()));
  return fmt::format("the data: {} of row {} holds {}", column, rows[static_cast<size_t>(row)],
                     without_sign_of_nan(values.to_double(bad)));
}

}  // namespace

std::string values_not_finite(const TrainState& state) {
  std::string bad;
  auto look = [&](const Tree& tree, std::string_view what) {
    for_each_leaf(tree, [&](const std::string& path, const Tensor& leaf) {
      if (bad.empty() && !all_finite(leaf.literal()))
        bad = fmt::format("{} {} after a step whose loss was finite", what, path);
    });
  };
  look(state.parameters, "the update of");
  look(state.slots, "the optimiser's slot");
  look(state.state, "the running average");
  return bad;
}

std::string first_not_finite(const nn::ModelFunction& model, const FitOptions& options,
                             const TrainState& state, const Tensor& inputs, const Tensor& labels,
                             const std::vector<int64_t>& rows) {
  if (std::string bad = data_not_finite(options.input, inputs, rows); !bad.empty()) return bad;
  if (std::string bad = data_not_finite(options.label, labels, rows); !bad.empty()) return bad;
  if (std::string bad = values_not_finite(state); !bad.empty()) return bad;
  std::vector<Tensor> leaves = leaves_of(state.parameters);
  std::vector<Type> types;
  std::vector<Buffer> buffers;
  auto add = [&](const Tensor& tensor) {
    types.push_back(tensor.type());
    buffers.push_back(tensor.buffer());
  };
  for (const Tensor& leaf : leaves) add(leaf);
  add(inputs);
  add(labels);
  InputScaling scaling = scaling_of(options.scaling, inputs.type());
  auto forward = [&](std::vector<Tensor> arguments) {
    std::span<const Tensor> all(arguments);
    Tree parameters = with_leaves(state.parameters, all.first(leaves.size()));
    // The state counts the step that failed already.
    Tensor key = step_key(options.seed, state.step - 1);
    auto outputs = nn::apply_training(model, nn::Variables{parameters, state.state}, key,
                                      scaling.apply(arguments[leaves.size()]))
                       .first;
    return std::vector<Tensor>{options.loss(outputs, arguments.back())};
  };
  Traced traced = trace(forward, types, "diagnosis");
  for (const Tensor& capture : traced.captures) buffers.push_back(capture.buffer());
  // Every value becomes an output, so that all of them can be looked at in the order of the
  // program.
  Graph all = *traced.graph;
  std::vector<ValueId> values;
  for (const Node& node : all.nodes())
    values.insert(values.end(), node.outputs.begin(), node.outputs.end());
  all.set_outputs(values);
  all.set_output_names({});
  std::vector<Buffer> results = compile(all, core_ops())->run(buffers);
  for (size_t i = 0; i < values.size(); ++i) {
    if (all_finite(results[i].to_literal())) continue;
    const Node& node = *all.producer(values[i]);
    return node.op->name + (node.label.empty() ? "" : " @" + node.label) + ": " +
           all.type(values[i]).to_string();
  }
  return "";
}

}  // namespace tenon::train
