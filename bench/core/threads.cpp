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
#include "tenon/train/model.h"

namespace tenon {
namespace {

constexpr int kCallers = 16;
constexpr auto kWindow = std::chrono::milliseconds(1000);

/// What one caller does again and again.
using Predict = std::function<void()>;

Predict predict_with(const nn::Model& function, const char* example, int64_t batch) {
  const Type type = Type::parse(example);
  Type inputs = type;
  inputs.shape.insert(0, Dim(batch));
  const train::Model model(function, nn::init(function, {inputs}, 0), type, {.to_float = false},
                           {"a", "b"});
  const Tensor x = zeros(inputs.shape).eval();
  return [=] { benchmark::DoNotOptimize(model.predict(x).buffer().data()); };
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

void predict(benchmark::State& state, const nn::Model& function, const char* example, By by) {
  const Predict once = predict_with(function, example, state.range(0));
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

#define PREDICT(name, function, example, by) \
  BENCHMARK_CAPTURE(predict, name, function, example, by)->Arg(1)->Arg(32)->Iterations(2)

PREDICT(mlp_16_threads, models::mlp(), "f32[784]", by_threads);
PREDICT(mlp_16_processes, models::mlp(), "f32[784]", by_processes);
PREDICT(lenet_16_threads, models::lenet5(), "f32[28,28,1]", by_threads);
PREDICT(lenet_16_processes, models::lenet5(), "f32[28,28,1]", by_processes);

}  // namespace
}  // namespace tenon
