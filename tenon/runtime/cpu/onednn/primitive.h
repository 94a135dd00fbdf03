// oneDNN primitives that are created once and run from several threads at once. Private.
//
//   const Making making;              // descriptors are made for one thread, always
//   Primitive product(dnnl::matmul(descriptor), {{DNNL_ARG_SRC, src}, {DNNL_ARG_DST, dst}});
//   product.run({x, y});              // addresses in the order of the arguments
//
// The library chooses and splits its kernels by OpenMP's number of threads. So that bits do not
// depend on it, each primitive is made for one thread and runs on its caller; the kernels here
// split the work according to the problem, and parallel_for runs the parts.
#pragma once

#include <omp.h>

#include <initializer_list>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <vector>

#include "tenon/base/alignment.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/parallel.h"
#include "tenon/graph/dtype.h"
#include "tenon/runtime/cpu/slots.h"
#include "tenon/runtime/kernel.h"

namespace tenon::detail {

/// While alive, the library makes and runs primitives on the calling thread only.
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

/// Held while the library makes primitives. It has its own locks, and its threads wait for each
/// other then, so forks must wait.
class Making {
  const ForkDelay delay_;
  const OneThread alone_;
};

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
  /// Addresses in the order of the arguments. Thread-safe; uses only the calling thread.
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
class Reorder {
 public:
  Reorder() = default;
  Reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to);

  explicit operator bool() const { return static_cast<bool>(part_); }
  /// The reorder as a packing of a known operand.
  Packing packing() const;
  /// On the calling thread only if inside parallel_for, else split along the first axis.
  void run(void* from, void* to) const;

 private:
  Hash128 layouts_;
  size_t bytes_ = 0;
  int64_t parts_ = 1;
  size_t from_step_ = 0, to_step_ = 0;  // bytes from one part to the next
  Primitive part_, last_;
};

/// oneDNN's handle to the CPU. It has no state. The first call applies TENON_CPU to the library,
/// unless ONEDNN_MAX_CPU_ISA is set.
const dnnl::engine& cpu_engine();

/// oneDNN's name of a dtype, or undef if its CPU kernels do not support it.
dnnl::memory::data_type onednn_dtype(DType dtype);

/// Primitives allocate nothing when they run.
dnnl::primitive_attr scratch_from_caller();

}  // namespace tenon::detail
