#include "tenon/ops/opening.h"

#include "tenon/base/error.h"

namespace tenon {

namespace {

/// Those of the library are 4 deep.
constexpr size_t kDeepest = 64;
thread_local size_t open_now = 0;

}  // namespace

void check_opening(const OpDef& op, size_t rounds) {
  if (rounds <= kDeepest) return;
  throw make_error(ErrorCode::invalid_argument,
                   "{}: its decomposition has no end: after {} steps there is '{}' again", op.name,
                   kDeepest, op.name)
      .note("hint: a composite is made of simpler ops, not of itself by way of others");
}

Opening::Opening(const OpDef& op) {
  check_opening(op, open_now + 1);
  ++open_now;
}

Opening::~Opening() { --open_now; }

}  // namespace tenon
