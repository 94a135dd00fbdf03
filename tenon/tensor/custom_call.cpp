#include "tenon/tensor/custom_call.h"

#include "tenon/graph/build.h"
#include "tenon/ops/known_op.h"
#include "tenon/tensor/apply.h"

namespace tenon {

std::vector<Tensor> custom_call_multi(const std::string& target, const std::vector<Tensor>& inputs,
                                      std::vector<Type> results, const std::string& config) {
  static constinit KnownOp op("custom_call");
  return apply_multi(op.get(), inputs,
                     {{"target", target}, {"results", std::move(results)}, {"config", config}});
}

Tensor custom_call(const std::string& target, const std::vector<Tensor>& inputs, Type result,
                   const std::string& config) {
  return custom_call_multi(target, inputs, {std::move(result)}, config)[0];
}

}  // namespace tenon
