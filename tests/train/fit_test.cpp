#include "tenon/train/fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>

#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/log.h"
#include "tenon/base/random.h"
#include "tenon/models/lenet.h"
#include "tenon/models/mlp.h"
#include "tenon/nn/layers.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/random.h"
#include "tenon/train/checkpoint.h"
#include "tenon/train/step.h"
#include "tests/support.h"

namespace tenon::train {
namespace {

using ::testing::HasSubstr;

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

bool same_bits(const Model& a, const Model& b) {
  std::vector<Tensor> first = leaves_of(a.variables().parameters);
  std::vector<Tensor> second = leaves_of(b.variables().parameters);
  return std::equal(first.begin(), first.end(), second.begin(), second.end(),
                    [](const Tensor& x, const Tensor& y) { return x.literal() == y.literal(); });
}

TEST(Fit, LearnsAnEasyTask) {
  data::Dataset data = easy_pictures(500);
  FitResult result = fit(models::mlp({.hidden = {16}, .classes = 2}), data, quiet(5));
  EXPECT_LT(result.history.epochs.back().loss, result.history.epochs.front().loss);
  Evaluation e = evaluate(result.model, data);
  EXPECT_GT(e.accuracy, 0.98);
  EXPECT_EQ(e.confusion.total(0) + e.confusion.total(1), 500);
  EXPECT_EQ(fmt::format("{}", e), e.to_string());
}

TEST(Fit, AStepByItselfMayHoldWhatIsFree) {
  nn::ModelFunction model = models::mlp({.hidden = {8}, .classes = 2});
  FitOptions options = quiet(1);
  nn::Variables initial = nn::init(model, {Type::parse("f32[2,8,8,1]")}, 0);
  TrainState state{initial.parameters, options.optimizer.init(initial.parameters), initial.state,
                   Tensor(0)};
  StepFunction step = make_step(model, options, 1);
  StepResult result = step(state, zeros({2, 8, 8, 1}), Tensor::of<int32_t>({0, 1}, {2}));
  EXPECT_TRUE(std::isfinite(result.metrics.loss.item()));
}

TEST(Fit, ModelsComeBackFromTheirFile) {
  data::Dataset data = easy_pictures(100);
  // Layers may be called anything.
  auto model = [](nn::Scope s, Tensor x) {
    x = relu(nn::dense(s / "größe: 1", flatten(x), 8));
    return nn::dense(s / "the \"last\" layer", x, 2);
  };
  FitResult result = fit(model, data, quiet(1));
  TemporaryFolder folder;
  std::filesystem::path path = folder / "model.tenon";
  result.model.save(path);
  Model loaded = Model::load(path);
  Tensor images(data["image"]);
  Literal before = result.model.predict(images).literal();
  Literal after = loaded.predict(images).literal();
  EXPECT_TRUE(before == after);
}

TEST(Fit, AModelMayUseATableOfItsOwn) {
  TemporaryFolder folder;
  Tensor table = random::normal(random::key(5), {64, 16}).eval();
  nn::ModelFunction model = [table](nn::Scope s, Tensor x) {
    return nn::dense(s / "out", matmul(x.reshape({-1, 64}), table), 2);
  };
  data::Dataset data = easy_pictures(200);
  FitOptions options = quiet(4);
  options.optimizer = nn::adam({.learning_rate = 0.02});
  options.validation = data;
  FitResult result = fit(model, data, options);
  EXPECT_GT(result.history.epochs.back().validation_accuracy, 0.9);
  std::filesystem::path file = folder / "model.tenon";
  result.model.save(file);
  Tensor images(data["image"]);
  EXPECT_EQ(Model::load(file).predict(images).to_vector<float>(),
            result.model.predict(images).to_vector<float>());
}

TEST(Fit, OnlyBytesAreScaledUnlessAsked) {
  data::Dataset bytes = easy_pictures(100);
  Literal brightness(DType::f32, {100, 8, 8, 1});
  for (int64_t i = 0; i < brightness.size(); ++i)
    brightness.set_double(i, bytes["image"].to_double(i) * (1.0 / 255));
  data::Dataset numbers({{"image", brightness}, {"label", bytes["label"]}});
  nn::ModelFunction model = models::mlp({.hidden = {8}, .classes = 2});
  std::vector<float> of_bytes = fit(model, bytes, quiet(2)).history.step_loss;
  std::vector<float> of_numbers = fit(model, numbers, quiet(2)).history.step_loss;
  ASSERT_EQ(of_bytes.size(), of_numbers.size());
  for (size_t i = 0; i < of_bytes.size(); ++i) EXPECT_NEAR(of_bytes[i], of_numbers[i], 1e-5);
}

TEST(Fit, BytesOfTablesAreNumbersAsTheyAre) {
  data::Dataset pictures = easy_pictures(100);
  Literal numbers(DType::f32, {100, 64});
  for (int64_t i = 0; i < numbers.size(); ++i)
    numbers.set_double(i, pictures["image"].to_double(i));
  Literal table = pictures["image"].reshaped({100, 64});
  nn::ModelFunction model = models::mlp({.hidden = {8}, .classes = 2});
  auto loss_of = [&](const Literal& inputs) {
    data::Dataset data({{"image", inputs}, {"label", pictures["label"]}});
    return fit(model, data, quiet(1)).history.step_loss;
  };
  EXPECT_EQ(loss_of(table), loss_of(numbers));
  EXPECT_EQ(default_scaling(Type::parse("u8[16]")).scale, 1);
  EXPECT_LT(default_scaling(Type::parse("u8[28,28]")).scale, 1);
}

TEST(Fit, GoesOnFromACheckpointToTheSameBits) {
  TemporaryFolder folder;
  data::Dataset data = easy_pictures(200);
  nn::ModelFunction model = models::mlp({.hidden = {8}, .classes = 2});
  FitResult whole = fit(model, data, quiet(4));
  FitOptions options = quiet(4);
  options.checkpoint = folder.path();
  // The schedule is constant, so a run of two epochs is the beginning of one of four.
  options.epochs = 2;
  fit(model, data, options);
  options.epochs = 4;
  FitResult resumed = fit(model, data, options);
  EXPECT_EQ(resumed.history.step_loss, whole.history.step_loss);
  for_each_leaf(whole.model.variables().parameters, [&](const std::string& path,
                                                        const Tensor& leaf) {
    EXPECT_TRUE(leaf.literal() == resumed.model.variables().parameters.at(path).literal()) << path;
  });
}

Checkpoint after_epoch(int64_t epoch) {
  Checkpoint checkpoint{.epoch = epoch};
  checkpoint.state.set("step", Tensor(0));
  return checkpoint;
}

TEST(Checkpoints, ANewerOneThatCannotBeReadDoesNotPushOutTheNew) {
  TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path());
  std::filesystem::path damaged = checkpoints.write(after_epoch(7), 1);
  atomic_write(damaged, "x");
  checkpoints.write(after_epoch(3), 1);
  checkpoints.write(after_epoch(4), 1);
  std::vector<std::string> warnings;
  set_log_sink([&](LogLevel, std::string_view text) { warnings.emplace_back(text); });
  std::optional<Checkpoint> latest = checkpoints.latest();
  set_log_sink({});
  ASSERT_TRUE(latest.has_value());
  EXPECT_EQ(latest->epoch, 4);
  EXPECT_EQ(checkpoints.files().size(), 2u);
  EXPECT_EQ(warnings.size(), 1u);
}

TEST(Checkpoints, FilesOfOtherNamesAreLeftAlone) {
  TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path());
  const std::filesystem::path old = checkpoints.write(after_epoch(2), 5);
  const std::filesystem::path newest = checkpoints.write(after_epoch(5), 5);
  const std::filesystem::path copy = folder / "step-00009-00000000-good-copy.safetensors";
  std::filesystem::copy_file(old, copy);
  EXPECT_EQ(checkpoints.files(), (std::vector{newest, old}));
  EXPECT_EQ(checkpoints.latest()->epoch, 5);
  checkpoints.remove_all();
  EXPECT_TRUE(checkpoints.files().empty());
  EXPECT_TRUE(std::filesystem::exists(copy));
}

TEST(Checkpoints, ManyEpochsStayInOrder) {
  TemporaryFolder folder;
  CheckpointFolder checkpoints(folder.path());
  for (int64_t epoch : {99999, 100000, 100001}) checkpoints.write(after_epoch(epoch), 2);
  EXPECT_EQ(checkpoints.latest()->epoch, 100001);
  EXPECT_EQ(checkpoints.files().size(), 2u);
}

TEST(Fit, EarlyStoppingGoesOnFromACheckpoint) {
  TemporaryFolder folder;
  data::Dataset data = easy_pictures(200);
  // Labels of validation are the wrong way round: each epoch makes it worse, the first is the best.
  Literal flipped = data["label"];
  for (int64_t i = 0; i < flipped.size(); ++i) flipped.set_int(i, 1 - flipped.to_int(i));
  FitOptions options = quiet(6);
  options.validation = data::Dataset({{"image", data["image"]}, {"label", flipped}});
  options.patience = 3;
  nn::ModelFunction model = models::mlp({.hidden = {8}, .classes = 2});
  FitResult whole = fit(model, data, options);
  ASSERT_EQ(whole.history.epochs.size(), 4u);
  options.checkpoint = folder.path();
  options.epochs = 2;
  fit(model, data, options);
  options.epochs = 6;
  FitResult resumed = fit(model, data, options);
  EXPECT_EQ(resumed.history.epochs.size(), 4u);
  EXPECT_EQ(resumed.history.best_epoch, 1);
  EXPECT_THAT(resumed.history.outcome(),
              HasSubstr("stopped early after epoch 4: epoch 1 is kept (validation loss "));
  EXPECT_THAT(resumed.model.about().at("best epoch"), HasSubstr("1 of 4 (validation loss "));
  // Without an end to patience, too.
  options.checkpoint = "";
  options.epochs = 3;
  FitResult whole_length = fit(model, data, options);
  EXPECT_THAT(whole_length.history.outcome(), HasSubstr("epoch 1 of 3 is kept"));
  EXPECT_TRUE(same_bits(whole.model, whole_length.model));
  EXPECT_TRUE(same_bits(whole.model, resumed.model));
}

TEST(Fit, ACheckpointThatCannotBeReadIsPassedOver) {
  TemporaryFolder folder;
  data::Dataset data = easy_pictures(200);
  nn::ModelFunction model = models::mlp({.hidden = {8}, .classes = 2});
  FitResult whole = fit(model, data, quiet(4));
  FitOptions options = quiet(3);
  options.checkpoint = folder.path();
  options.checkpoint_seconds = 0;
  fit(model, data, options);
  CheckpointFolder checkpoints(folder.path());
  ASSERT_EQ(checkpoints.files().size(), 2u);
  std::string newest = read_file(checkpoints.files()[0]);
  atomic_write(checkpoints.files()[0], newest.substr(0, newest.size() / 2));
  std::vector<std::string> warnings;
  set_log_sink([&](LogLevel, std::string_view text) { warnings.emplace_back(text); });
  options.epochs = 4;
  FitResult resumed = fit(model, data, options);
  set_log_sink({});
  EXPECT_THAT(warnings.at(0), HasSubstr("the file ends within"));
  EXPECT_THAT(warnings.at(1), HasSubstr("going on from epoch 3"));
  EXPECT_TRUE(same_bits(whole.model, resumed.model));
  for (const auto& path : checkpoints.files()) atomic_write(path, "x");
  EXPECT_THAT(error_of([&] { fit(model, data, options); }),
              HasSubstr("no other checkpoint is left in " + folder.path().string()));
}

TEST(Fit, ShortEpochsDoNotWriteACheckpointEach) {
  data::Dataset data = easy_pictures(96);
  FitOptions options = quiet(5);
  options.checkpoint_seconds = 1e9;
  options.keep_checkpoints = 99;
  auto checkpoints_of = [&] {
    TemporaryFolder folder;
    options.checkpoint = folder.path();
    fit(models::mlp({.hidden = {8}, .classes = 2}), data, options);
    std::vector<std::string> names;
    for (const auto& path : CheckpointFolder(folder.path()).files())
      names.push_back(path.stem().string());
    return names;
  };
  EXPECT_EQ(checkpoints_of(),
            (std::vector<std::string>{"step-00005-00000000", "step-00001-00000000"}))
      << "the first and that of the end";
  options.checkpoint_every = 3;  // the end of each epoch, by its steps
  EXPECT_EQ(checkpoints_of().size(), 5u);
  options.checkpoint_every = 0;
  options.checkpoint_seconds = 0;
  EXPECT_EQ(checkpoints_of().size(), 5u);
}

TEST(Fit, RefusesACheckpointOfAnotherRun) {
  TemporaryFolder folder;
  data::Dataset data = easy_pictures(100);
  FitOptions options = quiet(1);
  options.checkpoint = folder.path();
  fit(models::mlp({.hidden = {8}, .classes = 2}), data, options);
  auto refused = [&](const nn::ModelFunction& model, const data::Dataset& rows,
                     FitOptions changed) {
    return error_of([&] { fit(model, rows, std::move(changed)); });
  };
  nn::ModelFunction same = models::mlp({.hidden = {8}, .classes = 2});
  FitOptions other_batch = options;
  other_batch.batch = 10;
  EXPECT_THAT(refused(same, data, other_batch), HasSubstr("run with batch 32, this one has 10"));
  EXPECT_THAT(refused(same, easy_pictures(90), options), HasSubstr("rows 100, this one has 90"));
  EXPECT_THAT(refused(models::mlp({.hidden = {9}, .classes = 2}), data, options),
              HasSubstr("has another type for parameters.fc1.weight"));
  FitOptions other_scaling = options;
  other_scaling.scaling = InputScaling{.scale = 0.5};
  EXPECT_THAT(refused(same, data, other_scaling), HasSubstr("this one has x * 0.5 + 0"));
}

TEST(Fit, RefusesToGoOnWithOtherData) {
  TemporaryFolder folder;
  data::Dataset data = easy_pictures(100);
  nn::ModelFunction model = models::mlp({.hidden = {8}, .classes = 2});
  FitOptions options = quiet(1);
  options.checkpoint = folder.path();
  options.validation = data;
  options.patience = 2;
  fit(model, data, options);
  Literal labels = data["label"];
  labels.set_int(99, 1 - labels.to_int(99));
  data::Dataset changed({{"image", data["image"]}, {"label", labels}});
  std::string refused = error_of([&] { fit(model, changed, options); });
  EXPECT_THAT(refused, HasSubstr("is of a run with other training data"));
  EXPECT_THAT(refused, HasSubstr("the values of image and label have changed since"));
  EXPECT_THAT(refused, HasSubstr("--fresh"));
  FitOptions other_validation = options;
  other_validation.validation = changed;
  EXPECT_THAT(error_of([&] { fit(model, data, other_validation); }),
              HasSubstr("is of a run with other validation data"));
  // An older version noted no hash.
  CheckpointFolder checkpoints(folder.path());
  Checkpoint old = *checkpoints.latest();
  for (const char* note :
       {"training data", "validation data", "loss", "input scaling", "wall_seconds"})
    EXPECT_EQ(old.notes.erase(note), 1u) << note;
  checkpoints.write(old);
  options.epochs = 2;
  EXPECT_EQ(fit(model, changed, options).history.epochs.size(), 2u);
  std::vector<std::string> messages;
  set_log_sink([&](LogLevel, std::string_view text) { messages.emplace_back(text); });
  fit(model, changed, options);
  set_log_sink({});
  EXPECT_THAT(messages.at(0), HasSubstr("already finished: 2 epochs are done in "));
}

TEST(Fit, AFreshRunRemovesCheckpointsAfterItsFirstStep) {
  TemporaryFolder folder;
  data::Dataset data = easy_pictures(100);
  FitOptions options = quiet(2);
  options.checkpoint = folder.path();
  options.checkpoint_seconds = 0;
  options.keep_checkpoints = 9;
  nn::ModelFunction model = models::mlp({.hidden = {8}, .classes = 2});
  fit(model, data, options);
  CheckpointFolder checkpoints(folder.path());
  ASSERT_EQ(checkpoints.files().size(), 2u);

  options.fresh = true;
  options.epochs = 1;
  int starts = 0;
  options.on_start = [&] {
    ++starts;
    EXPECT_TRUE(checkpoints.files().empty());
  };
  FitOptions failing = options;
  failing.memory_limit = 10;  // seen at the first step
  EXPECT_THAT(error_of([&] { fit(model, data, failing); }), HasSubstr("limit"));
  EXPECT_EQ(checkpoints.files().size(), 2u);
  EXPECT_EQ(starts, 0);
  EXPECT_EQ(fit(model, data, options).history.epochs.size(), 1u);
  EXPECT_EQ(checkpoints.files().size(), 1u);
  EXPECT_EQ(starts, 1);
}

TEST(Fit, SignalsEndTheProcessWhileTheModelIsMade) {
  int calls = 0;
  bool default_action = false;
  nn::ModelFunction model = [&](nn::Scope s, Tensor x) {
    struct sigaction now{};
    ::sigaction(SIGTERM, nullptr, &now);
    if (calls++ == 0) default_action = now.sa_handler == SIG_DFL;
    return nn::dense(s / "out", flatten(x), 2);
  };
  fit(model, easy_pictures(64), quiet(1));
  EXPECT_TRUE(default_action);
}

TEST(Fit, AFolderTakesOneRunAtATime) {
  TemporaryFolder folder;
  FolderLock other(folder.path());
  FitOptions options = quiet(1);
  options.checkpoint = folder.path();
  EXPECT_THAT(error_of([&] {
                fit(models::mlp({.hidden = {8}, .classes = 2}), easy_pictures(100), options);
              }),
              HasSubstr("is in use by another run"));
}

TEST(Fit, LabelsAreCheckedBeforeTheFirstStep) {
  data::Dataset data = easy_pictures(100);
  nn::ModelFunction two = models::mlp({.hidden = {8}, .classes = 2});
  Literal labels = data["label"];
  labels.set_int(70, 2);
  data::Dataset beyond({{"image", data["image"]}, {"label", labels}});
  EXPECT_THAT(error_of([&] { fit(two, beyond, quiet(1)); }),
              HasSubstr("label 2 in row 70 of the training data is not one of 2 classes"));
  FitOptions options = quiet(1);
  options.validation = beyond;
  EXPECT_THAT(error_of([&] { fit(two, data, options); }),
              HasSubstr("row 70 of the validation data"));
  options = quiet(1);
  options.test = beyond;
  EXPECT_THAT(error_of([&] { fit(two, data, options); }), HasSubstr("row 70 of the test data"));
  options.test =
      data::Dataset({{"image", Literal(DType::u8, {4, 64})}, {"label", Literal(DType::i32, {4})}});
  EXPECT_THAT(error_of([&] { fit(two, data, options); }), HasSubstr("test        image  u8[64]"));
  data::Dataset none(
      {{"image", Literal(DType::u8, {100, 0})}, {"label", Literal(DType::i32, {100})}});
  EXPECT_THAT(error_of([&] { fit(two, none, quiet(1)); }), HasSubstr("have no elements"));
  nn::ModelFunction one = models::mlp({.hidden = {8}, .classes = 1});
  data::Dataset zeros({{"image", data["image"]}, {"label", Literal(DType::i32, {100})}});
  EXPECT_THAT(error_of([&] { fit(one, zeros, quiet(1)); }),
              HasSubstr("the training data have only one class: every label is 0"));
  EXPECT_THAT(error_of([&] { fit(one, beyond, quiet(1)); }),
              HasSubstr("the model has one output, but the training data have 3 classes"));
  data::Dataset real({{"image", data["image"]}, {"label", Literal(DType::f32, {100})}});
  EXPECT_THAT(error_of([&] { fit(two, real, quiet(1)); }), HasSubstr("label    f32[batch]"));
  data::Dataset named = easy_pictures(100);
  named.set_classes({"left", "right", "above"});
  EXPECT_THAT(error_of([&] { fit(two, named, quiet(1)); }),
              HasSubstr("names for 3 classes, but the model has 2 outputs"));
}

TEST(Fit, TokenIdsAreCheckedToo) {
  nn::ModelFunction model = [](nn::Scope s, Tensor ids) {
    return nn::dense(s / "out", mean(nn::embedding(s / "embedding", ids, 10, 4), {1}), 2);
  };
  auto sentences = [](int64_t last) {
    Literal ids(DType::i32, {8, 5});
    ids.set_int(39, last);
    return data::Dataset({{"image", ids}, {"label", Literal(DType::i32, {8})}});
  };
  FitResult result = fit(model, sentences(9), quiet(1));
  EXPECT_THAT(error_of([&] { fit(model, sentences(10), quiet(1)); }),
              HasSubstr("the training data: id 10 in row 7, but the model knows 10 tokens"));
  FitOptions options = quiet(1);
  options.test = sentences(-1);
  EXPECT_THAT(error_of([&] { fit(model, sentences(9), options); }), HasSubstr("id -1 in row 7"));
  EXPECT_THAT(error_of([&] { evaluate(result.model, sentences(12)); }), HasSubstr("id 12"));
}

TEST(Fit, NumbersAreLearntToo) {
  Literal x(DType::f32, {256, 3}), y(DType::f32, {256});
  RandomStream random(RandomKey(5));
  for (int64_t i = 0; i < 256; ++i) {
    double sum = 0;
    for (int64_t k = 0; k < 3; ++k) {
      double value = random.uniform() - 0.5;
      x.set_double(i * 3 + k, value);
      sum += value * static_cast<double>(k + 1);
    }
    y.set_double(i, sum);
  }
  data::Dataset data({{"x", x}, {"y", y}});
  FitOptions options = quiet(60);
  options.loss = nn::mean_squared_error;
  options.optimizer = nn::adam({.learning_rate = 0.02}).with_clipped_gradient(1);
  options.input = "x";
  options.label = "y";
  options.validation = data;
  nn::ModelFunction linear = [](nn::Scope s, Tensor v) { return nn::dense(s / "out", v, 1); };
  FitResult result = fit(linear, data, options);
  Evaluation e = evaluate(result.model, data, {.input = "x", .label = "y"});
  EXPECT_LT(e.loss, 1e-3);
  EXPECT_TRUE(std::isnan(e.accuracy));
  EXPECT_TRUE(e.confusion.empty());
  EXPECT_LT(e.absolute_error, std::sqrt(e.loss) + 1e-6);
  EXPECT_GT(e.r_squared, 0.99);
  EXPECT_EQ(e.outputs.size(), 256u);
  EXPECT_THAT(e.summary(), HasSubstr("  mean absolute error 0.0"));
  EXPECT_EQ(e.to_string().find("accuracy"), std::string::npos);
  EXPECT_NEAR(result.history.epochs.back().validation_loss, e.loss, 1e-6);
  EXPECT_FALSE(result.model.gives_classes());
}

TEST(Fit, ValidationIsByTheLossAndMetricsOfTheRun) {
  data::Dataset data = easy_pictures(200);
  FitOptions options = quiet(2);
  options.validation = data;
  options.patience = 5;
  // Two numbers a row for one label: nothing that a classifier's evaluation could take.
  options.loss = [](const Tensor& outputs, const Tensor& labels) {
    return 100 * mean(square(outputs[{ellipsis, 0}] - labels) + square(outputs[{ellipsis, 1}]));
  };
  options.metrics["largest"] = [](const Tensor& outputs, const Tensor&) { return max(outputs); };
  FitResult result = fit(models::mlp({.hidden = {8}, .classes = 2}), data, options);
  const EpochRecord& last = result.history.epochs.back();
  EXPECT_GT(last.validation_loss, 0.3 * last.loss);  // in hundreds, as the loss
  EXPECT_TRUE(last.metrics.contains("largest"));
  EXPECT_EQ(result.history.best_epoch, 2);
  EXPECT_EQ(result.history.outcome(), "");
  EXPECT_THAT(
      evaluate(result.model, data, {.loss = options.loss, .metrics = options.metrics}).summary(),
      HasSubstr("largest"));
}

TEST(Fit, NegativeLabelsAreLeftOut) {
  data::Dataset data = easy_pictures(200);
  for (DType dtype : {DType::i32, DType::i64}) {
    Literal labels(dtype, {200});
    for (int64_t i = 0; i < 200; ++i) labels.set_int(i, i % 2 == 0 ? -1 : data["label"].to_int(i));
    data::Dataset half({{"image", data["image"]}, {"label", labels}});
    FitOptions options = quiet(4);
    options.optimizer = nn::adam({.learning_rate = 0.01});
    options.validation = half;
    FitResult result = fit(models::mlp({.hidden = {8}, .classes = 2}), half, options);
    EXPECT_GT(result.history.epochs.back().accuracy, 0.95);
    EXPECT_GT(result.history.epochs.back().validation_accuracy, 0.95);
    Evaluation e = evaluate(result.model, half);
    EXPECT_EQ(e.examples, 100);
    EXPECT_EQ(e.left_out, 100);
    EXPECT_EQ(e.predicted.size(), 200u);
    EXPECT_THAT(e.summary(), HasSubstr("(100 examples, 100 left out)"));
  }
}

/// What does not depend on how rows are cut into batches: a model that learns nothing, seen in
/// batches of several sizes.
TEST(Fit, LeftOutLabelsWeighNothingInAnyBatch) {
  const Literal x = Literal::of<float>({5, 3}, {1, 2, 3, 0, 1, -1, 2, 0, 1, 5, 5, 5, -1, 1, 3});
  const Literal labels = Literal::of<int32_t>({5}, {-1, 0, 0, -1, 2});
  const data::Dataset data({{"image", x}, {"label", labels}});
  nn::ModelFunction model = [](nn::Scope s, Tensor logits) {
    return logits * s.parameter("scale", {}, nn::ones());
  };
  // A mean over the labels that count, which is 0 / 0 where none does.
  Loss own = [](const Tensor& outputs, const Tensor& wanted) {
    Tensor counted = (wanted >= 0).cast(DType::f32);
    return sum(softmax_cross_entropy(outputs, wanted) * counted) / sum(counted);
  };
  double expected = 0;  // log-softmax by hand
  for (auto [row, label] : {std::pair{1, 0}, {2, 0}, {4, 2}}) {
    double total = 0;
    for (int c = 0; c < 3; ++c) total += std::exp(x.to_double(row * 3 + c));
    expected += (std::log(total) - x.to_double(row * 3 + label)) / 3;
  }
  for (const Loss& loss : {Loss(nn::cross_entropy), own}) {
    for (int64_t batch : {1, 2, 5}) {
      FitOptions options = quiet(1);
      options.batch = batch;
      options.loss = loss;
      options.optimizer = nn::sgd({.learning_rate = 0.0});
      options.scaling = InputScaling{};
      options.validation = data;
      options.metrics = {{"accuracy", nn::accuracy}};
      options.patience = 3;
      const EpochRecord epoch = fit(model, data, options).history.epochs.at(0);
      EXPECT_NEAR(epoch.loss, expected, 1e-6) << batch;
      EXPECT_NEAR(epoch.accuracy, 2.0 / 3, 1e-12) << batch;
      EXPECT_NEAR(epoch.validation_loss, expected, 1e-6) << batch;
      const Model same(model, nn::init(model, {Type::parse("f32[1,3]")}, 0), Type::parse("f32[3]"),
                       {}, {});
      const Evaluation e = evaluate(
          same, data, {.batch = batch, .loss = loss, .metrics = {{"accuracy", nn::accuracy}}});
      EXPECT_NEAR(e.loss, expected, 1e-6) << batch;
      EXPECT_NEAR(e.metrics.at("accuracy"), 2.0 / 3, 1e-6) << batch;
      EXPECT_EQ(e.examples, 3);
    }
  }
}

TEST(Fit, DataWithoutALabelThatCountsAreRefused) {
  data::Dataset data({{"image", easy_pictures(4)["image"]},
                      {"label", Literal::of<int32_t>({4}, {-1, -1, -2, -1})}});
  nn::ModelFunction model = models::mlp({.hidden = {4}, .classes = 2});
  EXPECT_THAT(error_of([&] { fit(model, data, quiet(1)); }),
              HasSubstr("every label of the training data is negative"));
  Model trained = fit(model, easy_pictures(32), quiet(1)).model;
  EXPECT_THAT(error_of([&] { evaluate(trained, data); }), HasSubstr("none of the 4 labels"));
}

TEST(Fit, TakesStepsAfterARunThatWasInterrupted) {
  data::Dataset data = easy_pictures(64);
  FitOptions options = quiet(2);
  options.on_start = [] { ::raise(SIGINT); };
  FitResult first = fit(models::mlp({.hidden = {4}, .classes = 2}), data, options);
  EXPECT_TRUE(first.interrupted);
  EXPECT_EQ(first.history.step_loss.size(), 1u);
  FitResult second = fit(models::mlp({.hidden = {4}, .classes = 2}), data, quiet(2));
  EXPECT_FALSE(second.interrupted);
  EXPECT_EQ(second.history.epochs.size(), 2u);
}

TEST(Fit, PatienceNeedsValidationData) {
  FitOptions options = quiet(1);
  options.patience = 2;
  EXPECT_THAT(error_of([&] {
                fit(models::mlp({.hidden = {8}, .classes = 2}), easy_pictures(100), options);
              }),
              HasSubstr("patience needs validation data"));
}

TEST(Fit, NanInTheDataNamesTheRow) {
  data::Dataset data = easy_pictures(100);
  Literal images(DType::f32, {100, 8, 8, 1});
  images.set_double(42 * 64 + 7, NAN);
  data::Dataset bad({{"image", images}, {"label", data["label"]}});
  EXPECT_THAT(error_of([&] { fit(models::mlp({.hidden = {8}, .classes = 2}), bad, quiet(1)); }),
              HasSubstr("first made by  the data: image of row 42 holds nan"));
}

TEST(Fit, SpoiledParametersAreNeverSaved) {
  TemporaryFolder folder;
  FitOptions options = quiet(1);
  options.optimizer = nn::sgd({.learning_rate = 3e38});
  options.scaling = InputScaling{};  // large inputs have large gradients
  options.batch = 100;
  options.checkpoint = folder.path();
  // The one step has a finite loss; its update has not.
  EXPECT_THAT(error_of([&] {
                fit(models::mlp({.hidden = {8}, .classes = 2}), easy_pictures(100), options);
              }),
              HasSubstr("the update is no longer finite in step 1"));
  EXPECT_TRUE(CheckpointFolder(folder.path()).files().empty());
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
