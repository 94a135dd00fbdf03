#include "tenon/models/lenet.h"

#include "tenon/nn/layers.h"
#include "tenon/tensor/numpy.h"

namespace tenon::models {

nn::ModelFunction lenet5(LenetOptions options) {
  return [options](nn::Scope s, Tensor x) {
    x = relu(nn::conv(s / "conv1", x, {.filters = 6, .kernel = {5, 5}, .padding = "same"}));
    x = max_pool(x, {2, 2});
    x = relu(nn::conv(s / "conv2", x, {.filters = 16, .kernel = {5, 5}}));
    x = max_pool(x, {2, 2});
    x = relu(nn::dense(s / "fc1", flatten(x), 120));
    x = relu(nn::dense(s / "fc2", x, 84));
    return nn::dense(s / "logits", x, options.classes);
  };
}

}  // namespace tenon::models
