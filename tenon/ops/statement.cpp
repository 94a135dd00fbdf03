#include "tenon/ops/statement.h"

#include "tenon/base/error.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/view.h"

namespace tenon {

OpStatement& OpStatement::doc(std::string text) {
  op_.doc = std::move(text);
  return *this;
}

OpStatement& OpStatement::input(std::string name, DTypeSet dtypes) {
  op_.inputs.push_back({std::move(name), dtypes});
  return *this;
}

OpStatement& OpStatement::optional_input(std::string name, DTypeSet dtypes) {
  op_.inputs.push_back({.name = std::move(name), .dtypes = dtypes, .optional = true});
  return *this;
}

OpStatement& OpStatement::variadic_input(std::string name, DTypeSet dtypes) {
  op_.inputs.push_back({.name = std::move(name), .dtypes = dtypes, .variadic = true});
  return *this;
}

OpStatement& OpStatement::dtypes(DTypeSet set) {
  for (InputSchema& input : op_.inputs) input.dtypes = set;
  return *this;
}

OpStatement& OpStatement::attribute(std::string name, AttributeKind kind, std::string doc) {
  op_.attributes.push_back({std::move(name), kind, std::nullopt, std::move(doc)});
  return *this;
}

OpStatement& OpStatement::attribute(std::string name, AttributeKind kind, Attribute fallback,
                                    std::string doc) {
  op_.attributes.push_back({std::move(name), kind, std::move(fallback), std::move(doc)});
  return *this;
}

OpStatement& OpStatement::infer(InferRule rule) {
  op_.infer = std::move(rule);
  return *this;
}

namespace {

/// Shapes and dtypes of all inputs agree; the result is shaped as they are.
std::vector<Type> infer_elementwise(InferContext& context) {
  const Type& last = context.inputs.back();
  for (size_t i = 0; i < context.inputs.size(); ++i) {
    const Type& type = context.input(i);
    if (type.shape != last.shape) {
      fail(ErrorCode::shape_mismatch, "shapes differ: {} and {}", type.to_string(),
           last.to_string());
    }
    // The predicate of select is the one operand whose dtype is its own.
    bool predicate = i == 0 && context.inputs.size() == 3 && type.dtype == DType::boolean;
    if (type.dtype != last.dtype && !predicate) {
      fail(ErrorCode::type_mismatch, "dtypes differ: {} and {}", type.to_string(),
           last.to_string());
    }
  }
  return {last};
}

template <class Real, class Whole>
ReferenceRule map_elements(Real on_reals, Whole on_integers) {
  return [on_reals, on_integers](ReferenceCall& call) {
    RefArray& out = call.output(0);
    bool reals = call.input(call.input_count() - 1).is_real();
    for (int64_t i = 0; i < out.size(); ++i) {
      if (reals) {
        out.set(i, on_reals(call, i));
      } else {
        out.set_int(i, on_integers(call, i));
      }
    }
  };
}

}  // namespace

OpStatement& OpStatement::returns(DType dtype) {
  op_.infer = [dtype](InferContext& context) {
    std::vector<Type> types = infer_elementwise(context);
    types[0].dtype = dtype;
    return types;
  };
  return *this;
}

OpStatement& OpStatement::scalar(double (*f)(double)) {
  op_.reference = map_elements(
      [f](ReferenceCall& c, int64_t i) { return f(c.input(0).get(i)); },
      [f](ReferenceCall& c, int64_t i) { return saturated<int64_t>(f(c.input(0).get(i))); });
  return *this;
}

OpStatement& OpStatement::scalar(double (*f)(double, double)) {
  auto real = [f](ReferenceCall& c, int64_t i) { return f(c.input(0).get(i), c.input(1).get(i)); };
  op_.reference = map_elements(
      real, [real](ReferenceCall& c, int64_t i) { return saturated<int64_t>(real(c, i)); });
  return *this;
}

OpStatement& OpStatement::scalar(double (*f)(double, double, double)) {
  auto real = [f](ReferenceCall& c, int64_t i) {
    return f(c.input(0).get(i), c.input(1).get(i), c.input(2).get(i));
  };
  op_.reference = map_elements(
      real, [real](ReferenceCall& c, int64_t i) { return saturated<int64_t>(real(c, i)); });
  return *this;
}

namespace {

/// Keeps `on_reals` for floating inputs and uses `f` for the others.
template <class F>
ReferenceRule with_integers(ReferenceRule on_reals, F f) {
  return [on_reals = std::move(on_reals), f](ReferenceCall& call) {
    if (call.input(call.input_count() - 1).is_real()) return on_reals(call);
    RefArray& out = call.output(0);
    for (int64_t i = 0; i < out.size(); ++i) out.set_int(i, f(call, i));
  };
}

}  // namespace

OpStatement& OpStatement::integer_scalar(int64_t (*f)(int64_t)) {
  op_.reference = with_integers(
      op_.reference, [f](ReferenceCall& c, int64_t i) { return f(c.input(0).get_int(i)); });
  return *this;
}

OpStatement& OpStatement::integer_scalar(int64_t (*f)(int64_t, int64_t)) {
  op_.reference = with_integers(op_.reference, [f](ReferenceCall& c, int64_t i) {
    return f(c.input(0).get_int(i), c.input(1).get_int(i));
  });
  return *this;
}

OpStatement& OpStatement::integer_scalar(int64_t (*f)(int64_t, int64_t, int64_t)) {
  op_.reference = with_integers(op_.reference, [f](ReferenceCall& c, int64_t i) {
    return f(c.input(0).get_int(i), c.input(1).get_int(i), c.input(2).get_int(i));
  });
  return *this;
}

OpStatement& OpStatement::scalar(ScalarRule f) {
  auto real = [f = std::move(f)](ReferenceCall& c, int64_t i) {
    std::vector<double> x(c.input_count());
    for (size_t k = 0; k < x.size(); ++k) x[k] = c.input(k).get(i);
    return f(x, c.attributes());
  };
  op_.reference = map_elements(
      real, [real](ReferenceCall& c, int64_t i) { return saturated<int64_t>(real(c, i)); });
  return *this;
}

OpStatement& OpStatement::reference(ReferenceRule rule) {
  op_.reference = std::move(rule);
  return *this;
}

OpStatement& OpStatement::derivative(std::function<Value(Build&, Value, Value)> partial) {
  return derivative(PartialsRule([partial = std::move(partial)](RuleContext& c) {
    return std::vector<Value>{partial(c.build, c.inputs[0], c.outputs[0])};
  }));
}

OpStatement& OpStatement::derivative(
    std::function<std::pair<Value, Value>(Build&, Value, Value, Value)> partials) {
  return derivative(PartialsRule([partials = std::move(partials)](RuleContext& c) {
    auto [a, b] = partials(c.build, c.inputs[0], c.inputs[1], c.outputs[0]);
    return std::vector<Value>{a, b};
  }));
}

OpStatement& OpStatement::derivative(PartialsRule partials) {
  op_.derivative_class = DerivativeClass::elementwise;
  op_.partials = std::move(partials);
  return *this;
}

OpStatement& OpStatement::linear(std::vector<size_t> operands, TransposeRule transpose) {
  op_.derivative_class = DerivativeClass::linear;
  op_.linear_operands = std::move(operands);
  op_.transpose = std::move(transpose);
  return *this;
}

OpStatement& OpStatement::jvp(JvpRule rule) {
  op_.derivative_class = DerivativeClass::custom;
  op_.jvp = std::move(rule);
  return *this;
}

OpStatement& OpStatement::vjp(VjpRule rule) {
  // A composite may state its vjp alone: forward mode then goes through the decomposition.
  if (op_.kind == OpKind::primitive) op_.derivative_class = DerivativeClass::custom;
  op_.vjp = std::move(rule);
  return *this;
}

OpStatement& OpStatement::non_differentiable(std::string why) {
  op_.derivative_class = DerivativeClass::none;
  op_.why_not_differentiable = std::move(why);
  return *this;
}

OpStatement& OpStatement::refuses_derivative(std::string hint) {
  op_.derivative_class = DerivativeClass::refused;
  op_.why_not_differentiable = std::move(hint);
  return *this;
}

OpStatement& OpStatement::batch(BatchRule rule) {
  op_.batch_class = BatchClass::rule;
  op_.batch = std::move(rule);
  return *this;
}

OpStatement& OpStatement::batch_by_loop() {
  op_.batch_class = BatchClass::loop;
  return *this;
}

OpStatement& OpStatement::region() {
  op_.derivative_class = DerivativeClass::region;
  op_.batch_class = BatchClass::region;
  return *this;
}

OpStatement& OpStatement::decompose(Decomposition rule) {
  op_.decomposition = std::move(rule);
  return *this;
}

OpStatement& OpStatement::expand(std::function<Expr(ExprPool&, Expr)> f) {
  return expand(ExpandRule([f = std::move(f)](ExprPool& pool, std::span<const Expr> x,
                                              const Attributes&) { return f(pool, x[0]); }));
}

OpStatement& OpStatement::expand(std::function<Expr(ExprPool&, Expr, Expr)> f) {
  return expand(ExpandRule([f = std::move(f)](ExprPool& pool, std::span<const Expr> x,
                                              const Attributes&) { return f(pool, x[0], x[1]); }));
}

OpStatement& OpStatement::expand(std::function<Expr(ExprPool&, Expr, Expr, Expr)> f) {
  return expand(
      ExpandRule([f = std::move(f)](ExprPool& pool, std::span<const Expr> x, const Attributes&) {
        return f(pool, x[0], x[1], x[2]);
      }));
}

OpStatement& OpStatement::expand(ExpandRule f) {
  op_.expand = std::move(f);
  return *this;
}

OpStatement& OpStatement::element(ElementRule rule) {
  op_.element = std::move(rule);
  return *this;
}

OpStatement& OpStatement::reduces(ReduceKind kind) {
  op_.reduction = kind;
  return *this;
}

namespace {

void copy_elements(ReferenceCall& call) {
  const RefArray& x = call.input(0);
  for (int64_t i = 0; i < x.size(); ++i) call.output(0).copy_element(i, x, i);
}

}  // namespace

OpStatement& OpStatement::view() {
  op_.is_view = true;
  if (op_.inputs.size() != 1 || op_.inputs[0].variadic) return *this;
  op_.reference = copy_elements;
  op_.element = element_of_view;
  return *this;
}

OpStatement& OpStatement::broadcasts() {
  op_.is_broadcast = true;
  return *this;
}

OpStatement& OpStatement::transparent() {
  op_.is_transparent = true;
  return *this;
}

OpStatement& OpStatement::compares(Comparison comparison) {
  op_.comparison = comparison;
  return *this;
}

OpStatement& OpStatement::shifts() {
  op_.is_shift = true;
  return *this;
}

OpStatement& OpStatement::indexes(IndexInput indices) {
  op_.indices = std::move(indices);
  return *this;
}

OpStatement& OpStatement::onnx(std::string name) {
  op_.onnx.push_back(std::move(name));
  return *this;
}

OpStatement& OpStatement::domain(double low, double high) {
  op_.domain = {low, high};
  return *this;
}

OpStatement& OpStatement::tolerance(double scale) {
  op_.tolerance = scale;
  return *this;
}

OpStatement& OpStatement::random() {
  op_.is_random = true;
  return *this;
}

OpStatement& OpStatement::opaque() {
  op_.is_opaque = true;
  return *this;
}

OpStatement& OpStatement::collective() {
  op_.is_collective = true;
  return *this;
}

OpStatement& OpStatement::samples(std::initializer_list<Sample> samples) {
  op_.samples.insert(op_.samples.end(), samples.begin(), samples.end());
  return *this;
}

OpStatement& OpStatement::samples(std::initializer_list<const char*> inputs) {
  for (const char* types : inputs) op_.samples.push_back({types, {}, {}});
  return *this;
}

OpStatement elementwise(std::string name, size_t arity) {
  OpStatement statement(std::move(name));
  constexpr const char* kNames[] = {"a", "b", "c"};
  for (size_t i = 0; i < arity; ++i) statement.input(arity == 1 ? "x" : kNames[i]);
  OpDef& op = statement.definition();
  op.is_elementwise = true;
  op.infer = infer_elementwise;
  op.batch_class = BatchClass::elementwise;
  return statement;
}

OpStatement primitive(std::string name) { return OpStatement(std::move(name)); }

OpStatement composite(std::string name) {
  OpStatement statement(std::move(name));
  OpDef& op = statement.definition();
  op.kind = OpKind::composite;
  op.derivative_class = DerivativeClass::decompose;
  op.batch_class = BatchClass::decompose;
  return statement;
}

void OpFamily::add(OpStatement& statement) {
  OpDef& op = statement.definition();
  op.family = name_;
  registry_.add(std::move(op));
}

}  // namespace tenon
