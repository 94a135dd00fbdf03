#include "tenon/models/lenet.h"
#include "tenon/nn/call.h"

namespace tenon::models {

namespace {

Tensor pool(const Tensor& x) {
  return call("max_pool", {x}, {{"window", Integers{2, 2}}, {"strides", Integers{2, 2}}});
}
Tensor relu(const Tensor& x) { return call("relu", {x}); }

}  // namespace

nn::Model lenet5(int64_t classes) {
  return [classes](nn::Scope s, Tensor x) {
    x = pool(relu(nn::conv(s / "conv1", x, {.filters = 6, .kernel = {5, 5}, .padding = "same"})));
    x = pool(relu(nn::conv(s / "conv2", x, {.filters = 16, .kernel = {5, 5}})));
    x = relu(nn::dense(s / "fc1", nn::flatten_from(x, 1), 120));
    x = relu(nn::dense(s / "fc2", x, 84));
    return nn::dense(s / "logits", x, classes);
  };
}

}  // namespace tenon::models
