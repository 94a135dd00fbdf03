#include "tenon/base/log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tenon/base/error.h"

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

TEST(Log, UnknownLevelIsAnError) {
  EXPECT_EQ(parse_log_level("off"), LogLevel::off);
  EXPECT_THROW(parse_log_level("warnings!"), Error);
}

}  // namespace
}  // namespace tenon
