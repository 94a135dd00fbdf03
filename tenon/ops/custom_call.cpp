#include "tenon/ops/custom_call.h"

#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/strings.h"
#include "tenon/ops/reference.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/statement.h"

namespace tenon {

namespace {

void copy_inputs(const CustomCall& call) {
  if (call.inputs.size() != call.outputs.size()) {
    fail(ErrorCode::invalid_argument, "{} inputs cannot be copied to {} outputs",
         call.inputs.size(), call.outputs.size());
  }
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    const CustomInput& from = call.inputs[i];
    const CustomOutput& to = call.outputs[i];
    if (from.dtype != to.dtype || from.size() != to.size())
      fail(ErrorCode::type_mismatch, "output {} differs from the input", i);
    size_t bytes = static_cast<size_t>(from.size()) * size_of(from.dtype);
    if (bytes > 0) std::memcpy(to.data, from.data, bytes);
  }
}

/// Functions stay where they are, so that kernels may point to them.
struct CustomFunctions {
  ForkSafeMutex mutex;
  std::map<std::string, CustomFunction, std::less<>> by_target = {{"identity", copy_inputs}};
};

CustomFunctions& custom_functions() {
  static constinit MadeOnce<CustomFunctions> functions;
  return functions.get([] { return new CustomFunctions; });
}

}  // namespace

void register_custom_function(std::string target, CustomFunction function) {
  if (!function) fail(ErrorCode::invalid_argument, "custom function '{}' is empty", target);
  CustomFunctions& functions = custom_functions();
  std::scoped_lock lock(functions.mutex);
  auto [entry, added] = functions.by_target.emplace(std::move(target), std::move(function));
  if (!added)
    fail(ErrorCode::already_exists, "custom function '{}' is already registered", entry->first);
}

const CustomFunction& find_custom_function(std::string_view target) {
  CustomFunctions& functions = custom_functions();
  std::scoped_lock lock(functions.mutex);
  auto found = functions.by_target.find(target);
  if (found != functions.by_target.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, function] : functions.by_target) names.push_back(name);
  throw make_error(ErrorCode::not_found, "custom_call: no function '{}' is registered", target)
      .note("{}", hint(target, names))
      .note("register_custom_function(\"{}\", …) has to come before the graph runs", target);
}

void run_custom_function(const CustomFunction& function, std::string_view target,
                         const CustomCall& call) {
  auto named = [target](std::string_view message) {
    return fmt::format("custom_call of '{}': {}", target, message);
  };
  try {
    function(call);
  } catch (const Error& error) {
    Error renamed(error.code(), named(error.message()));
    for (const std::string& note : error.notes()) renamed.add_note(note);
    throw renamed;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::invalid_argument, named(error.what()));
  }
}

void detail::check_custom_dtype(DType is, DType asked) {
  if (is == asked) return;
  fail(ErrorCode::type_mismatch, "the values of an array of {} were requested as {}", name_of(is),
       name_of(asked));
}

namespace {

void reference_custom_call(ReferenceCall& call) {
  const std::string& target = call.attributes().string("target");
  std::vector<Literal> arrays, results;
  std::vector<CustomInput> inputs;
  std::vector<CustomOutput> outputs;
  for (size_t i = 0; i < call.input_count(); ++i) arrays.push_back(call.input(i).to_literal());
  for (size_t i = 0; i < call.output_count(); ++i)
    results.emplace_back(call.output(i).dtype(), call.output(i).shape());
  for (const Literal& array : arrays)
    inputs.push_back({array.dtype(), array.shape(), array.data()});
  for (Literal& result : results)
    outputs.push_back({result.dtype(), result.shape(), result.data()});
  run_custom_function(find_custom_function(target), target,
                      {inputs, outputs, call.attributes().string("config")});
  for (size_t i = 0; i < results.size(); ++i) call.output(i) = RefArray::from(results[i]);
}

Attributes identity(std::initializer_list<const char*> results) {
  Types types;
  for (const char* type : results) types.push_back(Type::parse(type));
  return {{"target", "identity"}, {"results", std::move(types)}};
}

}  // namespace

void register_custom_call(OpRegistry& registry) {
  OpFamily ops(registry, "custom_call");
  ops.add(primitive("custom_call")
              .doc("Runs the function that is registered as `target` (ops/custom_call.h). It must "
                   "depend on nothing but the call.")
              .variadic_input("inputs")
              .attribute("target", AttributeKind::string, "the name of the function")
              .attribute("results", AttributeKind::types,
                         "of the function; dimensions may be symbols of the inputs")
              .attribute("config", AttributeKind::string, "", "handed to the function as it is")
              .infer([](InferContext& c) {
                const Types& results = c.attributes.types("results");
                if (results.empty()) fail(ErrorCode::invalid_argument, "has no results");
                return results;
              })
              .reference(reference_custom_call)
              .refuses_derivative("wrap the call in custom_vjp, which states its derivative")
              .batch_by_loop()
              .samples({{"f32[2,3]", identity({"f32[2,3]"}), {}},
                        {"f64[n,2], i32[n]", identity({"f64[n,2]", "i32[n]"}), {}},
                        {"f64[n,2]", identity({"f64[2*n]"}), {}},
                        {"bf16[3], bool[2]", identity({"bf16[3]", "bool[2]"}), {}},
                        {"f32[0,2], u8[]", identity({"f32[0,2]", "u8[]"}), {}}}));
}

}  // namespace tenon
