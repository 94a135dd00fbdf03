#include "tenon/compile/rules/rule.h"

namespace tenon {

const Node* Call::made_by(size_t i, CoreOp op_made) const {
  const Node* node = producer(inputs[i]);
  return node && node->op->is(op_made) ? node : nullptr;
}

}  // namespace tenon
