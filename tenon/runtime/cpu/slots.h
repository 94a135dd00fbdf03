// Work for which every thread has scratch memory of its own.
#pragma once

#include "tenon/base/parallel.h"

namespace tenon {

/// Calls function(item, slot) for every item, on as many threads as there are slots at most. Items
/// of a slot come one after the other, each on one thread: they may share scratch memory.
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
