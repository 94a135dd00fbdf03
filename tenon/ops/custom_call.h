// User-defined functions inside graphs: a graph names its target, and the process that runs it has
// registered a function with that name.
//
//   register_custom_function("saturate", [](const CustomCall& call) {
//     std::span<const float> x = call.inputs[0].values<float>();
//     std::span<float> y = call.outputs[0].values<float>();
//     for (size_t i = 0; i < x.size(); ++i) y[i] = std::min(x[i], 1.0f);
//   });
//   auto graph = parse_graph(R"(… custom_call(%x) {target="saturate", results=[f32[n]]} …)", ops);
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tenon/base/error.h"
#include "tenon/graph/literal.h"

namespace tenon {

/// A row-major array that a custom call reads. Valid during the call.
struct CustomInput {
  DType dtype = DType::f32;
  std::span<const int64_t> shape;
  const void* data = nullptr;

  int64_t size() const { return element_count(shape); }
  /// Throws Error(type_mismatch) unless T is the dtype's.
  template <class T>
  std::span<const T> values() const;
};

/// An array that it must write completely; its contents before the call are undefined.
struct CustomOutput {
  DType dtype = DType::f32;
  std::span<const int64_t> shape;
  void* data = nullptr;

  int64_t size() const { return element_count(shape); }
  template <class T>
  std::span<T> values() const;
};

struct CustomCall {
  std::span<const CustomInput> inputs;
  std::span<const CustomOutput> outputs;
  std::string_view config;  // an attribute of the call, interpreted by the function
};

/// Must depend only on the call, since calls are merged, moved and dropped like those of any op,
/// and may run on several threads at once. Its exceptions reach the caller that runs the graph.
using CustomFunction = std::function<void(const CustomCall&)>;

/// For all graphs of this process, like the core ops: a target has one meaning wherever a graph
/// that names it runs, so plans can be cached. Throws Error(already_exists) for a second function
/// of that name. "identity", which copies each input to an output, is predefined.
void register_custom_function(std::string target, CustomFunction function);

/// Throws Error(not_found) with the closest name.
const CustomFunction& find_custom_function(std::string_view target);

/// Runs `function`; errors name the target.
void run_custom_function(const CustomFunction& function, std::string_view target,
                         const CustomCall& call);

namespace detail {
void check_custom_dtype(DType is, DType asked);
}

template <class T>
std::span<const T> CustomInput::values() const {
  detail::check_custom_dtype(dtype, dtype_of<T>());
  return {static_cast<const T*>(data), static_cast<size_t>(size())};
}

template <class T>
std::span<T> CustomOutput::values() const {
  detail::check_custom_dtype(dtype, dtype_of<T>());
  return {static_cast<T*>(data), static_cast<size_t>(size())};
}

}  // namespace tenon
