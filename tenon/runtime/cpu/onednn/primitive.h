// oneDNN primitives that are created once and run from several threads at once. Private.
//
//   Primitive product(dnnl::matmul(descriptor), {{DNNL_ARG_SRC, src}, {DNNL_ARG_DST, dst}});
//   product.run({x, y});              // addresses in the order of the arguments
#pragma once

#include <omp.h>

#include <initializer_list>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <vector>

#include "tenon/base/alignment.h"
#include "tenon/base/parallel.h"
#include "tenon/graph/dtype.h"

namespace tenon::detail {

/// What is created or run meanwhile uses the calling thread alone, so that its bits do not depend
/// on how many threads there are.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

/// Calls function(item, slot) for every item, on as many threads as there are slots at most. Items
/// of a slot come one after the other, each on one thread: they may share scratch memory.
template <class Function>
void for_each_item(int64_t items, int64_t slots, Function&& function) {
  parallel_for(slots, 1, [&](int64_t first, int64_t end) {
    const OneThread alone;
    for (int64_t slot = first; slot < end; ++slot) {
      for (int64_t i = items * slot / slots; i < items * (slot + 1) / slots; ++i) {
        function(i, static_cast<size_t>(slot));
      }
    }
  });
}

/// A primitive and the layouts of its arguments.
class Primitive {
 public:
  struct Argument {
    int name;  // DNNL_ARG_…
    dnnl::memory::desc layout;
  };

  Primitive() = default;
  Primitive(dnnl::primitive primitive, std::vector<Argument> arguments);

  explicit operator bool() const { return shared_ != nullptr; }
  /// Addresses in the order of the arguments. Thread-safe.
  void run(std::span<void* const> addresses) const;
  void run(std::initializer_list<void*> addresses) const {
    run(std::span<void* const>(addresses.begin(), addresses.size()));
  }

 private:
  struct Call;
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

/// Copies between two layouts of the same tensor.
Primitive make_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to);

/// oneDNN's handle on the CPU. It has no state.
const dnnl::engine& cpu_engine();

/// oneDNN's name of a dtype, or undef where its CPU kernels do not take it.
dnnl::memory::data_type onednn_dtype(DType dtype);

/// Primitives allocate nothing when they run.
dnnl::primitive_attr scratch_from_caller();

}  // namespace tenon::detail
