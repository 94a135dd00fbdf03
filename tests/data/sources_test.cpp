#include "tenon/data/sources.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tenon/base/error.h"
#include "tenon/format/idx.h"
#include "tenon/format/npy.h"
#include "tests/format/support.h"

namespace tenon::data {
namespace {

TEST(Sources, FashionMnistIsReadWhole) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    GTEST_SKIP() << "needs Debian's package dataset-fashion-mnist";
  }
  const TrainTest data = fashion_mnist();
  EXPECT_EQ(data.train["image"].shape(), (std::vector<int64_t>{60000, 28, 28, 1}));
  EXPECT_EQ(data.test["image"].shape(), (std::vector<int64_t>{10000, 28, 28, 1}));
  EXPECT_EQ(data.train["label"].dtype(), DType::i32);
  EXPECT_EQ(data.train.classes().at(static_cast<size_t>(data.train["label"].to_int(0))),
            "ankle boot");
  std::vector<int> count(10);
  for (int32_t label : data.test["label"].values<int32_t>()) ++count.at(static_cast<size_t>(label));
  EXPECT_EQ(count, std::vector<int>(10, 1000));
}

TEST(Sources, IdxReadsPlainFilesAndNamesWhatDoesNotFit) {
  const TemporaryFolder folder;
  write_idx(folder / "images", Literal(DType::u8, {3, 2, 2}));
  write_idx(folder / "labels", Literal::of<uint8_t>({3}, {1, 0, 2}));
  write_idx(folder / "few", Literal(DType::u8, {2}));
  const Dataset set = idx(folder / "images", folder / "labels");
  EXPECT_EQ(set["image"].shape(), (std::vector<int64_t>{3, 2, 2, 1}));
  EXPECT_EQ(set["label"], Literal::of<int32_t>({3}, {1, 0, 2}));
  const Error error = thrown_by([&] { idx(folder / "images", folder / "few"); });
  EXPECT_EQ(error.code(), ErrorCode::shape_mismatch);
  EXPECT_NE(std::string(error.what()).find((folder / "few").string()), std::string::npos);
  EXPECT_EQ(thrown_by([&] { idx(folder / "labels", folder / "labels"); }).code(),
            ErrorCode::shape_mismatch);
  EXPECT_EQ(thrown_by([&] { idx(folder / "images", folder / "images"); }).code(),
            ErrorCode::type_mismatch);
}

TEST(Sources, NpzArraysAreColumns) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz",
            {{"x", Literal(DType::f32, {4, 3})}, {"y", Literal(DType::i64, {4})}});
  const Dataset set = npz(folder / "a.npz");
  EXPECT_EQ(set.size(), 4);
  EXPECT_EQ(set["x"].shape(), (std::vector<int64_t>{4, 3}));
  write_npz(folder / "b.npz", {{"x", Literal(DType::f32, {4})}, {"y", Literal(DType::i64, {5})}});
  EXPECT_EQ(thrown_by([&] { npz(folder / "b.npz"); }).code(), ErrorCode::shape_mismatch);
}

TEST(Sources, NpzColumnsThatAreNotNamedAreNotRead) {
  const TemporaryFolder folder;
  write_npz(folder / "a.npz", {{"x", Literal(DType::f32, {4, 3})},
                               {"y", Literal(DType::i64, {4})},
                               {"seed", Literal(DType::i64, {})},
                               {"mean", Literal(DType::f32, {7})}});
  const Dataset set = npz(folder / "a.npz", {"x", "y"});
  EXPECT_EQ(set.names(), (std::vector<std::string>{"x", "y"}));
  const std::string error = thrown_by([&] { npz(folder / "a.npz", {"x", "meen"}); }).what();
  EXPECT_NE(error.find("no column 'meen'"), std::string::npos) << error;
  EXPECT_NE(error.find("a.npz, which has: mean, seed, x, y"), std::string::npos) << error;
  EXPECT_NE(error.find("did you mean 'mean'?"), std::string::npos) << error;
}

TEST(Sources, AMissingFileNamesTheFolder) {
  const TemporaryFolder folder;
  const Error error = thrown_by([&] { fashion_mnist(folder / ""); });
  EXPECT_EQ(error.code(), ErrorCode::not_found);
  EXPECT_NE(error.message().find("train-images-idx3-ubyte.gz"), std::string::npos);
}

}  // namespace
}  // namespace tenon::data
