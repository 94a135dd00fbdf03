#include "tenon/base/interrupt.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "tenon/base/error.h"

namespace tenon {
namespace {

TEST(Interrupt, TheFirstSignalOnlyAsks) {
  clear_interrupt();
  const InterruptScope scope;
  EXPECT_FALSE(interrupted());
  ::raise(SIGINT);
  EXPECT_TRUE(interrupted());
  EXPECT_EQ(interrupting_signal(), SIGINT);
  EXPECT_THROW(throw_if_interrupted(), Error);
  clear_interrupt();
  EXPECT_NO_THROW(throw_if_interrupted());
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
