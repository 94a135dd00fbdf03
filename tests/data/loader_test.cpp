#include "tenon/data/loader.h"

#include <gtest/gtest.h>

namespace tenon::data {
namespace {

Dataset four_rows() {
  return Dataset({{"image", Literal::of<uint8_t>({4, 1}, {0, 51, 102, 255})},
                  {"label", Literal::of<int32_t>({4}, {0, 1, 2, 3})}});
}

TEST(Loader, YieldsTensorsByColumn) {
  Loader loader(four_rows(), {.batch = 3, .shuffle = false});
  EXPECT_EQ(loader.steps_per_epoch(), 2);
  std::vector<int64_t> sizes;
  for (int epoch = 0; epoch < 2; ++epoch) {
    for (const Batch& batch : loader) {
      sizes.push_back(batch["label"].buffer().size());
      EXPECT_EQ(batch["image"].dtype(), DType::f32);
    }
  }
  EXPECT_EQ(sizes, (std::vector<int64_t>{3, 1, 3, 1}));
  const auto first = loader.next();
  EXPECT_EQ(first->at("image").item(1), 51 / 255.0f);
  EXPECT_EQ(loader.position(), (Position{2, 1}));
}

TEST(Loader, ResumesInTheMiddleOfAnEpoch) {
  Loader whole(four_rows(), {.batch = 1, .seed = 3});
  std::vector<int64_t> labels;
  for (const Batch& batch : whole) labels.push_back(batch["label"].item_int(0));
  Loader resumed(four_rows(), {.batch = 1, .seed = 3});
  resumed.seek({.epoch = 0, .step = 2});
  std::vector<int64_t> rest;
  for (const Batch& batch : resumed) rest.push_back(batch["label"].item_int(0));
  EXPECT_EQ(rest, std::vector<int64_t>(labels.begin() + 2, labels.end()));
}

}  // namespace
}  // namespace tenon::data
