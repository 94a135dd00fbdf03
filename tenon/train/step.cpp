#include "tenon/train/step.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tenon/base/cpu.h"
#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/graph/build.h"
#include "tenon/ops/registry.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/tracing.h"
#include "tenon/train/labels.h"

namespace tenon::train {

namespace {

/// Rows whose largest output is the label; outputs [..., classes], labels [...].
Tensor count_correct(const Tree& outputs, const Tree& labels) {
  if (!outputs.is_leaf() || !labels.is_leaf()) return Tensor(0.0);
  const Tensor &logits = outputs.leaf(), &wanted = labels.leaf();
  if (!are_classes(logits.type(), wanted.type())) return Tensor(0.0);
  return sum((argmax(logits, -1, wanted.dtype()) == wanted).cast(DType::f32));
}

/// What a batch gives besides the value of its loss.
struct Aux {
  Tree state;
  Tensor weight, correct;
  Tree parts;
};

/// The random key of a step, for dropout.
Tensor step_key(uint64_t seed, const Tensor& step) {
  Tensor base = Tensor::of<int64_t>({static_cast<int64_t>(seed), 0}, {2});
  return base + Tensor::of<int64_t>({0, 1}, {2}) * step.cast(DType::i64);
}

int64_t memory_limit_of(const FitOptions& options) {
  if (options.memory_limit > 0) return options.memory_limit;
  const auto available = static_cast<int64_t>(available_memory());
  return available > 0 ? available : INT64_MAX;  // nothing: the system does not say
}

/// `all` with the leaves that `some` has.
Tree with_some(Tree all, const Tree& some) {
  for_each_leaf(some, [&](const std::string& path, const Tensor& leaf) { all.at(path) = leaf; });
  return all;
}

bool matches_any(const std::vector<std::string>& patterns, std::string_view path) {
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return matches_path(pattern, path); });
}

}  // namespace

Tree trained_parameters(const Tree& parameters, const FitOptions& options) {
  const std::vector<std::string> paths = parameters.paths();
  for (const auto* patterns : {&options.train_only, &options.frozen}) {
    for (const std::string& pattern : *patterns) {
      if (std::ranges::any_of(paths, [&](auto& path) { return matches_path(pattern, path); }))
        continue;
      throw make_error(ErrorCode::not_found, "fit: no parameter matches '{}'", pattern)
          .note("{}", hint(pattern, paths));
    }
  }
  Tree trained;
  for_each_leaf(parameters, [&](const std::string& path, const Tensor& leaf) {
    const bool chosen = options.train_only.empty() || matches_any(options.train_only, path);
    if (chosen && !matches_any(options.frozen, path)) trained.set(path, leaf);
  });
  if (trained.empty() && !parameters.empty())
    fail(ErrorCode::invalid_argument, "fit: no parameter is left to train");
  return trained;
}

TrainState initial_state(const nn::Variables& variables, const FitOptions& options) {
  const Tree trained = trained_parameters(variables.parameters, options);
  TrainState state{variables.parameters, options.optimizer.init(trained), variables.state,
                   Tensor(0)};
  // A tensor of its own for each: the step writes into both.
  auto copy = [](const Tensor& leaf) { return Tensor(Literal(leaf.literal())); };
  if (options.average_decay > 0) state.averages = map_leaves(copy, trained);
  if (options.accumulate > 1) {
    state.gradients =
        map_leaves([](const Tensor& leaf) { return zeros_like(leaf).eval(); }, trained);
    state.weight = Tensor(0.0f);
  }
  return state;
}

nn::Variables evaluated_variables(const TrainState& state) {
  return {with_some(state.parameters, state.averages), state.state};
}

Tree scaled_inputs(const FitOptions& options, const Tree& inputs) {
  auto scaled = [&](const std::string& path, const Tensor& raw) {
    const std::string& column = path.empty() ? options.input.names().front() : path;
    if (auto given = options.scalings.find(column); given != options.scalings.end())
      return given->second.apply(raw);
    if (options.scaling && inputs.is_leaf()) return options.scaling->apply(raw);
    Type row = raw.type();
    row.shape.erase(0);
    return default_scaling(row).apply(raw);
  };
  Tree result = inputs;
  for_each_leaf(result, [&](const std::string& path, Tensor& leaf) { leaf = scaled(path, leaf); });
  return result;
}

namespace {

/// The parts of a step, as functions of the state.
class StepMaker {
 public:
  StepMaker(nn::ModelFunction model, FitOptions options, double total)
      : model_(std::move(model)), options_(std::move(options)), total_(total) {}

  /// The gradient of a batch by what is trained, and the state of the model after it.
  StepMetrics measure(const TrainState& s, const Tree& inputs, const Tree& labels, Tree& gradient,
                      Tree& state) const {
    auto objective = [&](const Tree& trained) {
      auto [outputs, model_state] =
          nn::apply_training(model_, nn::Variables{with_some(s.parameters, trained), s.state},
                             step_key(options_.seed, s.step), scaled_inputs(options_, inputs));
      LossTerms terms = options_.loss.terms(outputs, labels);
      Tree parts;
      for (const auto& [name, part] : terms.parts) parts.set(name, part);
      return std::pair{terms.value,
                       Aux{model_state, terms.weight, count_correct(outputs, labels), parts}};
    };
    auto [value, by_trained] =
        value_and_grad(objective)(trained_parameters(s.parameters, options_));
    auto& [loss, aux] = value;
    gradient = std::move(by_trained);
    state = std::move(aux.state);
    return {loss, aux.weight, aux.correct, aux.parts};
  }

  /// One update with a gradient; `step` counts updates.
  void update(TrainState& s, const Tree& gradient, const Tensor& step) const {
    const Tree trained = trained_parameters(s.parameters, options_);
    nn::Updated updated =
        options_.optimizer.update(trained, s.slots, gradient, step,
                                  std::ceil(total_ / static_cast<double>(options_.accumulate)));
    if (options_.average_decay > 0) {
      // As TensorFlow's ExponentialMovingAverage with num_updates: short at first.
      Tensor count = step.cast(DType::f32);
      Tensor decay = minimum((count + 1.0) / (count + 10.0), options_.average_decay);
      auto average = [&](const Tensor& before, const Tensor& now) {
        return before * decay.cast(now.dtype()) + now * (1.0 - decay).cast(now.dtype());
      };
      s.averages = map_leaves(average, s.averages, updated.parameters);
    }
    s.parameters = with_some(s.parameters, updated.parameters);
    s.slots = std::move(updated.slots);
  }

  /// The loss is finite: the new values; otherwise those before.
  static Tree choose(const Tensor& finite, const Tree& now, const Tree& before) {
    return map_leaves([&](const Tensor& a, const Tensor& b) { return where(finite, a, b); }, now,
                      before);
  }
  static TrainState choose(const Tensor& finite, TrainState now, const TrainState& before) {
    now.parameters = choose(finite, now.parameters, before.parameters);
    now.slots = choose(finite, now.slots, before.slots);
    now.state = choose(finite, now.state, before.state);
    now.averages = choose(finite, now.averages, before.averages);
    now.gradients = choose(finite, now.gradients, before.gradients);
    if (now.weight) now.weight = where(finite, *now.weight, *before.weight);
    return now;
  }

  StepFunction whole() const {
    auto step = [self = *this](const TrainState& s, const Tree& inputs, const Tree& labels) {
      StepResult result{s, {}};
      Tree gradient;
      result.metrics = self.measure(s, inputs, labels, gradient, result.state.state);
      self.update(result.state, gradient, s.step);
      result.state = choose(is_finite(result.metrics.loss), std::move(result.state), s);
      result.state.step = s.step + 1;
      return result;
    };
    return compiled(step);
  }

  /// Gradients of several batches are weighed by what counts in each, so that the update is that of
  /// one large batch.
  StepFunction accumulating() const {
    auto add = [self = *this](const TrainState& s, const Tree& inputs, const Tree& labels) {
      StepResult result{s, {}};
      Tree gradient;
      result.metrics = self.measure(s, inputs, labels, gradient, result.state.state);
      const Tensor& weight = result.metrics.weight;
      auto sum = [&](const Tensor& before, const Tensor& g) {
        return before + (g * weight.cast(g.dtype())).cast(before.dtype());
      };
      result.state.gradients = map_leaves(sum, s.gradients, gradient);
      result.state.weight = *s.weight + weight;
      result.state = choose(is_finite(result.metrics.loss), std::move(result.state), s);
      result.state.step = s.step + 1;
      return result;
    };
    auto finish = [self = *this](const TrainState& s) {
      TrainState result = s;
      auto mean = [&](const Tensor& sum) {
        return sum / maximum(*s.weight, 1e-30).cast(sum.dtype());
      };
      Tensor updates = floor_divide(s.step, self.options_.accumulate).cast(DType::i32) - 1;
      self.update(result, map_leaves(mean, s.gradients), updates);
      result.gradients = map_leaves([](const Tensor& g) { return zeros_like(g); }, s.gradients);
      result.weight = zeros_like(*s.weight);
      return result;
    };
    auto last = std::make_shared<decltype(jit(finish))>(jit(finish, limits()));
    return [add = compiled(add), last, every = options_.accumulate](TrainState state, Tree inputs,
                                                                    Tree labels) {
      StepResult result = add(std::move(state), std::move(inputs), std::move(labels));
      const bool full = static_cast<int64_t>(result.state.step.item()) % every == 0;
      if (full && std::isfinite(result.metrics.loss.item()))
        result.state = (*last)(std::move(result.state));
      return result;
    };
  }

 private:
  JitOptions limits() const { return {.memory_limit = memory_limit_of(options_)}; }

  template <class F>
  StepFunction compiled(F step) const {
    auto fast = std::make_shared<decltype(jit(step))>(jit(step, limits()));
    return [fast](TrainState state, Tree inputs, Tree labels) {
      return (*fast)(std::move(state), std::move(inputs), std::move(labels));
    };
  }

  nn::ModelFunction model_;
  FitOptions options_;
  double total_;
};

}  // namespace

StepFunction make_step(const nn::ModelFunction& model, const FitOptions& options,
                       double total_steps) {
  FitOptions kept = options;  // without what a step has no use for, which may be large
  kept.validation = {};
  kept.test = {};
  kept.start = {};
  StepMaker maker(model, std::move(kept), total_steps);
  return options.accumulate > 1 ? maker.accumulating() : maker.whole();
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
                             const TrainState& state, const Tree& inputs, const Tree& labels,
                             const std::vector<int64_t>& rows) {
  for (const auto& [columns, tree] :
       {std::pair(&options.input, &inputs), {&options.label, &labels}}) {
    const std::vector<Tensor> leaves = leaves_of(*tree);
    for (size_t i = 0; i < leaves.size(); ++i) {
      std::string bad = data_not_finite(columns->names()[i], leaves[i], rows);
      if (!bad.empty()) return bad;
    }
  }
  if (std::string bad = values_not_finite(state); !bad.empty()) return bad;
  std::vector<Type> types;
  std::vector<Buffer> buffers;
  for (const Tree* tree : {&state.parameters, &inputs, &labels}) {
    for (const Tensor& leaf : leaves_of(*tree)) {
      types.push_back(leaf.type());
      buffers.push_back(leaf.buffer());
    }
  }
  auto forward = [&](std::vector<Tensor> arguments) {
    std::span<const Tensor> all(arguments);
    const size_t parameters = state.parameters.leaf_count(), columns = inputs.leaf_count();
    // The state counts the step that failed already.
    Tensor key = step_key(options.seed, state.step - 1);
    nn::Variables variables{with_leaves(state.parameters, all.first(parameters)), state.state};
    Tree given = with_leaves(inputs, all.subspan(parameters, columns));
    Tree outputs = nn::apply_training(model, variables, key, scaled_inputs(options, given)).first;
    Tree wanted = with_leaves(labels, all.subspan(parameters + columns));
    return std::vector<Tensor>{options.loss.terms(outputs, wanted).value};
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
