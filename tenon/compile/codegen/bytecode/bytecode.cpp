#include "tenon/compile/codegen/bytecode/bytecode.h"

#include <cstring>
#include <mutex>

#include "tenon/base/error.h"
#include "tenon/base/fork_safe_mutex.h"
#include "tenon/compile/codegen/bytecode/program.h"
#include "tenon/ops/expr_fold.h"

namespace tenon {
namespace {

using detail::Column;
using detail::Frame;
using detail::kColumn;
using detail::kNoSlot;
using detail::Program;

/// A statement with its expressions as programs.
struct Step {
  const Statement* statement = nullptr;
  std::vector<const Store*> stores;  // a run of stores, done together
  Program program;
  std::vector<uint32_t> results;
  std::vector<Step> body;
};

Step prepare(const Block& block, size_t& at);

std::vector<Step> prepare(const Block& block) {
  std::vector<Step> steps;
  for (size_t at = 0; at < block.size();) steps.push_back(prepare(block, at));
  return steps;
}

Step prepare(const Block& block, size_t& at) {
  Step step;
  const Statement& s = block[at];
  step.statement = &s;
  detail::ProgramBuilder builder(step.program);
  const auto needs = [&](Expr e) { step.results.push_back(builder.add(e)); };
  if (std::holds_alternative<Store>(s.what)) {
    for (const size_t end = store_run_end(block, at); at < end; ++at) {
      const Store& store = std::get<Store>(block[at].what);
      step.stores.push_back(&store);
      needs(store.offset);
      needs(store.value);
    }
    return step;
  }
  ++at;
  if (const auto* l = std::get_if<Loop>(&s.what)) {
    needs(l->extent);
    step.body = prepare(l->body);
  } else if (const auto* d = std::get_if<Declare>(&s.what)) {
    needs(d->initial);
  } else if (const auto* u = std::get_if<Update>(&s.what)) {
    needs(u->element);
    needs(u->value);
  } else if (const auto* i = std::get_if<If>(&s.what)) {
    needs(i->condition);
    step.body = prepare(i->body);
  }
  return step;
}

ExprOp operation_of(Combine combine) {
  switch (combine) {
    case Combine::add:
      return ExprOp::add;
    case Combine::mul:
      return ExprOp::mul;
    case Combine::min:
      return ExprOp::min;
    default:
      return ExprOp::max;
  }
}

/// a = a combined with b, in `lanes` lanes.
void combine_columns(Combine combine, DType dtype, std::byte* a, const std::byte* b, size_t lanes) {
  if (combine == Combine::assign) {
    std::memcpy(a, b, lanes * size_of(dtype));
    return;
  }
  if (compute_type(dtype) != dtype) {
    const auto widen = [&](const std::byte* from, Column& to) {
      const std::byte* operands[3] = {from, nullptr, nullptr};
      detail::run_operation({.op = ExprOp::cast, .dtype = DType::f32, .operand = dtype}, to.data,
                            operands, lanes);
    };
    Column wide_a, wide_b;
    widen(a, wide_a);
    widen(b, wide_b);
    combine_columns(combine, DType::f32, wide_a.data, wide_b.data, lanes);
    const std::byte* operands[3] = {wide_a.data, nullptr, nullptr};
    detail::run_operation({.op = ExprOp::cast, .dtype = dtype, .operand = DType::f32}, a, operands,
                          lanes);
    return;
  }
  const std::byte* operands[3] = {a, b, nullptr};
  detail::run_operation({.op = operation_of(combine), .dtype = dtype, .operand = dtype}, a,
                        operands, lanes);
}

class Execution {
 public:
  Execution(const Kernel& kernel, void* const* buffers, const int64_t* symbols) : kernel_(kernel) {
    frame_.symbols = symbols;
    for (size_t i = 0; i < kernel.buffers.size(); ++i) {
      const KernelBuffer& b = kernel.buffers[i];
      const int64_t size = evaluate_index(b.size, symbols);
      if (b.role == BufferRole::scratch) {
        scratch_.emplace_back(static_cast<size_t>(size) * size_of(b.dtype));
        frame_.buffers.push_back({scratch_.back().data(), size, b.dtype});
      } else {
        frame_.buffers.push_back({static_cast<std::byte*>(buffers[i]), size, b.dtype});
      }
    }
    frame_.variables.resize(kernel.pool().variable_count());
    frame_.locals.resize(kernel.locals.size());
    for (size_t i = 0; i < kernel.locals.size(); ++i)
      frame_.locals[i].resize(static_cast<size_t>(kernel.locals[i].count));
    frame_.local_is_vector.resize(kernel.locals.size());
  }

  void run(const std::vector<Step>& steps, int64_t begin, int64_t end) {
    begin_ = begin;
    end_ = end;
    block(steps);
  }

 private:
  void block(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      if (!step.stores.empty()) {
        detail::run_program(step.program, frame_);
        for (size_t i = 0; i < step.stores.size(); ++i)
          store(*step.stores[i], step.results[2 * i], step.results[2 * i + 1]);
        continue;
      }
      if (const auto* l = std::get_if<Loop>(&step.statement->what))
        statement(*l, step);
      else if (const auto* d = std::get_if<Declare>(&step.statement->what))
        statement(*d, step);
      else if (const auto* u = std::get_if<Update>(&step.statement->what))
        statement(*u, step);
      else
        branch(step);
    }
  }

  bool is_on(size_t lane) const { return !frame_.mask || frame_.mask[lane]; }

  void statement(const Loop& l, const Step& step) {
    int64_t begin = begin_, end = end_;
    if (!l.parallel) {
      detail::run_program(step.program, frame_);
      begin = 0;
      end = frame_.column<int64_t>(step.results[0])[0];
    }
    const uint32_t variable = l.index.node().aux;
    if (l.kind != LoopKind::vector) {
      for (int64_t i = begin; i < end; ++i) {
        frame_.variables[variable] = i;
        block(step.body);
      }
      return;
    }
    frame_.lane_variable = variable;
    for (int64_t i = begin; i < end; i += static_cast<int64_t>(kColumn)) {
      frame_.variables[variable] = i;
      frame_.lanes = static_cast<size_t>(std::min<int64_t>(end - i, static_cast<int64_t>(kColumn)));
      block(step.body);
    }
    frame_.lane_variable = kNoSlot;
    frame_.lanes = 1;
  }

  void store(const Store& s, uint32_t offsets_slot, uint32_t value_slot) {
    const detail::FrameBuffer& buffer = frame_.buffers[s.buffer];
    const size_t size = size_of(buffer.dtype);
    const auto* offsets = frame_.column<int64_t>(offsets_slot);
    const std::byte* values = frame_.columns[value_slot].data;
    for (size_t lane = 0; lane < frame_.lanes; ++lane) {
      if (!is_on(lane)) continue;
      if (offsets[lane] < 0 || offsets[lane] >= buffer.size) {
        fail(ErrorCode::internal, "kernel {} stores element {} of a buffer of {}", kernel_.name,
             offsets[lane], buffer.size);
      }
      std::byte* to = buffer.data + static_cast<size_t>(offsets[lane]) * size;
      if (s.combine == Combine::assign)
        std::memcpy(to, values + lane * size, size);
      else
        combine_columns(s.combine, buffer.dtype, to, values + lane * size, 1);
    }
  }

  void statement(const Declare& d, const Step& step) {
    detail::run_program(step.program, frame_);
    frame_.local_is_vector[d.local] = frame_.lane_variable != kNoSlot;
    for (Column& c : frame_.locals[d.local]) c = frame_.columns[step.results[0]];
  }

  void statement(const Update& u, const Step& step) {
    detail::run_program(step.program, frame_);
    const DType dtype = kernel_.locals[u.local].dtype;
    const size_t size = size_of(dtype);
    const auto element = static_cast<size_t>(frame_.column<int64_t>(step.results[0])[0]);
    std::byte* local = frame_.locals[u.local].at(element).data;
    const std::byte* values = frame_.columns[step.results[1]].data;
    if (!frame_.local_is_vector[u.local]) {
      reduce(u.combine, dtype, local, values);
      return;
    }
    Column next = frame_.locals[u.local][element];
    combine_columns(u.combine, dtype, next.data, values, frame_.lanes);
    for (size_t lane = 0; lane < frame_.lanes; ++lane) {
      if (is_on(lane)) std::memcpy(local + lane * size, next.data + lane * size, size);
    }
  }

  /// Lanes into one value, by halves: as accurate as what machine code does.
  void reduce(Combine combine, DType dtype, std::byte* local, const std::byte* values) {
    const size_t size = size_of(dtype);
    Column parts;
    size_t count = 0;
    for (size_t lane = 0; lane < frame_.lanes; ++lane) {
      if (is_on(lane)) std::memcpy(parts.data + size * count++, values + lane * size, size);
    }
    for (; count > 1; count -= count / 2) {
      combine_columns(combine, dtype, parts.data, parts.data + size * (count - count / 2),
                      count / 2);
    }
    if (count == 1) combine_columns(combine, dtype, local, parts.data, 1);
  }

  void branch(const Step& step) {
    detail::run_program(step.program, frame_);
    std::vector<uint8_t> on(frame_.lanes);
    bool any = false;
    for (size_t lane = 0; lane < frame_.lanes; ++lane) {
      on[lane] = frame_.column<uint8_t>(step.results[0])[lane] != 0 && is_on(lane);
      any = any || on[lane];
    }
    if (!any) return;
    const uint8_t* outer = frame_.mask;
    if (frame_.lane_variable != kNoSlot) frame_.mask = on.data();
    block(step.body);
    frame_.mask = outer;
  }

  const Kernel& kernel_;
  Frame frame_;
  std::vector<std::vector<std::byte>> scratch_;
  int64_t begin_ = 0, end_ = 1;
};

class BytecodeKernel final : public CompiledKernel {
 public:
  explicit BytecodeKernel(const Kernel& kernel)
      : CompiledKernel(kernel), kernel_(unroll(kernel)), steps_(prepare(kernel_.body)) {}
  void run(void* const* buffers, const int64_t* symbols, int64_t begin,
           int64_t end) const override {
    Execution(kernel_, buffers, symbols).run(steps_, begin, end);
  }

 private:
  Kernel kernel_;
  std::vector<Step> steps_;
};

class BytecodeGenerator final : public CodeGenerator {
 public:
  std::vector<std::shared_ptr<const CompiledKernel>> compile(
      std::span<const Kernel> kernels) override {
    std::vector<std::shared_ptr<const CompiledKernel>> result;
    for (const Kernel& kernel : kernels) {
      verify(kernel);
      result.push_back(std::make_shared<BytecodeKernel>(kernel));
    }
    const std::scoped_lock lock(mutex_);
    statistics_.compiled += static_cast<int64_t>(kernels.size());
    return result;
  }
  std::string_view backend_name() const override { return "bytecode"; }
  CodeGeneratorStatistics statistics() const override {
    const std::scoped_lock lock(mutex_);
    return statistics_;
  }

 private:
  mutable ForkSafeMutex mutex_;
  CodeGeneratorStatistics statistics_;
};

}  // namespace

std::unique_ptr<CodeGenerator> make_bytecode_generator() {
  return std::make_unique<BytecodeGenerator>();
}

}  // namespace tenon
