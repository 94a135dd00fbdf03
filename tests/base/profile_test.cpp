#include "tenon/base/profile.h"

#include <gtest/gtest.h>

#include <thread>

#include "tenon/base/json.h"

namespace tenon {
namespace {

TEST(Profile, RecordsNestedSpansWithArguments) {
  Profile profile;
  set_current_profile(&profile);
  {
    ProfileSpan step("step", "train");
    ProfileSpan kernel("dot \"1\"", "kernel");
    kernel.argument("flops", 2048.0);
    kernel.argument("choice", "generated: too small for a library call");
  }
  set_current_profile(nullptr);

  const Json document = parse_json(profile.to_json(), "profile");
  const Json& events = document["traceEvents"];
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["name"], "step");
  EXPECT_EQ(events[0]["ts"], 0.0);
  EXPECT_EQ(events[1]["name"], "dot \"1\"");
  EXPECT_EQ(events[1]["ph"], "X");
  EXPECT_EQ(events[1]["args"]["flops"], 2048.0);
  EXPECT_GE(events[0]["dur"].get<double>(), events[1]["dur"].get<double>());
}

TEST(Profile, OffRecordsNothing) {
  ProfileSpan span("step", "train");
  span.argument("flops", 1.0);
  EXPECT_FALSE(span.active());
}

TEST(Profile, ThreadsHaveTheirOwnRows) {
  Profile profile;
  set_current_profile(&profile);
  std::thread([] { ProfileSpan span("a", "x"); }).join();
  {
    ProfileSpan span("b", "x");
  }
  set_current_profile(nullptr);
  const auto events = profile.events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_NE(events[0].thread, events[1].thread);
}

}  // namespace
}  // namespace tenon
