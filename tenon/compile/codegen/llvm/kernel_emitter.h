#pragma once

// One kernel as LLVM IR. Included by the LLVM back end only.
//
//   llvm::Module module("kernels", context);
//   emit_kernel(module, unroll(kernel), "kernel", {.lanes = 16});

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "tenon/compile/loop_ir.h"

namespace tenon {

struct EmitOptions {
  int lanes = 16;  // f32 numbers in a register of the processor
};

/// Adds `void symbol(void* const* buffers, const int64_t* symbols, int64_t begin, int64_t end)`.
llvm::Function* emit_kernel(llvm::Module& module, const Kernel& unrolled, const std::string& symbol,
                            const EmitOptions& options);

namespace detail {

/// Statements become control flow, expressions become values in the current block. A vector loop is
/// emitted in explicit vectors: values that depend on its variable are vectors, others scalars.
class KernelEmitter {
 public:
  KernelEmitter(llvm::Module& module, const Kernel& kernel, const EmitOptions& options);
  llvm::Function* run(const std::string& symbol);

 private:
  using Value = llvm::Value;

  /// Inside a vector loop.
  struct Lanes {
    ExprId index;
    Value* base;  // the variable's value in lane 0
  };
  /// The location of a local.
  struct Slot {
    Value* memory = nullptr;
    bool is_vector = false;
  };
  struct Reduction {
    uint32_t local;
    Combine combine;
    Value* memory;  // copies * count vectors
  };
  struct ValueKey {
    ExprId id;
    uint32_t guard;
    bool is_vector;
    bool operator==(const ValueKey&) const = default;
  };
  struct ValueKeyHash {
    size_t operator()(const ValueKey& k) const {
      return (size_t{k.id} * 2 + k.is_vector) * 0x9e3779b97f4a7c15ull ^ (size_t{k.guard} << 17);
    }
  };
  using Memo = std::unordered_map<ValueKey, Value*, ValueKeyHash>;
  struct Guard {
    Value* lanes = nullptr;   // <W x i1>; null: all
    Value* scalar = nullptr;  // i1, whether any lane is on; null: certainly
    uint32_t id = 0;
  };

  // Statements (kernel_emitter.cpp).
  void block(const Block& statements);
  void statement(const Loop& l);
  void statement(const Declare& d);
  void statement(const Update& u);
  void statement(const If& i);
  void stores(const Block& statements, size_t first, size_t last);
  void write(const Store& s, Value* value, bool as_vector);
  void write_scalar(const Store& s, Value* value);
  void write_contiguous(const Store& s, Value* value);
  void write_scattered(const Store& s, Value* value);
  /// The value that a combining store writes over the loaded value `old`.
  Value* combined(const Store& s, Value* old, Value* value);
  void serial_loop(const Loop& l, Value* begin, Value* end);
  void vector_loop(const Loop& l, Value* begin, Value* end);
  void vector_body(const Loop& l, Value* base, Value* mask, int copy);
  template <typename Body>
  void counted_loop(Value* begin, Value* end, int64_t step, bool at_most_once, const char* name,
                    Body body);
  std::vector<Reduction> find_reductions(const Block& body, int copies);
  void collect_updates(const Block& body, std::vector<Update>& found);
  void finish_reduction(const Reduction& r, int copies);
  Value* apply(Combine combine, Value* a, Value* b, DType dtype);

  // Expressions (expression_emitter.cpp).
  Value* scalar(Expr e);
  Value* vector(Expr e);
  Value* value(Expr e, bool as_vector) { return as_vector ? vector(e) : scalar(e); }
  Value* compute(Expr e, bool as_vector);
  Value* arithmetic(Expr e, bool as_vector);
  Value* floating(Expr e, Value* a, Value* b, Value* c);
  Value* integer(ExprOp op, DType dtype, Value* a, Value* b, Value* c);
  Value* minimum_or_maximum(ExprOp op, Value* a, Value* b, bool a_is_number, bool b_is_number);
  Value* floor_divide(DType dtype, Value* a, Value* b, bool remainder);
  Value* convert(Value* v, DType from, DType to);
  Value* single_for_rounding(Value* v, DType from);
  Value* choice(Expr e, bool as_vector);
  Value* rare_choice(Expr e, bool as_vector);
  Value* load_scalar(Expr e);
  Value* load_vector(Expr e);
  Value* local(Expr e, bool as_vector);
  Value* local_address(uint32_t local, Expr element);
  Guard enter(Expr condition, bool negated);
  bool is_varying(Expr e);
  /// The step of an offset from lane to lane, if it is the same for all lanes.
  std::optional<Expr> lane_step(Expr offset);
  bool has_load(Expr e);

  // Types and memory.
  llvm::Type* element_type(DType dtype);  // in registers
  llvm::Type* memory_type(DType dtype);   // in buffers
  llvm::Type* vector_type(llvm::Type* element) {
    return llvm::FixedVectorType::get(element, lanes_wide());
  }
  unsigned lanes_wide() const { return static_cast<unsigned>(width_); }
  Value* splat(Value* v) { return b_.CreateVectorSplat(lanes_wide(), v); }
  Value* lane_numbers(llvm::IntegerType* type);
  Value* address(uint32_t buffer, Value* offset);
  Value* from_memory(Value* v, DType dtype);
  Value* to_memory(Value* v, DType dtype);
  void annotate(llvm::Instruction* access, uint32_t buffer, bool is_load);
  /// Loads and stores of lanes that follow one another; those of the guard where there is one.
  Value* read_lanes(uint32_t buffer, Value* at);
  void write_lanes(uint32_t buffer, Value* at, Value* v);
  /// How many lanes, the first ones, the guard leaves, where that is known and better done in parts
  /// than by a masked access.
  std::optional<unsigned> first_lanes(DType dtype, bool is_load);
  llvm::AllocaInst* entry_alloca(llvm::Type* type, Value* count = nullptr, uint64_t alignment = 64);
  Value* i64(int64_t v) { return b_.getInt64(static_cast<uint64_t>(v)); }

  void push_scope() { memo_.emplace_back(); }
  void pop_scope() { memo_.pop_back(); }
  Value* find(const ValueKey& key) const;

  llvm::Module& module_;
  llvm::LLVMContext& context_;
  const Kernel& kernel_;
  EmitOptions options_;
  llvm::IRBuilder<> b_;
  llvm::Function* function_ = nullptr;
  llvm::Instruction* entry_end_ = nullptr;
  Value* safe_address_ = nullptr;  // the target of masked-off loads

  std::vector<Value*> buffer_pointers_;
  std::vector<llvm::MDNode*> own_scope_, other_scopes_;
  std::vector<bool> is_constant_memory_;
  std::vector<Memo> memo_;
  std::unordered_map<uint32_t, Slot> slots_;
  std::vector<Reduction> reductions_;
  int reduction_copy_ = 0;
  int width_;  // lanes of the current vector loop

  const Lanes* lanes_ = nullptr;
  std::unordered_map<ExprId, bool> varying_;
  std::unordered_map<ExprId, bool> has_load_;
  Guard guard_;
  uint32_t next_guard_ = 1;
  std::unordered_map<uint64_t, uint32_t> guard_ids_;
};

}  // namespace detail
}  // namespace tenon
