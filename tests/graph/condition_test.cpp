#include "tenon/graph/condition.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/support.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> texts(const ConditionRecorder& recorder) {
  std::vector<std::string> result;
  for (const DimCondition& condition : recorder.take()) result.push_back(condition.to_string());
  return result;
}

const Dim n = Dim::symbol("n"), m = Dim::symbol("m");

TEST(Condition, NotesWhatSomeSizesAnswerOtherwise) {
  ConditionRecorder recorder;
  EXPECT_FALSE(n == m);
  EXPECT_FALSE(m == n);
  EXPECT_FALSE(2 * n == m + 1);
  EXPECT_FALSE(n.is(7));
  EXPECT_FALSE(n.divided_by(4));
  EXPECT_FALSE(Dim(12).divided_by(n));
  EXPECT_THAT(texts(recorder),
              ElementsAre("n != m", "2*n != m+1", "n != 7", "n % 4 != 0", "12 % n != 0"));
}

TEST(Condition, LeavesOutWhatIsCertain) {
  ConditionRecorder recorder;
  EXPECT_FALSE(n == n + 1);
  EXPECT_TRUE(n == n);
  EXPECT_FALSE(Dim(3) == Dim(4));
  EXPECT_FALSE(Dim(3).divided_by(2));
  EXPECT_TRUE((4 * n).divided_by(2));
  EXPECT_FALSE(n.is(0));  // sizes of 0 and 1 are cases of their own
  EXPECT_FALSE(n.is(1));
  EXPECT_FALSE(n.is(-1));
  EXPECT_FALSE(n * m == Dim(3));
  EXPECT_FALSE(n.always_equals(m));
  EXPECT_THAT(texts(recorder), IsEmpty());
}

TEST(Condition, RecordersNest) {
  ConditionRecorder outer;
  {
    ConditionRecorder inner;
    EXPECT_FALSE(n == m);
    EXPECT_THAT(texts(inner), ElementsAre("n != m"));
    ConditionPause pause;
    EXPECT_FALSE(n.is(9));
  }
  EXPECT_FALSE(m.is(5));
  std::thread([] { EXPECT_FALSE(n.is(11)); }).join();  // others record for themselves
  EXPECT_THAT(texts(outer), ElementsAre("n != m", "m != 5"));
}

TEST(Condition, HoldsOrNot) {
  DimCondition different{DimCondition::Kind::different, 2 * n, m + 1};
  EXPECT_TRUE(different.holds({{"n", 3}, {"m", 3}}));
  EXPECT_FALSE(different.holds({{"n", 3}, {"m", 5}}));
  DimCondition indivisible{DimCondition::Kind::indivisible, n, m};
  EXPECT_TRUE(indivisible.holds({{"n", 7}, {"m", 2}}));
  EXPECT_FALSE(indivisible.holds({{"n", 8}, {"m", 2}}));
  EXPECT_TRUE(indivisible.holds({{"n", 8}, {"m", 0}}));
  EXPECT_FALSE(indivisible.holds({{"n", INT64_MIN}, {"m", -1}}));
}

TEST(Condition, ZerosOfDifferences) {
  auto zero = [](const Dim& dim) {
    auto found = dim.zero();
    return found ? found->first + " = " + found->second.to_string() : "none";
  };
  EXPECT_EQ(zero(n - m), "m = n");
  EXPECT_EQ(zero(2 * n - m - 1), "m = 2*n-1");
  EXPECT_EQ(zero(n - 7), "n = 7");
  EXPECT_EQ(zero(2 * n - 6), "none");
  EXPECT_EQ(zero(n * m - 6), "none");
  EXPECT_EQ(zero(n + Dim::floor_div(n, 2) - m), "m = floor(n,2)+n");
  EXPECT_EQ(zero(n + Dim::floor_div(n, 2)), "none");
}

}  // namespace
}  // namespace tenon
