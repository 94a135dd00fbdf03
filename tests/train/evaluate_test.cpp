#include "tenon/train/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support.h"

namespace tenon::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Confusion confusion_of(int64_t classes, std::vector<std::pair<int64_t, int64_t>> pairs) {
  Confusion confusion(classes);
  for (auto [label, predicted] : pairs) confusion.add(label, predicted);
  return confusion;
}

TEST(Evaluate, NumbersHaveTheirErrorAndWhatIsExplained) {
  nn::ModelFunction same = [](nn::Scope, Tensor x) { return x; };
  Model model(same, {}, Type::parse("f32[2]"), {}, {});
  // Columns of their own means, 2 and 10: explained is 1 - (1 + 4) / (2 + 8).
  data::Dataset data({{"x", Literal::of<float>({2, 2}, {1, 9, 3, 10})},
                      {"y", Literal::of<float>({2, 2}, {1, 8, 3, 12})}});
  Evaluation e = evaluate(model, data, {.input = "x", .label = "y"});
  EXPECT_DOUBLE_EQ(e.loss, 5.0 / 4);
  EXPECT_DOUBLE_EQ(e.absolute_error, 3.0 / 4);
  EXPECT_DOUBLE_EQ(e.r_squared, 0.5);
  EXPECT_THAT(e.outputs, ElementsAre(1, 9, 3, 10));
  Evaluation means = evaluate(model, data, {.input = "x", .label = "y", .details = false});
  EXPECT_EQ(means.loss, e.loss);
  EXPECT_TRUE(means.outputs.empty());
}

TEST(Confusions, CountByLabelAndPrediction) {
  Confusion confusion = confusion_of(4, {{0, 0}, {0, 2}, {1, 0}, {1, 0}, {2, 2}});
  EXPECT_EQ(confusion.at(0, 0), 1);
  EXPECT_EQ(confusion.at(1, 0), 2);
  EXPECT_EQ(confusion.at(2, 1), 0);
  EXPECT_EQ(confusion.total(0), 2);
  EXPECT_EQ(confusion.right(1), 0);
  EXPECT_EQ(confusion.accuracy(0), 0.5);
  EXPECT_TRUE(std::isnan(confusion.accuracy(3)));
  EXPECT_EQ(confusion.mistakes(), (std::vector<Confusion::Count>{{0, 2, 1}, {1, 0, 2}}));
  EXPECT_EQ(confusion.most_frequent(1), (std::vector<Confusion::Count>{{1, 0, 2}}));
  EXPECT_THAT(confusion.worst_classes(9), ElementsAre(1, 0, 2));
}

TEST(Confusions, OfFewClassesAreATable) {
  Evaluation e{.accuracy = 0.5, .examples = 2, .confusion = confusion_of(50, {{3, 4}, {3, 3}})};
  EXPECT_THAT(e.to_string(), HasSubstr("label  predicted"));
}

TEST(Confusions, NamesAtTheHeadAreAllDifferent) {
  Evaluation e{.confusion = confusion_of(3, {{0, 1}})};
  e.classes = {"class_10", "class_11", "x"};
  EXPECT_THAT(e.to_string(), HasSubstr(" class_10 class_11        x\n"));
  e.classes = {"a shirt with sleeves", "a shirt without", "x"};
  EXPECT_THAT(e.to_string(), HasSubstr(" a shirt wi~0 a shirt wi~1            x\n"));
  e.classes = {"with sleeves, of silk", "without-all-of-them", "x"};
  EXPECT_THAT(e.to_string(), HasSubstr(" with sleeves without-all-            x\n"));
}

TEST(Confusions, OfManyClassesAreTheWorst) {
  Confusion confusion(10'000);
  for (int64_t label = 0; label < 10'000; ++label) confusion.add(label, label);
  confusion.add(4321, 7);
  Evaluation e{.accuracy = 0.9999, .examples = 10'001, .confusion = confusion};
  std::string text = e.to_string();
  EXPECT_THAT(text, HasSubstr("10,000 classes are too many for a table"));
  EXPECT_THAT(text, HasSubstr("     4321          7         1\n"));
  EXPECT_THAT(text, HasSubstr("     4321    0.5000         1         2\n"));
  EXPECT_LT(text.size(), 10'000u);
}

}  // namespace
}  // namespace tenon::train
