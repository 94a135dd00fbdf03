// What a child of fork does, as its exit code.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace tenon::test {

#if defined(__SANITIZE_THREAD__)
constexpr bool kChildrenCompute = false;
#elif defined(__has_feature)
constexpr bool kChildrenCompute = !__has_feature(thread_sanitizer);
#else
constexpr bool kChildrenCompute = true;
#endif

/// In a test of its own children, where there are none.
#define TENON_SKIP_WITHOUT_CHILDREN()   \
  if (!::tenon::test::kChildrenCompute) \
  GTEST_SKIP() << "the thread sanitizer lets no child of a process with threads start threads"

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kChildrenAllocate = false;
#elif defined(__has_feature)
constexpr bool kChildrenAllocate = !__has_feature(address_sanitizer);
#else
constexpr bool kChildrenAllocate = true;
#endif

/// In a test whose other threads allocate memory while one forks.
#define TENON_SKIP_WITHOUT_ALLOCATING_CHILDREN()                                                 \
  TENON_SKIP_WITHOUT_CHILDREN();                                                                 \
  if (!::tenon::test::kChildrenAllocate)                                                         \
  GTEST_SKIP() << "a lock of the address sanitizer's allocator that another thread held at the " \
                  "fork is never free in the child (GCC 12)"

/// Of function() in a child; -1 where it does not end within a minute and is killed, or ends by a
/// signal. 0 where !kChildrenCompute.
template <class Function>
int exit_code_of_child(Function&& function) {
  if (!kChildrenCompute) return 0;
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(function());
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

}  // namespace tenon::test
