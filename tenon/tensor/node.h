// What a Tensor is a handle on. Private to tensor/.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tenon/base/fork_safe_mutex.h"
#include "tenon/base/hash.h"
#include "tenon/graph/attributes.h"
#include "tenon/graph/op.h"
#include "tenon/tensor/tensor.h"

namespace tenon::detail {

struct TensorNode;
using NodeRef = std::shared_ptr<TensorNode>;

/// A recorded call of an op; its results share it. What it says never changes, so that any number
/// of threads may read it.
struct PendingCall {
  const OpDef* op = nullptr;
  Attributes attributes;
  std::vector<NodeRef> inputs;
  std::string label;
  /// How many traces were open where it was recorded.
  uint32_t born = 0;
  uint32_t result_count = 1;
  /// Later calls have higher ones, on all threads.
  uint64_t serial = next_serial();
  /// Of the attributes; computed when first needed. Threads that compute it at once write the same.
  std::atomic<uint64_t> attributes_low = 0, attributes_high = 0;
  std::atomic<bool> attributes_hashed = false;
  /// The evaluation that computes it now; see claim.h.
  std::atomic<uint64_t> claim = 0;

  static uint64_t next_serial();

  PendingCall() = default;
  PendingCall(const PendingCall&) = delete;
  PendingCall& operator=(const PendingCall&) = delete;
  /// Chains may be very long: they are taken down in a loop, not by recursion.
  ~PendingCall();
};

/// A value. Exactly one of these holds: it is evaluated (`buffer`), pending (`call`), or an
/// argument of a function that is being traced (`trace`). An absent one has none of them.
struct TensorNode {
  /// For a few instructions: nothing is computed or freed under it.
  class Lock {
   public:
    explicit Lock(std::atomic<uint32_t>& holder) : holder_(holder) {
      const uint32_t mine = fork_generation();
      uint32_t before = 0;
      while (!holder_.compare_exchange_weak(before, mine, std::memory_order_acquire)) {
        if (before != mine) continue;  // free, or of a thread of the parent, which is not here
        std::this_thread::yield();
        before = 0;
      }
      is_abandoned_ = before != 0;
    }
    ~Lock() { holder_.store(0, std::memory_order_release); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    /// Taken from a thread that was in the middle of a change when this process was forked.
    bool is_abandoned() const { return is_abandoned_; }

   private:
    std::atomic<uint32_t>& holder_;
    bool is_abandoned_ = false;
  };

  Type type;
  /// Results of traced functions depend on arguments of this many nested traces; 0: on none.
  uint32_t level = 0;
  /// Made from a C++ number: its dtype gives way to others, and traces keep it as a constant.
  bool is_number = false;
  bool is_fraction = false;
  double number = 0;  // as it was written: the buffer's f32 has fewer digits
  /// A number whose value a trace does not know: numbers.h.
  bool is_weak = false;
  NodeRef wide;  // of one with a fraction: all of its digits, f64

  /// Set once, after `buffer`; other threads may then read `buffer` without a lock.
  std::atomic<bool> evaluated = false;
  Buffer buffer;

  uint32_t output = 0;  // which result of its call it is

  uint64_t trace = 0;  // which trace it is an argument of; 0: of none
  uint32_t argument = 0;
  std::string name;  // of the argument, or what the user calls a value

  bool absent = false;  // an AbsentNode: no value at all

  bool is_evaluated() const { return evaluated.load(std::memory_order_acquire); }
  /// The call that will compute it, or null.
  std::shared_ptr<PendingCall> pending() const {
    if (is_evaluated()) return nullptr;
    Lock lock(lock_holder_);
    return call_;
  }
  /// Before others have a handle.
  void set_call(std::shared_ptr<PendingCall> call) { call_ = std::move(call); }
  /// From pending to evaluated, unless another thread was faster. Returns the call, which goes when
  /// its last result does: not in here, since that may take long.
  std::shared_ptr<PendingCall> finish(Buffer result);

 private:
  mutable std::atomic<uint32_t> lock_holder_ = 0;  // the fork_generation() of its thread
  std::shared_ptr<PendingCall> call_;  // under the lock once other threads have a handle
};

/// What a tree has where a path was asked for and never set.
struct AbsentNode : TensorNode {
  std::string path;                // as it was asked for
  std::string missing;             // the part of it up to the first name that the tree lacked
  std::vector<std::string> known;  // what it had beside that
};

NodeRef evaluated_node(Buffer buffer);
/// Error out_of_range where the dtype does not have the number.
NodeRef number_node(Number value, DType dtype);
/// What `is_number` nodes were made from.
Number written_number(const TensorNode& node);
/// A C++ real with all the digits it was given, converted as cast() converts: a number no more.
Tensor converted_number(double value, DType dtype);
NodeRef absent_node(std::string path, std::string missing, std::vector<std::string> known);

/// Results of a call whose types are known.
std::vector<Tensor> record(const OpDef& op, Attributes attributes, std::vector<NodeRef> inputs,
                           std::vector<Type> types, std::string label);

/// Error out_of_range where indices of an axis of x are known and one of them is below `low` or
/// beyond the axis. Computes nothing.
void check_known_indices(std::string_view what, const Type& x, const TensorNode& indices,
                         int64_t axis, int64_t low);

/// The node, or an error that says that `what` has no value.
const NodeRef& require(const Tensor& tensor, std::string_view what);
/// A note on what a path was meant to be, of those that a tree has.
std::string nearest_path(std::string_view path, std::span<const std::string> known);

/// "argument 'x'", or "argument '0'" where it has no name.
std::string argument_name(std::string_view name, size_t index);
/// What messages call a value: its name, its label, "argument 'x'", or nothing.
std::string describe(const TensorNode& node);

/// The path of LabelScopes on this thread.
const std::string& current_label();

/// `take`, by the name that the user called, for errors.
Tensor taken(const Tensor& x, const Tensor& indices, int64_t axis, std::string_view what);

}  // namespace tenon::detail
