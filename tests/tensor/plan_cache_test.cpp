// Plans of eager programs: how many are kept, and threads that share tensors and plans.
#include "tenon/tensor/plan_cache.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tenon/tensor/custom_call.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/numpy.h"
#include "tests/tensor/eager.h"

namespace tenon {
namespace {

using testing::HasSubstr;

/// The limit as it was, at the end of a test.
struct Limit {
  explicit Limit(size_t plans) { set_plan_cache_limit(plans); }
  ~Limit() { set_plan_cache_limit(before); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;
  size_t before = plan_cache_statistics().limit;
};

/// Programs that have nothing in common: chains of different lengths.
Tensor chain(const Tensor& x, int length) {
  Tensor y = x;
  for (int i = 0; i < length; ++i) y = sin(y);
  return y;
}

void run_on_threads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

TEST(PlanCache, CountsWhatItDoes) {
  clear_plan_cache();
  EXPECT_EQ(plan_cache_statistics().held, 0);
  const PlanCacheStatistics before = plan_cache_statistics();
  Tensor x{1, 2, 3};
  for (int i = 0; i < 5; ++i) chain(x, 3).eval();
  PlanCacheStatistics now = plan_cache_statistics();
  EXPECT_EQ(now.compilations - before.compilations, 1);
  EXPECT_EQ(now.hits - before.hits, 4);
  EXPECT_EQ(now.held, 1);
  clear_plan_cache();
  now = plan_cache_statistics();
  EXPECT_EQ(now.held, 0);
  EXPECT_EQ(now.evicted - before.evicted, 1);
  EXPECT_NEAR(chain(x, 3).item(0), std::sin(std::sin(std::sin(1.0))), 1e-6);  // compiled again
  EXPECT_EQ(plan_cache_statistics().compilations - before.compilations, 2);
}

TEST(PlanCache, APlanThatServesOtherSizesIsAHit) {
  clear_plan_cache();
  const PlanCacheStatistics before = plan_cache_statistics();
  for (int64_t n = 2; n < 32; ++n) chain(numbers({n}), 3).eval();
  PlanCacheStatistics now = plan_cache_statistics();
  EXPECT_EQ(now.compilations - before.compilations, 2);
  EXPECT_EQ(now.hits - before.hits, 28);
}

TEST(PlanCache, DropsTheLeastRecentlyUsed) {
  clear_plan_cache();
  Limit limit(8);
  Tensor x{1, 2, 3};
  for (int length = 1; length <= 40; ++length) {
    chain(x, length).eval();
    chain(x, 1).eval();  // stays
    EXPECT_LE(plan_cache_statistics().held, 8);
  }
  EXPECT_EQ(compilations_of([&] { chain(x, 1).eval(); }), 0);
  EXPECT_EQ(compilations_of([&] { chain(x, 40).eval(); }), 0);
  EXPECT_EQ(compilations_of([&] { chain(x, 2).eval(); }), 1);
}

TEST(PlanCache, OneProgramWithManySizesDoesNotDriveOutOthers) {
  clear_plan_cache();
  Tensor x{1, 2, 3};
  chain(x, 5).eval();
  for (int64_t n = 2; n < 300; ++n) sum(numbers({n}) * 2).eval();
  EXPECT_LE(plan_cache_statistics().held, 100);
  EXPECT_EQ(compilations_of([&] { chain(x, 5).eval(); }), 0);
}

TEST(PlanCache, AFailureIsTheSameASecondTimeAndLosesNothing) {
  static std::atomic<int> calls = 0;
  static std::atomic<bool> fails = true;
  register_custom_function("fails at first", [](const CustomCall& call) {
    ++calls;
    if (fails) fail(ErrorCode::invalid_argument, "not yet");
    std::ranges::copy(call.inputs[0].values<float>(), call.outputs[0].values<float>().begin());
  });
  Tensor x{1, 2, 3};
  Tensor before = x * 2;
  Tensor y = custom_call("fails at first", {before}, x.type());
  Tensor after = sum(y) + 1;
  std::string first = error_of([&] { after.eval(); });
  EXPECT_THAT(first, HasSubstr("not yet"));
  EXPECT_EQ(error_of([&] { after.eval(); }), first);
  EXPECT_FALSE(after.is_evaluated());
  EXPECT_EQ(before.item(1), 4);
  EXPECT_EQ(error_of([&] { y.eval(); }).substr(0, 40), first.substr(0, 40));
  fails = false;
  EXPECT_EQ(after.item(), 13);
  EXPECT_EQ(y.item(2), 6);
  EXPECT_GE(calls, 4);
}

/// A function of the user that evaluates what the program around it is computing.
TEST(PlanCache, CustomFunctionsMayEvaluateSharedTensors) {
  static Tensor shared;
  register_custom_function("reads shared", [](const CustomCall& call) {
    call.outputs[0].values<float>()[0] = static_cast<float>(shared.item(0));
  });
  shared = exp(Tensor{1, 2, 3}) + 1;
  Tensor y = custom_call("reads shared", {sum(shared)}, {DType::f32, {1}});
  run_on_threads(4, [&](int) { EXPECT_NEAR(y.item(), std::exp(1.0) + 1, 1e-5); });
  shared = Tensor();
}

TEST(PlanCache, ThreadsWithSharedTensorsAgree) {
  for (int round = 0; round < 30; ++round) {
    // A lattice of pending values, of which each thread wants others.
    Tensor x = numbers({40}, round);
    std::vector<Tensor> values{x * 0.5, x + 1};
    for (size_t i = 0; i < 40; ++i)
      values.push_back(sin(values[values.size() - 1]) + values[values.size() - 2] * 0.5);
    std::vector<std::vector<double>> results(4);
    run_on_threads(4, [&](int thread) {
      for (size_t i = static_cast<size_t>(thread); i < values.size(); i += 3) values[i].eval();
      results[static_cast<size_t>(thread)] = values_of(values.back());
    });
    for (const auto& result : results) EXPECT_EQ(result, results[0]);
    for (const Tensor& value : values) EXPECT_TRUE(value.is_evaluated());
  }
}

TEST(PlanCache, ASharedTensorIsComputedOnce) {
  static std::atomic<int> calls = 0;
  for (int round = 0; round < 20; ++round) {
    Tensor x = numbers({64, 64}, round);
    Tensor shared = matmul(x, x) * 0.5;
    std::vector<const void*> seen(4);
    run_on_threads(4, [&](int thread) {
      Tensor mine = shared + thread;
      mine.eval();
      seen[static_cast<size_t>(thread)] = shared.buffer().data();
    });
    for (const void* data : seen) EXPECT_EQ(data, seen[0]);
  }
}

TEST(PlanCache, ThreadsWithTheirOwnProgramsAndSizesUnderALowLimit) {
  clear_plan_cache();
  Limit limit(4);  // plans are dropped while others run them
  run_on_threads(4, [&](int thread) {
    for (int64_t n = 2; n < 40; ++n) {
      Tensor x = numbers({n, 3}, thread);
      Tensor y = sum(chain(x, thread % 2 + 1) + arange(n).reshape({n, 1}));
      double wanted = 0;
      for (int64_t i = 0; i < x.buffer().size(); ++i) {
        double value = x.item(i);
        for (int j = 0; j < thread % 2 + 1; ++j) value = std::sin(value);
        wanted += value + static_cast<double>(i / 3);
      }
      EXPECT_NEAR(y.item(), wanted, 1e-3 * (1 + std::abs(wanted)));
    }
  });
}

TEST(PlanCache, LongProgramsOnThreads) {
  Tensor x = numbers({8});
  Tensor shared = chain(x, 900);
  run_on_threads(3, [&](int thread) {
    Tensor y = chain(shared, 700 + thread);
    EXPECT_LT(std::abs(y.item(0)), 1);
  });
}

}  // namespace
}  // namespace tenon
