#include "tenon/nn/scope.h"

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/op_functions.h"
#include "tenon/tensor/tracing.h"

namespace tenon::nn {

Variables detail::initialised(
    const std::function<std::vector<Tensor>(Scope, std::vector<Tensor>)>& model,
    std::span<const Type> inputs, uint64_t seed, bool only_types) {
  Call call;
  call.initialising = true;
  call.only_types = only_types;
  call.training = true;
  call.seed = RandomKey(seed);
  call.key = Tensor::of<int64_t>({static_cast<int64_t>(seed), 0}, {2});
  auto f = [&](std::vector<Tensor> leaves) {
    call.depth = trace_depth();
    return model(Scope(call), std::move(leaves));
  };
  trace(f, inputs, "init");
  return std::move(call.variables);
}

Scope Scope::operator/(std::string_view name) const { return Scope(*call_, path_of(name)); }

std::string Scope::path_of(std::string_view name) const {
  return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

Tensor Scope::parameter(std::string_view name, const Shape& shape, const Initialiser& initialiser,
                        DType dtype) const {
  std::string path = path_of(name);
  Tree& parameters = call_->variables.parameters;
  const Tree* known = parameters.find(path);
  if (call_->initialising && !known) {
    for (const Dim& dim : shape) {
      if (dim.is_constant()) continue;
      throw make_error(ErrorCode::shape_mismatch, "parameter {} would have shape {}", path,
                       shape.to_string())
          .note("hint: a parameter's size cannot depend on '{}', which is a symbol",
                dim.to_string());
    }
    if (call_->only_types) {
      parameters.set(path, zeros(shape, dtype));
    } else {
      Literal value(dtype, shape.constants());
      initialiser(call_->seed.fold_in(path), value);
      parameters.set(path, Tensor(value));
    }
    known = parameters.find(path);
  }
  if (!known) {
    throw make_error(ErrorCode::not_found, "the model has a parameter {} that its variables lack",
                     path)
        .note("{}", hint(path, parameters.paths()));
  }
  const Type& type = known->leaf().type();
  if (type.shape != shape) {
    Error error = make_error(ErrorCode::shape_mismatch, "parameter {} is {}, the model needs {}",
                             path, type.to_string(), shape.to_string());
    if (std::string origin = known->leaf().name(); !origin.empty()) error.note("{}", origin);
    if (call_->initialising)
      throw error.note("hint: another layer has this path already; give one of them another name");
    throw error.note("hint: these variables were made for a model or an input of other sizes");
  }
  return known->leaf();
}

Tensor Scope::state(std::string_view name, const Shape& shape, double initial, DType dtype) const {
  std::string path = path_of(name);
  if (call_->initialising && !call_->variables.state.find(path)) {
    Number(initial).check_fits(dtype, path);
    Literal value(dtype, shape.constants());
    for (int64_t i = 0; i < value.size(); ++i) value.set_double(i, initial);
    call_->variables.state.set(path, Tensor(value));
  }
  // A layer at the same path may have set it in this call.
  if (const Tree* set = call_->new_state.find(path)) return set->leaf();
  const Tree* known = call_->variables.state.find(path);
  if (!known) {
    throw make_error(ErrorCode::not_found, "the model keeps a state {} that its variables lack",
                     path)
        .note("hint: pass nn::Variables with the state, not the parameters alone");
  }
  return known->leaf();
}

void Scope::set_state(std::string_view name, Tensor value) const {
  if (trace_depth() != call_->depth) {
    throw make_error(
        ErrorCode::invalid_argument,
        "{}: state cannot be set inside scan, cond, while_loop or another traced function",
        path_of(name))
        .note("carry it: return it from the inner function, and set it outside");
  }
  if (call_->initialising) return;  // the initial value stays
  call_->new_state.set(path_of(name), std::move(value));
}

Tensor Scope::key() const {
  if (!call_->key.has_value()) {
    throw make_error(ErrorCode::invalid_argument,
                     "{} needs random numbers, but this call of the model has no key",
                     path_.empty() ? "the model" : path_)
        .note("hint: pass a key to nn::apply_training");
  }
  // Each path has its own stream; the key of the step is the seed.
  uint64_t stream = RandomKey(0).fold_in(path_).value;
  Tensor offset =
      Tensor::of<int64_t>({static_cast<int64_t>(stream), static_cast<int64_t>(stream >> 1)}, {2});
  return ops::logical_xor(call_->key, offset);
}

}  // namespace tenon::nn
