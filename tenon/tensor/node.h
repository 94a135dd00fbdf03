// The node behind a Tensor. Private to tensor/.
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

/// A recorded call of an op, shared by its results. Its contents never change, so any number of
/// threads may read it.
struct PendingCall {
  const OpDef* op = nullptr;
  Attributes attributes;
  std::vector<NodeRef> inputs;
  std::string label;
  /// How many traces were open when it was recorded.
  uint32_t born = 0;
  uint32_t result_count = 1;
  /// Increases from call to call, across all threads.
  uint64_t serial = next_serial();
  /// Hash of the attributes, computed on first use. Racing threads write the same value.
  std::atomic<uint64_t> attributes_low = 0, attributes_high = 0;
  std::atomic<bool> attributes_hashed = false;
  /// The evaluation that computes it now; see claim.h.
  std::atomic<uint64_t> claim = 0;

  static uint64_t next_serial();

  PendingCall() = default;
  PendingCall(const PendingCall&) = delete;
  PendingCall& operator=(const PendingCall&) = delete;
  /// Chains may be very long, so they are destroyed in a loop, not by recursion.
  ~PendingCall();
};

/// A value. Exactly one of these holds: it is evaluated (`buffer`), pending (`call`), or an
/// argument of a function that is being traced (`trace`). An absent one has none of them.
struct TensorNode {
  /// Held for a few instructions: nothing is computed or freed under it.
  class Lock {
   public:
    explicit Lock(std::atomic<uint32_t>& holder) : holder_(holder) {
      const uint32_t mine = fork_generation();
      uint32_t before = 0;
      while (!holder_.compare_exchange_weak(before, mine, std::memory_order_acquire)) {
        if (before != mine) continue;  // free, or held by a thread that exists only in the parent
        std::this_thread::yield();
        before = 0;
      }
      is_abandoned_ = before != 0;
    }
    ~Lock() { holder_.store(0, std::memory_order_release); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

    /// Taken over from a thread that was in the middle of a change when this process was forked.
    bool is_abandoned() const { return is_abandoned_; }

   private:
    std::atomic<uint32_t>& holder_;
    bool is_abandoned_ = false;
  };

  Type type;
  /// The depth of the innermost trace on whose arguments the value depends; 0: on none.
  uint32_t level = 0;
  /// Made from a C++ number: weakly typed, and traces keep it as a constant.
  bool is_number = false;
  bool is_fraction = false;
  double number = 0;  // as written by the user: the buffer's f32 has fewer digits
  /// A number whose value a trace does not know: numbers.h.
  bool is_weak = false;
  NodeRef wide;  // for a floating-point number: all of its digits, f64

  /// Set once, after `buffer`; other threads may then read `buffer` without a lock.
  std::atomic<bool> evaluated = false;
  Buffer buffer;

  uint32_t output = 0;  // which result of its call it is

  uint64_t trace = 0;  // which trace it is an argument of; 0: of none
  uint32_t argument = 0;
  std::string name;  // of the argument, or set by the user

  bool absent = false;  // an AbsentNode: no value at all

  bool is_evaluated() const { return evaluated.load(std::memory_order_acquire); }
  /// The call that will compute it, or null.
  std::shared_ptr<PendingCall> pending() const {
    if (is_evaluated()) return nullptr;
    Lock lock(lock_holder_);
    return call_;
  }
  /// Call before others have a handle.
  void set_call(std::shared_ptr<PendingCall> call) { call_ = std::move(call); }
  /// From pending to evaluated, unless another thread was faster. Returns the call, so that the
  /// caller frees it: that may take long and must not happen under the lock.
  std::shared_ptr<PendingCall> finish(Buffer result);

 private:
  mutable std::atomic<uint32_t> lock_holder_ = 0;  // the fork_generation() of its thread
  std::shared_ptr<PendingCall> call_;  // under the lock once other threads have a handle
};

/// The leaf of a tree at a path that was accessed but never set.
struct AbsentNode : TensorNode {
  std::string path;                // as requested
  std::string missing;             // the part of it up to the first name that the tree lacked
  std::vector<std::string> known;  // the names beside that one
};

NodeRef evaluated_node(Buffer buffer);
/// Error out_of_range if the number does not fit the dtype.
NodeRef number_node(Number value, DType dtype);
/// The number from which an `is_number` node was made.
Number written_number(const TensorNode& node);
/// A C++ floating-point number with all its digits, converted like cast(); no longer weakly typed.
Tensor converted_number(double value, DType dtype);
NodeRef absent_node(std::string path, std::string missing, std::vector<std::string> known);

/// Results of a call whose types are known.
std::vector<Tensor> record(const OpDef& op, Attributes attributes, std::vector<NodeRef> inputs,
                           std::vector<Type> types, std::string label);

/// Error out_of_range if the indices into an axis of x are known and one is below `low` or
/// beyond the axis. Computes nothing.
void check_known_indices(std::string_view what, const Type& x, const TensorNode& indices,
                         int64_t axis, int64_t low);

/// The node, or an error that says that `what` has no value.
const NodeRef& require(const Tensor& tensor, std::string_view what);
/// A note that suggests the closest path in the tree.
std::string nearest_path(std::string_view path, std::span<const std::string> known);

/// "argument 'x'", or "argument '0'" if it has no name.
std::string argument_name(std::string_view name, size_t index);
/// The name of a value in messages: its name, its label, "argument 'x'", or empty.
std::string describe(const TensorNode& node);

/// The path of LabelScopes on this thread.
const std::string& current_label();

/// `take`, with the name of the function that the user called, for errors.
Tensor taken(const Tensor& x, const Tensor& indices, int64_t axis, std::string_view what);

}  // namespace tenon::detail
