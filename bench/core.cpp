// The costs that are ours alone: one small lazy op with a cached plan, compiling the LeNet-5 step
// cold and from the disk cache. Google Benchmark's options apply (--benchmark_filter=…).
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "tenon/models/lenet.h"
#include "tenon/tensor/tensor.h"
#include "tenon/train/step.h"

namespace tenon {
namespace {

void small_lazy_op(benchmark::State& state) {
  Tensor a = full(Shape{16}, 1.0).eval();
  Tensor b = full(Shape{16}, 2.0).eval();
  for (auto _ : state) {
    Tensor c = a + b;
    c.eval();
    benchmark::DoNotOptimize(c.buffer().data());
  }
}
BENCHMARK(small_lazy_op);

/// The first step of a fresh jitted function: tracing, differentiating, compiling and running it.
void first_lenet_step() {
  train::FitOptions options;
  options.optimizer = nn::sgd({.learning_rate = 0.01, .momentum = 0.9});
  nn::Variables variables = nn::init(models::lenet5(), {Type::parse("f32[64,28,28,1]")}, 0);
  train::StepFunction step = train::make_step(models::lenet5(), options, 1);
  train::TrainState state{
      variables.parameters, options.optimizer.init(variables.parameters), {}, Tensor(0)};
  train::StepResult result =
      step(std::move(state), zeros(Shape{64, 28, 28, 1}), zeros(Shape{64}, DType::i32));
  benchmark::DoNotOptimize(result.metrics.loss.item());
}

/// In a process of its own, so that nothing compiled is in memory; its exit tells the milliseconds.
double first_step_in_child(const std::filesystem::path& cache) {
  ::setenv("TENON_CACHE_DIR", cache.c_str(), 1);
  std::string self = std::filesystem::read_symlink("/proc/self/exe").string() + " --first-step";
  FILE* child = ::popen(self.c_str(), "r");
  double milliseconds = 0;
  if (child == nullptr || std::fscanf(child, "%lf", &milliseconds) != 1) milliseconds = -1;
  if (child != nullptr) ::pclose(child);
  return milliseconds;
}

void compile_lenet(benchmark::State& state, bool cold) {
  std::filesystem::path cache = std::filesystem::temp_directory_path() / "tenon-bench-cache";
  std::filesystem::remove_all(cache);
  if (!cold) first_step_in_child(cache);
  for (auto _ : state) {
    if (cold) std::filesystem::remove_all(cache);
    state.SetIterationTime(first_step_in_child(cache) / 1e3);
  }
  std::filesystem::remove_all(cache);
}
BENCHMARK_CAPTURE(compile_lenet, cold, true)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond)
    ->Iterations(5);
BENCHMARK_CAPTURE(compile_lenet, from_disk, false)
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond)
    ->Iterations(5);

}  // namespace
}  // namespace tenon

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--first-step") {
    auto start = std::chrono::steady_clock::now();
    tenon::first_lenet_step();
    std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    std::printf("%.3f\n", elapsed.count());
    return 0;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
