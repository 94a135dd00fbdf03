// An op that a function uses by name, looked up once:
//
//   static constinit KnownOp op("tanh");
//   const OpDef& tanh = op.get();
#pragma once

#include <atomic>

#include "tenon/ops/registry.h"

namespace tenon {

/// An op of core_ops(). It is constant-initialised and holds no lock, so unlike a static variable
/// it is never half constructed in a child of fork.
class KnownOp {
 public:
  explicit constexpr KnownOp(const char* name) : name_(name) {}

  const OpDef& get() const {
    const OpDef* op = op_.load(std::memory_order_acquire);
    if (!op) op_.store(op = &core_ops().get(name_), std::memory_order_release);
    return *op;
  }

 private:
  const char* name_;
  mutable std::atomic<const OpDef*> op_ = nullptr;
};

}  // namespace tenon
