#include "tenon/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "tenon/base/error.h"

namespace tenon {
namespace {

class Parallel : public testing::Test {
 protected:
  void TearDown() override { set_thread_count(before_); }

 private:
  int before_ = thread_count();
};

TEST_F(Parallel, CoversEachIndexOnce) {
  for (int threads : {1, 2, 7}) {
    set_thread_count(threads);
    for (int64_t n : {0, 1, 63, 64, 65, 1000}) {
      std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
      parallel_for(n, 64, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
      });
      for (auto& count : visits) ASSERT_EQ(count, 1) << n << " items, " << threads << " threads";
    }
  }
}

TEST_F(Parallel, CutsDependOnGrainOnly) {
  for (int threads : {1, 3}) {
    set_thread_count(threads);
    std::vector<int64_t> ends(4, -1);
    parallel_for(100, 30,
                 [&](int64_t begin, int64_t end) { ends[static_cast<size_t>(begin / 30)] = end; });
    EXPECT_EQ(ends, (std::vector<int64_t>{30, 60, 90, 100}));
  }
}

TEST_F(Parallel, ReductionHasTheSameBitsOnAnyThreadCount) {
  std::vector<float> values(100'003);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 1.0f / static_cast<float>(i + 1);
  const auto sum = [&] {
    return parallel_reduce(
        static_cast<int64_t>(values.size()), 1000, 0.0f,
        [&](int64_t begin, int64_t end) {
          return std::accumulate(values.begin() + begin, values.begin() + end, 0.0f);
        },
        std::plus<>());
  };
  set_thread_count(1);
  const float one = sum();
  set_thread_count(5);
  EXPECT_EQ(one, sum());
  EXPECT_NEAR(one, 12.09, 0.01);
}

TEST_F(Parallel, ReductionOfBoolIsSafe) {
  set_thread_count(4);
  const bool all = parallel_reduce(
      1000, 1, true, [](int64_t begin, int64_t) { return begin != 500; }, std::logical_and<>());
  EXPECT_FALSE(all);
}

TEST_F(Parallel, ExceptionOfTheFirstFailingChunkReachesTheCaller) {
  set_thread_count(4);
  for (int round = 0; round < 50; ++round) {
    try {
      parallel_for(100, 1, [](int64_t begin, int64_t) {
        if (begin >= 37) fail(ErrorCode::out_of_range, "row {}", begin);
      });
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.message(), "row 37");
    }
  }
}

TEST_F(Parallel, NestedWorkRunsSerially) {
  set_thread_count(2);
  std::atomic<int> inner{0};
  parallel_for(4, 1, [&](int64_t, int64_t) {
    parallel_for(8, 2, [&](int64_t begin, int64_t end) { inner += static_cast<int>(end - begin); });
  });
  EXPECT_EQ(inner, 32);
}

TEST_F(Parallel, ThreadCountIsAtLeastOne) {
  set_thread_count(-3);
  EXPECT_EQ(thread_count(), 1);
}

}  // namespace
}  // namespace tenon
