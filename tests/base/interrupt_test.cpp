#include "tenon/base/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace tenon {
namespace {

TEST(Interrupt, TheFirstSignalOnlyAsks) {
  clear_interrupt();
  const InterruptScope scope;
  EXPECT_FALSE(interrupted());
  ::raise(SIGINT);
  EXPECT_TRUE(interrupted());
  clear_interrupt();
  EXPECT_FALSE(interrupted());
}

TEST(Interrupt, IsForgottenByTheNextWorkButNotInsideOfOne) {
  {
    const InterruptScope work;
    ::raise(SIGINT);
  }
  EXPECT_TRUE(interrupted());  // for whoever looks afterwards
  const InterruptScope next;
  EXPECT_FALSE(interrupted());
  ::raise(SIGINT);
  const InterruptScope part;
  EXPECT_TRUE(interrupted());
  clear_interrupt();
}

TEST(InterruptDeathTest, TheSecondSignalKills) {
  EXPECT_EXIT(
      {
        const InterruptScope scope;
        ::raise(SIGTERM);
        ::raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(Interrupt, HandlersFromBeforeComeBack) {
  const auto before = ::signal(SIGINT, SIG_IGN);
  {
    const InterruptScope scope;
  }
  EXPECT_EQ(::signal(SIGINT, before), SIG_IGN);
}

}  // namespace
}  // namespace tenon
