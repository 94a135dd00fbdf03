// An op that a function names, looked up once:
//
//   static constinit KnownOp op("tanh");
//   const OpDef& tanh = op.get();
#pragma once

#include <atomic>

#include "tenon/ops/registry.h"

namespace tenon {

/// Of core_ops(). Needs no code to begin with and holds no lock, so that no child of fork finds it
/// half made, as it may find what else a function has once.
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
