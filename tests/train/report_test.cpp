#include "tenon/train/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>

#include "tenon/base/files.h"
#include "tenon/base/json.h"
#include "tenon/models/mlp.h"
#include "tests/support.h"

namespace tenon::train {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// A stand-in for Chart.js, so that the test does not depend on Debian's package.
constexpr const char* kLibrary = "/* charts */ class Chart {} // </script> in a comment";

class Report : public ::testing::Test {
 protected:
  void SetUp() override {
    atomic_write(folder_ / "charts.js", kLibrary);
    ::setenv("TENON_CHART_JS", (folder_ / "charts.js").c_str(), 1);
  }
  void TearDown() override { ::unsetenv("TENON_CHART_JS"); }

  /// Four rows of classes 0, 1, 2, 2; the evaluation is made up: rows 1 and 3 are wrong.
  ReportContent content() {
    test_ = data::Dataset({{"image", Literal(DType::u8, {4, 3, 3, 1})},
                           {"label", Literal::of<int32_t>({4}, {0, 1, 2, 2})}});
    std::vector<std::string> classes = {"plain", "</script><b>\"&", "naïve 'x'"};
    nn::ModelFunction mlp = models::mlp({.hidden = {2}, .classes = 3});
    nn::Variables variables = nn::init(mlp, {Type::parse("f32[1,3,3,1]")}, 0);
    model_ = Model(mlp, variables, Type::parse("u8[3,3,1]"), {}, classes);
    evaluation_ = {.loss = 0.75,
                   .accuracy = 0.5,
                   .examples = 4,
                   .confusion = Confusion(3),
                   .predicted = {0, 0, 2, 1},
                   .confidence = {0.9f, 0.6f, 0.9f, 0.7f},
                   .example_loss = {0.1f, 0.9f, 0.2f, 1.8f}};
    for (auto [label, predicted] : {std::pair(0, 0), {1, 0}, {2, 2}, {2, 1}})
      evaluation_.confusion.add(label, predicted);
    history_.epochs = {{.epoch = 1, .loss = 1.5, .accuracy = 0.25, .seconds = 2},
                       {.epoch = 2, .loss = 1.25, .accuracy = 0.5, .seconds = 2}};
    history_.step_loss = {2, 1, 1.5f, NAN};
    return {.title = "a <run> & more",
            .model = &model_,
            .history = &history_,
            .evaluation = &evaluation_,
            .test = &test_,
            .configuration = "model.name = \"<mlp>\""};
  }

  static Json data_of(const std::string& page) {
    size_t begin = page.find("const data = ") + 13;
    return parse_json(page.substr(begin, page.find(";\n", begin) - begin), "data");
  }

  TemporaryFolder folder_;
  data::Dataset test_;
  Model model_;
  Evaluation evaluation_;
  History history_;
};

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_F(Report, HasTheMetricsOfTheRun) {
  ReportContent report = content();
  evaluation_.metrics["top 5 <b>"] = 0.75;
  history_.epochs.back().metrics["top 5"] = 0.5;
  std::string page = html_report(report);
  EXPECT_THAT(page, HasSubstr("<dt>test top 5 &lt;b&gt;</dt><dd>0.7500</dd>"));
  EXPECT_THAT(page, HasSubstr("<dt>validation top 5</dt><dd>0.5000</dd>"));
}

TEST_F(Report, SaysWhichEpochWasKept) {
  ReportContent report = content();
  history_.epochs[0].validation_loss = 0.51;
  history_.epochs[0].validation_accuracy = 0.375;
  history_.epochs[1].validation_loss = 0.62;
  history_.best_epoch = 1;
  history_.stopped_early = true;
  std::string page = html_report(report);
  EXPECT_THAT(page,
              HasSubstr("stopped early after epoch 2: epoch 1 is kept (validation loss 0.51)"));
  EXPECT_THAT(page, HasSubstr("<dt>training accuracy</dt><dd>25.00 %</dd>"));
  EXPECT_THAT(page, HasSubstr("<dt>validation accuracy</dt><dd>37.50 %</dd>"));
  EXPECT_THAT(page, HasSubstr("<dt>validation loss</dt><dd>0.5100</dd>"));
}

TEST_F(Report, SaysWhatTheRunTookBesidesTraining) {
  ReportContent report = content();
  history_.wall_seconds = 4.1;
  EXPECT_THAT(html_report(report), Not(HasSubstr("whole run")));
  history_.wall_seconds = 17;
  EXPECT_THAT(html_report(report), HasSubstr("<dt>time of the whole run</dt><dd>17.0 s</dd>"));
}

TEST_F(Report, HasCurvesConfusionsMistakesAndConfiguration) {
  std::string page = html_report(content());
  for (const char* part :
       {"<canvas id=\"loss\"", "<canvas id=\"accuracy\"", "<canvas id=\"classes\"",
        "class=\"confusion\"", "Worst mistakes", "50.00 %", "<dt>epochs</dt><dd>2</dd>"})
    EXPECT_THAT(page, HasSubstr(part));
  Json data = data_of(page);
  EXPECT_EQ(data["history"]["epochs"].size(), 2u);
  EXPECT_EQ(data["history"]["epochs"][1]["loss"], 1.25);
  EXPECT_EQ(data["history"]["validated"], false);
  EXPECT_EQ(data["history"]["steps"].size(), 3u) << "a loss that is NaN has no point";
  EXPECT_EQ(data["classes"][2]["accuracy"], 0.5);
}

TEST_F(Report, ShowsTheWorstMistakesFirstAsPictures) {
  std::string page = html_report(content());
  EXPECT_EQ(count(page, "<figure"), 2u);
  EXPECT_EQ(count(page, "src=\"data:image/png;base64,iVBORw0KGgo"), 2u);
  EXPECT_LT(page.find("row 3</span>"), page.find("row 1</span>"));
  ReportContent one = content();
  one.mistakes = 1;
  EXPECT_EQ(count(html_report(one), "<figure"), 1u);
}

TEST_F(Report, LabelsThatAreLeftOutAreNoMistakes) {
  ReportContent report = content();
  test_ = data::Dataset({{"image", Literal(DType::u8, {4, 3, 3, 1})},
                         {"label", Literal::of<int32_t>({4}, {0, -1, 2, -1})}});
  evaluation_.examples = 2;
  evaluation_.left_out = 2;
  evaluation_.predicted = {0, 0, 1, 1};
  evaluation_.example_loss = {0.1f, NAN, 1.8f, NAN};
  std::string page = html_report(report);
  EXPECT_EQ(count(page, "<figure"), 1u);
  EXPECT_THAT(page, HasSubstr("The 1 of 1 wrong answers"));
  EXPECT_THAT(page, HasSubstr("<dt>test examples</dt><dd>2</dd>"));
  EXPECT_THAT(page, HasSubstr("<dt>test labels left out</dt><dd>2</dd>"));
}

TEST_F(Report, OfManyClassesShowsTheWorst) {
  ReportContent report = content();
  evaluation_.confusion = Confusion(3000);
  for (int64_t label = 0; label < 3000; ++label)
    evaluation_.confusion.add(label, (label + 1) % 3000);
  for (int i = 0; i < 2; ++i) evaluation_.confusion.add(2718, 17);
  std::string page = html_report(report);
  EXPECT_THAT(page, HasSubstr("3,000 classes are too many"));
  EXPECT_THAT(page, HasSubstr("<tr><td>2718</td><td>17</td><td>2</td></tr>"));
  EXPECT_THAT(page, HasSubstr("<tr><td>2718</td><td>0.00 %</td><td>0</td><td>3</td></tr>"));
  EXPECT_THAT(page, HasSubstr("Worst mistakes"));
  EXPECT_EQ(count(page, "<td>0.00 %</td>"), 100u);
  EXPECT_LT(page.size(), 100'000u);
}

TEST_F(Report, EscapesWhateverClassesAndRunsAreCalled) {
  std::string page = html_report(content());
  EXPECT_THAT(page, HasSubstr("<title>a &lt;run&gt; &amp; more</title>"));
  EXPECT_THAT(page, HasSubstr("<th>&lt;/script&gt;&lt;b&gt;&quot;&amp;</th>"));
  EXPECT_THAT(page, HasSubstr("model.name = &quot;&lt;mlp&gt;&quot;"));
  // Two scripts, the library and ours, end where they should.
  EXPECT_EQ(count(page, "<script>"), 2u);
  EXPECT_EQ(count(page, "</script"), 2u);
  EXPECT_EQ(data_of(page)["classes"][1]["name"], "</script><b>\"&");
}

TEST_F(Report, NeedsNoNetwork) {
  std::string page = html_report(content());
  EXPECT_THAT(page, HasSubstr("/* charts */"));
  std::regex outside(
      R"re((src|href)\s*=\s*["']?(https?:)?//|url\(\s*["']?(https?:)?//|@import|<link)re");
  EXPECT_FALSE(std::regex_search(page, outside));
}

TEST_F(Report, WithoutAChartLibraryTablesStay) {
  ::setenv("TENON_CHART_JS", "", 1);
  ReportContent all = content();
  all.history = nullptr;
  all.evaluation = nullptr;
  std::string page = html_report(all);
  EXPECT_THAT(page, HasSubstr("<dt>parameters</dt>"));
  EXPECT_THAT(page, Not(HasSubstr("<canvas")));
}

TEST_F(Report, OfNumbersShowsPredictionsAndTheWorstRows) {
  ReportContent numbers = content();
  test_ = data::Dataset({{"image", Literal(DType::u8, {4, 3, 3, 1})},
                         {"label", Literal::of<float>({4, 1}, {0, 1, 2, 3})}});
  evaluation_ = {.loss = 0.5, .absolute_error = 0.375, .r_squared = 0.6, .examples = 4};
  evaluation_.outputs = {0, 1.5f, NAN, 2};
  std::string page = html_report(numbers);
  EXPECT_THAT(page, HasSubstr("<dt>test mean absolute error</dt><dd>0.3750</dd>"));
  EXPECT_THAT(page, HasSubstr("<dt>test R²</dt><dd>0.6000</dd>"));
  EXPECT_THAT(page, HasSubstr("<canvas id=\"numbers\""));
  EXPECT_EQ(data_of(page)["numbers"], Json::parse(R"([{"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 1.5},
                                                      {"x": 3.0, "y": 2.0}])"));
  size_t first = page.find("<tr><td>2</td><td>2</td><td>nan</td><td>inf</td></tr>");
  size_t second = page.find("<tr><td>3</td><td>3</td><td>2</td><td>1</td></tr>");
  EXPECT_LT(first, second);
  EXPECT_LT(second, page.find("<tr><td>1</td><td>1</td><td>1.5</td><td>0.5</td></tr>"));
}

TEST_F(Report, OfNumbersHasNoAccuracies) {
  ReportContent numbers = content();
  evaluation_ = {.loss = 0.5, .examples = 4};
  for (EpochRecord& record : history_.epochs) record.accuracy = NAN;
  std::string page = html_report(numbers);
  EXPECT_THAT(page, HasSubstr("<dt>test loss</dt><dd>0.5000</dd>"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
  EXPECT_THAT(page, Not(HasSubstr("test accuracy")));
  EXPECT_EQ(data_of(page)["history"]["classes"], false);
}

}  // namespace
}  // namespace tenon::train
