#include "tenon/models/cnn.h"
#include "tenon/nn/call.h"

namespace tenon::models {

nn::Model cnn(CnnOptions options) {
  return [options](nn::Scope s, Tensor x) {
    auto block = [&](const std::string& number, const Tensor& in) {
      Tensor y = nn::conv(s / ("conv" + number), in,
                          {.filters = options.width, .kernel = {3, 3}, .padding = "same"});
      return call("relu", {nn::batch_norm(s / ("norm" + number), y)});
    };
    x = block("2", block("1", x));
    x = call("max_pool", {x}, {{"window", Integers{2, 2}}, {"strides", Integers{2, 2}}});
    x = call("global_average_pool", {block("3", x)});
    return nn::dense(s / "logits", x, options.classes);
  };
}

}  // namespace tenon::models
