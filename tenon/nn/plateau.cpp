#include "tenon/nn/plateau.h"

#include <algorithm>

#include "tenon/base/error.h"

namespace tenon::nn {

Plateau::Plateau(PlateauOptions options) : options_(options) {
  if (!(options.factor >= 0 && options.factor < 1))
    fail(ErrorCode::out_of_range, "plateau: factor is {}, it must be at least 0 and less than 1",
         options.factor);
  if (!(options.threshold >= 0 && options.threshold < 1))
    fail(ErrorCode::out_of_range, "plateau: threshold is {}, it must be at least 0 and less than 1",
         options.threshold);
  if (!(options.least >= 0 && options.least <= 1))
    fail(ErrorCode::out_of_range, "plateau: least is {}, it must be from 0 to 1", options.least);
  if (options.patience < 0 || options.cooldown < 0)
    fail(ErrorCode::out_of_range, "plateau: patience is {} and cooldown {}, both are at least 0",
         options.patience, options.cooldown);
}

bool Plateau::update(double loss) {
  const double margin = std::isinf(state_.best) ? 0 : options_.threshold * std::abs(state_.best);
  if (loss < state_.best - margin) {
    state_.best = loss;
    state_.not_better = 0;
  } else {
    ++state_.not_better;
  }
  if (state_.cooldown > 0) {
    --state_.cooldown;
    state_.not_better = 0;
  }
  if (state_.not_better <= options_.patience) return false;
  state_.not_better = 0;
  state_.cooldown = options_.cooldown;
  const double before = state_.factor;
  state_.factor = std::max(options_.least, before * options_.factor);
  return state_.factor < before;
}

}  // namespace tenon::nn
