// A report of a run as one HTML file that needs no network.
//
//   given: train::FitResult result; train::Evaluation evaluation; data::TrainTest data;
//   train::write_report("report.html", {.title = "fashion-lenet", .model = &result.model,
//                                       .history = &result.history, .evaluation = &evaluation,
//                                       .test = &data.test});
#pragma once

#include <filesystem>
#include <string>

#include "tenon/train/fit.h"

namespace tenon::train {

/// What is there is shown; only the model is needed.
struct ReportContent {
  std::string title;
  const Model* model = nullptr;
  const History* history = nullptr;
  const Evaluation* evaluation = nullptr;
  /// What was evaluated; its worst mistakes are shown, as pictures where the inputs are images.
  const data::Dataset* test = nullptr;
  Columns input = "image";
  Columns label = "label";
  std::string configuration = "";  // TOML
  int64_t mistakes = 24;
};

/// Curves of loss and accuracy; accuracy by class, confusions (the worst of them where there are
/// many classes) and worst mistakes; where labels are numbers, predictions against them and the
/// worst rows. Chart.js comes from Debian's package libjs-chart.js or the file that TENON_CHART_JS
/// names; without it a warning is logged and the report has tables only.
std::string html_report(const ReportContent& content);
/// Replaces an existing file whole or not at all.
void write_report(const std::filesystem::path& path, const ReportContent& content);

}  // namespace tenon::train
