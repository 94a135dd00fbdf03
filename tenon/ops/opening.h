// Notices a composite that decomposes into itself, before the stack ends.
//
//   given: OpRegistry ops; const OpDef& op = ops.get("softmax");
//   Opening one(op);        // while its decomposition is looked into
//   Opening another(op);    // in it the next; far too many are an error that names the op
//   check_opening(op, 3);   // where composites are opened in rounds, not inside of one another
#pragma once

#include <cstddef>

#include "tenon/graph/op.h"

namespace tenon {

/// Fails where composites have been opened in more rounds than any is deep.
void check_opening(const OpDef& op, size_t rounds);

/// Counts those of this thread that are open inside of one another.
class Opening {
 public:
  explicit Opening(const OpDef& op);
  ~Opening();
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
};

}  // namespace tenon
