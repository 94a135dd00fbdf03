// The loop IR of kernels, between the graph and machine code.
//
//   Kernel k("relu");
//   uint32_t x = k.add_buffer({.name = "x", .size = n, .role = BufferRole::input});
//   uint32_t y = k.add_buffer({.name = "y", .size = n, .role = BufferRole::output});
//   Expr i = k.pool().loop_index("i", n);
//   k.body = {parallel_loop(i, LoopKind::vector, {store(y, i, max(k.load(x, i), 0.0))})};
//
// Meaning, common to all back ends:
// - A kernel runs `body` once, except that the iterations of an outermost parallel loop are given
//   as [begin, end) by the caller, in chunks of any size that is a multiple of `grain`.
// - Buffers are flat; offsets count elements. Two buffers never overlap unless `may_share` says so.
// - A vector loop's iterations may run in any order and in lockstep. Statements inside it run for
//   many iterations at once; a local declared inside it holds one value per iteration.
// - A local declared outside a vector loop and updated inside it with add, mul, min or max is a
//   reduction; its order is fixed by the kernel and the target, never by threads.
// - Adjacent stores read everything before they write anything, unless one loads from a buffer
//   that another of them writes.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "tenon/base/hash.h"
#include "tenon/ops/expr.h"

namespace tenon {

enum class BufferRole : uint8_t {
  input,    // only read
  output,   // written; may be read back
  scratch,  // private to one call, on its stack; size must be known from symbols
};

struct KernelBuffer {
  std::string name;
  DType dtype = DType::f32;
  Expr size = {};  // elements
  BufferRole role = BufferRole::input;
  /// Outputs: inputs whose memory may be this very buffer. Each of their elements is loaded no
  /// later than the store at the same offset.
  std::vector<uint32_t> may_share = {};
};

/// A register, or an array of `count` registers addressed by constants after unrolling.
struct KernelLocal {
  std::string name;
  DType dtype = DType::f32;
  int count = 1;
};

/// How a value is combined with the existing one. On booleans min is `and`, max is `or`.
enum class Combine : uint8_t { assign, add, mul, min, max };

enum class LoopKind : uint8_t { serial, vector, unroll };

struct Statement;
using Block = std::vector<Statement>;

struct Loop {
  Expr index;   // a loop_index node; runs from 0 to extent - 1
  Expr extent;  // i64; constant for unroll
  LoopKind kind = LoopKind::serial;
  bool parallel = false;
  Block body;
};
struct Store {
  uint32_t buffer = 0;
  Expr offset;
  Expr value;
  Combine combine = Combine::assign;
};
struct Declare {
  uint32_t local = 0;
  Expr initial;  // for every element
};
struct Update {
  uint32_t local = 0;
  Expr element;  // which register of an array
  Expr value;
  Combine combine = Combine::assign;
};
struct If {
  Expr condition;
  Block body;
};
struct Statement {
  std::variant<Loop, Store, Declare, Update, If> what;
};

class Kernel {
 public:
  explicit Kernel(std::string kernel_name)
      : name(std::move(kernel_name)), pool_(std::make_shared<ExprPool>()) {}

  ExprPool& pool() const { return *pool_; }
  uint32_t add_buffer(KernelBuffer buffer);
  uint32_t add_local(KernelLocal local);
  Expr load(uint32_t buffer, Expr offset) const {
    return pool_->load(buffers[buffer].dtype, buffer, offset);
  }
  Expr read(uint32_t local) const { return read(local, pool_->index(0)); }
  Expr read(uint32_t local, Expr element) const {
    return pool_->local(locals[local].dtype, local, element);
  }

  /// The outermost parallel loop, or null: then the kernel is called with [0, 1).
  const Loop* parallel_loop() const;
  /// A copy with its own pool, in which every handle points into that pool.
  Kernel clone() const;

  std::string name;
  std::vector<KernelBuffer> buffers;  // the first ones, without scratch, are passed by the caller
  std::vector<KernelLocal> locals;
  Block body;
  int64_t grain = 1;  // minimum number of iterations of the parallel loop per call

 private:
  std::string unique_name(const std::string& wanted) const;

  std::shared_ptr<ExprPool> pool_;
};

Statement loop(Expr index, LoopKind kind, Block body);
Statement parallel_loop(Expr index, LoopKind kind, Block body);
Statement store(uint32_t buffer, Expr offset, Expr value, Combine combine = Combine::assign);
Statement declare(uint32_t local, Expr initial);
Statement update(uint32_t local, Expr value, Combine combine = Combine::assign);
Statement update(uint32_t local, Expr element, Expr value, Combine combine);
Statement if_then(Expr condition, Block body);

/// Row-major offset of an element: ((i0*shape[1] + i1)*shape[2] + i2)…
Expr row_major_offset(std::span<const Expr> indices, std::span<const Expr> shape);
/// The neutral element of a combination.
Expr combine_identity(ExprPool& pool, Combine combine, DType dtype);

/// Readable and complete: equal text means equal code.
std::string to_string(const Kernel& kernel);
/// The hash of the text, without the kernel's name.
Hash128 hash_of(const Kernel& kernel);
/// Throws Error(internal) that names the kernel if a rule above is broken.
void verify(const Kernel& kernel);
/// The end of the run of adjacent stores, starting at `first`, whose values can all be computed
/// before any is written.
size_t store_run_end(const Block& statements, size_t first);
/// Unrolls the loops marked unroll. The result has its own pool.
Kernel unroll(const Kernel& kernel);

}  // namespace tenon
