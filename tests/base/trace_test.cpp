#include "tenon/base/trace.h"

#include <gtest/gtest.h>

#include <thread>

#include "tenon/base/json.h"

namespace tenon {
namespace {

TEST(Trace, RecordsNestedSpansWithArguments) {
  Trace trace;
  set_current_trace(&trace);
  {
    TraceSpan step("step", "train");
    TraceSpan kernel("dot \"1\"", "kernel");
    kernel.argument("flops", 2048.0);
    kernel.argument("choice", "generated: too small for a library call");
  }
  set_current_trace(nullptr);

  const Json document = parse_json(trace.to_json(), "trace");
  const Json& events = document["traceEvents"];
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["name"], "step");
  EXPECT_EQ(events[0]["ts"], 0.0);
  EXPECT_EQ(events[1]["name"], "dot \"1\"");
  EXPECT_EQ(events[1]["ph"], "X");
  EXPECT_EQ(events[1]["args"]["flops"], 2048.0);
  EXPECT_GE(events[0]["dur"].get<double>(), events[1]["dur"].get<double>());
}

TEST(Trace, OffRecordsNothing) {
  TraceSpan span("step", "train");
  span.argument("flops", 1.0);
  EXPECT_FALSE(span.active());
}

TEST(Trace, ThreadsHaveTheirOwnRows) {
  Trace trace;
  set_current_trace(&trace);
  std::thread([] { TraceSpan span("a", "x"); }).join();
  {
    TraceSpan span("b", "x");
  }
  set_current_trace(nullptr);
  const auto events = trace.events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_NE(events[0].thread, events[1].thread);
}

}  // namespace
}  // namespace tenon
