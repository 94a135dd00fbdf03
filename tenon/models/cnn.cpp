#include "tenon/models/cnn.h"

#include "tenon/nn/layers.h"
#include "tenon/tensor/functions.h"

namespace tenon::models {

nn::ModelFunction cnn(CnnOptions options) {
  return [options](nn::Scope s, Tensor x) {
    auto block = [&](const std::string& number, const Tensor& in) {
      Tensor y = nn::conv(s / ("conv" + number), in,
                          {.filters = options.width, .kernel = {3, 3}, .padding = "same"});
      return relu(nn::batch_norm(s / ("norm" + number), y));
    };
    x = block("2", block("1", x));
    x = max_pool(x, {2, 2});
    x = global_average_pool(block("3", x));
    return nn::dense(s / "logits", x, options.classes);
  };
}

}  // namespace tenon::models
