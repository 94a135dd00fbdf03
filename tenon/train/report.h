// The report of a run as one self-contained HTML file.
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

/// The report shows what is given; only the model is required.
struct ReportContent {
  std::string title;
  const Model* model = nullptr;
  const History* history = nullptr;
  const Evaluation* evaluation = nullptr;
  /// The evaluated data; the report shows its worst mistakes, as pictures if the inputs are images.
  const data::Dataset* test = nullptr;
  Columns input = "image";
  Columns label = "label";
  std::string configuration = "";  // TOML
  int64_t mistakes = 24;
};

/// Curves of loss and accuracy; for classes, accuracy by class, confusions (only the worst if there
/// are many classes) and the worst mistakes; for regression, predictions against labels and the
/// worst rows. Chart.js comes from Debian's package libjs-chart.js or the file that TENON_CHART_JS
/// names; without it, a warning is logged and the report has only tables.
std::string html_report(const ReportContent& content);
/// Replaces an existing file whole or not at all.
void write_report(const std::filesystem::path& path, const ReportContent& content);

}  // namespace tenon::train
