#include <gtest/gtest.h>
#include "tenon/base/version.h"
#include "tenon/graph/build.h"
#include "tenon/models/lenet.h"
#include "tenon/nn/layers.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/caches.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/tracing.h"
#include "tenon/tensor/transforms.h"
#include "tenon/train/model.h"
#include "tests/support.h"

namespace tenon::train {
namespace {

Model lenet(uint64_t seed) {
  const nn::ModelFunction function = models::lenet5();
  return Model(function, nn::init(function, {Type::parse("f32[2,28,28,1]")}, seed),
               Type::parse("f32[28,28,1]"), {.to_float = false}, {});
}

Tensor pictures(int64_t count) {
  return (arange(count * 784).cast(DType::f32) / 784.0).reshape(Shape{count, 28, 28, 1}).eval();
}

TEST(BoundModel, SaysWhatTheUnboundOneDoes) {
  const Model model = lenet(1), bound = model.bound();
  EXPECT_FALSE(model.is_bound());
  EXPECT_TRUE(bound.is_bound());
  for (int64_t count : {1, 3, 64}) {
    const Tensor x = pictures(count);
    EXPECT_LT(max(abs(bound.predict(x) - model.predict(x))).item(), 1e-5) << count;
  }
  EXPECT_FALSE(bound.with_variables(lenet(2).variables()).is_bound());
}

TEST(BoundModel, LoadedTwiceHoldsItsWeightsOnce) {
  const RuntimeCaches none = runtime_caches();
  const TemporaryFolder folder;
  const auto file = folder / "lenet.tenon";
  lenet(3).save(file);
  const Tensor x = pictures(2);
  {
    const Model a = Model::load(file);
    const Literal first = a.predict(x).literal();
    const RuntimeCaches one = runtime_caches();
    if (built_with_onednn()) {
      EXPECT_GT(one.packed.bytes, none.packed.bytes);
    }
    const Model b = Model::load(file), c = a;
    EXPECT_EQ(b.predict(x).literal(), first);
    EXPECT_EQ(c.predict(x).literal(), first);
    EXPECT_EQ(runtime_caches().packed.bytes, one.packed.bytes);
    EXPECT_EQ(runtime_caches().constants.bytes, one.constants.bytes);
  }
  EXPECT_EQ(runtime_caches().packed.bytes, none.packed.bytes);
  EXPECT_EQ(runtime_caches().constants.bytes, none.constants.bytes);
}

TEST(BoundModel, MayLieInItsFile) {
  const TemporaryFolder folder;
  const auto file = folder / "lenet.tenon";
  lenet(4).save(file);
  const int64_t mapped = blob_statistics().mapped_bytes;
  const Model copied = Model::load(file);
  EXPECT_EQ(blob_statistics().mapped_bytes, mapped);
  const Model model = Model::load(file, Model::Loading::mapped);
  EXPECT_GT(blob_statistics().mapped_bytes - mapped, 100'000);
  const Tensor x = pictures(2);
  EXPECT_EQ(model.predict(x).literal(), copied.predict(x).literal());
}

/// Parameters that go on being trained are written in place where nobody else holds them: what a
/// bound model was given stays as it was.
TEST(BoundModel, IsNotChangedByTraining) {
  const Model model = lenet(5);
  const Model bound = model.bound();
  const Tensor x = pictures(1);
  const Literal before = bound.predict(x).literal();
  Tree parameters = model.variables().parameters;
  auto step = jit([](Tree p) {
    for_each_leaf(p, [](Tensor& leaf) { leaf = leaf * 0.5; });
    return p;
  });
  for (int i = 0; i < 3; ++i) parameters = step(std::move(parameters));
  EXPECT_EQ(bound.predict(x).literal(), before);
}

TEST(BoundModel, KeepsLongLiteralsAsTensorsOfItsFile) {
  std::vector<float> numbers(70'000);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i % 13);
  // A tensor that a function makes of nothing is computed; one that is given as a literal stays
  // one.
  Graph graph("table");
  Build build(graph, core_ops());
  const Value table = build.constant(Literal::of<float>({70'000}, numbers));
  graph.set_outputs({table.id()});
  const nn::ModelFunction function = [&](nn::Scope, const Tensor& x) {
    return x + apply_graph(graph, {})[0].reshape(Shape{7, 10'000}).slice(0, 0, 1);
  };
  const Model model(function, {}, Type::parse("f32[10000]"), {.to_float = false}, {});
  const TemporaryFolder folder;
  const auto file = folder / "table.tenon";
  model.save(file);
  const Model read = Model::load(file);
  const Tensor x = ones(Shape{2, 10'000}).eval();
  EXPECT_EQ(read.predict(x).literal(), model.predict(x).literal());
}

}  // namespace
}  // namespace tenon::train
