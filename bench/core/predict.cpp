// Predictions one at a time: models that take their weights at every call against bound ones, and
// constants too large to copy.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tenon/base/files.h"
#include "tenon/graph/build.h"
#include "tenon/models/char_lstm.h"
#include "tenon/models/cnn.h"
#include "tenon/models/gpt.h"
#include "tenon/models/lenet.h"
#include "tenon/models/resnet.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/value_functions.h"
#include "tenon/runtime/caches.h"
#include "tenon/tensor/tensor.h"
#include "tenon/train/model.h"

namespace tenon {
namespace {

void predict(benchmark::State& state, const nn::ModelFunction& function, const char* type) {
  const Type example = Type::parse(type);
  Type batch = example;
  batch.shape.insert(0, Dim(state.range(0)));
  train::Model model(function, nn::init(function, {batch}, 0), example, {.to_float = false}, {});
  const int64_t packed = runtime_caches().packed.bytes;
  if (state.range(1) != 0) model = model.bound();
  const Tensor x = example.dtype == DType::f32 ? full(batch.shape, 0.5).eval()
                                               : zeros(batch.shape, example.dtype).eval();
  model.predict(x);
  for (auto _ : state) benchmark::DoNotOptimize(model.predict(x));
  state.counters["packed MB"] = static_cast<double>(runtime_caches().packed.bytes - packed) / 1e6;
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"batch", "bound"})->ArgsProduct({{1, 32}, {0, 1}})->UseRealTime();
  benchmark->Unit(benchmark::kMicrosecond);
}
BENCHMARK_CAPTURE(predict, lenet, models::lenet5(), "f32[28,28,1]")->Apply(sizes);
BENCHMARK_CAPTURE(predict, cnn, models::cnn(), "f32[28,28,1]")->Apply(sizes);
BENCHMARK_CAPTURE(predict, resnet18, models::resnet18(), "f32[32,32,3]")->Apply(sizes);
BENCHMARK_CAPTURE(predict, lstm, models::char_lstm(), "i32[50]")->Apply(sizes);
BENCHMARK_CAPTURE(predict, gpt, models::gpt(), "i32[64]")->Apply(sizes);

/// A program with a table of 2 GiB in a sparse file: mapped, put into two graphs and compiled
/// twice.
void large_constant(benchmark::State& state) {
  const auto path =
      std::filesystem::temp_directory_path() / ("tenon_table_" + std::to_string(::getpid()));
  std::ofstream(path).close();
  constexpr size_t kBytes = size_t{1} << 31;
  std::filesystem::resize_file(path, kBytes);
  BlobStatistics before, after;
  for (auto _ : state) {
    before = blob_statistics();
    const Literal table =
        Literal::of_blob(DType::f32, {int64_t{1} << 20, 512},
                         Blob::of_file(std::make_shared<const MappedFile>(path), 0, kBytes));
    for (int i = 0; i < 2; ++i) {
      Graph graph("rows");
      Build build(graph, core_ops());
      const Value ids = build.input("ids", Type::parse("i32[4]"));
      graph.set_outputs({build.call("gather", {build.constant(table), ids}, {{"axis", 0}}).id()});
      benchmark::DoNotOptimize(compile(graph, core_ops()));
    }
    after = blob_statistics();
  }
  std::filesystem::remove(path);
  state.counters["hashed GB"] = static_cast<double>(after.hashed_bytes - before.hashed_bytes) / 1e9;
  state.counters["live MB"] = static_cast<double>(buffer_statistics().live_bytes) / 1e6;
}
BENCHMARK(large_constant)->Unit(benchmark::kMillisecond)->Iterations(2);

}  // namespace
}  // namespace tenon
