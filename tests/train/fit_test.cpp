#include "tenon/train/fit.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tenon/base/error.h"
#include "tenon/base/random.h"
#include "tenon/models/lenet.h"
#include "tenon/models/mlp.h"

namespace tenon::train {
namespace {

/// Two kinds of pictures that are easy to tell apart: bright on the left, bright on the right.
data::Dataset easy_pictures(int64_t count) {
  Literal images(DType::u8, {count, 8, 8, 1});
  Literal labels(DType::i32, {count});
  RandomStream random(RandomKey(3));
  for (int64_t i = 0; i < count; ++i) {
    int64_t kind = random.below(2);
    labels.set_int(i, kind);
    for (int64_t p = 0; p < 64; ++p) {
      bool bright = (p % 8 < 4) == (kind == 0);
      images.set_int(i * 64 + p, random.below(100) + (bright ? 100 : 0));
    }
  }
  return data::Dataset({{"image", images}, {"label", labels}});
}

FitOptions quiet(int64_t epochs) {
  FitOptions options;
  options.epochs = epochs;
  options.batch = 32;
  options.progress = false;
  return options;
}

TEST(Fit, LearnsAnEasyTask) {
  data::Dataset data = easy_pictures(500);
  FitResult result = fit(models::mlp({.hidden = {16}, .classes = 2}), data, quiet(5));
  EXPECT_LT(result.history.epochs.back().loss, result.history.epochs.front().loss);
  Evaluation e = evaluate(result.model, data);
  EXPECT_GT(e.accuracy, 0.98);
  EXPECT_EQ(e.confusion[0][0] + e.confusion[0][1] + e.confusion[1][0] + e.confusion[1][1], 500);
}

TEST(Fit, ModelsComeBackFromTheirFile) {
  data::Dataset data = easy_pictures(100);
  FitResult result = fit(models::mlp({.hidden = {8}, .classes = 2}), data, quiet(1));
  std::filesystem::path path = std::filesystem::temp_directory_path() / "tenon-fit-test.tenon";
  result.model.save(path);
  Model loaded = Model::load(path);
  std::filesystem::remove(path);
  Tensor images(data["image"]);
  Literal before = result.model.predict(images).literal();
  Literal after = loaded.predict(images).literal();
  EXPECT_TRUE(before == after);
}

TEST(Fit, GoesOnFromACheckpointToTheSameBits) {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / "tenon-resume-test";
  std::filesystem::remove_all(folder);
  data::Dataset data = easy_pictures(200);
  nn::Model model = models::mlp({.hidden = {8}, .classes = 2});
  FitResult whole = fit(model, data, quiet(4));
  FitOptions options = quiet(4);
  options.checkpoint = folder.string();
  // The schedule is constant, so a run of two epochs is the beginning of one of four.
  options.epochs = 2;
  fit(model, data, options);
  options.epochs = 4;
  FitResult resumed = fit(model, data, options);
  std::filesystem::remove_all(folder);
  EXPECT_EQ(resumed.history.step_loss, whole.history.step_loss);
  for_each_leaf(whole.model.variables().parameters, [&](const std::string& path,
                                                        const Tensor& leaf) {
    EXPECT_TRUE(leaf.literal() == resumed.model.variables().parameters.at(path).literal()) << path;
  });
}

TEST(Fit, ALossThatIsNotFiniteNamesStepAndOperation) {
  data::Dataset data = easy_pictures(100);
  FitOptions options = quiet(3);
  options.optimizer = nn::sgd({.learning_rate = 1e30});
  try {
    fit(models::mlp({.hidden = {8}, .classes = 2}), data, options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_finite);
    EXPECT_NE(std::string(error.what()).find("step"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("first made by"), std::string::npos);
  }
}

}  // namespace
}  // namespace tenon::train
