#include "tenon/compile/codegen/bytecode/program.h"

#include <cstring>

#include "tenon/base/error.h"

namespace tenon::detail {

uint32_t ProgramBuilder::emit(Instruction i) {
  i.result = program_.slots++;
  program_.instructions.push_back(i);
  return i.result;
}

uint32_t ProgramBuilder::add(Expr e, uint32_t guard) {
  const uint64_t key = (uint64_t{guard} << 32) | e.id();
  if (const auto known = slots_.find(key); known != slots_.end()) return known->second;
  const ExprNode& n = e.node();
  Instruction i{.op = n.op, .dtype = n.dtype, .operand = n.dtype, .aux = n.aux, .bits = n.bits};
  if (n.op == ExprOp::guard) {
    // A load on either side happens only where that side is chosen.
    const auto both = [&](uint32_t a, uint32_t b) {
      if (a == kNoSlot) return b;
      return emit({.op = ExprOp::bit_and,
                   .dtype = DType::boolean,
                   .operand = DType::boolean,
                   .operands = {a, b, kNoSlot}});
    };
    const uint32_t on = add(e.operand(0), guard);
    const uint32_t off = emit({.op = ExprOp::bit_not,
                               .dtype = DType::boolean,
                               .operand = DType::boolean,
                               .operands = {on, kNoSlot, kNoSlot}});
    i.operands[0] = on;
    i.operands[1] = add(e.operand(1), both(guard, on));
    i.operands[2] = add(e.operand(2), both(guard, off));
  } else {
    for (int k = 0; k < n.operand_count(); ++k) {
      i.operands[k] = add(e.operand(k), guard);
      i.operand = e.operand(k).dtype();
    }
    if (n.op == ExprOp::load) i.guard = guard;
  }
  return slots_[key] = emit(i);
}

namespace {

template <typename T>
void fill(T* column, size_t lanes, T value) {
  for (size_t l = 0; l < lanes; ++l) column[l] = value;
}

void fill_bits(const Instruction& i, Frame& frame, uint64_t bits) {
  switch (size_of(i.dtype)) {
    case 1:
      fill(frame.column<uint8_t>(i.result), frame.lanes, static_cast<uint8_t>(bits));
      break;
    case 2:
      fill(frame.column<uint16_t>(i.result), frame.lanes, static_cast<uint16_t>(bits));
      break;
    case 4:
      fill(frame.column<uint32_t>(i.result), frame.lanes, static_cast<uint32_t>(bits));
      break;
    default:
      fill(frame.column<uint64_t>(i.result), frame.lanes, bits);
  }
}

template <typename T>
void gather(const Instruction& i, Frame& frame) {
  const FrameBuffer& buffer = frame.buffers[i.aux];
  const auto* from = reinterpret_cast<const T*>(buffer.data);
  const auto* offsets = frame.column<int64_t>(i.operands[0]);
  const uint8_t* guard = i.guard == kNoSlot ? nullptr : frame.column<uint8_t>(i.guard);
  T* result = frame.column<T>(i.result);
  for (size_t l = 0; l < frame.lanes; ++l) {
    if ((guard && !guard[l]) || (frame.mask && !frame.mask[l])) {
      result[l] = 0;
      continue;
    }
    if (offsets[l] < 0 || offsets[l] >= buffer.size) {
      fail(ErrorCode::internal, "a kernel loads element {} of a buffer of {}", offsets[l],
           buffer.size);
    }
    result[l] = from[offsets[l]];
  }
}

void load(const Instruction& i, Frame& frame) {
  switch (size_of(i.dtype)) {
    case 1:
      gather<uint8_t>(i, frame);
      break;
    case 2:
      gather<uint16_t>(i, frame);
      break;
    case 4:
      gather<uint32_t>(i, frame);
      break;
    default:
      gather<uint64_t>(i, frame);
  }
}

void read_local(const Instruction& i, Frame& frame) {
  const auto element = static_cast<size_t>(frame.column<int64_t>(i.operands[0])[0]);
  const Column& local = frame.locals[i.aux].at(element);
  const size_t size = size_of(i.dtype);
  std::byte* result = frame.columns[i.result].data;
  if (frame.local_is_vector[i.aux]) {
    std::memcpy(result, local.data, size * frame.lanes);
  } else {
    for (size_t l = 0; l < frame.lanes; ++l) std::memcpy(result + l * size, local.data, size);
  }
}

void index(const Instruction& i, Frame& frame) {
  auto* result = frame.column<int64_t>(i.result);
  const int64_t value = frame.variables[i.aux];
  const int64_t step = i.aux == frame.lane_variable ? 1 : 0;
  for (size_t l = 0; l < frame.lanes; ++l) result[l] = value + step * static_cast<int64_t>(l);
}

}  // namespace

void run_program(const Program& program, Frame& frame) {
  if (frame.columns.size() < program.slots) frame.columns.resize(program.slots);
  for (const Instruction& i : program.instructions) {
    switch (i.op) {
      case ExprOp::constant:
        fill_bits(i, frame, i.bits);
        break;
      case ExprOp::symbol:
        fill_bits(i, frame, static_cast<uint64_t>(frame.symbols[i.aux]));
        break;
      case ExprOp::loop_index:
        index(i, frame);
        break;
      case ExprOp::load:
        load(i, frame);
        break;
      case ExprOp::local:
        read_local(i, frame);
        break;
      default: {
        const std::byte* operands[3] = {nullptr, nullptr, nullptr};
        for (int k = 0; k < 3; ++k) {
          if (i.operands[k] != kNoSlot) operands[k] = frame.columns[i.operands[k]].data;
        }
        run_operation(i, frame.columns[i.result].data, operands, frame.lanes);
      }
    }
  }
}

}  // namespace tenon::detail
