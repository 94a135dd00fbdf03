#include "tenon/base/strings.h"
#include "tenon/train/configured.h"
#include "tenon/train/configured_values.h"

namespace tenon::train {

namespace {

nn::LearningRate schedule_of(const Configuration& section, std::string_view key) {
  if (section.kind(key) != Configuration::Kind::table)
    return nn::LearningRate(section.get_double(key));
  Configuration s = section.section(key);
  nn::LearningRate schedule = 0.0;
  if (s.has("one_cycle")) {
    schedule = nn::one_cycle(s.get_double("one_cycle"), s.get_double("rise", 0.3));
  } else if (s.has("cosine")) {
    schedule = nn::cosine(s.get_double("cosine"), s.get_double("final", 0));
  } else if (s.has("step")) {
    schedule =
        nn::step_decay(s.get_double("step"), s.get_double("factor", 0.1), s.get_int("every"));
  } else if (s.has("constant")) {
    schedule = s.get_double("constant");
  } else {
    const std::vector<std::string> known = {"one_cycle", "cosine", "step", "constant"};
    std::vector<std::string> given = s.keys();
    throw make_error(ErrorCode::invalid_argument, "{}: which schedule?", key)
        .note("at {}", section.where(key))
        .note("expected: a number, or a table such as {{one_cycle = 4e-3}}")
        .note("hint: {}", hint(given.empty() ? "" : given[0], known));
  }
  if (s.has("warm_up")) schedule = nn::warm_up(schedule, s.get_int("warm_up"));
  return schedule;
}

}  // namespace

nn::LearningRate configure_learning_rate(const Configuration& section, std::string_view key) {
  return at_key(section, key, [&] { return schedule_of(section, key); });
}

namespace {

/// [{parameters = "**.bias", weight_decay = 0}, …]
std::vector<nn::ParameterGroup> groups_of(const Configuration& o) {
  std::vector<nn::ParameterGroup> groups;
  for (const Configuration& g : o.list("groups")) {
    nn::ParameterGroup group{.pattern = g.get_string("parameters")};
    group.learning_rate = g.get_double("learning_rate", 1);
    if (g.has("weight_decay")) group.weight_decay = g.get_double("weight_decay");
    groups.push_back(group);
  }
  return groups;
}

/// What every optimiser understands.
nn::Optimizer with_common_options(nn::Optimizer optimizer, const Configuration& o) {
  if (o.has("clip")) optimizer = optimizer.with_clipped_gradient(o.get_double("clip"));
  return o.has("groups") ? optimizer.with_groups(groups_of(o)) : optimizer;
}

nn::Optimizer optimizer_of(const Configuration& o) {
  std::string name = choose(o, "name", "adamw", {"sgd", "adam", "adamw"});
  bool has_rate = o.has("learning_rate");
  if (name == "sgd") {
    nn::SgdOptions options;
    if (has_rate) options.learning_rate = configure_learning_rate(o, "learning_rate");
    options.momentum = o.get_double("momentum", options.momentum);
    options.nesterov = o.get_bool("nesterov", options.nesterov);
    options.weight_decay = o.get_double("weight_decay", options.weight_decay);
    return with_common_options(nn::sgd(options), o);
  }
  nn::AdamOptions options;
  if (has_rate) options.learning_rate = configure_learning_rate(o, "learning_rate");
  if (o.has("betas")) {
    std::vector<double> betas = o.get_doubles("betas");
    if (betas.size() != 2)
      fail(ErrorCode::invalid_argument, "{}: betas are two numbers, not {}", o.where("betas"),
           betas.size());
    options.beta1 = betas[0];
    options.beta2 = betas[1];
  }
  options.epsilon = o.get_double("epsilon", options.epsilon);
  options.weight_decay = o.get_double("weight_decay", options.weight_decay);
  return with_common_options(name == "adam" ? nn::adam(options) : nn::adamw(options), o);
}

}  // namespace

nn::Optimizer configure_optimizer(const Configuration& optimizer) {
  return at_key(optimizer, "", [&] { return optimizer_of(optimizer); });
}

}  // namespace tenon::train
