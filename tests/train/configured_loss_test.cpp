// Losses, metrics, optimisers and schedules from TOML.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tenon/nn/layers.h"
#include "tenon/tensor/functions.h"
#include "tenon/train/configured.h"
#include "tenon/train/labels.h"
#include "tests/support.h"

namespace tenon::train {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Configuration parsed(const std::string& text) { return Configuration::parse(text, "run.toml"); }
Loss loss_of(const std::string& value) {
  Configuration config = parsed("loss = " + value);
  Loss loss = configure_loss(config, "loss");
  config.reject_unknown_keys();
  return loss;
}

const Tensor kLogits = Tensor{{2, -1, 0.5}, {0, 1, 3}};
const Tensor kLabels = Tensor::of<int32_t>({0, 1}, {2});
const Tensor kNumbers = Tensor{{1, 2, 0}, {0, 1, 1}};

TEST(ConfiguredLoss, HasTheOptionsOfItsTable) {
  nn::CrossEntropy smooth({.label_smoothing = 0.1, .class_weights = {1, 2, 3}});
  EXPECT_EQ(loss_of("{name = \"cross_entropy\", label_smoothing = 0.1, class_weights = [1, 2, 3]}")(
                kLogits, kLabels)
                .item(),
            smooth(kLogits, kLabels).value.item());
  EXPECT_EQ(loss_of("{name = \"huber\", delta = 0.5}")(kLogits, kNumbers).item(),
            nn::huber(kLogits, kNumbers, 0.5).item());
  EXPECT_EQ(loss_of("{name = \"smooth_l1\", beta = 0.5}")(kLogits, kNumbers).item(),
            nn::smooth_l1(kLogits, kNumbers, 0.5).item());
  EXPECT_EQ(loss_of("{name = \"focal\", gamma = 1, alpha = 0.5}")(kLogits, kNumbers).item(),
            nn::focal(kLogits, kNumbers, {.gamma = 1, .alpha = 0.5}).item());
  EXPECT_EQ(loss_of("{name = \"multi_margin\", margin = 2, power = 2}")(kLogits, kLabels).item(),
            nn::multi_margin(kLogits, kLabels, 2, 2).item());
  EXPECT_EQ(
      loss_of("{name = \"binary_cross_entropy\", positive_weight = 3}")(kLogits, kNumbers).item(),
      nn::binary_cross_entropy(kLogits, kNumbers, 3).item());
  EXPECT_EQ(loss_of("\"mean_absolute_error\"")(kLogits, kNumbers).item(),
            nn::mean_absolute_error(kLogits, kNumbers).item());
  EXPECT_EQ(loss_of("\"dice\"")(kLogits, kLabels).item(), nn::dice(kLogits, kLabels).value.item());
}

TEST(ConfiguredLoss, OfAPlainNameIsTheFunctionItself) {
  EXPECT_TRUE(loss_of("\"cross_entropy\"").is_plain());
  EXPECT_TRUE(loss_of("{name = \"cross_entropy\"}").is_plain());
  EXPECT_TRUE(loss_of("\"mean_squared_error\"").is_plain());
  EXPECT_FALSE(loss_of("{name = \"cross_entropy\", label_smoothing = 0.1}").is_plain());
  EXPECT_EQ(loss_of("{name = \"cross_entropy\", label_smoothing = 0.1}").name(), "cross_entropy");
  EXPECT_TRUE(configure_loss(parsed("epochs = 1"), "loss").is_plain());
}

TEST(ConfiguredLoss, OfATreeOfOutputs) {
  Tree outputs;
  for (const char* name : {"anchor", "positive", "negative", "logits", "mean", "log_variance"})
    outputs.set(name, kLogits * static_cast<double>(outputs.leaf_count() + 1));
  LossTerms triplet = loss_of("{name = \"triplet\", margin = 2}").terms(outputs, Tree(kLabels));
  EXPECT_EQ(triplet.value.item(),
            nn::triplet(kLogits, kLogits * 2, kLogits * 3, {.margin = 2}).item());
  LossTerms elbo = loss_of("{name = \"elbo\", beta = 0.5}").terms(outputs, Tree(kNumbers));
  EXPECT_FLOAT_EQ(
      static_cast<float>(elbo.value.item()),
      static_cast<float>(elbo.parts.at(0).second.item() + 0.5 * elbo.parts.at(1).second.item()));
}

TEST(ConfiguredLoss, ErrorsNameTheKeyAndTheNearestWord) {
  EXPECT_THAT(
      error_of([] { loss_of("\"hubber\""); }),
      AllOf(HasSubstr("loss 'hubber' is not known"), HasSubstr("run.toml:1"), HasSubstr("huber")));
  EXPECT_THAT(error_of([] { loss_of("{name = \"focl\"}"); }),
              AllOf(HasSubstr("'focl'"), HasSubstr("focal")));
  EXPECT_THAT(error_of([] { loss_of("{name = \"huber\", dleta = 2}"); }),
              AllOf(HasSubstr("unknown key loss.dleta"), HasSubstr("delta")));
  EXPECT_THAT(error_of([] { loss_of("{name = \"huber\", delta = -2}"); }),
              AllOf(HasSubstr("delta is -2"), HasSubstr("run.toml:1")));
  EXPECT_THAT(error_of([] { loss_of("{name = \"cross_entropy\", label_smoothing = 2}"); }),
              HasSubstr("label_smoothing is 2"));
  EXPECT_THAT(error_of([] { loss_of("3"); }), HasSubstr("loss"));
}

TEST(ConfiguredLoss, IsMadeAgainFromWhatAModelFileKeeps) {
  Loss loss = loss_of("{name = \"huber\", delta = 0.5}");
  Loss again = loss_named(loss.name(), loss.options());
  EXPECT_EQ(again(kLogits, kNumbers).item(), loss(kLogits, kNumbers).item());
  EXPECT_TRUE(loss_named("cross_entropy").is_plain());
  EXPECT_FALSE(loss_named("anything else"));
}

TEST(ConfiguredMetrics, AreShownByTheirNames) {
  Configuration config = parsed(
      "metrics = [\"roc_auc\", {name = \"top_k\", k = 2, as = \"top 2\"}, "
      "{name = \"f1\", average = \"micro\", by_class = true}]");
  Metrics metrics = configure_metrics(config, "metrics");
  config.reject_unknown_keys();
  ASSERT_EQ(metrics.size(), 3u);
  nn::Metric top = *metrics.at("top 2").whole();
  top.update(kLogits, kLabels);
  EXPECT_EQ(top.result(), 1);
  nn::Metric f1 = *metrics.at("f1").whole();
  f1.update(kLogits, kLabels);
  EXPECT_EQ(f1.results().size(), 4u);
  EXPECT_TRUE(configure_metrics(parsed("epochs = 1"), "metrics").empty());
}

TEST(ConfiguredMetrics, ErrorsNameTheKeyAndTheNearestWord) {
  auto metrics = [](const std::string& list) {
    Configuration config = parsed("metrics = " + list);
    configure_metrics(config, "metrics");
    config.reject_unknown_keys();
  };
  EXPECT_THAT(error_of([&] { metrics("[\"roc_acu\"]"); }),
              AllOf(HasSubstr("metric 'roc_acu' is not known"), HasSubstr("roc_auc")));
  EXPECT_THAT(error_of([&] { metrics("[\"f1\", \"f1\"]"); }), HasSubstr("two metrics f1"));
  EXPECT_THAT(error_of([&] { metrics("[{name = \"top_k\", kk = 3}]"); }), HasSubstr("kk"));
  EXPECT_THAT(error_of([&] { metrics("[{name = \"top_k\", k = 0}]"); }), HasSubstr("at least 1"));
  EXPECT_THAT(error_of([&] { metrics("[{name = \"f1\", average = \"macor\"}]"); }),
              HasSubstr("macro"));
}

double rate_of(const std::string& schedule, int step) {
  Configuration config = parsed("learning_rate = " + schedule);
  double rate = configure_learning_rate(config, "learning_rate")(Tensor(step), 100).item();
  config.reject_unknown_keys();
  return rate;
}

TEST(ConfiguredOptimizer, KnowsEveryScheduleByTheKeyOfItsRate) {
  EXPECT_NEAR(rate_of("{cosine = 1.0, period = 10, factor = 2}", 10), 1, 1e-6);
  EXPECT_NEAR(rate_of("{step = 1.0, factor = 0.5, at = [3, 5]}", 5), 0.25, 1e-6);
  EXPECT_NEAR(rate_of("{exponential = 1.0, factor = 0.5}", 3), 0.125, 1e-6);
  EXPECT_NEAR(rate_of("{polynomial = 1.0, power = 2, final = 0}", 50), 0.25, 1e-6);
  EXPECT_NEAR(rate_of("{polynomial = 1.0, warm_up = 10}", 4), 0.5, 1e-6);
  EXPECT_NEAR(rate_of("{inverse_square_root = 1.0, warm_up = 10}", 39), 0.5, 1e-6);
  EXPECT_THAT(error_of([] { rate_of("{exponental = 1.0}", 0); }), HasSubstr("exponential"));
}

TEST(ConfiguredOptimizer, MakesEachByItsName) {
  for (const char* text :
       {"name = \"adagrad\"\ninitial = 0.1", "name = \"rmsprop\"\ncentered = true\ndecay = 0.9",
        "name = \"lars\"\ntrust = 0.01\nadapt_vectors = false",
        "name = \"lamb\"\nbetas = [0.9, 0.99]", "name = \"lion\"\nbetas = [0.9, 0.99]",
        "name = \"adam\"\namsgrad = true\nclip_values = 0.5",
        "name = \"sgd\"\nmomentum = 0.9\nclip = 1"}) {
    Configuration config = parsed(std::string(text) + "\nlearning_rate = 0.1\nweight_decay = 0.01");
    nn::Optimizer optimizer = configure_optimizer(config);
    config.reject_unknown_keys();
    EXPECT_EQ(optimizer.name(), config.get_string("name"));
    Tree parameters;
    parameters.set("w", ones({2, 2}));
    nn::Updated next =
        optimizer.update(parameters, optimizer.init(parameters), parameters, Tensor(0), 10);
    EXPECT_LT(next.parameters.at("w").item(0), 1) << text;
  }
  EXPECT_THAT(error_of([] { configure_optimizer(parsed("name = \"lamp\"")); }), HasSubstr("lamb"));
}

/// Two classes, of which the second is rare and told by the sign of the first number.
data::Dataset rare(int64_t rows) {
  Literal x(DType::f32, {rows, 2}), label(DType::i32, {rows});
  for (int64_t i = 0; i < rows; ++i) {
    const bool is_rare = i % 5 == 0;
    x.set_double(2 * i, (is_rare ? 1 : -1) + 0.4 * std::sin(static_cast<double>(i)));
    x.set_double(2 * i + 1, std::cos(static_cast<double>(i)));
    label.set_int(i, is_rare ? 1 : 0);
  }
  return data::Dataset({{"x", x}, {"label", label}});
}

TEST(Metrics, AreOfAllRowsInFitAndEvaluateHoweverTheLossWeighsThem) {
  data::Dataset data = rare(103);
  nn::ModelFunction model = [](nn::Scope s, Tensor x) { return nn::dense(s, x, 2); };
  FitOptions options;
  options.loss = nn::CrossEntropy({.label_smoothing = 0.1, .class_weights = {1, 4}});
  options.optimizer = nn::lion({.learning_rate = 0.05});
  options.input = "x";
  options.epochs = 3;
  options.batch = 16;
  options.progress = false;
  options.validation = data;
  options.metrics = {{"accuracy", nn::accuracy},
                     {"right", nn::metrics::accuracy()},
                     {"f1", nn::metrics::f1({.by_class = true})},
                     {"area", nn::metrics::roc_auc()}};
  FitResult result = fit(model, data, options);
  const EpochRecord& last = result.history.epochs.back();
  EXPECT_GT(last.accuracy, 0.9);
  EXPECT_LE(last.accuracy, 1);
  EXPECT_NEAR(last.metrics.at("accuracy"), last.validation_accuracy, 1e-6);
  EXPECT_NEAR(last.metrics.at("right"), last.validation_accuracy, 1e-12);
  EXPECT_GT(last.metrics.at("f1.1"), 0.8);
  EXPECT_GT(last.metrics.at("area"), 0.95);
  for (int64_t batch : {7, 500}) {
    Evaluation e =
        evaluate(result.model, data,
                 {.input = "x", .batch = batch, .loss = options.loss, .metrics = options.metrics});
    EXPECT_NEAR(e.loss, last.validation_loss, 1e-5);
    for (const auto& [name, value] : last.metrics)
      EXPECT_NEAR(e.metrics.at(name), value, 1e-6) << name;
    EXPECT_NEAR(e.metrics.at("accuracy"), e.accuracy, 1e-6);
  }
}

FitOptions with_plateau(const data::Dataset& data) {
  FitOptions options;
  options.optimizer = nn::sgd({.learning_rate = 0.05});
  options.input = "x";
  options.epochs = 6;
  options.batch = 16;
  options.progress = false;
  options.checkpoint_seconds = 0;
  options.validation = data;
  options.plateau = nn::PlateauOptions{.factor = 0, .patience = 1, .threshold = 0.9};
  return options;
}

TEST(Plateau, StopsWhatDoesNotFallAndIsKeptByCheckpoints) {
  data::Dataset data = rare(64);
  nn::ModelFunction model = [](nn::Scope s, Tensor x) { return nn::dense(s, x, 2); };
  FitOptions options = with_plateau(data);
  FitResult whole = fit(model, data, options);
  // No loss is a tenth of the one before: a factor of 0 after the third epoch.
  const std::vector<EpochRecord>& epochs = whole.history.epochs;
  EXPECT_LT(epochs[2].validation_loss, epochs[1].validation_loss);
  for (size_t i = 3; i < 6; ++i)
    EXPECT_EQ(epochs[i].validation_loss, epochs[2].validation_loss) << i;
  // Stopped in between, it ends in the same bits.
  for (int64_t first : {2, 3, 4}) {
    TemporaryFolder folder;
    options.checkpoint = folder.path().string();
    options.epochs = first;
    fit(model, data, options);
    options.epochs = 6;
    FitResult resumed = fit(model, data, options);
    for_each_leaf(
        whole.model.variables().parameters, [&](const std::string& path, const Tensor& leaf) {
          EXPECT_EQ(resumed.model.variables().parameters.at(path).literal(), leaf.literal())
              << first << " " << path;
        });
  }
}

TEST(Plateau, NeedsValidationData) {
  data::Dataset data = rare(16);
  nn::ModelFunction model = [](nn::Scope s, Tensor x) { return nn::dense(s, x, 2); };
  FitOptions options = with_plateau({});
  EXPECT_THAT(error_of([&] { fit(model, data, options); }), HasSubstr("validation loss"));
}

TEST(Labels, OfEachLossAreCheckedByItsName) {
  data::Dataset data = rare(8);
  nn::ModelFunction model = [](nn::Scope s, Tensor x) { return nn::dense(s, x, 2); };
  FitOptions options;
  options.input = "x";
  options.progress = false;
  options.loss = loss_of("\"huber\"");
  EXPECT_THAT(error_of([&] { fit(model, data, options); }),
              HasSubstr("huber: the training data: labels of other shapes"));
  options.loss = loss_of("\"multi_margin\"");
  nn::ModelFunction narrow = [](nn::Scope s, Tensor x) { return nn::dense(s, x, 1); };
  EXPECT_THAT(error_of([&] { fit(narrow, data, options); }),
              HasSubstr("multi_margin: the model has one output"));
}

}  // namespace
}  // namespace tenon::train
