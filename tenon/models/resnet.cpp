#include "tenon/models/resnet.h"

#include "tenon/nn/layers.h"
#include "tenon/tensor/functions.h"

namespace tenon::models {

Tensor residual_block(nn::Scope s, const Tensor& x, int64_t filters, int64_t stride) {
  Tensor y = nn::conv(s / "conv1", x,
                      {.filters = filters,
                       .kernel = {3, 3},
                       .stride = {stride, stride},
                       .pad = {1, 1},
                       .bias = false});
  y = relu(nn::batch_norm(s / "norm1", y));
  y = nn::conv(s / "conv2", y,
               {.filters = filters, .kernel = {3, 3}, .pad = {1, 1}, .bias = false});
  y = nn::batch_norm(s / "norm2", y);
  if (stride == 1 && x.dim(-1).is(filters)) return relu(y + x);
  Tensor shortcut =
      nn::conv(s / "shortcut" / "conv", x,
               {.filters = filters, .kernel = {1, 1}, .stride = {stride, stride}, .bias = false});
  return relu(y + nn::batch_norm(s / "shortcut" / "norm", shortcut));
}

nn::ModelFunction resnet18(ResnetOptions options) {
  return [options](nn::Scope s, Tensor x) {
    x = nn::conv(s / "conv1", x, {.filters = 64, .kernel = {3, 3}, .pad = {1, 1}, .bias = false});
    x = relu(nn::batch_norm(s / "norm1", x));
    int64_t filters = 64;
    for (int stage = 0; stage < 4; ++stage, filters *= 2) {
      for (int block = 0; block < 2; ++block) {
        nn::Scope place = s / ("stage" + std::to_string(stage + 1)) / std::to_string(block);
        x = residual_block(place, x, filters, stage > 0 && block == 0 ? 2 : 1);
      }
    }
    x = global_average_pool(x);
    return nn::dense(s / "logits", x, options.classes);
  };
}

}  // namespace tenon::models
