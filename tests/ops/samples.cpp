#include "samples.h"

#include <fmt/format.h>

#include <cmath>

#include "tenon/base/error.h"
#include "tenon/base/random.h"
#include "tenon/graph/bind.h"
#include "tenon/graph/build.h"

namespace tenon {

std::vector<Type> parse_types(std::string_view text) {
  std::vector<Type> types;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    bool end = i == text.size();
    if (!end && text[i] == '[') ++depth;
    if (!end && text[i] == ']') --depth;
    if (!end && (text[i] != ',' || depth > 0)) continue;
    while (begin < i && text[begin] == ' ') ++begin;
    if (begin < i) types.push_back(Type::parse(text.substr(begin, i - begin)));
    begin = i + 1;
  }
  return types;
}

bool is_differentiable(const OpDef& op) {
  return op.derivative_class != DerivativeClass::none &&
         op.derivative_class != DerivativeClass::refused;
}

std::vector<SampleCase> sample_cases(const OpDef& op) {
  std::vector<SampleCase> cases;
  for (const Sample& sample : op.samples) {
    SampleCase made{&op, &sample, cases.size(), parse_types(sample.inputs), {}, {}};
    std::vector<std::string> symbols;
    for (const Type& type : made.symbolic) {
      for (const Dim& dim : type.shape) dim.collect_symbols(symbols);
    }
    int64_t value = 3;
    for (const std::string& symbol : symbols) made.symbols[symbol] = value++;
    for (const Type& type : made.symbolic)
      made.types.push_back({type.dtype, Shape::of(type.shape.evaluate(made.symbols))});
    cases.push_back(std::move(made));
  }
  return cases;
}

namespace {

std::unique_ptr<Graph> one_call(const SampleCase& sample, const OpRegistry& ops,
                                const std::vector<Type>& types, Attributes attributes) {
  auto graph = std::make_unique<Graph>(sample.name());
  Build build(*graph, ops);
  std::vector<Value> inputs;
  for (size_t i = 0; i < types.size(); ++i)
    inputs.push_back(build.input("x" + std::to_string(i), types[i]));
  std::vector<ValueId> outputs;
  for (const Value& value : build.call_multi(*sample.op, inputs, std::move(attributes)))
    outputs.push_back(value.id());
  graph->set_outputs(std::move(outputs));
  return graph;
}

}  // namespace

std::unique_ptr<Graph> sample_graph(const SampleCase& sample, const OpRegistry& ops,
                                    SampleShapes shapes) {
  if (shapes == SampleShapes::symbolic)
    return one_call(sample, ops, sample.symbolic, sample.sample->attributes);
  return one_call(sample, ops, sample.types,
                  evaluate_attributes(sample.sample->attributes, sample.symbols));
}

std::unique_ptr<Graph> sample_graph_f64(const SampleCase& sample, const OpRegistry& ops) {
  std::vector<Type> types = sample.types;
  bool any = false;
  for (size_t i = 0; i < types.size(); ++i) {
    if (!is_floating(types[i].dtype)) continue;
    size_t schema = std::min(i, sample.op->inputs.size() - 1);
    if (!sample.op->inputs[schema].dtypes.contains(DType::f64)) return nullptr;
    types[i].dtype = DType::f64;
    any = true;
  }
  if (!any) return nullptr;
  try {
    return one_call(sample, ops, types,
                    evaluate_attributes(sample.sample->attributes, sample.symbols));
  } catch (const Error&) {
    return nullptr;  // attributes that fit the stated dtypes only, such as regions
  }
}

Literal random_literal(DType dtype, std::vector<int64_t> shape, double low, double high,
                       uint64_t seed) {
  Literal literal(dtype, std::move(shape));
  RandomStream stream{RandomKey(seed)};
  if (dtype == DType::u8) low = std::max(low, 0.0);
  for (int64_t i = 0; i < literal.size(); ++i) {
    double unit = stream.uniform();
    if (dtype == DType::boolean) {
      literal.set_int(i, low == 0 && high == 0 ? 0 : unit < 0.5);
    } else if (is_floating(dtype)) {
      literal.set_double(i, low + unit * (high - low));
    } else {
      literal.set_double(i, std::floor(low + unit * (high - low + 1)));
    }
  }
  return literal;
}

std::vector<Literal> sample_inputs(const SampleCase& sample, uint64_t seed) {
  std::vector<Literal> inputs;
  for (size_t i = 0; i < sample.types.size(); ++i) {
    const Type& type = sample.types[i];
    auto [low, high] =
        i < sample.sample->ranges.size() ? sample.sample->ranges[i] : sample.op->domain;
    uint64_t key = RandomKey(seed).fold_in(sample.name()).fold_in(i).value;
    inputs.push_back(random_literal(type.dtype, type.shape.constants(), low, high, key));
  }
  return inputs;
}

std::vector<Literal> sample_inputs_as(const SampleCase& sample, const Graph& graph, uint64_t seed) {
  std::vector<Literal> inputs = sample_inputs(sample, seed);
  for (size_t i = 0; i < inputs.size(); ++i) {
    DType wanted = graph.type(graph.inputs()[i]).dtype;
    if (inputs[i].dtype() == wanted) continue;
    Literal other(wanted, inputs[i].shape());
    for (int64_t e = 0; e < other.size(); ++e) other.set_double(e, inputs[i].to_double(e));
    inputs[i] = std::move(other);
  }
  return inputs;
}

double tolerance_of(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return 2e-3;
    case DType::bf16:
      return 1.6e-2;
    case DType::f32:
      return 4e-6;
    case DType::f64:
      return 1e-12;
    default:
      return 0;
  }
}

std::string difference(const Literal& got, const Literal& wanted, double tolerance) {
  if (got.type() != wanted.type())
    return fmt::format("{} instead of {}", got.type().to_string(), wanted.type().to_string());
  for (int64_t i = 0; i < got.size(); ++i) {
    if (!is_floating(got.dtype())) {
      if (got.to_int(i) == wanted.to_int(i)) continue;
      return fmt::format("element {} is {} instead of {}", i, got.to_int(i), wanted.to_int(i));
    }
    double a = got.to_double(i), b = wanted.to_double(i);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    if (std::fabs(a - b) <= tolerance * std::max(1.0, std::fabs(b))) continue;
    return fmt::format("element {} is {} instead of {} (difference {:.3g}, allowed {:.3g})", i, a,
                       b, a - b, tolerance * std::max(1.0, std::fabs(b)));
  }
  return "";
}

}  // namespace tenon
