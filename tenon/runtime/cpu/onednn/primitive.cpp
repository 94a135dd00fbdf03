#include "tenon/runtime/cpu/onednn/primitive.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <numeric>

#include "tenon/base/cpu.h"
#include "tenon/base/error.h"
#include "tenon/base/log.h"
#include "tenon/base/parallel.h"
#include "tenon/base/thread_number.h"

namespace tenon::detail {

// Memory objects hold addresses, so calls that run at the same time need one set each.
struct Primitive::Call {
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> arguments;
};

/// Where a thread looks first for what it used before: threads that run at once rarely meet.
struct alignas(64) CallSlot {
  std::atomic<void*> call{nullptr};
};
constexpr size_t kCallSlots = 16;

struct Primitive::Shared {
  dnnl::primitive primitive;
  std::vector<Argument> arguments;
  dnnl::stream stream{cpu_engine()};
  std::array<CallSlot, kCallSlots> idle;

  ~Shared() {
    for (CallSlot& slot : idle) delete static_cast<Call*>(slot.call.load());
  }

  std::unique_ptr<Call> take() {
    for (size_t i = 0; i < kCallSlots; ++i) {
      CallSlot& slot = idle[(thread_number() + i) % kCallSlots];
      if (slot.call.load(std::memory_order_relaxed) == nullptr) continue;
      if (void* const call = slot.call.exchange(nullptr, std::memory_order_acquire)) {
        return std::unique_ptr<Call>(static_cast<Call*>(call));
      }
    }
    auto call = std::make_unique<Call>();
    for (const Argument& argument : arguments) {
      call->memories.emplace_back(argument.layout, cpu_engine(), nullptr);
      call->arguments.push_back({argument.name, call->memories.back().get()});
    }
    return call;
  }

  void give_back(std::unique_ptr<Call> call) {
    for (size_t i = 0; i < kCallSlots; ++i) {
      CallSlot& slot = idle[(thread_number() + i) % kCallSlots];
      void* none = nullptr;
      if (slot.call.compare_exchange_strong(none, call.get(), std::memory_order_release,
                                            std::memory_order_relaxed)) {
        [[maybe_unused]] Call* const given = call.release();  // to the slot
        return;
      }
    }
  }
};

Primitive::Primitive(dnnl::primitive primitive, std::vector<Argument> arguments)
    : shared_(std::make_shared<Shared>()) {
  shared_->primitive = std::move(primitive);
  shared_->arguments = std::move(arguments);
  shared_->give_back(shared_->take());  // the first run shall not allocate
}

void Primitive::run(std::span<void* const> addresses) const {
  const OneThread alone;
  std::unique_ptr<Call> call = shared_->take();
  check(addresses.size() == call->memories.size(), "one address for each argument");
  dnnl_status_t status = dnnl_success;
  for (size_t i = 0; i < addresses.size() && status == dnnl_success; ++i) {
    status = dnnl_memory_set_data_handle_v2(call->memories[i].get(), addresses[i],
                                            shared_->stream.get());
  }
  if (status == dnnl_success) {
    status =
        dnnl_primitive_execute(shared_->primitive.get(), shared_->stream.get(),
                               static_cast<int>(call->arguments.size()), call->arguments.data());
  }
  shared_->give_back(std::move(call));
  if (status != dnnl_success) {
    fail(ErrorCode::internal, "oneDNN failed with status {}", static_cast<int>(status));
  }
}

namespace {

/// Less is copied before another thread is awake.
constexpr size_t kReorderPart = size_t{256} << 10;
constexpr size_t kMostReorderParts = 16;

Primitive reorder_of(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  const dnnl::reorder::primitive_desc descriptor(cpu_engine(), from, cpu_engine(), to);
  return Primitive(dnnl::reorder(descriptor), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
}

/// Entries of the first axis that lie together in memory; 0 where the layout is no plain one.
int64_t first_axis_block(const dnnl::memory::desc& layout) {
  if (layout.data.format_kind != dnnl_blocked) return 0;
  const dnnl_blocking_desc_t& blocking = layout.data.format_desc.blocking;
  int64_t block = 1;
  for (int i = 0; i < blocking.inner_nblks; ++i) {
    if (blocking.inner_idxs[i] == 0) block *= blocking.inner_blks[i];
  }
  return block;
}

/// Bytes from one entry of the first axis to another that is a number of whole blocks away.
size_t first_axis_step(const dnnl::memory::desc& layout, int64_t entries) {
  const int64_t blocks = entries / first_axis_block(layout);
  return static_cast<size_t>(blocks * layout.data.format_desc.blocking.strides[0]) *
         dnnl::memory::data_type_size(layout.data_type());
}

dnnl::memory::desc part_of(const dnnl::memory::desc& layout, int64_t first, int64_t entries) {
  dnnl::memory::dims dims = layout.dims(), offsets(dims.size(), 0);
  dims[0] = entries;
  offsets[0] = first;
  dnnl::memory::desc part = layout.submemory_desc(dims, offsets);
  part.data.offset0 = layout.data.offset0;  // the address moves instead
  return part;
}

}  // namespace

namespace {

/// By what says where elements lie.
void add_layout(Hasher& hasher, const dnnl::memory::desc& layout) {
  const dnnl_memory_desc_t& data = layout.data;
  const auto add = [&](const dnnl_dims_t& list, int size) {
    hasher.add(std::span<const int64_t>(list, static_cast<size_t>(size)));
  };
  add(data.dims, data.ndims);
  add(data.padded_dims, data.ndims);
  hasher.add(data.data_type).add(data.format_kind).add(data.extra.flags);
  check(data.format_kind == dnnl_blocked, "filters and matrices lie in blocks");
  const dnnl_blocking_desc_t& blocking = data.format_desc.blocking;
  add(blocking.strides, data.ndims);
  add(blocking.inner_blks, blocking.inner_nblks);
  add(blocking.inner_idxs, blocking.inner_nblks);
}

}  // namespace

Packing Reorder::packing() const {
  return {.layout = layouts_, .bytes = bytes_, .pack = [copy = *this](const void* from, void* to) {
            copy.run(const_cast<void*>(from), to);
          }};
}

Reorder::Reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  const Making making;
  Hasher hasher;
  hasher.add("onednn");
  add_layout(hasher, from);
  add_layout(hasher, to);
  layouts_ = hasher.finish();
  bytes_ = to.get_size();
  const int64_t size = to.dims()[0];
  const int64_t block = std::lcm(first_axis_block(from), first_axis_block(to));
  const size_t wanted = std::clamp<size_t>(to.get_size() / kReorderPart, 1, kMostReorderParts);
  if (block == 0 || wanted == 1 || size <= block) {
    part_ = reorder_of(from, to);
    return;
  }
  const int64_t blocks = (size + block - 1) / block;
  const auto parts = std::min(static_cast<int64_t>(wanted), blocks);
  const int64_t entries = (blocks + parts - 1) / parts * block;
  parts_ = (size + entries - 1) / entries;
  from_step_ = first_axis_step(from, entries);
  to_step_ = first_axis_step(to, entries);
  part_ = reorder_of(part_of(from, 0, entries), part_of(to, 0, entries));
  const int64_t first = (parts_ - 1) * entries;
  last_ = reorder_of(part_of(from, first, size - first), part_of(to, first, size - first));
}

void Reorder::run(void* from, void* to) const {
  parallel_for(parts_, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto at = static_cast<size_t>(i);
      const Primitive& part = last_ && i == parts_ - 1 ? last_ : part_;
      part.run(
          {static_cast<char*>(from) + at * from_step_, static_cast<char*>(to) + at * to_step_});
    }
  });
}

namespace {

dnnl::cpu_isa library_name_of(InstructionSet set) {
  switch (set) {
    case InstructionSet::baseline:
      return dnnl::cpu_isa::sse41;
    case InstructionSet::avx2:
      return dnnl::cpu_isa::avx2;
    case InstructionSet::avx512:
      break;
  }
  return dnnl::cpu_isa::avx512_core_bf16;
}

/// What the library may use, as TENON_CPU says for the whole process.
void limit_instruction_set() {
  for (const char* own : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}) {
    if (std::getenv(own) != nullptr) return;
  }
  if (!instruction_set_is_limited()) return;
  if (dnnl::set_max_cpu_isa(library_name_of(host_instruction_set())) != dnnl::status::success) {
    log_warning("oneDNN was in use before Tenon: TENON_CPU does not limit it");
  }
}

/// oneDNN keeps the primitives that were used last, with their code: 1024 of them are 60 MB. Those
/// that plans hold are kept anyway.
dnnl::engine* make_engine() {
  constexpr int kKept = 128;
  if (std::getenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY") == nullptr &&
      std::getenv("DNNL_PRIMITIVE_CACHE_CAPACITY") == nullptr) {
    dnnl::set_primitive_cache_capacity(kKept);
  }
  limit_instruction_set();
  return new dnnl::engine(dnnl::engine::kind::cpu, 0);
}

}  // namespace

const dnnl::engine& cpu_engine() {
  // Never destroyed: oneDNN's own cache of primitives outlives every kernel and refers to it.
  static constinit MadeOnce<const dnnl::engine> engine;
  return engine.get(make_engine);
}

dnnl::memory::data_type onednn_dtype(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return dnnl::memory::data_type::f32;
    case DType::bf16:
      return dnnl::memory::data_type::bf16;
    default:
      return dnnl::memory::data_type::undef;
  }
}

dnnl::primitive_attr scratch_from_caller() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

}  // namespace tenon::detail
