#include "tenon/tensor/jit.h"

#include <gmock/gmock.h>

#include <thread>

#include "tenon/tensor/numpy.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Jit, CompilesOnce) {
  int traced = 0;
  auto f = jit([&](Tensor x) {
    ++traced;
    return x * 2 + 1;
  });
  EXPECT_THAT(values_of(f(Tensor{1, 2})), ElementsAre(3, 5));
  EXPECT_THAT(values_of(f(Tensor{3, 4})), ElementsAre(7, 9));
  EXPECT_EQ(traced, 1);
  EXPECT_EQ(f.compilations(), 1u);
}

TEST(Jit, OnePlanServesEveryBatch) {
  int traced = 0;
  auto f = jit([&](Tensor x, Tensor y) {
    ++traced;
    return sum(x * y, {1}) + mean(x);
  });
  for (int64_t batch : {2, 3, 4, 5, 2, 1}) {
    Tensor x = ones({batch, 3});
    EXPECT_EQ(f(x, x * 2).type().to_string(), "f32[" + std::to_string(batch) + "]");
    EXPECT_EQ(f(x, x * 2).item(0), 7);
  }
  EXPECT_EQ(traced, 3);  // numbers, then a symbol, and 1 is a case of its own
}

TEST(Jit, SizesOfOneAndNoneHavePlansOfTheirOwn) {
  auto f = jit([](Tensor x) { return squeeze(x); });
  std::vector<std::string> types;
  for (int64_t rows : {3, 5, 1, 7, 0, 1}) types.push_back(f(ones({rows, 4})).type().to_string());
  EXPECT_THAT(types,
              ElementsAre("f32[3,4]", "f32[5,4]", "f32[4]", "f32[7,4]", "f32[0,4]", "f32[4]"));
  EXPECT_EQ(f.compilations(), 4u);
  auto g = jit([](Tensor x) { return x + 1; });
  for (int64_t rows : {1, 3, 5, 7}) g(ones({rows, 4}));
  EXPECT_EQ(g.compilations(), 3u);
}

TEST(Jit, FunctionsThatNeedNumbersAreTracedForEachShape) {
  auto f = jit([](Tensor x) {
    Tensor y = x[0];
    for (int64_t i = 1; i < x.dim(0).constant(); ++i) y = y + x[i];
    return y;
  });
  for (int64_t count : {1, 3, 2}) EXPECT_EQ(f(ones({count})).item(), count);
  EXPECT_EQ(f.compilations(), 3u);
}

TEST(Jit, WrongCallsDoNotSpoilLaterOnes) {
  auto f = jit([](Tensor x, Tensor y) { return sum(x + y); });
  EXPECT_EQ(f(ones({2}), ones({2})).item(), 4);
  EXPECT_THAT(error_of([&] { f(ones({2}), ones({3})); }), HasSubstr("do not broadcast"));
  for (int64_t n : {3, 4, 5}) EXPECT_EQ(f(ones({n}), ones({n})).item(), 2 * n);
  EXPECT_EQ(f.compilations(), 2u);
}

TEST(Jit, TellsNumbersAndStructuresApart) {
  auto f = jit([](Tensor x, int times, std::vector<Tensor> more) {
    for (const Tensor& y : more) x = x + y;
    return x * times;
  });
  Tensor x{1, 2};
  EXPECT_THAT(values_of(f(x, 2, std::vector<Tensor>())), ElementsAre(2, 4));
  EXPECT_THAT(values_of(f(x, 3, std::vector<Tensor>())), ElementsAre(3, 6));
  EXPECT_THAT(values_of(f(x, 3, std::vector<Tensor>{x})), ElementsAre(6, 12));
}

struct First {
  Tensor a, b;
};
struct Second {
  Tensor b, a;
};

TEST(Jit, TellsTypesApart) {
  auto same = jit([](auto t) { return t; });
  EXPECT_EQ(same(First{Tensor{1}, Tensor{2}}).b.item(), 2);
  EXPECT_EQ(same(Second{Tensor{1}, Tensor{2}}).a.item(), 2);
  auto is_real = jit([](Tensor x, auto number) {
    return x * (std::is_floating_point_v<decltype(number)> ? 1 : 0);
  });
  EXPECT_EQ(is_real(Tensor{1}, Static{1.0}).item(), 1);
  EXPECT_EQ(is_real(Tensor{1}, Static{int64_t{4607182418800017408}}).item(), 0);  // the bits of 1.0
  Tree split, joined;
  split["a"] = Tensor{1};
  split["b"] = Tensor{2};
  joined["a:tb"] = Tensor{1};
  auto count = jit([](const Tree& t) { return Tensor(static_cast<int>(t.leaf_count())); });
  EXPECT_EQ(count(split).item(), 2);
  EXPECT_EQ(count(joined).item(), 1);
}

TEST(Jit, ReturnsTheStructureOfTheResult) {
  auto f = jit([](const Tree& parameters, Tensor x) {
    Tree next;
    next["a.b"] = parameters["a.b"] + x;
    return std::pair{next, std::vector<Tensor>{sum(x), x}};
  });
  Tree parameters;
  parameters["a.b"] = Tensor{1, 2};
  for (int i = 0; i < 2; ++i) {
    auto [next, more] = f(parameters, Tensor{1, 1});
    EXPECT_THAT(values_of(next.at("a.b")), ElementsAre(2, 3));
    EXPECT_EQ(more.size(), 2u);
  }
}

TEST(Jit, ArgumentsThatAreMovedInAreUpdatedInPlace) {
  auto step = jit([](Tensor x) { return x + 1; });
  Tensor state = zeros({1000}) + 0.0;
  const void* memory = state.buffer().data();
  for (int i = 0; i < 3; ++i) state = step(std::move(state));
  EXPECT_EQ(state.buffer().data(), memory);
  EXPECT_EQ(state.item(0), 3);
  EXPECT_EQ(step.compilations(), 1u);
}

TEST(Jit, ArgumentsThatSomeoneHoldsAreKept) {
  auto step = jit([](Tensor x) { return x + 1; });
  Tensor state = zeros({4}) + 0.0;
  Tensor moved = Tensor(state.literal());
  step(std::move(moved));
  Tensor next = step(state);
  EXPECT_EQ(state.item(0), 0);
  EXPECT_EQ(next.item(0), 1);
  std::vector<float> memory = {5, 6};
  EXPECT_EQ(step(Tensor::view(memory.data(), {2})).item(0), 6);
  EXPECT_EQ(memory[0], 5);
}

TEST(Jit, ComposesWithDerivatives) {
  auto loss = [](Tensor w, Tensor x) { return mean(square(x * w)); };
  auto fast = jit(grad(loss));
  EXPECT_THAT(values_of(fast(Tensor{1, 2}, Tensor{3, 4})), ElementsAre(9, 32));
  auto through = grad(jit(loss));
  EXPECT_THAT(values_of(through(Tensor{1, 2}, Tensor{3, 4})), ElementsAre(9, 32));
  auto each = jit(vmap(grad(loss), {.in = {none, 0}}));
  EXPECT_EQ(each(Tensor{1, 2}, ones({5, 2})).type().to_string(), "f32[5,2]");
  EXPECT_EQ(each(Tensor{1, 2}, ones({6, 2})).type().to_string(), "f32[6,2]");
}

TEST(Jit, KeepsWhatItUsesFromOutside) {
  Tensor outside = Tensor{1, 2} * 10.0;
  auto f = jit([&](Tensor x) { return x + outside; });
  EXPECT_THAT(values_of(f(Tensor{1, 1})), ElementsAre(11, 21));
  outside = Tensor{0, 0};
  EXPECT_THAT(values_of(f(Tensor{1, 1})), ElementsAre(11, 21));
}

TEST(Jit, TooLittleMemoryIsAnErrorBeforeTheRun) {
  auto f = jit([](Tensor x) { return sum(matmul(x, x)); }, {.memory_limit = 1000});
  EXPECT_THAT(error_of([&] { f(ones({64, 64})); }), HasSubstr("more than the limit"));
}

TEST(Jit, ServesSeveralThreads) {
  auto f = jit([](Tensor x) { return sum(x * 2); });
  std::vector<std::thread> threads;
  std::vector<double> results(4);
  for (size_t t = 0; t < results.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int64_t n = 1; n < 20; ++n) results[t] += f(ones({n})).item();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (double result : results) EXPECT_EQ(result, 380);
}

TEST(Eval, SharedTensorsFromSeveralThreads) {
  Tensor x = arange(100).cast(DType::f32);
  std::vector<Tensor> shared;
  for (int i = 0; i < 50; ++i) shared.push_back(shared.empty() ? x + 1 : shared.back() * 1.0 + x);
  std::vector<std::thread> threads;
  std::vector<double> results(4);
  for (size_t t = 0; t < results.size(); ++t) {
    threads.emplace_back([&, t] {
      for (const Tensor& y : shared) results[t] += (y + 0.0).item(3);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (double result : results) EXPECT_EQ(result, results[0]);
}

}  // namespace
}  // namespace tenon
