#include "tenon/base/log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tenon/base/error.h"
#include "tests/forked.h"

namespace tenon {
namespace {

TEST(Log, PassesMessagesFromTheLevelUp) {
  std::vector<std::string> lines;
  const LogLevel before = log_level();
  set_log_level(LogLevel::warning);
  set_log_sink([&](LogLevel, std::string_view text) { lines.emplace_back(text); });
  log_info("not {}", "shown");
  log_warning("step {} took {:.1f} s", 3, 1.25);
  log_error("lost");
  set_log_sink(nullptr);
  set_log_level(before);
  EXPECT_EQ(lines, (std::vector<std::string>{"step 3 took 1.2 s", "lost"}));
}

TEST(Log, LabelsWarningsOnStderr) {
  testing::internal::CaptureStderr();
  log_info("resuming");
  log_warning("slow");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "resuming\nwarning: slow\n");
}

TEST(Log, AChildOfForkWritesWhileAnotherThreadWasInTheSink) {
  TENON_SKIP_WITHOUT_CHILDREN();
  std::atomic<bool> is_inside = false, may_end = false;
  std::atomic<int> lines = 0;
  set_log_sink([&](LogLevel, std::string_view text) {
    ++lines;
    is_inside = true;
    if (text == "wait") may_end.wait(false);
  });
  std::thread other([] { log_warning("wait"); });
  while (!is_inside) std::this_thread::yield();
  const int code = test::exit_code_of_child([&] {
    log_warning("in the child");
    set_log_sink(nullptr);
    return lines == 2 ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
  may_end = true;
  may_end.notify_all();
  other.join();
  log_warning("in the parent");
  set_log_sink(nullptr);
  EXPECT_EQ(lines, 2);
}

TEST(Log, UnknownLevelIsAnError) {
  EXPECT_EQ(parse_log_level("off"), LogLevel::off);
  EXPECT_THROW(parse_log_level("warnings!"), Error);
}

}  // namespace
}  // namespace tenon
