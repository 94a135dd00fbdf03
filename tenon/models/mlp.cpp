#include "tenon/models/mlp.h"

#include "tenon/nn/layers.h"
#include "tenon/tensor/numpy.h"

namespace tenon::models {

nn::ModelFunction mlp(MlpOptions options) {
  return [options](nn::Scope s, Tensor x) {
    x = flatten(x);
    int layer = 1;
    for (int64_t units : options.hidden) {
      x = relu(nn::dense(s / ("fc" + std::to_string(layer++)), x, units));
    }
    return nn::dense(s / "logits", x, options.classes);
  };
}

}  // namespace tenon::models
