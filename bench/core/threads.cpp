// Many callers at once: sixteen threads that predict with one model against one thread, and against
// sixteen processes of one thread each. `of_linear` is the throughput beside that of one thread on
// each core; 1 is all there is.
#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <new>
#include <thread>
#include <vector>

#include "tenon/base/cpu.h"
#include "tenon/base/parallel.h"
#include "tenon/models/lenet.h"
#include "tenon/models/mlp.h"
#include "tenon/ops/registry.h"
#include "tenon/tensor/jit.h"
#include "tenon/train/model.h"

namespace tenon {
namespace {

constexpr int kCallers = 16;
constexpr auto kWindow = std::chrono::milliseconds(1000);

/// What one caller does again and again.
using Predict = std::function<void()>;

/// A model at a batch size, called through its executable or through jit.
Predict predict_with(const nn::ModelFunction& function, const char* example, int64_t batch,
                     bool by_jit) {
  const Type type = Type::parse(example);
  Type inputs = type;
  inputs.shape.insert(0, Dim(batch));
  const nn::Variables variables = nn::init(function, {inputs}, 0);
  const Tensor x = zeros(inputs.shape).eval();
  if (by_jit) {
    auto jitted = jit([=](const Tree& parameters, const Tensor& input) {
      return nn::apply(function, {parameters, variables.state}, input);
    });
    return [=]() mutable { benchmark::DoNotOptimize(jitted(variables.parameters, x)); };
  }
  const train::Model model(function, variables, type, {.to_float = false}, {"a", "b"});
  const auto executable = compile(model.graph(), core_ops());
  std::vector<Buffer> buffers{x.buffer()};
  for_each_leaf(variables.parameters,
                [&](const std::string&, const Tensor& leaf) { buffers.push_back(leaf.buffer()); });
  return [=] { benchmark::DoNotOptimize(executable->run(buffers)[0].data()); };
}

using Time = std::chrono::steady_clock::time_point;
Time end_of_window() { return std::chrono::steady_clock::now() + kWindow; }

/// Calls until the window is over, and how often.
int64_t calls_until(Time end, const Predict& predict) {
  int64_t calls = 0;
  for (; std::chrono::steady_clock::now() < end; ++calls) predict();
  return calls;
}

int64_t by_one_thread(const Predict& predict) {
  const int before = thread_count();
  set_thread_count(1);
  const int64_t calls = calls_until(end_of_window(), predict);
  set_thread_count(before);
  return calls;
}

int64_t by_threads(const Predict& predict) {
  std::atomic<int64_t> calls{0};
  const Time end = end_of_window();
  {
    std::vector<std::jthread> callers;
    for (int i = 0; i < kCallers; ++i)
      callers.emplace_back([&] { calls += calls_until(end, predict); });
  }
  return calls;
}

int64_t by_processes(const Predict& predict) {
  void* const shared = ::mmap(nullptr, sizeof(std::atomic<int64_t>), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  auto* const calls = new (shared) std::atomic<int64_t>(0);
  std::vector<pid_t> children;
  const Time end = end_of_window();
  for (int i = 0; i < kCallers; ++i) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    set_thread_count(1);
    *calls += calls_until(end, predict);
    ::_exit(0);
  }
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  const int64_t result = *calls;
  ::munmap(shared, sizeof(std::atomic<int64_t>));
  return result;
}

using By = int64_t (*)(const Predict&);

void predict(benchmark::State& state, const nn::ModelFunction& function, const char* example,
             bool by_jit, By by) {
  const Predict once = predict_with(function, example, state.range(0), by_jit);
  once();
  int64_t calls = 0, alone = 0;
  for (auto _ : state) {
    // Taking turns, so that other work of the machine meets both.
    alone += by_one_thread(once);
    calls += by(once);
  }
  const double windows =
      static_cast<double>(state.iterations()) * std::chrono::duration<double>(kWindow).count();
  const int cores = std::min(kCallers, cpu_info().logical_cpus);
  state.counters["per_second"] = static_cast<double>(calls) / windows;
  state.counters["of_linear"] = static_cast<double>(calls) / (static_cast<double>(alone) * cores);
}

void predict_mlp(benchmark::State& state, bool by_jit, By by) {
  predict(state, models::mlp(), "f32[784]", by_jit, by);
}
void predict_lenet(benchmark::State& state, bool by_jit, By by) {
  predict(state, models::lenet5(), "f32[28,28,1]", by_jit, by);
}

#define PREDICT(function, name, by_jit, by) \
  BENCHMARK_CAPTURE(function, name, by_jit, by)->Arg(1)->Arg(32)->Iterations(2)

PREDICT(predict_mlp, 16_threads, false, by_threads);
PREDICT(predict_mlp, 16_threads_jit, true, by_threads);
PREDICT(predict_mlp, 16_processes, false, by_processes);
PREDICT(predict_lenet, 16_threads, false, by_threads);
PREDICT(predict_lenet, 16_threads_jit, true, by_threads);
PREDICT(predict_lenet, 16_processes, false, by_processes);

}  // namespace
}  // namespace tenon
