// Losses and metrics by name.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "tenon/base/error.h"
#include "tenon/base/strings.h"
#include "tenon/tensor/numpy.h"
#include "tenon/train/configured.h"
#include "tenon/train/configured_values.h"
#include "tenon/train/labels.h"

namespace tenon::train {

namespace {

/// A function of tensors as LossTerms.
template <class F>
Loss named(const char* name, F f) {
  return {name, [f](const Tensor& outputs, const Tensor& labels) { return f(outputs, labels); }};
}

Loss cross_entropy(const Configuration& o) {
  nn::CrossEntropyOptions options;
  options.label_smoothing = o.get_double("label_smoothing", 0);
  if (o.has("class_weights")) options.class_weights = o.get_doubles("class_weights");
  if (options.label_smoothing == 0 && options.class_weights.empty()) return nn::cross_entropy;
  return nn::CrossEntropy(options);
}

Loss binary_cross_entropy(const Configuration& o) {
  const double weight = o.get_double("positive_weight", 1);
  nn::binary_cross_entropy(zeros({1}), zeros({1}), weight);  // what is wrong shows here
  return named("binary_cross_entropy", [weight](const Tensor& logits, const Tensor& targets) {
    return nn::binary_cross_entropy(logits, targets, weight);
  });
}

Loss focal(const Configuration& o) {
  nn::FocalOptions options;
  options.gamma = o.get_double("gamma", options.gamma);
  options.alpha = o.get_double("alpha", options.alpha);
  nn::focal(zeros({1}), zeros({1}), options);
  return named("focal", [options](const Tensor& logits, const Tensor& targets) {
    return nn::focal(logits, targets, options);
  });
}

Loss multi_margin(const Configuration& o) {
  const double margin = o.get_double("margin", 1);
  const auto power = static_cast<int>(std::clamp<int64_t>(o.get_int("power", 1), 0, 3));
  nn::multi_margin(zeros({1, 2}), zeros({1}, DType::i32), margin, power);
  return named("multi_margin", [margin, power](const Tensor& logits, const Tensor& labels) {
    return nn::multi_margin(logits, labels, margin, power);
  });
}

Loss dice(const Configuration& o) {
  const double smooth = o.get_double("smooth", 1);
  nn::dice(zeros({1, 1}), zeros({1, 1}), smooth);
  return named("dice", [smooth](const Tensor& logits, const Tensor& labels) {
    return nn::dice(logits, labels, smooth);
  });
}

Loss huber(const Configuration& o) {
  const double delta = o.get_double("delta", 1);
  nn::huber(zeros({1}), zeros({1}), delta);
  return named("huber", [delta](const Tensor& prediction, const Tensor& target) {
    return nn::huber(prediction, target, delta);
  });
}

Loss smooth_l1(const Configuration& o) {
  const double beta = o.get_double("beta", 1);
  nn::smooth_l1(zeros({1}), zeros({1}), beta);
  return named("smooth_l1", [beta](const Tensor& prediction, const Tensor& target) {
    return nn::smooth_l1(prediction, target, beta);
  });
}

Loss gaussian_nll(const Configuration& o) {
  const double epsilon = o.get_double("epsilon", 1e-6);
  nn::gaussian_nll(zeros({1}), zeros({1}), ones({1}), epsilon);
  return {"gaussian_nll", [epsilon](const Tree& outputs, const Tree& labels) {
            return LossTerms{nn::gaussian_nll(outputs.at("mean"), labels.leaf(),
                                              outputs.at("variance"), epsilon)};
          }};
}

Loss triplet(const Configuration& o) {
  nn::TripletOptions options;
  options.margin = o.get_double("margin", options.margin);
  options.swap = o.get_bool("swap", options.swap);
  nn::triplet(zeros({1, 1}), zeros({1, 1}), zeros({1, 1}), options);
  return {"triplet", [options](const Tree& outputs, const Tree&) {
            return LossTerms{nn::triplet(outputs.at("anchor"), outputs.at("positive"),
                                         outputs.at("negative"), options)};
          }};
}

Loss cosine_embedding(const Configuration& o) {
  const double margin = o.get_double("margin", 0);
  nn::cosine_embedding(zeros({1, 1}), zeros({1, 1}), ones({1}), margin);
  return {"cosine_embedding", [margin](const Tree& outputs, const Tree& labels) {
            return LossTerms{
                nn::cosine_embedding(outputs.at("a"), outputs.at("b"), labels.leaf(), margin)};
          }};
}

Loss elbo(const Configuration& o) {
  const double beta = o.get_double("beta", 1);
  nn::negative_elbo(zeros({1, 1}), zeros({1, 1}), zeros({1, 1}), zeros({1, 1}), beta);
  return {"elbo", [beta](const Tree& outputs, const Tree& labels) {
            nn::ElboTerms terms =
                nn::negative_elbo(outputs.at("logits"), labels.leaf(), outputs.at("mean"),
                                  outputs.at("log_variance"), beta);
            return LossTerms{.value = terms.loss,
                             .parts = {{"reconstruction", terms.reconstruction},
                                       {"divergence", terms.divergence}}};
          }};
}

Loss ctc(const Configuration& o) {
  nn::CtcOptions options;
  options.blank = count_of(o, "blank", 0, 0);
  options.zero_infinity = o.get_bool("zero_infinity", false);
  return named("ctc", [options](const Tensor& logits, const Tensor& labels) {
    return nn::ctc(logits, labels, options);
  });
}

template <Tensor (*kLoss)(const Tensor&, const Tensor&)>
Loss without_options(const char* name) {
  return {name, kLoss};
}

struct LossEntry {
  const char* name;
  Loss (*make)(const Configuration& options);
};
constexpr std::array kLosses = {
    LossEntry{"cross_entropy", cross_entropy},
    LossEntry{"binary_cross_entropy", binary_cross_entropy},
    LossEntry{"focal", focal},
    LossEntry{"multi_margin", multi_margin},
    LossEntry{"dice", dice},
    LossEntry{"mean_squared_error",
              [](const Configuration&) -> Loss { return nn::mean_squared_error; }},
    LossEntry{"mean_absolute_error",
              [](const Configuration&) {
                return without_options<nn::mean_absolute_error>("mean_absolute_error");
              }},
    LossEntry{"huber", huber},
    LossEntry{"smooth_l1", smooth_l1},
    LossEntry{"poisson_nll",
              [](const Configuration&) { return without_options<nn::poisson_nll>("poisson_nll"); }},
    LossEntry{"gaussian_nll", gaussian_nll},
    LossEntry{
        "kl_divergence",
        [](const Configuration&) { return without_options<nn::kl_divergence>("kl_divergence"); }},
    LossEntry{"triplet", triplet},
    LossEntry{"cosine_embedding", cosine_embedding},
    LossEntry{"elbo", elbo},
    LossEntry{"ctc", ctc},
};

nn::metrics::ClassOptions class_options(const Configuration& o) {
  using nn::metrics::Average;
  constexpr std::array kAverages = {
      std::pair{"macro", Average::macro}, std::pair{"micro", Average::micro},
      std::pair{"weighted", Average::weighted}, std::pair{"binary", Average::binary}};
  const std::string word = choose(o, "average", "macro", {"macro", "micro", "weighted", "binary"});
  nn::metrics::ClassOptions options{.by_class = o.get_bool("by_class", false)};
  for (const auto& [name, average] : kAverages)
    if (word == name) options.average = average;
  return options;
}

struct MetricEntry {
  const char* name;
  nn::Metric (*make)(const Configuration& options);
};
constexpr std::array kMetrics = {
    MetricEntry{"accuracy", [](const Configuration&) { return nn::metrics::accuracy(); }},
    MetricEntry{"top_k",
                [](const Configuration& o) { return nn::metrics::top_k(count_of(o, "k", 5, 1)); }},
    MetricEntry{"precision",
                [](const Configuration& o) { return nn::metrics::precision(class_options(o)); }},
    MetricEntry{"recall",
                [](const Configuration& o) { return nn::metrics::recall(class_options(o)); }},
    MetricEntry{"f1", [](const Configuration& o) { return nn::metrics::f1(class_options(o)); }},
    MetricEntry{"roc_auc", [](const Configuration&) { return nn::metrics::roc_auc(); }},
    MetricEntry{"average_precision",
                [](const Configuration&) { return nn::metrics::average_precision(); }},
    MetricEntry{"expected_calibration_error",
                [](const Configuration& o) {
                  return nn::metrics::expected_calibration_error(count_of(o, "bins", 15, 1));
                }},
    MetricEntry{"perplexity", [](const Configuration&) { return nn::metrics::perplexity(); }},
    MetricEntry{"root_mean_squared_error",
                [](const Configuration&) { return nn::metrics::root_mean_squared_error(); }},
    MetricEntry{"mean_absolute_error",
                [](const Configuration&) { return nn::metrics::mean_absolute_error(); }},
    MetricEntry{"bleu",
                [](const Configuration& o) { return nn::metrics::bleu(o.get_int("end", -1)); }},
};

template <class Entries>
auto& find_entry(const Entries& entries, const Configuration& config, std::string_view key,
                 std::string_view what, const std::string& name) {
  std::vector<std::string> known;
  for (const auto& entry : entries) {
    if (entry.name == name) return entry;
    known.emplace_back(entry.name);
  }
  throw make_error(ErrorCode::invalid_argument, "{} '{}' is not known", what, name)
      .note("at {}", config.where(key))
      .note("hint: {}", hint(name, known));
}

}  // namespace

namespace {

/// {name = "huber", delta = 0.5}
std::string in_one_line(const Configuration& table) {
  std::vector<std::string> lines;
  for (std::string& line : split(table.to_toml(), '\n'))
    if (!line.empty()) lines.push_back(std::move(line));
  return "{" + join(lines, ", ") + "}";
}

}  // namespace

Loss configure_loss(const Configuration& section, std::string_view key) {
  return at_key(section, key, [&] {
    const bool is_table = section.kind(key) == Configuration::Kind::table;
    const Configuration options = is_table ? section.section(key) : Configuration();
    const std::string name =
        is_table ? options.get_string("name") : section.get_string(key, "cross_entropy");
    const Configuration& place = is_table ? options : section;
    Loss loss = find_entry(kLosses, place, is_table ? "name" : key, "loss", name).make(options);
    return is_table && options.keys().size() > 1 ? loss.with_options(in_one_line(options)) : loss;
  });
}

Loss loss_named(std::string_view name, std::string_view options) {
  if (std::ranges::none_of(kLosses, [&](const LossEntry& entry) { return entry.name == name; }))
    return {};
  const std::string text = options.empty() ? fmt::format("\"{}\"", name) : std::string(options);
  return configure_loss(Configuration::parse("loss = " + text, "the options of the loss"), "loss");
}

Metrics configure_metrics(const Configuration& section, std::string_view key) {
  Metrics metrics;
  if (!section.has(key)) return metrics;
  for (const Configuration& element : section.list(key)) {
    const bool is_table = element.kind("") == Configuration::Kind::table;
    const std::string name = element.get_string(is_table ? "name" : "");
    const auto& entry = find_entry(kMetrics, element, is_table ? "name" : "", "metric", name);
    const Configuration options = is_table ? element : Configuration();
    const std::string shown = options.get_string("as", name);
    Metric metric = at_key(element, "", [&] { return entry.make(options); });
    if (!metrics.emplace(shown, std::move(metric)).second) {
      throw make_error(ErrorCode::invalid_argument, "there are two metrics {}", shown)
          .note("at {}", element.where(""))
          .note("hint: {{name = \"{}\", as = \"…\"}}", name);
    }
  }
  return metrics;
}

}  // namespace tenon::train
