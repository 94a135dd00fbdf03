#include "tenon/nn/transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tenon/base/strings.h"
#include "tenon/nn/layers.h"
#include "tenon/tensor/numpy.h"

namespace tenon::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Variables body(int64_t classes, uint64_t seed) {
  auto model = [=](Scope s, Tensor x) {
    x = relu(batch_norm(s / "norm", dense(s / "fc1", x, 3)));
    return dense(s / "logits", x, classes);
  };
  return init(model, {Type::parse("f32[2,4]")}, seed);
}

TEST(Transfer, TakesWhatFitsAndSaysWhatDoesNot) {
  Variables old = body(10, 1), fresh = body(5, 2);
  Transfer t = transfer(old, fresh);
  EXPECT_EQ(t.variables.parameters.at("fc1.weight").literal(),
            old.parameters.at("fc1.weight").literal());
  EXPECT_EQ(t.variables.parameters.at("logits.weight").literal(),
            fresh.parameters.at("logits.weight").literal());
  EXPECT_THAT(t.taken, ElementsAre("fc1.weight", "fc1.bias", "norm.weight", "norm.bias",
                                   "norm.running_mean", "norm.running_var"));
  ASSERT_EQ(t.kept.size(), 2u);
  EXPECT_EQ(t.kept[0].reason, "it is f32[3,5], the other model's f32[3,10]");
  EXPECT_THAT(t.report(), HasSubstr("6 of 8 variables taken"));
  EXPECT_THAT(t.report(), HasSubstr("unused  logits.bias: of another type"));
}

TEST(Transfer, RenamesAndLeavesOutAsAsked) {
  auto inner = [](Scope s, Tensor x) { return dense(s / "logits", dense(s / "fc1", x, 3), 5); };
  auto outer = [&](Scope s, Tensor x) { return inner(s / "backbone", x); };
  Variables old = init(outer, {Type::parse("f32[2,4]")}, 1);
  Variables fresh = init(inner, {Type::parse("f32[2,4]")}, 2);
  Transfer t = transfer(old, fresh, {.rename = {{"backbone.", ""}}, .without = {"logits.**"}});
  EXPECT_THAT(t.taken, ElementsAre("fc1.weight", "fc1.bias"));
  EXPECT_EQ(t.kept[0], (Transfer::Left{"logits.weight", "left out as asked"}));
  EXPECT_EQ(t.unused[0], (Transfer::Left{"backbone.logits.weight", "left out as asked"}));
}

TEST(MatchesPath, StarsStandForNamesAndPaths) {
  EXPECT_TRUE(matches_path("fc1.weight", "fc1.weight"));
  EXPECT_TRUE(matches_path("*.weight", "fc1.weight"));
  EXPECT_FALSE(matches_path("*.weight", "blocks.fc1.weight"));
  EXPECT_TRUE(matches_path("**.bias", "bias"));
  EXPECT_TRUE(matches_path("**.bias", "blocks.0.fc1.bias"));
  EXPECT_TRUE(matches_path("blocks.**.bias", "blocks.bias"));
  EXPECT_FALSE(matches_path("blocks.**.bias", "blocks.0.weight"));
  EXPECT_TRUE(matches_path("blocks.*.fc?.bias", "blocks.0.fc?.bias"));
  EXPECT_TRUE(matches_path("**", "a.b"));
  EXPECT_FALSE(matches_path("*", "a.b"));
  EXPECT_FALSE(matches_path("", "a"));
}

}  // namespace
}  // namespace tenon::nn
