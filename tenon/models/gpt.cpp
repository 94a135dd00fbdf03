#include "tenon/models/gpt.h"

#include "tenon/base/error.h"
#include "tenon/nn/layers.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/numpy.h"

namespace tenon::models {

namespace {

Tensor block(nn::Scope s, const Tensor& x, const GptOptions& options) {
  Tensor y = x + nn::self_attention(s / "attention", nn::layer_norm(s / "norm1", x), options.heads,
                                    {.causal = true});
  Tensor hidden = nn::dense(s / "mlp" / "fc1", nn::layer_norm(s / "norm2", y), 4 * options.depth);
  return y + nn::dense(s / "mlp" / "fc2", gelu_tanh(hidden), options.depth);
}

}  // namespace

nn::ModelFunction gpt(GptOptions options) {
  return [options](nn::Scope s, Tensor ids) {
    const Dim& time = ids.dim(1);
    if (time.is_constant() && time.constant() > options.context) {
      fail(ErrorCode::shape_mismatch, "gpt: {} tokens are more than the context of {}",
           time.constant(), options.context);
    }
    Tensor positions = s.parameter("position_embedding.weight", {options.context, options.depth},
                                   nn::normal(0.02));
    Tensor used = positions;
    if (!time.is(options.context)) used = slice_axis(positions, 0, 0, time);
    Tensor x = nn::embedding(s / "token_embedding", ids, options.tokens, options.depth) + used;
    for (int64_t layer = 0; layer < options.layers; ++layer) {
      x = block(s / "blocks" / std::to_string(layer), x, options);
    }
    x = nn::layer_norm(s / "norm", x);
    return nn::dense(s / "logits", x, options.tokens, {.bias = false});
  };
}

}  // namespace tenon::models
