// Derivatives and batching of functions: they are traced, their graphs are transformed, and the
// result is recorded as calls on the arguments.

#include "tenon/tensor/transforms.h"

#include <fmt/format.h>

#include "tenon/ops/known_op.h"
#include "tenon/ops/registry.h"
#include "tenon/tensor/application.h"
#include "tenon/tensor/apply.h"
#include "tenon/tensor/mapped_axes.h"
#include "tenon/tensor/node.h"
#include "tenon/tensor/tracing.h"
#include "tenon/transform/jvp.h"
#include "tenon/transform/vjp.h"
#include "tenon/transform/vmap.h"

namespace tenon::detail {

namespace {

std::vector<Type> types_of(std::span<const Tensor> tensors, Names names) {
  std::vector<Type> types;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].has_value())
      require(tensors[i], argument_name(names.empty() ? std::string() : names[i], i));
    types.push_back(tensors[i].type());
  }
  return types;
}

std::vector<Tensor> joined(std::span<const Tensor> a, std::span<const Tensor> b) {
  std::vector<Tensor> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

size_t mapped_axis(int64_t axis, const Type& type, std::string_view argument) {
  const auto rank = static_cast<int64_t>(type.rank());
  if (axis < -rank || axis >= rank)
    fail(ErrorCode::out_of_range, "vmap: axis {} of {} is out of range: it is {}", axis, argument,
         type.to_string());
  return normalise_axis(axis, type.rank(), "vmap: axis");
}

/// The places of the types that have derivatives.
std::vector<size_t> floating(std::span<const Type> types) {
  std::vector<size_t> places;
  for (size_t i = 0; i < types.size(); ++i) {
    if (is_floating(types[i].dtype)) places.push_back(i);
  }
  return places;
}

/// `values` at `places`, and zeros like `like` everywhere else.
std::vector<Tensor> filled(std::span<const Tensor> values, std::span<const size_t> places,
                           std::span<const Tensor> like) {
  std::vector<Tensor> all;
  size_t next = 0;
  for (size_t i = 0; i < like.size(); ++i) {
    bool given = next < places.size() && places[next] == i;
    all.push_back(given ? values[next++] : zeros_like(like[i]));
  }
  return all;
}

}  // namespace

std::vector<Tensor> flat_value_and_grad(const FlatFunction& f, std::span<const Tensor> arguments,
                                        std::span<const size_t> wanted, Names names) {
  std::vector<Type> types = types_of(arguments, names);
  std::vector<Type> wanted_types;
  std::vector<Tensor> like;
  for (size_t i : wanted) {
    wanted_types.push_back(types[i]);
    like.push_back(arguments[i]);
  }
  const std::vector<size_t> places = floating(wanted_types);
  if (places.empty())
    fail(ErrorCode::type_mismatch,
         "grad: there is no floating-point tensor to differentiate with respect to{}",
         wanted_types.empty() ? "" : ", only " + wanted_types[0].to_string());
  std::vector<size_t> wrt;
  for (size_t place : places) wrt.push_back(wanted[place]);
  Traced traced = trace(f, types, "function", names);
  if (traced.graph->outputs().empty())
    fail(ErrorCode::type_mismatch, "grad: the function returns no tensor");
  const Type& loss = traced.graph->type(traced.graph->outputs()[0]);
  if (loss.rank() != 0 || !is_floating(loss.dtype))
    throw make_error(ErrorCode::type_mismatch,
                     "grad: the function returns {}, not a floating scalar", loss.to_string())
        .note("take sum() or mean() of it, or use vjp with your own cotangent");
  size_t outputs = traced.graph->outputs().size();
  auto graph = gradient(*traced.graph, core_ops(), {.wrt = wrt, .output = 0});
  std::vector<Tensor> results = apply_graph(*graph, joined(arguments, traced.captures));
  std::span<const Tensor> all(results);
  return joined(all.first(outputs), filled(all.subspan(outputs), places, like));
}

std::vector<Tensor> flat_jvp(const FlatFunction& f, std::span<const Tensor> primals,
                             std::span<const Tensor> tangents, Names names) {
  std::vector<Type> types = types_of(primals, names);
  std::vector<size_t> wrt = floating(types);
  if (tangents.size() != primals.size())
    fail(ErrorCode::invalid_argument, "jvp: {} tangents for {} arguments", tangents.size(),
         primals.size());
  std::vector<Tensor> directions;
  for (size_t i : wrt) {
    if (tangents[i].type() != types[i])
      fail(ErrorCode::type_mismatch, "jvp: argument '{}' is {}, its tangent {}", names[i],
           types[i].to_string(), tangents[i].type().to_string());
    directions.push_back(tangents[i]);
  }
  Traced traced = trace(f, types, "function", names);
  std::vector<Type> output_types = traced.graph->output_types();
  auto graph = jvp(*traced.graph, core_ops(), JvpOptions{.wrt = wrt});
  std::vector<Tensor> inputs = joined(primals, traced.captures);
  std::vector<Tensor> results = apply_graph(*graph, joined(inputs, directions));
  std::span<const Tensor> all(results);
  std::span<const Tensor> outputs = all.first(output_types.size());
  std::vector<size_t> differentiable = floating(output_types);
  return joined(outputs, filled(all.subspan(outputs.size()), differentiable, outputs));
}

FlatPullback flat_vjp(const FlatFunction& f, std::span<const Tensor> primals, Names names) {
  std::vector<Type> types = types_of(primals, names);
  std::vector<size_t> wrt = floating(types);
  Traced traced = trace(f, types, "function", names);
  std::vector<Type> output_types = traced.graph->output_types();
  std::vector<size_t> seeds = floating(output_types);
  std::shared_ptr<const Graph> graph =
      vjp(*traced.graph, core_ops(), VjpOptions{.wrt = wrt, .outputs = seeds});
  // The forward part is recorded now, and shared by all pulls.
  auto forward = std::make_shared<PartialApplication>(graph, joined(primals, traced.captures));
  FlatPullback result;
  result.outputs = forward->known_outputs(output_types.size());
  std::vector<Tensor> like(primals.begin(), primals.end());
  result.pull = [=](std::span<const Tensor> cotangents) {
    if (cotangents.size() != output_types.size())
      fail(ErrorCode::invalid_argument, "vjp: {} cotangents for {} results", cotangents.size(),
           output_types.size());
    std::vector<Tensor> given;
    for (size_t i : seeds) {
      if (cotangents[i].type() != output_types[i])
        fail(ErrorCode::type_mismatch, "vjp: result {} is {}, its cotangent {}", i,
             output_types[i].to_string(), cotangents[i].type().to_string());
      given.push_back(cotangents[i]);
    }
    std::vector<Tensor> all = forward->finish(given);
    return filled(std::span<const Tensor>(all).subspan(output_types.size()), wrt, like);
  };
  return result;
}

std::vector<Tensor> flat_vmap(const FlatFunction& f, std::span<const Tensor> arguments,
                              std::span<const std::optional<int64_t>> in_axes,
                              std::optional<int64_t> out_axis, const std::string& axis_name,
                              Names names) {
  std::vector<Type> types = types_of(arguments, names);
  std::optional<Dim> size;
  BatchingOptions::Axes axes(in_axes.begin(), in_axes.end());
  size_t first = 0;
  for (size_t i = 0; i < types.size(); ++i) {
    if (!axes[i]) continue;
    const size_t axis = mapped_axis(*axes[i], types[i], argument_name(names[i], i));
    if (size && *size != types[i].dim(axis))
      throw make_error(ErrorCode::shape_mismatch, "vmap: arguments have batches of {} and {}",
                       size->to_string(), types[i].dim(axis).to_string())
          .note("argument '{}' is {}, mapped along axis {}", names[first],
                arguments[first].type().to_string(), *axes[first])
          .note("argument '{}' is {}, mapped along axis {}", names[i],
                arguments[i].type().to_string(), *axes[i]);
    if (!size) first = i;
    size = types[i].dim(axis);
    axes[i] = static_cast<int64_t>(axis);
    types[i].shape.erase(axis);
  }
  if (!size) fail(ErrorCode::invalid_argument, "vmap: no argument is mapped over");
  std::optional<MappedAxis> mapped;
  if (!axis_name.empty()) mapped.emplace(axis_name, *size);
  Traced traced = trace(f, types, "function", names);
  mapped.reset();
  axes.resize(axes.size() + traced.captures.size());  // captures are the same for all
  BatchingOptions::Axes out_axes(traced.graph->outputs().size(), out_axis);
  auto graph =
      vmap(*traced.graph, core_ops(),
           BatchingOptions{
               .in_axes = axes, .out_axes = out_axes, .size = *size, .axis_name = axis_name});
  return apply_graph(*graph, joined(arguments, traced.captures));
}

Tensor unit_vectors(const Shape& shape, DType dtype) {
  Shape full = shape;
  full.insert(0, shape.element_count());
  return eye(shape.element_count(), dtype).reshape(full);
}

Tensor split_axis(const Tensor& x, int64_t axis, const Shape& shape) {
  const size_t where = normalise_axis(axis, x.rank(), "split_axis");
  Shape full = x.shape();
  full.erase(where);
  for (size_t i = 0; i < shape.rank(); ++i) full.insert(where + i, shape[i]);
  return x.reshape(full);
}

std::vector<Tensor> flat_remat(const FlatFunction& f, std::span<const Tensor> arguments) {
  static constinit KnownOp op("call");
  Traced traced = trace(f, types_of(arguments, {}), "remat");
  return apply_multi(op.get(), joined(arguments, traced.captures),
                     {{"body", traced.graph}, {"remat", true}});
}

}  // namespace tenon::detail
