#include "tenon/base/fork_safe_mutex.h"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <thread>

#include "tests/forked.h"

namespace tenon {
namespace {

using namespace std::chrono_literals;

/// Calls function() again and again on threads of its own.
template <class Function>
std::vector<std::jthread> in_a_loop(int threads, Function function) {
  std::vector<std::jthread> loops;
  for (int t = 0; t < threads; ++t) {
    loops.emplace_back([function](std::stop_token stop) {
      while (!stop.stop_requested()) function();
    });
  }
  return loops;
}

/// What a child does often enough to meet a lock that is taken.
template <class Function>
void expect_in_children(Function function) {
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(test::exit_code_of_child([&] { return function() ? 0 : 1; }), 0) << "child " << i;
  }
}

template <class Mutex>
class ForkSafe : public testing::Test {};
using Mutexes = testing::Types<ForkSafeMutex, ForkSafeSharedMutex>;
TYPED_TEST_SUITE(ForkSafe, Mutexes);

TYPED_TEST(ForkSafe, AChildFindsTheLockFreeAndTheDataWhole) {
  TENON_SKIP_WITHOUT_CHILDREN();
  TypeParam mutex;
  int first = 0, second = 0;
  const auto loops = in_a_loop(3, [&] {
    const std::scoped_lock lock(mutex);
    ++first;
    std::this_thread::yield();
    ++second;
  });
  expect_in_children([&] {
    for (int i = 0; i < 3; ++i) {
      const std::scoped_lock lock(mutex);
      if (++first != ++second) return false;
    }
    return true;
  });
}

TYPED_TEST(ForkSafe, LocksMayBeNestedInAnyOrderAndMadeUnderOthers) {
  TENON_SKIP_WITHOUT_ALLOCATING_CHILDREN();
  TypeParam before, after;
  std::deque<int> data;
  const auto up = in_a_loop(1, [&] {
    const std::scoped_lock outer(before);
    const std::scoped_lock inner(after);
    const TypeParam made;
    data.push_back(1);
  });
  const auto down = in_a_loop(1, [&] {
    TypeParam local;
    const std::scoped_lock outer(local);
    const std::scoped_lock inner(before);
    const std::scoped_lock innermost(after);
    if (!data.empty()) data.pop_front();
  });
  expect_in_children([&] {
    const std::scoped_lock lock(before, after);
    data.push_back(2);
    return data.back() == 2;
  });
}

TEST(ForkSafeSharedMutex, ReadersOfTheParentAreNotInTheChild) {
  TENON_SKIP_WITHOUT_CHILDREN();
  ForkSafeSharedMutex mutex;
  const auto readers = in_a_loop(3, [&] {
    const std::shared_lock lock(mutex);
    std::this_thread::yield();
  });
  expect_in_children([&] {
    {
      const std::scoped_lock lock(mutex);
    }
    const std::shared_lock first(mutex), second(mutex);
    return !mutex.try_lock();
  });
}

TEST(ForkDelay, NoChildBeginsWithinOne) {
  TENON_SKIP_WITHOUT_CHILDREN();
  std::atomic<int> begun = 0, ended = 0;
  const auto loops = in_a_loop(2, [&] {
    const ForkDelay delay;
    ++begun;
    {
      const ForkDelay nested;
      std::this_thread::sleep_for(1ms);
    }
    ++ended;
  });
  expect_in_children([&] {
    const ForkDelay delay;
    return begun == ended;
  });
}

TEST(ForkDelay, AThreadMayForkInItsOwn) {
  TENON_SKIP_WITHOUT_CHILDREN();
  const ForkDelay delay;
  const auto loops = in_a_loop(2, [] { const ForkDelay other; });
  expect_in_children([] {
    const ForkDelay nested;
    return test::exit_code_of_child([] { return 0; }) == 0;
  });
}

TEST(MadeOnce, NoChildFindsItHalfMade) {
  TENON_SKIP_WITHOUT_ALLOCATING_CHILDREN();
  for (int i = 0; i < 20; ++i) {
    MadeOnce<std::vector<int>> made;
    std::atomic<int> times = 0;
    const auto size = [&] {
      return made
          .get([&] {
            ++times;
            std::this_thread::sleep_for(1ms);
            return new std::vector<int>(7);
          })
          .size();
    };
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t) threads.emplace_back([&] { EXPECT_EQ(size(), 7u); });
    const int code = test::exit_code_of_child([&] { return size() == 7 && times == 1 ? 0 : 1; });
    EXPECT_EQ(code, 0);
    threads.clear();
    EXPECT_EQ(times, 1);
    delete &made.get([]() -> std::vector<int>* { return nullptr; });
  }
}

TEST(MadeOnce, IsTriedAgainAfterAnException) {
  MadeOnce<int> made;
  EXPECT_THROW(made.get([]() -> int* { throw 1; }), int);
  EXPECT_EQ(made.get([] { return new int(3); }), 3);
  EXPECT_EQ(made.get([] { return new int(4); }), 3);
  delete &made.get([]() -> int* { return nullptr; });
}

TEST(ForkGeneration, IsOneMoreInEachChild) {
  TENON_SKIP_WITHOUT_CHILDREN();
  const ForkSafeMutex first;
  const uint32_t here = fork_generation();
  const auto child = [&] {
    const int grandchild =
        test::exit_code_of_child([&] { return static_cast<int>(fork_generation() - here); });
    return static_cast<int>(fork_generation() - here) + 10 * grandchild;
  };
  EXPECT_EQ(test::exit_code_of_child(child), 21);
  EXPECT_EQ(fork_generation(), here);
}

}  // namespace
}  // namespace tenon
