// What a child of fork does, as its exit code.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace tenon::test {

/// Of function() in a child; -1 where it does not end within a minute. The thread sanitizer lets no
/// such child start threads: 0 there.
template <class Function>
int exit_code_of_child(Function&& function) {
#if defined(__SANITIZE_THREAD__)
  return 0;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
  return 0;
#endif
#endif
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
