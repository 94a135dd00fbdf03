#include "tenon/train/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "tenon/base/cpu.h"
#include "tenon/base/files.h"
#include "tenon/base/json.h"
#include "tenon/base/log.h"
#include "tenon/base/parallel.h"
#include "tenon/base/strings.h"
#include "tenon/base/version.h"
#include "tenon/format/image.h"
#include "tenon/train/report_page.h"

namespace tenon::train {

namespace {

constexpr size_t kCurvePoints = 400;
constexpr size_t kScatterPoints = 1000;

/// The values of one column of the test data.
const Literal& column(const ReportContent& content, const Columns& columns) {
  return (*content.test)[columns.names().at(0)];
}

std::string escaped(std::string_view text) {
  std::string result;
  for (char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// Inside a script element nothing may look like its end.
std::string inside_script(std::string text) {
  replace_all(text, "</", "<\\/");
  return text;
}

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? std::to_integer<uint32_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k)
      text += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string chart_library() {
  std::vector<std::string> places = {"/usr/share/javascript/chart.js/chart.min.js",
                                     "/usr/share/nodejs/chart.js/dist/chart.min.js"};
  if (const char* own = std::getenv("TENON_CHART_JS"); own != nullptr && *own != '\0')
    places.insert(places.begin(), own);
  for (const std::string& place : places) {
    if (!std::filesystem::exists(place)) continue;
    std::string text = read_file(place);
    replace_all(text, "</script", "<\\/script");
    return text;
  }
  log_warning("the report has no charts: Chart.js was not found (apt install libjs-chart.js)");
  return "";
}

std::string class_name(const Model& model, int64_t index) {
  const auto& classes = model.classes();
  return index < static_cast<int64_t>(classes.size()) ? classes[static_cast<size_t>(index)]
                                                      : std::to_string(index);
}

/// Means over windows of steps, so that the curve has as many points as can be seen.
Json step_curve(const std::vector<float>& losses) {
  Json points = Json::array();
  size_t window = std::max<size_t>(1, (losses.size() + kCurvePoints - 1) / kCurvePoints);
  for (size_t begin = 0; begin < losses.size(); begin += window) {
    size_t end = std::min(losses.size(), begin + window);
    double sum = std::accumulate(losses.begin() + static_cast<std::ptrdiff_t>(begin),
                                 losses.begin() + static_cast<std::ptrdiff_t>(end), 0.0);
    double mean = sum / static_cast<double>(end - begin);
    if (std::isfinite(mean)) points.push_back({{"x", end}, {"y", mean}});
  }
  return points;
}

Json history_data(const History& history) {
  Json epochs = Json::array();
  bool validated = false, classes = false;
  for (const EpochRecord& r : history.epochs) {
    validated = validated || std::isfinite(r.validation_loss);
    classes = classes || std::isfinite(r.accuracy);
    epochs.push_back({{"epoch", r.epoch},
                      {"loss", r.loss},
                      {"accuracy", r.accuracy},
                      {"validation_loss", r.validation_loss},
                      {"validation_accuracy", r.validation_accuracy}});
  }
  return {{"steps", step_curve(history.step_loss)},
          {"step_count", history.step_loss.size()},
          {"epochs", epochs},
          {"classes", classes},
          {"validated", validated}};
}

Json class_data(const Model& model, const Confusion& confusion) {
  Json rows = Json::array();
  for (int64_t label = 0; label < confusion.classes(); ++label) {
    if (confusion.total(label) == 0) continue;
    rows.push_back({{"name", class_name(model, label)}, {"accuracy", confusion.accuracy(label)}});
  }
  return rows;
}

std::string confusion_table(const Model& model, const Confusion& confusion) {
  std::vector<std::string> names;
  for (int64_t c = 0; c < confusion.classes(); ++c) names.push_back(escaped(class_name(model, c)));
  std::string html = "<table class=\"confusion\"><thead><tr><th>label \\ predicted</th>";
  for (const std::string& name : names) html += fmt::format("<th>{}</th>", name);
  html += "</tr></thead>\n<tbody>";
  for (size_t label = 0; label < names.size(); ++label) {
    const auto row = static_cast<int64_t>(label);
    const int64_t total = std::max<int64_t>(1, confusion.total(row));
    html += fmt::format("<tr><th>{}</th>", names[label]);
    for (size_t c = 0; c < names.size(); ++c) {
      const int64_t count = confusion.at(row, static_cast<int64_t>(c));
      double part = static_cast<double>(count) / static_cast<double>(total);
      const char* kind = count == 0 ? "none" : c == label ? "right" : "wrong";
      // The eye should find rare confusions, too: the root lifts small parts.
      html += fmt::format(
          "<td class=\"{}\" style=\"--part:{:.3f}\" title=\"{} taken for {}: {:.1f} %\">{}</td>",
          kind, std::sqrt(part), names[label], names[c], 100 * part, count);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table>";
}

std::string plain_table(const std::vector<std::string>& head,
                        const std::vector<std::vector<std::string>>& rows) {
  auto cells = [](const std::vector<std::string>& row, std::string_view element) {
    std::string html = "<tr>";
    for (const std::string& cell : row)
      html += fmt::format("<{}>{}</{}>", element, escaped(cell), element);
    return html + "</tr>\n";
  };
  std::string html = "<table class=\"plain\"><thead>" + cells(head, "th") + "</thead><tbody>\n";
  for (const std::vector<std::string>& row : rows) html += cells(row, "td");
  return "<div class=\"card wide\">" + html + "</tbody></table></div>";
}

/// What can be read of many classes.
std::string worst_confusions(const Model& model, const Confusion& confusion) {
  std::vector<std::vector<std::string>> frequent, worst;
  for (const auto& [label, predicted, count] : confusion.most_frequent(kFrequentMistakesShown))
    frequent.push_back(
        {class_name(model, label), class_name(model, predicted), group_digits(count)});
  for (int64_t label : confusion.worst_classes(kWorstClassesShown))
    worst.push_back({class_name(model, label),
                     fmt::format("{:.2f} %", 100 * confusion.accuracy(label)),
                     group_digits(confusion.right(label)), group_digits(confusion.total(label))});
  return fmt::format(
      "<p>{} classes are too many for a table of all: the {} most frequent confusions.</p>\n{}\n"
      "<h2>Accuracy by class</h2><p>The {} classes with the lowest accuracy.</p>\n{}\n",
      group_digits(confusion.classes()), frequent.size(),
      plain_table({"label", "predicted", "count"}, frequent), worst.size(),
      plain_table({"class", "accuracy", "right", "of"}, worst));
}

/// A picture as a data URI, or nothing where rows are no images.
std::string picture(const Literal& inputs, int64_t row) {
  std::vector<int64_t> shape = inputs.shape();
  if (inputs.dtype() != DType::u8 || shape.size() != 4 || shape[3] == 2 || shape[3] > 4) return "";
  size_t bytes = data::row_bytes(inputs);
  shape.erase(shape.begin());
  ArrayView image(DType::u8, shape, {inputs.data() + static_cast<size_t>(row) * bytes, bytes});
  return "data:image/png;base64," + base64(png_bytes(image));
}

std::string mistakes(const ReportContent& content) {
  const Evaluation& e = *content.evaluation;
  const auto labels_given = static_cast<int64_t>(e.predicted.size());
  if (content.test == nullptr || labels_given != content.test->size()) return "";
  if (!content.input.is_one()) return "";
  const Literal& inputs = column(content, content.input);
  const Literal& labels = column(content, content.label);
  std::vector<int64_t> wrong;
  for (int64_t i = 0; i < labels_given; ++i) {
    const int64_t label = labels.to_int(i);
    const bool counts = label >= 0 && label < e.confusion.classes();
    if (counts && e.predicted[static_cast<size_t>(i)] != label) wrong.push_back(i);
  }
  auto count = std::min(wrong.size(), static_cast<size_t>(content.mistakes));
  std::partial_sort(wrong.begin(), wrong.begin() + static_cast<std::ptrdiff_t>(count), wrong.end(),
                    [&](int64_t a, int64_t b) {
                      float loss_a = e.example_loss[static_cast<size_t>(a)];
                      float loss_b = e.example_loss[static_cast<size_t>(b)];
                      return loss_a != loss_b ? loss_a > loss_b : a < b;
                    });
  std::string html;
  for (size_t k = 0; k < count; ++k) {
    int64_t row = wrong[k];
    std::string image = picture(inputs, row);
    if (image.empty()) return "";
    html += fmt::format(
        "<figure class=\"card\"><img src=\"{}\" alt=\"row {}\"><figcaption><b>{}</b> taken for "
        "<b>{}</b><br><span>{:.0f} % sure, row {}</span></figcaption></figure>\n",
        image, row, escaped(class_name(*content.model, labels.to_int(row))),
        escaped(class_name(*content.model, e.predicted[static_cast<size_t>(row)])),
        100 * e.confidence[static_cast<size_t>(row)], row);
  }
  if (html.empty()) return "";
  return fmt::format(
      "<h2>Worst mistakes</h2><p>The {} of {} wrong answers with the largest loss.</p>"
      "<div class=\"pictures\">{}</div>",
      count, group_digits(static_cast<int64_t>(wrong.size())), html);
}

/// Label and output, evenly chosen from all rows.
Json scatter_data(const Literal& labels, const std::vector<float>& outputs) {
  Json points = Json::array();
  const size_t chosen = std::min(outputs.size(), kScatterPoints);
  for (size_t k = 0; k < chosen; ++k) {
    const size_t i = k * outputs.size() / chosen;
    const double label = labels.to_double(static_cast<int64_t>(i));
    if (std::isfinite(label) && std::isfinite(outputs[i]))
      points.push_back({{"x", label}, {"y", outputs[i]}});
  }
  return points;
}

/// The rows of numbers that the model is farthest from.
std::string worst_rows(const ReportContent& content) {
  constexpr size_t kNumbersShown = 4;  // of a row
  const std::vector<float>& outputs = content.evaluation->outputs;
  const Literal& labels = column(content, content.label);
  const auto rows = static_cast<size_t>(content.test->size());
  const size_t columns = outputs.size() / rows;
  auto label = [&](size_t i) { return labels.to_double(static_cast<int64_t>(i)); };
  std::vector<std::pair<double, size_t>> errors;  // and the row
  for (size_t row = 0; row < rows; ++row) {
    double squares = 0;
    for (size_t i = row * columns; i < (row + 1) * columns; ++i)
      squares += (outputs[i] - label(i)) * (outputs[i] - label(i));
    const double error = std::sqrt(squares / static_cast<double>(columns));
    errors.emplace_back(std::isnan(error) ? INFINITY : error, row);
  }
  const size_t count = std::min(rows, static_cast<size_t>(content.mistakes));
  std::partial_sort(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(count),
                    errors.end(), [](const auto& a, const auto& b) {
                      return a.first != b.first ? a.first > b.first : a.second < b.second;
                    });
  errors.resize(count);
  auto numbers = [&](size_t row, auto value) {
    std::vector<std::string> texts;
    for (size_t c = 0; c < std::min(columns, kNumbersShown); ++c)
      texts.push_back(fmt::format("{:.5g}", value(row * columns + c)));
    if (columns > kNumbersShown) texts.emplace_back("…");
    return join(texts, ", ");
  };
  std::vector<std::vector<std::string>> cells;
  for (const auto& [error, row] : errors)
    cells.push_back({std::to_string(row), numbers(row, label),
                     numbers(row, [&](size_t i) { return outputs[i]; }),
                     fmt::format("{:.5g}", error)});
  return "<h2>Worst rows</h2><p>Those with the largest error, the root of its mean square.</p>" +
         plain_table({"row", "label", "predicted", "error"}, cells);
}

std::string summary(const ReportContent& content) {
  std::string facts, outcome;
  auto add = [&](std::string_view name, const std::string& value) {
    facts += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, escaped(value));
  };
  if (const Evaluation* e = content.evaluation) {
    if (!std::isnan(e->accuracy)) add("test accuracy", fmt::format("{:.2f} %", 100 * e->accuracy));
    add("test loss", fmt::format("{:.4f}", e->loss));
    if (!std::isnan(e->absolute_error))
      add("test mean absolute error", fmt::format("{:.4f}", e->absolute_error));
    if (!std::isnan(e->r_squared)) add("test R²", fmt::format("{:.4f}", e->r_squared));
    for (const auto& [name, value] : e->metrics)
      add(escaped("test " + name), fmt::format("{:.4f}", value));
    add("test examples", group_digits(e->examples));
    if (e->left_out > 0) add("test labels left out", group_digits(e->left_out));
  }
  if (const History* h = content.history; h != nullptr && !h->epochs.empty()) {
    double seconds = 0;
    for (const EpochRecord& r : h->epochs) seconds += r.seconds;
    const EpochRecord& kept = h->best() != nullptr ? *h->best() : h->epochs.back();
    if (!std::isnan(kept.accuracy))
      add("training accuracy", fmt::format("{:.2f} %", 100 * kept.accuracy));
    if (!std::isnan(kept.validation_accuracy))
      add("validation accuracy", fmt::format("{:.2f} %", 100 * kept.validation_accuracy));
    if (!std::isnan(kept.validation_loss))
      add("validation loss", fmt::format("{:.4f}", kept.validation_loss));
    for (const auto& [name, value] : kept.metrics)
      add(escaped("validation " + name), fmt::format("{:.4f}", value));
    add("epochs", std::to_string(h->epochs.size()));
    add("steps", group_digits(static_cast<int64_t>(h->step_loss.size())));
    add("time of training", fmt::format("{:.1f} s", seconds));
    if (h->wall_seconds > 1.05 * seconds + 0.1)
      add("time of the whole run", fmt::format("{:.1f} s", h->wall_seconds));
    outcome = h->outcome();
  }
  int64_t parameters = 0;
  for (const Tensor& leaf : leaves_of(content.model->variables().parameters))
    parameters += leaf.buffer().size();
  add("parameters", group_digits(parameters));
  for (const nn::NamedType& input : content.model->inputs())
    add(input.name.empty() ? "input" : "input " + input.name, input.type.to_string());
  if (!outcome.empty()) outcome = "<p>" + escaped(outcome) + "</p>\n";
  return fmt::format("<p>tenon {} · {} threads · {}</p>\n{}<dl class=\"facts\">{}</dl>\n",
                     version(), thread_count(), escaped(cpu_info().name), outcome, facts);
}

}  // namespace

std::string html_report(const ReportContent& content) {
  Json data = Json::object();
  std::string body;
  std::string library = chart_library();
  if (content.history != nullptr && !content.history->epochs.empty()) {
    data["history"] = history_data(*content.history);
    if (!library.empty()) body += kCurvesSection;
  }
  if (content.evaluation != nullptr && !content.evaluation->confusion.empty()) {
    const Confusion& confusion = content.evaluation->confusion;
    body += "<h2>Confusions</h2>";
    if (confusion.fits_a_table()) {
      data["classes"] = class_data(*content.model, confusion);
      body += "<div class=\"card wide\">" + confusion_table(*content.model, confusion) + "</div>";
      if (!library.empty()) body += kClassesSection;
    } else {
      body += worst_confusions(*content.model, confusion);
    }
    body += mistakes(content);
  }
  const bool numbers = content.evaluation != nullptr && !content.evaluation->outputs.empty();
  if (numbers && content.test != nullptr) {
    data["numbers"] = scatter_data(column(content, content.label), content.evaluation->outputs);
    if (!library.empty()) body += kNumbersSection;
    body += worst_rows(content);
  }
  if (!content.configuration.empty())
    body +=
        "<h2>Configuration</h2><pre class=\"card\">" + escaped(content.configuration) + "</pre>";
  std::string page = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page += "<title>" + escaped(content.title) + "</title>\n<style>" + kStyle + "</style></head>\n";
  page += "<body><main><h1>" + escaped(content.title) + "</h1>\n" + summary(content) + body;
  page += "</main>\n";
  if (!library.empty()) {
    page += "<script>" + library + "</script>\n<script>const data = " +
            inside_script(dump_json(data, JsonStyle::compact)) + ";\n" + kScript + "</script>\n";
  }
  return page + "</body></html>\n";
}

void write_report(const std::filesystem::path& path, const ReportContent& content) {
  atomic_write(path, html_report(content));
}

}  // namespace tenon::train
