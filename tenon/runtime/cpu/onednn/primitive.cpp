#include "tenon/runtime/cpu/onednn/primitive.h"

#include <cstdlib>
#include <mutex>

#include "tenon/base/error.h"
#include "tenon/base/parallel.h"

namespace tenon::detail {

// Memory objects hold addresses, so calls that run at the same time need one set each.
struct Primitive::Call {
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> arguments;
};

struct Primitive::Shared {
  dnnl::primitive primitive;
  std::vector<Argument> arguments;
  dnnl::stream stream{cpu_engine()};
  std::mutex mutex;
  std::vector<std::unique_ptr<Call>> idle;

  std::unique_ptr<Call> take() {
    {
      const std::lock_guard lock(mutex);
      if (!idle.empty()) {
        std::unique_ptr<Call> call = std::move(idle.back());
        idle.pop_back();
        return call;
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
    constexpr size_t kMostIdle = 16;
    const std::lock_guard lock(mutex);
    if (idle.size() < kMostIdle) idle.push_back(std::move(call));
  }
};

Primitive::Primitive(dnnl::primitive primitive, std::vector<Argument> arguments)
    : shared_(std::make_shared<Shared>()) {
  shared_->primitive = std::move(primitive);
  shared_->arguments = std::move(arguments);
  shared_->give_back(shared_->take());  // the first run shall not allocate
}

namespace {

/// The number of threads that a kernel was made for, although OMP_DYNAMIC lets OpenMP give fewer:
/// the library does not ask how many came.
class AllThreads {
 public:
  AllThreads() : dynamic_(omp_get_dynamic() != 0) {
    if (dynamic_) omp_set_dynamic(0);
  }
  ~AllThreads() {
    if (dynamic_) omp_set_dynamic(1);
  }
  AllThreads(const AllThreads&) = delete;
  AllThreads& operator=(const AllThreads&) = delete;

 private:
  bool dynamic_;
};

}  // namespace

void Primitive::run(std::span<void* const> addresses) const {
  limit_openmp_threads();
  const AllThreads all;
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

Primitive make_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  const dnnl::reorder::primitive_desc descriptor(cpu_engine(), from, cpu_engine(), to);
  return Primitive(dnnl::reorder(descriptor), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
}

namespace {

/// oneDNN keeps the primitives that were used last, with their code: 1024 of them are 60 MB. Those
/// that plans hold are kept anyway.
dnnl::engine* make_engine() {
  constexpr int kKept = 128;
  if (std::getenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY") == nullptr &&
      std::getenv("DNNL_PRIMITIVE_CACHE_CAPACITY") == nullptr) {
    dnnl::set_primitive_cache_capacity(kKept);
  }
  return new dnnl::engine(dnnl::engine::kind::cpu, 0);
}

}  // namespace

const dnnl::engine& cpu_engine() {
  // Never destroyed: oneDNN's own cache of primitives outlives every kernel and refers to it.
  static const auto* const engine = make_engine();
  return *engine;
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
