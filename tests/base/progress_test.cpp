#include "tenon/base/progress.h"

#include <gtest/gtest.h>

#include <memory>

namespace tenon {
namespace {

class ProgressOutput : public testing::Test {
 protected:
  ProgressOptions options(int terminal) {
    return {.unit = "images",
            .units_per_step = 64,
            .terminal = terminal,
            .output = file_.get(),
            .clock = [this] { return now_; }};
  }
  std::string text() {
    std::fflush(file_.get());
    std::rewind(file_.get());
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file_.get()));
    return text;
  }

  double now_ = 100;

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{std::tmpfile(), std::fclose};
};

TEST_F(ProgressOutput, BarIsRedrawnInPlace) {
  Progress progress("epoch 1/5", 100, options(1));
  now_ += 1;
  progress.update(25, "loss 0.5");
  now_ += 0.01;
  progress.update(26, "too soon to be drawn");
  now_ += 0.99;
  progress.update(100);
  progress.finish("loss 0.4");
  EXPECT_EQ(text(),
            "\repoch 1/5  ━━━━────────────  25/100  loss 0.5  1,600 images/s  0:03 left\x1b[K"
            "\repoch 1/5  ━━━━━━━━━━━━━━━━  100/100  3,200 images/s\x1b[K"
            "\repoch 1/5  ━━━━━━━━━━━━━━━━  100/100  loss 0.4  3,200 images/s\x1b[K\n");
}

TEST_F(ProgressOutput, PlainLinesComeNowAndThen) {
  Progress progress("epoch 1/5", 100, options(0));
  for (int step = 1; step <= 100; ++step) {
    now_ += 0.15;
    progress.update(step);
  }
  progress.finish("loss 0.4");
  EXPECT_EQ(text(),
            "epoch 1/5  67/100  427 images/s  0:05 left\n"
            "epoch 1/5  100/100  loss 0.4  427 images/s\n");
}

TEST_F(ProgressOutput, ResumedStepsDoNotCountForTheRate) {
  Progress progress("epoch 1/5", 100, options(0));
  progress.start_from(90);
  now_ += 1;
  progress.update(100);
  progress.finish("");
  EXPECT_EQ(text(), "epoch 1/5  100/100  640 images/s\n");
}

TEST_F(ProgressOutput, AnUnfinishedBarEndsItsLine) {
  {
    Progress("epoch 1/5", 10, options(1)).update(1);
  }
  EXPECT_TRUE(text().ends_with("\x1b[K\n"));
}

TEST_F(ProgressOutput, UnknownTotalShowsACount) {
  Progress progress("reading", 0, options(0));
  now_ += 2;
  progress.update(7);
  progress.finish("");
  EXPECT_EQ(text(), "reading  7  224 images/s\n");
}

TEST(FormatDuration, ReadsLikeAClock) {
  EXPECT_EQ(format_duration(7.4), "0:07");
  EXPECT_EQ(format_duration(760), "12:40");
  EXPECT_EQ(format_duration(10929), "3:02:09");
}

}  // namespace
}  // namespace tenon
