// Metrics against scikit-learn and sacreBLEU (tests/reference/make_metrics_golden.py), in batches
// and at once.
#include "tenon/nn/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tenon/tensor/functions.h"
#include "tests/nn/golden_file.h"
#include "tests/support.h"

namespace tenon::nn::metrics {
namespace {

using ::testing::HasSubstr;

Tensor read(const std::string& key) { return Tensor(golden_file("metrics").read(key)); }
double value(const std::string& key) { return golden_file("metrics").read(key).to_double(0); }

std::map<std::string, Metric> of_classes(bool two) {
  std::map<std::string, Metric> all = {
      {"accuracy", accuracy()},
      {"perplexity", perplexity()},
      {"calibration", expected_calibration_error()},
      {"roc_auc", roc_auc()},
      {"average_precision", average_precision()},
      {"precision_macro", precision()},
      {"precision_micro", precision({.average = Average::micro})},
      {"precision_weighted", precision({.average = Average::weighted})},
      {"recall_macro", recall()},
      {"recall_micro", recall({.average = Average::micro})},
      {"recall_weighted", recall({.average = Average::weighted})},
      {"f1_macro", f1()},
      {"f1_micro", f1({.average = Average::micro})},
      {"f1_weighted", f1({.average = Average::weighted})}};
  if (two) {
    all.insert({"precision_binary", precision({.average = Average::binary})});
    all.insert({"recall_binary", recall({.average = Average::binary})});
    all.insert({"f1_binary", f1({.average = Average::binary})});
  } else {
    for (int k : {1, 2, 3}) all.insert({"top_" + std::to_string(k), top_k(k)});
  }
  return all;
}

/// Of batches of so many rows.
double measured(Metric metric, const Tensor& outputs, const Tensor& labels, int64_t batch) {
  const int64_t rows = labels.dim(0).constant();
  for (int64_t i = 0; i < rows; i += batch)
    metric.update(outputs.slice(0, i, i + batch), labels.slice(0, i, i + batch));
  return metric.result();
}

TEST(Metrics, OfClassesAreThoseOfScikitLearnHoweverRowsAreCut) {
  for (const char* data : {"many", "two"}) {
    const Tensor logits = read(data + std::string("/logits"));
    const Tensor labels = read(data + std::string("/labels"));
    for (const auto& [name, metric] : of_classes(std::string(data) == "two")) {
      for (int64_t batch : {1000, 7})
        EXPECT_NEAR(measured(metric, logits, labels, batch), value(data + ("/" + name)), 1e-9)
            << data << " " << name;
      EXPECT_TRUE(std::isnan(metric.result())) << name << ": a copy went on by itself";
    }
  }
}

TEST(Metrics, OneLogitIsThatOfTheSecondClass) {
  const Tensor logits = read("two/logits").slice(1, 1), labels = read("two/labels");
  for (const auto& [name, metric] : of_classes(true)) {
    EXPECT_NEAR(measured(metric, logits, labels, 40), value("two/" + name), 1e-9) << name;
    EXPECT_NEAR(measured(metric, logits.reshape({150}), labels, 40), value("two/" + name), 1e-9);
  }
}

TEST(Metrics, NegativeLabelsAreLeftOut) {
  const Tensor logits = read("many/logits"), labels = read("many/labels");
  for (auto& [name, metric] : of_classes(false)) {
    Metric with_more = metric;
    with_more.update(logits, labels);
    with_more.update(logits, labels * 0 - 1);
    EXPECT_NEAR(with_more.result(), value("many/" + name), 1e-9) << name;
  }
}

TEST(Metrics, ByClassNamesEach) {
  Metric metric = f1({.by_class = true});
  metric.update(read("many/logits"), read("many/labels"));
  const Metric::Values values = metric.results();
  ASSERT_EQ(values.size(), 6u);
  EXPECT_EQ(values[0].first, "");
  const Literal expected = golden_file("metrics").read("many/f1_by_class");
  for (size_t c = 0; c < 5; ++c) {
    EXPECT_EQ(values[c + 1].first, std::to_string(c));
    EXPECT_NEAR(values[c + 1].second, expected.to_double(static_cast<int64_t>(c)), 1e-12);
  }
  Metric none = recall({.by_class = true});
  none.update(Tensor{{1, 0, -5}}, Tensor::of<int32_t>({0}, {1}));
  EXPECT_EQ(none.results()[1].second, 1);
  EXPECT_TRUE(std::isnan(none.results()[3].second));
}

TEST(Metrics, OfNumbersAreThoseOfScikitLearn) {
  const Tensor outputs = read("numbers/outputs"), labels = read("numbers/labels");
  EXPECT_NEAR(measured(root_mean_squared_error(), outputs, labels, 7), value("numbers/rmse"), 1e-9);
  EXPECT_NEAR(measured(mean_absolute_error(), outputs, labels, 7), value("numbers/mae"), 1e-9);
}

TEST(Metrics, AnOrderOfOneKindOfRowsIsNoNumber) {
  Metric area = roc_auc();
  EXPECT_TRUE(std::isnan(area.result()));
  area.update(Tensor{1.0, 2.0}, Tensor::of<int32_t>({1, 1}, {2}));
  EXPECT_TRUE(std::isnan(area.result()));
  EXPECT_THAT(error_of([&] { area.update(Tensor{NAN}, Tensor::of<int32_t>({1}, {1})); }),
              HasSubstr("roc_auc: an output is NaN"));
}

TEST(Metrics, AConfidenceOfOneFallsIntoTheLastBin) {
  Metric error = expected_calibration_error(10);
  error.update(Tensor{{1000, 0}, {0, 1000}}, Tensor::of<int32_t>({0, 0}, {2}));
  EXPECT_NEAR(error.result(), 0.5, 1e-12);
}

TEST(Metrics, SayWhatDoesNotFit) {
  Tensor labels = Tensor::of<int32_t>({0, 3}, {2});
  EXPECT_THAT(error_of([&] { Metric(f1()).update(zeros({2, 3}), labels); }),
              HasSubstr("f1: label 3 is not one of 3 classes"));
  EXPECT_THAT(error_of([&] { Metric(roc_auc()).update(zeros({3, 4}), labels); }),
              HasSubstr("roc_auc: outputs f32[3,4] and labels i32[2]"));
  EXPECT_THAT(error_of([&] { Metric(perplexity()).update(zeros({2, 4}), Tensor{0, 0.5}); }),
              HasSubstr("label 0.5 is no whole number"));
  EXPECT_THAT(
      error_of([&] { Metric(f1({.average = Average::binary})).update(zeros({2, 4}), labels); }),
      HasSubstr("of two classes, not 4"));
  EXPECT_THAT(error_of([&] { Metric(bleu()).update(zeros({2, 4}), labels); }),
              HasSubstr("token ids [rows, length]"));
  EXPECT_THAT(error_of([] { top_k(0); }), HasSubstr("k is 0"));
  Tree two;
  two.set("a", zeros({2}));
  two.set("b", zeros({2}));
  EXPECT_THAT(error_of([&] { Metric(accuracy()).update(two, Tree(labels)); }),
              HasSubstr("several outputs"));
}

/// A metric of the user's own, of trees.
struct Largest {
  void update(const Tree& outputs, const Tree&) {
    largest = std::max(largest, outputs.at("x").item(0));
  }
  double result() const { return largest; }
  double largest = -INFINITY;
};

TEST(Metrics, AnyTypeWithUpdateAndResultIsOne) {
  Metric metric = Largest();
  Tree outputs;
  outputs.set("x", Tensor{3.0});
  metric.update(outputs, Tree());
  Metric copy = metric;
  outputs.set("x", Tensor{5.0});
  copy.update(outputs, Tree());
  EXPECT_EQ(metric.result(), 3);
  EXPECT_EQ(copy.result(), 5);
}

std::vector<Sentence> sentences_of(const Literal& ids, int64_t first_row, int64_t rows) {
  const int64_t length = ids.shape().back();
  std::vector<Sentence> sentences(static_cast<size_t>(rows));
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < length; ++i) {
      const int64_t id = ids.to_int((first_row + row) * length + i);
      if (id >= 0) sentences[static_cast<size_t>(row)].push_back("w" + std::to_string(id));
    }
  }
  return sentences;
}

TEST(Bleu, IsThatOfSacreBleu) {
  for (const char* name :
       {"near", "short", "two_references", "far", "same", "nothing", "three_tokens", "smoothed"}) {
    const std::string prefix = std::string("bleu/") + name + "/";
    const Literal hypotheses = golden_file("metrics").read(prefix + "hypotheses");
    const Literal references = golden_file("metrics").read(prefix + "references");
    const int64_t rows = hypotheses.shape()[0];
    std::vector<std::vector<Sentence>> by_row(static_cast<size_t>(rows));
    for (int64_t r = 0; r < references.shape()[0]; ++r) {
      const std::vector<Sentence> all = sentences_of(references, r * rows, rows);
      for (size_t row = 0; row < all.size(); ++row) by_row[row].push_back(all[row]);
    }
    EXPECT_NEAR(corpus_bleu(sentences_of(hypotheses, 0, rows), by_row), value(prefix + "value"),
                1e-9)
        << name;
    if (references.shape()[0] > 1) continue;
    EXPECT_NEAR(measured(bleu(), Tensor(hypotheses), Tensor(references)[0], 3),
                value(prefix + "value"), 1e-9)
        << name;
  }
}

TEST(Bleu, SentencesEndAtTheirEnd) {
  Metric metric = bleu(/*end=*/2);
  metric.update(Tensor::of<int32_t>({5, 6, 7, 8, 2, 9}, {1, 6}),
                Tensor::of<int64_t>({5, 6, 7, 8, -1}, {1, 5}));
  EXPECT_NEAR(metric.result(), 100, 1e-9);
  EXPECT_EQ(corpus_bleu({{}}, {{{"a"}}}), 0);
  EXPECT_THAT(error_of([] { corpus_bleu({{"a"}}, {}); }), HasSubstr("references for 0"));
  EXPECT_THAT(error_of([] { corpus_bleu({{"a"}}, {{}}); }), HasSubstr("has no reference"));
}

}  // namespace
}  // namespace tenon::nn::metrics
