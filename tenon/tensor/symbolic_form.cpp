#include "tenon/tensor/symbolic_form.h"

#include <algorithm>

#include <fmt/format.h>

#include "tenon/tensor/size_algebra.h"

namespace tenon::detail {

namespace {

/// How symbols are introduced. What is tried first is what most programs need.
struct Strategy {
  int64_t modulus = 1;       // sizes of leaves are a multiple of it plus a rest: reshape(n/2, 2)
  bool ties_leaves = false;  // a leaf that is one longer than another has no symbol of its own
  bool prefers_own = false;  // numbers in attributes have their own symbols rather than formulas
};

/// Enough for programs that can be done: a wrong choice shows in the same call, mostly.
constexpr int kMaxTrialsOfCall = 64;

struct InferredCall {
  Attributes attributes;
  std::vector<Type> types;
};

/// Restates a section by symbols, call by call. Sizes are visited in the order of FamilyMember.
class FormBuilder {
 public:
  FormBuilder(const Section& section, std::span<const Sizes> samples, const Strategy& strategy)
      : section_(section), samples_(samples), strategy_(strategy), algebra_(samples.size()) {
    dims_.resize(samples[0].size());
  }

  bool build(std::span<const uint32_t> outputs) {
    for (const NodeRef* leaf : section_.leaves) {
      Type type{(*leaf)->type.dtype, {}};
      for (size_t axis = 0; axis < (*leaf)->type.rank(); ++axis)
        type.shape.push_back(leaf_size(position_++));
      leaf_types_.push_back(std::move(type));
    }
    if (strategy_.modulus > 1 && !uses_modulus_) return false;
    for (const Section::Call& call : section_.calls) {
      if (!add_call(call)) return false;
    }
    if (algebra_.symbols().empty()) return false;
    form_.symbols = algebra_.symbols();
    list_expressions();
    make_graph(outputs);
    return true;
  }

  SymbolicForm form() && { return std::move(form_); }

 private:
  class CallSearch;

  Column column(size_t position) const {
    Column column;
    for (const Sizes& sizes : samples_) column.push_back(sizes[position]);
    return column;
  }
  static bool varies(const Column& column) {
    return std::ranges::any_of(column, [&](int64_t size) { return size != column[0]; });
  }

  void record(size_t position, const Dim& dim) { dims_[position] = dim; }

  Dim leaf_size(size_t position) {
    const Column sizes = column(position);
    if (!varies(sizes)) return sizes[0];
    std::optional<Dim> dim = algebra_.find(sizes);
    if (!dim && strategy_.ties_leaves) dim = algebra_.find_shifted(sizes);
    if (!dim) {
      const int64_t modulus = strategy_.modulus, rest = sizes[0] % modulus;
      const bool fits =
          std::ranges::all_of(sizes, [&](int64_t size) { return size % modulus == rest; });
      uses_modulus_ = uses_modulus_ || fits;
      dim = algebra_.add_symbol(position, sizes, fits ? modulus : 1, fits ? rest : 0, false);
    }
    record(position, *dim);
    return *dim;
  }

  /// Whether the dimensions of `type` are the sizes at the position in all samples; goes past them.
  bool agrees(const Type& type) {
    for (const Dim& dim : type.shape) {
      if (algebra_.column_of(dim) != column(position_)) return false;
      record(position_++, dim);
      algebra_.learn(dim);
    }
    return true;
  }

  const Type& type_of(uint32_t value) const {
    const Section::Value& known = section_.values[value];
    if (known.is_leaf) return leaf_types_[known.index];
    return calls_[known.index].types[(*known.node)->output];
  }

  bool add_call(const Section::Call& call);
  std::optional<GraphRef> with_symbols(const Graph& graph);
  void list_expressions();
  void make_graph(std::span<const uint32_t> outputs);

  const Section& section_;
  std::span<const Sizes> samples_;
  Strategy strategy_;
  SizeAlgebra algebra_;
  SymbolicForm form_;
  std::vector<Dim> dims_;  // of each size that was visited
  size_t position_ = 0;
  bool uses_modulus_ = false;
  std::vector<Type> leaf_types_;
  std::vector<InferredCall> calls_;
};

/// Finds dimensions for the sizes in the attributes of one call, so that the op takes them and
/// gives results of the right sizes.
class FormBuilder::CallSearch {
 public:
  /// `checked` are the results whose sizes are listed.
  CallSearch(FormBuilder& builder, const OpDef& op, const Attributes& attributes,
             std::span<const Type> inputs, std::span<const uint32_t> checked)
      : builder_(builder), op_(op), attributes_(attributes), inputs_(inputs), checked_(checked) {
    size_t position = builder.position_;
    for (const auto& [name, value] : attributes) collect(value, position);
  }

  std::optional<InferredCall> find() {
    const size_t start = builder_.position_;
    if (choose(0)) return std::move(found_);
    builder_.position_ = start;
    return std::nullopt;
  }

 private:
  struct Open {
    Column column;
    size_t position;
    Dim chosen;
  };

  void collect(const Shape& shape, size_t& position) {
    for (size_t axis = 0; axis < shape.rank(); ++axis, ++position) {
      Column sizes = builder_.column(position);
      if (varies(sizes) && !open_for(sizes)) open_.push_back({std::move(sizes), position, {}});
    }
  }
  void collect(const Attribute& value, size_t& position) {
    if (const auto* shape = value.get_if<Shape>()) collect(*shape, position);
    if (const auto* types = value.get_if<Types>()) {
      for (const Type& type : *types) collect(type.shape, position);
    }
    if (const auto* graph = value.get_if<GraphRef>()) position += size_count(**graph);
  }
  static size_t size_count(const Graph& graph) {
    size_t count = 0;
    for (ValueId input : graph.inputs()) count += graph.type(input).rank();
    for (const Node& node : graph.nodes()) {
      for (const auto& [name, value] : node.attributes) {
        if (const auto* shape = value.get_if<Shape>()) count += shape->rank();
        if (const auto* region = value.get_if<GraphRef>()) count += size_count(**region);
        if (const auto* types = value.get_if<Types>()) {
          for (const Type& type : *types) count += type.rank();
        }
      }
      for (ValueId output : node.outputs) count += graph.type(output).rank();
    }
    return count;
  }
  Open* open_for(const Column& sizes) {
    auto found =
        std::ranges::find_if(open_, [&](const Open& open) { return open.column == sizes; });
    return found == open_.end() ? nullptr : &*found;
  }

  /// Tries all choices for the open sizes from `next` on.
  bool choose(size_t next) {
    if (next == open_.size()) return --trials_ >= 0 && infer();
    Open& open = open_[next];
    SizeAlgebra& algebra = builder_.algebra_;
    const int64_t sign = open.column[0] < 0 ? -1 : 1;
    const Dim own = Dim::symbol(fmt::format("n{}", open.position)) * sign;
    for (const Dim& dim :
         algebra.choices(open.column, inputs_, own, builder_.strategy_.prefers_own)) {
      const SizeAlgebra::Mark mark = algebra.mark();
      if (dim == own) algebra.add_symbol(open.position, open.column, sign, 0, true);
      algebra.learn(dim);
      open.chosen = dim;
      if (choose(next + 1)) return true;
      algebra.go_back_to(mark);
      if (trials_ < 0) return false;
    }
    return false;
  }

  Shape with_symbols(const Shape& shape) {
    Shape result;
    for (size_t axis = 0; axis < shape.rank(); ++axis) {
      const Column sizes = builder_.column(builder_.position_);
      result.push_back(varies(sizes) ? open_for(sizes)->chosen : Dim(sizes[0]));
      builder_.record(builder_.position_++, result[axis]);
    }
    return result;
  }

  std::optional<Attributes> with_symbols() {
    Attributes result = attributes_;
    for (const auto& [name, value] : attributes_) {
      if (const auto* shape = value.get_if<Shape>()) result.set(name, with_symbols(*shape));
      if (const auto* types = value.get_if<Types>()) {
        Types general = *types;
        for (Type& type : general) type.shape = with_symbols(type.shape);
        result.set(name, std::move(general));
      }
      if (const auto* graph = value.get_if<GraphRef>()) {
        std::optional<GraphRef> general = builder_.with_symbols(**graph);
        if (!general) return std::nullopt;
        result.set(name, std::move(*general));
      }
    }
    return result;
  }

  bool infer() {
    const size_t start = builder_.position_;
    const SizeAlgebra::Mark mark = builder_.algebra_.mark();
    if (infer_and_check()) return true;
    builder_.position_ = start;
    builder_.algebra_.go_back_to(mark);
    return false;
  }

  bool infer_and_check() {
    std::optional<Attributes> attributes = with_symbols();
    if (!attributes) return false;
    std::vector<Type> types;
    try {
      types = check_call(op_, inputs_, *attributes, nullptr);
    } catch (const Error&) {
      return false;  // the op does not see that sizes agree
    }
    for (uint32_t result : checked_) {
      if (!builder_.agrees(types[result])) return false;
    }
    found_ = {std::move(*attributes), std::move(types)};
    return true;
  }

  FormBuilder& builder_;
  const OpDef& op_;
  const Attributes& attributes_;
  std::span<const Type> inputs_;
  std::span<const uint32_t> checked_;
  std::vector<Open> open_;
  int trials_ = kMaxTrialsOfCall;
  InferredCall found_;
};

bool FormBuilder::add_call(const Section::Call& call) {
  std::vector<Type> inputs;
  for (uint32_t operand : section_.operands_of(call)) inputs.push_back(type_of(operand));
  const uint32_t reached = (*section_.values[call.reached].node)->output;
  CallSearch search(*this, *call->op, call->attributes, inputs, std::span(&reached, 1));
  std::optional<InferredCall> found = search.find();
  if (!found) return false;
  calls_.push_back(std::move(*found));
  return true;
}

std::optional<GraphRef> FormBuilder::with_symbols(const Graph& graph) {
  auto result = std::make_shared<Graph>(graph.name());
  std::vector<ValueId> values(graph.value_count());
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const ValueId id = graph.inputs()[i];
    Type type{graph.type(id).dtype, {}};
    for (size_t axis = 0; axis < graph.type(id).rank(); ++axis) {
      const Column sizes = column(position_);
      std::optional<Dim> dim = varies(sizes) ? algebra_.find(sizes) : Dim(sizes[0]);
      if (!dim) dim = algebra_.find_shifted(sizes);
      if (!dim) return std::nullopt;
      record(position_++, *dim);
      type.shape.push_back(*dim);
    }
    values[id.index] = result->add_input(graph.input_names()[i], std::move(type));
  }
  for (const Node& node : graph.nodes()) {
    std::vector<Type> types;
    std::vector<ValueId> inputs;
    for (ValueId input : node.inputs) {
      inputs.push_back(values[input.index]);
      types.push_back(result->type(inputs.back()));
    }
    std::vector<uint32_t> checked;
    for (uint32_t i = 0; i < node.outputs.size(); ++i) checked.push_back(i);
    CallSearch search(*this, *node.op, node.attributes, types, checked);
    std::optional<InferredCall> found = search.find();
    if (!found) return std::nullopt;
    NodeId added = result->add_node(node.op, std::move(found->attributes), std::move(inputs),
                                    std::move(found->types), node.label);
    for (uint32_t i : checked) values[node.outputs[i].index] = result->node(added).outputs[i];
  }
  std::vector<ValueId> outputs;
  for (ValueId output : graph.outputs()) outputs.push_back(values[output.index]);
  result->set_outputs(std::move(outputs));
  result->set_output_names(graph.output_names());
  return result;
}

void FormBuilder::list_expressions() {
  form_.numbers = samples_.back();
  for (const Dim& dim : dims_) {
    if (dim.is_constant()) {
      form_.expression_of.push_back(SymbolicForm::kNumber);
      continue;
    }
    auto found = std::ranges::find(form_.expressions, dim);
    form_.expression_of.push_back(static_cast<uint32_t>(found - form_.expressions.begin()));
    if (found == form_.expressions.end()) form_.expressions.push_back(dim);
  }
}

void FormBuilder::make_graph(std::span<const uint32_t> outputs) {
  Graph& graph = form_.graph;
  graph.set_name("eager");
  std::vector<ValueId> leaves, firsts, results;
  for (Type& type : leaf_types_)
    leaves.push_back(graph.add_input(fmt::format("x{}", leaves.size()), std::move(type)));
  for (const SymbolicForm::Symbol& symbol : form_.symbols) {
    if (symbol.is_free) graph.add_input(symbol.name, {DType::f32, {Dim::symbol(symbol.name), 0}});
  }
  for (size_t i = 0; i < section_.calls.size(); ++i) {
    const Section::Call& call = section_.calls[i];
    std::vector<ValueId> inputs;
    for (uint32_t operand : section_.operands_of(call))
      inputs.push_back(value_of(section_, operand, leaves, firsts));
    NodeId node = graph.add_node(call->op, std::move(calls_[i].attributes), std::move(inputs),
                                 std::move(calls_[i].types), call->label);
    firsts.push_back(graph.node(node).outputs.front());
  }
  for (uint32_t output : outputs) results.push_back(value_of(section_, output, leaves, firsts));
  graph.set_outputs(std::move(results));
}

}  // namespace

std::optional<SymbolValues> SymbolicForm::values_for(const Sizes& sizes) const {
  SymbolValues values;
  for (const Symbol& symbol : symbols) {
    const int64_t scaled = sizes[symbol.position] - symbol.offset;
    if (scaled % symbol.factor != 0 || scaled / symbol.factor < 0) return std::nullopt;
    values[symbol.name] = scaled / symbol.factor;
  }
  try {
    Sizes made;
    for (const Dim& expression : expressions) made.push_back(expression.evaluate(values));
    for (size_t i = 0; i < sizes.size(); ++i) {
      const uint32_t expression = expression_of[i];
      if (sizes[i] != (expression == kNumber ? numbers[i] : made[expression])) return std::nullopt;
    }
  } catch (const Error&) {
    return std::nullopt;  // beyond 64 bits
  }
  return values;
}

std::vector<Buffer> SymbolicForm::size_inputs(const SymbolValues& values) const {
  std::vector<Buffer> inputs;
  for (const Symbol& symbol : symbols) {
    if (symbol.is_free)
      inputs.push_back(Buffer::borrow(DType::f32, {values.at(symbol.name), 0}, nullptr));
  }
  return inputs;
}

std::optional<SymbolicForm> find_symbolic_form(const Section& section,
                                               std::span<const uint32_t> outputs,
                                               std::span<const Sizes> samples) {
  for (int64_t modulus : {1, 2, 4, 8, 3}) {
    for (bool ties_leaves : {false, true}) {
      for (bool prefers_own : {false, true}) {
        FormBuilder builder(section, samples, {modulus, ties_leaves, prefers_own});
        if (builder.build(outputs)) return std::move(builder).form();
      }
    }
  }
  return std::nullopt;
}

}  // namespace tenon::detail
