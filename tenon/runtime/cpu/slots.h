// Parallel work with scratch memory for every thread.
#pragma once

#include "tenon/base/parallel.h"

namespace tenon {

/// Calls function(item, slot) for every item, on at most as many threads as there are slots. Items
/// of a slot run one after the other, so they may share scratch memory.
template <class Function>
void for_each_item(int64_t items, int64_t slots, Function&& function) {
  parallel_for(slots, 1, [&](int64_t first, int64_t end) {
    for (int64_t slot = first; slot < end; ++slot) {
      for (int64_t i = items * slot / slots; i < items * (slot + 1) / slots; ++i) {
        function(i, static_cast<size_t>(slot));
      }
    }
  });
}

}  // namespace tenon
