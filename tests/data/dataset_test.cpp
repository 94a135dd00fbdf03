#include "tenon/data/dataset.h"

#include <gtest/gtest.h>

#include "tenon/base/error.h"
#include "tests/support.h"

namespace tenon::data {
namespace {

Dataset five_rows() {
  return Dataset({{"x", Literal::of<float>({5, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9})},
                  {"y", Literal::of<int32_t>({5}, {0, 10, 20, 30, 40})}});
}

TEST(Dataset, NamesOfClassesDiffer) {
  Dataset set = five_rows();
  EXPECT_EQ(set.set_classes({"a", "b"}).classes().size(), 2u);
  EXPECT_EQ(thrown_by([&] { set.set_classes({"a", "b", "a"}); }).message(),
            "dataset: classes 0 and 2 are both called 'a'");
}

TEST(Dataset, ColumnsHaveEqualNumbersOfRows) {
  Dataset set = five_rows();
  EXPECT_EQ(set.size(), 5);
  EXPECT_EQ(set.names(), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(set["y"].at<int32_t>(3), 30);
  EXPECT_EQ(set.to_string(), "x  f32[5,2]\ny  i32[5]\n");
  const Error error = thrown_by([&] { set.add("z", Literal(DType::f32, {4})); });
  EXPECT_EQ(error.code(), ErrorCode::shape_mismatch);
  EXPECT_STREQ(error.what(),
               "dataset: columns have different numbers of rows\n  'x' has 5\n  'z' has 4");
  EXPECT_EQ(thrown_by([&] { set.add("x", Literal(DType::f32, {5})); }).code(),
            ErrorCode::already_exists);
  EXPECT_EQ(thrown_by([&] { set.add("s", Literal(DType::f32, {})); }).code(),
            ErrorCode::shape_mismatch);
}

TEST(Dataset, AnUnknownColumnNamesThoseThatExist) {
  const Error error = thrown_by([] { five_rows()["labl"]; });
  EXPECT_EQ(error.code(), ErrorCode::not_found);
  EXPECT_NE(std::string(error.what()).find("x, y"), std::string::npos) << error.what();
}

TEST(Dataset, RowsAreCopiedInTheOrderAskedFor) {
  Dataset set = five_rows();
  set.set_classes({"a", "b"});
  const std::vector<int64_t> chosen = {4, 0, 4};
  const Dataset some = set.rows(chosen);
  EXPECT_EQ(some["y"], Literal::of<int32_t>({3}, {40, 0, 40}));
  EXPECT_EQ(some["x"], Literal::of<float>({3, 2}, {8, 9, 0, 1, 8, 9}));
  EXPECT_EQ(some.classes(), set.classes());
  EXPECT_EQ(set.rows(1, 3)["y"], Literal::of<int32_t>({2}, {10, 20}));
  EXPECT_EQ(set.rows(2, 2).size(), 0);
  EXPECT_EQ(thrown_by([&] { set.rows(3, 6); }).code(), ErrorCode::out_of_range);
}

TEST(Dataset, SplitUsesEveryRowOnce) {
  const auto [train, validation] = five_rows().split(0.6, 1);
  EXPECT_EQ(train.size(), 3);
  EXPECT_EQ(validation.size(), 2);
  std::vector<int64_t> seen;
  for (const Dataset* part : {&train, &validation}) {
    for (int64_t i = 0; i < part->size(); ++i) seen.push_back((*part)["y"].to_int(i));
    EXPECT_TRUE(std::is_sorted(seen.end() - part->size(), seen.end()));
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (std::vector<int64_t>{0, 10, 20, 30, 40}));
  EXPECT_EQ(five_rows().split(0.6, 1).first["y"], train["y"]);
}

TEST(Dataset, SplittingWhatNobodyElseHasTakesItsMemoryOver) {
  const Dataset kept = five_rows();
  for (double fraction : {0.2, 0.4, 0.8, 0.0, 1.0}) {
    const auto [first, second] = kept.split(fraction, 3);
    Dataset whole = five_rows().set_classes({"a", "b"});
    const std::byte* memory = whole["x"].data();
    const auto [few, rest] = std::move(whole).split(fraction, 3);
    EXPECT_EQ(few["x"], first["x"]) << fraction;
    EXPECT_EQ(rest["x"], second["x"]) << fraction;
    EXPECT_EQ(rest["y"], second["y"]) << fraction;
    EXPECT_EQ(rest.size(), second.size());
    EXPECT_EQ(rest.classes(), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ((fraction > 0.5 ? few : rest)["x"].data(), memory);
  }
  // A column that somebody else has stays as it is.
  const Dataset shared = five_rows();
  Dataset mine = shared;
  const auto [few, rest] = std::move(mine).split(0.2, 3);
  EXPECT_EQ(shared["x"], five_rows()["x"]);
  EXPECT_EQ(rest["x"], five_rows().split(0.2, 3).second["x"]);
}

TEST(Dataset, ReplacedValuesLeaveCopiesAlone) {
  const Dataset set = five_rows();
  Dataset other = set;
  other.replace("y", Literal(DType::f32, {5}));
  EXPECT_EQ(other["y"].dtype(), DType::f32);
  EXPECT_EQ(other["x"].data(), set["x"].data());
  EXPECT_EQ(set["y"].at<int32_t>(4), 40);
  EXPECT_EQ(thrown_by([&] { other.replace("z", Literal(DType::f32, {5})); }).code(),
            ErrorCode::not_found);
}

}  // namespace
}  // namespace tenon::data
