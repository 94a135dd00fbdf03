#include "tenon/base/parallel.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tenon/base/error.h"
#include "tests/forked.h"

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

/// Of many roundings, so that its bits tell how it was cut.
float harmonic_sum() {
  return parallel_reduce(
      50'000, 500, 0.0f,
      [](int64_t begin, int64_t end) {
        float sum = 0;
        for (int64_t i = begin; i < end; ++i) sum += 1.0f / static_cast<float>(i + 1);
        return sum;
      },
      std::plus<>());
}

int64_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

TEST_F(Parallel, ManyCallersShareOneSetOfHelpers) {
  set_thread_count(4);
  const float want = harmonic_sum();
  const int64_t with_helpers = threads_of_this_process();
  std::atomic<int> wrong{0};
  std::vector<std::jthread> callers;
  for (int t = 0; t < 16; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < 100; ++i) wrong += harmonic_sum() == want ? 0 : 1;
    });
  }
  callers.clear();
  EXPECT_EQ(wrong, 0);
  // A thread that has just ended may still be listed.
  for (int wait = 0; threads_of_this_process() > with_helpers && wait < 1000; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_LE(threads_of_this_process(), with_helpers);
}

TEST_F(Parallel, LeavesTheirProcessorsToThreadsThatCompute) {
  set_thread_count(2);
  std::atomic<bool> computes{false}, done{false};
  std::jthread other([&] {
    const ComputingThread here;
    computes = true;
    done.wait(false);
  });
  while (!computes) std::this_thread::yield();
  std::set<std::thread::id> workers;  // one thread only: no lock is needed
  parallel_for(1000, 1, [&](int64_t, int64_t) { workers.insert(std::this_thread::get_id()); });
  EXPECT_EQ(workers, std::set{std::this_thread::get_id()});
  done = true;
  done.notify_one();
}

TEST_F(Parallel, AChildOfForkComputes) {
  set_thread_count(3);
  const float want = harmonic_sum();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(test::exit_code_of_child([&] { return harmonic_sum() == want ? 0 : 1; }), 0);
    EXPECT_EQ(harmonic_sum(), want);
  }
}

TEST_F(Parallel, AChildComputesThatWasForkedWhileOthersDid) {
  set_thread_count(3);
  const float want = harmonic_sum();
  std::vector<std::jthread> others;
  for (int t = 0; t < 3; ++t) {
    others.emplace_back([](std::stop_token stop) {
      while (!stop.stop_requested()) harmonic_sum();
    });
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(test::exit_code_of_child([&] { return harmonic_sum() == want ? 0 : 1; }), 0);
  }
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
