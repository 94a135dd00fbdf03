#include "tenon/models/char_lstm.h"

#include "tenon/nn/layers.h"

namespace tenon::models {

nn::ModelFunction char_lstm(CharLstmOptions options) {
  return [options](nn::Scope s, Tensor ids) {
    Tensor x = nn::embedding(s / "embedding", ids, options.tokens, options.depth);
    for (int64_t layer = 0; layer < options.layers; ++layer) {
      x = nn::lstm(s / "lstm" / std::to_string(layer), x, options.depth).outputs;
    }
    return nn::dense(s / "logits", x, options.tokens);
  };
}

}  // namespace tenon::models
