#pragma once

// Expressions as straight-line code over columns: one value for each of up to 256 iterations.
//
//   Program program;
//   uint32_t slot = ProgramBuilder(pool, program).add(value);
//   run_program(program, frame);
//   frame.column<float>(slot)[lane];

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "tenon/ops/expr.h"

namespace tenon::detail {

inline constexpr size_t kColumn = 256;  // elements that an instruction computes at once
inline constexpr uint32_t kNoSlot = 0xffffffffu;

struct Instruction {
  ExprOp op;
  DType dtype;        // of the result
  DType operand;      // of the last operand
  uint32_t aux = 0;   // buffer, local, symbol or variable
  uint64_t bits = 0;  // constants
  uint32_t result = 0;
  uint32_t operands[3] = {kNoSlot, kNoSlot, kNoSlot};
  uint32_t guard = kNoSlot;  // loads: the column of booleans that masks them
};

struct Program {
  std::vector<Instruction> instructions;
  uint32_t slots = 0;
};

class ProgramBuilder {
 public:
  explicit ProgramBuilder(Program& program) : program_(program) {}
  /// The slot that holds the value once the program has run. Shared nodes are computed once.
  uint32_t add(Expr e) { return add(e, kNoSlot); }

 private:
  uint32_t add(Expr e, uint32_t guard);
  uint32_t emit(Instruction i);

  Program& program_;
  std::unordered_map<uint64_t, uint32_t> slots_;
};

struct alignas(64) Column {
  std::byte data[kColumn * 8];
};

struct FrameBuffer {
  std::byte* data = nullptr;
  int64_t size = 0;
  DType dtype = DType::f32;
};

/// The state that a running program reads and writes.
struct Frame {
  std::vector<Column> columns;
  std::vector<FrameBuffer> buffers;
  const int64_t* symbols = nullptr;
  std::vector<int64_t> variables;           // of loops; the lane variable holds its first lane
  std::vector<std::vector<Column>> locals;  // [local][element]
  std::vector<bool> local_is_vector;
  size_t lanes = 1;
  uint32_t lane_variable = kNoSlot;
  const uint8_t* mask = nullptr;  // of statements; null: all

  template <typename T>
  T* column(uint32_t slot) {
    return reinterpret_cast<T*>(columns[slot].data);
  }
};

void run_program(const Program& program, Frame& frame);
/// One operation on columns of `lanes` values.
void run_operation(const Instruction& i, std::byte* result, const std::byte* const* operands,
                   size_t lanes);

}  // namespace tenon::detail
